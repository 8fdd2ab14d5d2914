/* SPDX-License-Identifier: Apache-2.0 */
/* A message in the kernel's memory, for the queues of System V and of POSIX. */
#ifndef KERNEL_IPC_MESSAGE_H
#define KERNEL_IPC_MESSAGE_H

#include "kernel/sched/lock.h"
#include "kernel/types.h"
#include "lib/list.h"
#include "lib/tree.h"

struct message {
    union { /* [the queue's lock] its place there */
        struct list link;
        struct tree_node node;
    };
    struct ref ref;
    int64_t type;      /* [I] System V: its type; POSIX: its priority */
    uint64_t sequence; /* [the queue's lock] POSIX: the order of those with one priority */
    size_t len;        /* [I] */
    char text[];       /* [I] */
};

/* A copy of n bytes of the program's: a reference; -ENOMEM, -EFAULT. May sleep */
MUST_CHECK int message_in(uaddr_t text, size_t n, int64_t type, struct message **out);
/* Any context. */
void message_put(struct message *m);

#endif
