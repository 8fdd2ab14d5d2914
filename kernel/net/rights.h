/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files that travel over AF_UNIX sockets (SCM_RIGHTS), and the collector of those that nobody
 * can receive any more: sockets that lie in each other's queues.
 *
 * rights_lock (spin) guards the counts of in-flight references and every queue while it holds
 * rights; under it comes only a packet queue's lock.
 */
#ifndef KERNEL_NET_RIGHTS_H
#define KERNEL_NET_RIGHTS_H

#include "kernel/net/socket.h"

#define RIGHTS_MAX 253U /* SCM_MAX_FD */

struct rights {
    struct list link;  /* [rights_lock] the collector's list */
    struct user *user; /* [I] a reference: whose files in flight they count as */
    unsigned n;
    struct file *file[];
};

extern struct spinlock rights_lock;

/* The files of n descriptors, in flight: -EBADF, -EINVAL, -ETOOMANYREFS, -ENOMEM. */
MUST_CHECK int rights_new(const int *fds, unsigned n, struct rights **out);
/* A copy for MSG_PEEK; NULL when there is no memory. */
struct rights *rights_clone(const struct rights *r) REQUIRES(rights_lock) MUST_CHECK;
/* Ends the flight; drops the references.  No lock held.  NULL is fine. */
void rights_drop(struct rights *r);
/* Ends the flight; gives the first `max` files descriptors, which go to fds (the program's). The
 * rest is dropped.  How many. */
unsigned rights_install(struct rights *r, unsigned max, bool cloexec, uaddr_t fds);
/* A socket that could hold rights is gone: looks for unreachable ones.  No lock held. */
void rights_collect(void);

#endif
