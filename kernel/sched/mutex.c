/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping locks: an atomic flag, and a wait queue for those who find it set. */
#include "kernel/sched/mutex.h"

void mutex_init(struct mutex *m)
{
    m->held = 0;
    waitq_init(&m->waitq);
}

bool mutex_trylock(struct mutex *m) NO_TSA
{
    return !__atomic_exchange_n(&m->held, 1, __ATOMIC_ACQUIRE);
}

void mutex_lock(struct mutex *m) NO_TSA
{
    if (likely(mutex_trylock(m)))
        return;
    struct waiter w;
    waitq_add(&m->waitq, &w);
    while (!mutex_trylock(m))
        (void)thread_block(KTIME_NEVER, false);
    waitq_del(&m->waitq, &w);
}

void mutex_unlock(struct mutex *m) NO_TSA
{
    __atomic_store_n(&m->held, 0, __ATOMIC_SEQ_CST);
    waitq_wake(&m->waitq, 0);
}
