/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping locks: an atomic word, and a wait queue for those who find it taken.
 *
 *   FREE --lock--> HELD --lock by another--> WANTED --unlock--> FREE, and one waiter is woken
 *
 * A woken waiter takes it as WANTED, or, if somebody was faster, makes it so and sleeps on: either way
 * the next unlock wakes the next.
 * A holder is often on another vCPU and about to be done, so a moment of looking comes first.
 */
#include "kernel/sched/mutex.h"

#define SPINS 200U

enum { MUTEX_FREE, MUTEX_HELD, MUTEX_WANTED };

void mutex_init(struct mutex *m)
{
    m->held = MUTEX_FREE;
    waitq_init(&m->waitq);
}

bool mutex_trylock(struct mutex *m) NO_TSA
{
    uint32_t free = MUTEX_FREE;
    if (likely(!vcpus_many)) {
        bool was_free = m->held == MUTEX_FREE;
        if (was_free)
            m->held = MUTEX_HELD;
        return was_free;
    }
    return __atomic_compare_exchange_n(&m->held, &free, MUTEX_HELD, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static bool mutex_spin(struct mutex *m) NO_TSA
{
    for (unsigned i = 0; i < SPINS && vcpus_many; i++) {
        if (__atomic_load_n(&m->held, __ATOMIC_RELAXED) == MUTEX_FREE && mutex_trylock(m))
            return true;
        cpu_relax();
    }
    return false;
}

/* Takes it as WANTED, since there may be other waiters than us. */
static void mutex_sleep(struct mutex *m)
{
    struct waiter w;

    waitq_add_exclusive(&m->waitq, &w, NULL);
    while (__atomic_exchange_n(&m->held, MUTEX_WANTED, __ATOMIC_SEQ_CST) != MUTEX_FREE)
        (void)thread_block(KTIME_NEVER, false);
    waitq_del(&m->waitq, &w);
}

void mutex_lock(struct mutex *m) NO_TSA
{
    if (unlikely(!mutex_trylock(m)) && !mutex_spin(m))
        mutex_sleep(m);
}

static uint32_t mutex_free(struct mutex *m)
{
    uint32_t was = m->held;

    if (unlikely(vcpus_many))
        return __atomic_exchange_n(&m->held, MUTEX_FREE, __ATOMIC_SEQ_CST);
    m->held = MUTEX_FREE;
    return was;
}

void mutex_unlock(struct mutex *m) NO_TSA
{
    if (unlikely(mutex_free(m) == MUTEX_WANTED))
        waitq_wake(&m->waitq, 0);
}
