/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink sockets as a way to wake a thread: what mq_notify's SIGEV_THREAD needs.  A cookie is a packet that
 * is made when the notification is asked for, so that sending it cannot fail.
 */
#ifndef KERNEL_NET_NETLINK_H
#define KERNEL_NET_NETLINK_H

#include "kernel/types.h"

struct file;
struct packet;

/* n bytes for the socket f: -ENOTSOCK, -EINVAL (of another family), -ENOMEM. */
MUST_CHECK int netlink_cookie_new(const struct file *f, const void *data, size_t n,
                                  struct packet **out);
void netlink_cookie_free(struct packet *p);
/* f receives the cookie (consumed), whose byte `at` becomes `code`.  No lock held. */
void netlink_cookie_send(struct file *f, struct packet *p, size_t at, char code);

#endif
