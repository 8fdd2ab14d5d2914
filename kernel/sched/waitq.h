/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wait queues: who wants to know when an object's state changes.  A waiter is registered, then the
 * condition looked at, then the thread blocks; a change wakes all registered waiters.  A waiter
 * may have a callback instead of a thread (epoll).
 *
 *     struct waiter w;
 *     waitq_add(&q, &w);
 *     while (!condition && !error)
 *         error = thread_block(deadline, true);
 *     waitq_del(&q, &w);
 *
 * wait_event() is that. Lock order: an object's own lock, then the wait queue's, then the run
 * queue's.
 */
#ifndef KERNEL_SCHED_WAITQ_H
#define KERNEL_SCHED_WAITQ_H

#include "kernel/sched/thread.h"

struct waitq {
    struct spinlock lock;
    struct list waiters; /* [l] */
    unsigned shared;     /* [l] how many of them are not exclusive */
};

struct waiter {
    struct list link;      /* [l] */
    struct thread *thread; /* [I] */
    bool exclusive;        /* [I] of all of these one is woken at a time */
    /* [I] called with the queue's lock held when not NULL, instead of waking the thread; must not
     * sleep or touch the queue. `events` are EPOLL*-style bits. False: it was not interested, and
     * if it is exclusive another shall be asked. */
    bool (*notify)(struct waiter *w, uint32_t events);
};

void waitq_init(struct waitq *q);
/* Registers the current thread (notify = NULL). */
void waitq_add(struct waitq *q, struct waiter *w);
void waitq_add_notify(struct waitq *q, struct waiter *w, bool (*fn)(struct waiter *, uint32_t));
/* The same for one of many that can each do what is to be done.  Whoever is woken and does not do it wakes
 * the queue again. */
void waitq_add_exclusive(struct waitq *q, struct waiter *w, bool (*fn)(struct waiter *, uint32_t));
void waitq_del(struct waitq *q, struct waiter *w);
/* Wakes all, but of the exclusive ones only the first; cheap when empty.  `events` go to the callbacks; 0: anything may have happened. */
void waitq_wake(struct waitq *q, uint32_t events);

/* Sleeps interruptibly until cond; evaluates to 0, -ERESTARTSYS or -ETIMEDOUT. */
#define wait_event(q, cond, deadline)                \
    ({                                               \
        int we_ret = 0;                              \
        struct waiter we_w;                          \
        waitq_add((q), &we_w);                       \
        while (!(cond) && !we_ret)                   \
            we_ret = thread_block((deadline), true); \
        waitq_del((q), &we_w);                       \
        we_ret;                                      \
    })

#endif
