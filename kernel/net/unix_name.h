/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of AF_UNIX sockets: a socket node of the file system, or an abstract string.  A name lies
 * in its socket.  One spin lock guards the table; nothing else is taken under it.
 */
#ifndef KERNEL_NET_UNIX_NAME_H
#define KERNEL_NET_UNIX_NAME_H

#include "kernel/net/socket.h"

struct dentry;

struct unix_name {
    struct list link; /* [t] */
    struct socket *sock;
    struct addr addr;    /* [t] as bound; len 2: unnamed */
    struct dentry *node; /* [t] a reference; NULL: abstract */
};

void unix_name_init(struct unix_name *n, struct socket *s);
/* Binds: -EINVAL, -EADDRINUSE, and what making a node says.  The socket's lock is held. */
MUST_CHECK int unix_name_bind(struct unix_name *n, const struct addr *a);
/* Abstract, made up, unless it has one. */
MUST_CHECK int unix_name_auto(struct unix_name *n);
void unix_name_release(struct unix_name *n);
/* The socket (a reference) of this name and type: -ECONNREFUSED, -EPROTOTYPE, -EACCES, -ENOENT … */
MUST_CHECK int unix_name_find(const struct addr *a, int type, struct socket **out);
void unix_name_get(const struct unix_name *n, struct addr *out);
static inline bool unix_name_bound(const struct unix_name *n)
{
    return n->addr.len > 2;
}
/* Calls fn for each bound name under the table's lock: /proc/net/unix. */
void unix_name_each(void (*fn)(const struct unix_name *n, void *arg), void *arg);

#endif
