/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleepers that are served by others: a thread that cannot do what it wants stands in a queue of the
 * object; whoever changes the object does it in its name, and the sleeper finds its result when it wakes.
 * Nothing that was done so is lost to a signal or a timeout: only who has no result yet can be ended by them.
 */
#ifndef KERNEL_IPC_SLEEPER_H
#define KERNEL_IPC_SLEEPER_H

#include "kernel/sched/lock.h"
#include "kernel/types.h"
#include "lib/list.h"

struct thread;

struct sleeper {
    struct list link;      /* [the object's lock] in the queue; on none when it has a result */
    struct thread *thread; /* [I] */
    int result;            /* [the object's lock] SLEEPER_WAITS until there is one */
};
#define SLEEPER_WAITS 1

/* Takes s out of its queue with a result, and wakes it: once the lock is released s may be gone. */
void sleeper_finish(struct sleeper *s, int result);
void sleepers_finish(struct list *queue, int result);
/*
 * Stands at the queue's end until there is a result, which is returned; or -ERESTARTSYS, -ETIMEDOUT: it has
 * left the queue.  The lock is held at both ends, and not in between.
 */
MUST_CHECK int sleeper_wait(struct sleeper *s, struct list *queue, struct spinlock *lock,
                            ktime_t deadline) REQUIRES(*lock);

#endif
