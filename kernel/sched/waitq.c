/* SPDX-License-Identifier: Apache-2.0 */
/* Wait queues: see waitq.h. */
#include "kernel/sched/waitq.h"

void waitq_init(struct waitq *q)
{
    spin_init(&q->lock);
    list_init(&q->waiters);
    q->shared = 0;
}

static void add(struct waitq *q, struct waiter *w, bool (*fn)(struct waiter *, uint32_t),
                bool exclusive)
{
    w->thread = current;
    w->notify = fn;
    w->exclusive = exclusive;
    spin_lock(&q->lock);
    list_add_tail(&q->waiters, &w->link);
    q->shared += !exclusive;
    spin_unlock(&q->lock);
}

void waitq_add_notify(struct waitq *q, struct waiter *w, bool (*fn)(struct waiter *, uint32_t))
{
    add(q, w, fn, false);
}

void waitq_add_exclusive(struct waitq *q, struct waiter *w, bool (*fn)(struct waiter *, uint32_t))
{
    add(q, w, fn, true);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    add(q, w, NULL, false);
}

void waitq_del(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_del(&w->link);
    q->shared -= !w->exclusive;
    spin_unlock(&q->lock);
}

void waitq_wake(struct waitq *q, uint32_t events)
{
    /* The caller's change must be seen by a waiter that this look does not see yet. */
    if (vcpus_many)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (list_empty(&q->waiters))
        return;
    bool one_woken = false;
    spin_lock(&q->lock);
    unsigned shared = q->shared;
    list_for_each_safe(l, &q->waiters) {
        struct waiter *w = list_entry(l, struct waiter, link);
        bool woken = true;
        if (one_woken && !shared)
            break;
        shared -= !w->exclusive;
        if (w->exclusive && one_woken)
            continue;
        if (w->notify)
            woken = w->notify(w, events);
        else
            thread_wake(w->thread);
        one_woken |= w->exclusive && woken;
    }
    spin_unlock(&q->lock);
}
