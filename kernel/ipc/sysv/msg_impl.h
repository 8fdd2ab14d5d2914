/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of System V message queues share.  The lock of msg_ids guards all of it, legend [l].
 * Whoever sleeps in a queue is told when it goes, before it is freed.
 */
#ifndef KERNEL_IPC_SYSV_MSG_IMPL_H
#define KERNEL_IPC_SYSV_MSG_IMPL_H

#include <linux/msg.h>

#include "kernel/ipc/sysv/ipcid.h"
#include "lib/list.h"

struct message;

struct msg_queue {
    struct ipc_object object;
    int64_t stime, rtime, ctime; /* [l] seconds: last sent, received, changed */
    uint64_t bytes, count;       /* [l] what is in it */
    uint64_t limit;              /* [l] of bytes, and of messages */
    int lspid, lrpid;            /* [l] who sent and received last */
    struct list messages;        /* [l] struct message, oldest first */
    struct list receivers;       /* [l] struct msg_sleeper, longest first */
    struct list senders;         /* [l] likewise */
};

extern struct ipc_ids msg_ids;
extern struct msg_totals {
    uint64_t count, bytes; /* of messages in all queues */
} msg_totals;              /* [l] */

static inline struct msg_queue *msg_queue_of(struct ipc_object *o)
{
    return o ? container_of(o, struct msg_queue, object) : NULL;
}

/* Who may do what in the queue has changed, or how much fits: all that sleep there try again. */
void msg_retry_locked(struct msg_queue *q) REQUIRES(msg_ids.lock);
/* Takes the queue out of the table and tells its sleepers; then it is the caller's to free. */
void msg_remove_locked(struct msg_queue *q) REQUIRES(msg_ids.lock);
/* With what is in it, which may be much: without the lock. */
void msg_free(struct msg_queue *q);

#endif
