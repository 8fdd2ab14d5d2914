/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of one user use together, by real user id: limits are compared with it.  Credentials
 * hold a reference on their user's, and so does whatever is counted; when nobody does any more it is
 * gone.
 */
#ifndef KERNEL_PROC_ID_USER_H
#define KERNEL_PROC_ID_USER_H

#include "kernel/sched/lock.h"
#include "kernel/types.h"
#include "lib/list.h"

struct user {
    struct ref ref;
    struct list link;   /* [users_lock] */
    uint32_t uid;       /* [I] */
    uint32_t signals;   /* [a] queued signals and POSIX timers: RLIMIT_SIGPENDING */
    uint32_t in_flight; /* [a] descriptors in AF_UNIX messages: RLIMIT_NOFILE */
    uint64_t mq_bytes;  /* [mqueue_open.c's lock] of POSIX message queues: RLIMIT_MSGQUEUE */
};

/* A reference; NULL: no memory. */
struct user *user_lookup(uint32_t uid) MUST_CHECK;
static inline struct user *user_get(struct user *u)
{
    ref_get(&u->ref);
    return u;
}
void user_put(struct user *u); /* NULL is fine */

#endif
