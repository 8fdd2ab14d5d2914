/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spin locks.  The kernel is never preempted while it runs (a tick only sets a flag), so a holder
 * makes progress unless the host does not run its vCPU; who waits long leaves the enclave to let it.
 * A lock must be released before anything that can sleep, copy to or from program memory, or leave
 * the enclave, and none is taken while vector registers are used for crypto.
 *
 * The annotations are clang's -Wthread-safety; with other compilers they vanish.
 */
#ifndef KERNEL_SCHED_LOCK_H
#define KERNEL_SCHED_LOCK_H

#include "kernel/types.h"

#ifdef __clang__
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif
#define CAPABILITY(n) TSA(capability(n))
#define GUARDED_BY(l) TSA(guarded_by(l))
#define REQUIRES(...) TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) TSA(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) TSA(try_acquire_capability(__VA_ARGS__))
#define NO_TSA TSA(no_thread_safety_analysis)

/*
 * With one vCPU nothing runs beside the kernel, which is not preempted: then a plain read and write is
 * as good as an exchange that locks the cache line, and costs a tenth.  Set for good before the second
 * vCPU comes in (vcpus.c), by the first, which is in none of these functions then.
 */
#ifdef UNIT_TEST
#define vcpus_many true
#else
extern bool vcpus_many;
#endif

struct CAPABILITY("spinlock") spinlock {
    uint32_t locked; /* [a] */
};

#define SPINLOCK_INIT ((struct spinlock){0})

static inline void cpu_relax(void)
{
    __builtin_ia32_pause();
}

static inline void spin_init(struct spinlock *l)
{
    l->locked = 0;
}

static inline bool spin_trylock(struct spinlock *l) TRY_ACQUIRE(true, *l) NO_TSA
{
    if (likely(!vcpus_many)) {
        uint32_t locked = l->locked;
        l->locked = 1;
        __atomic_signal_fence(__ATOMIC_ACQUIRE);
        return !locked;
    }
    return !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}

/* sched.c: gives the host's CPU away, in case the holder's vCPU needs it.  Absent in unit tests. */
void spin_yield(void) __attribute__((weak));

#define SPINS_BEFORE_YIELD 4096U

static __attribute__((noinline, unused)) void spin_wait(struct spinlock *l)
{
    for (unsigned spins = 1; __atomic_load_n(&l->locked, __ATOMIC_RELAXED); spins++) {
        cpu_relax();
        if (spins % SPINS_BEFORE_YIELD == 0 && spin_yield)
            spin_yield();
    }
}

static inline void spin_lock(struct spinlock *l) ACQUIRE(*l) NO_TSA
{
    while (unlikely(!spin_trylock(l)))
        spin_wait(l);
}

static inline void spin_unlock(struct spinlock *l) RELEASE(*l) NO_TSA
{
    __atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}

/* A reference count.  ref_put returns true to the caller that dropped the last reference. */
struct ref {
    uint32_t count; /* [a] */
};

static inline void ref_init(struct ref *r)
{
    r->count = 1;
}

static inline void ref_get(struct ref *r)
{
    if (likely(!vcpus_many))
        r->count++;
    else
        __atomic_fetch_add(&r->count, 1, __ATOMIC_RELAXED);
}

static inline MUST_CHECK bool ref_put(struct ref *r)
{
    if (likely(!vcpus_many))
        return --r->count == 0;
    return __atomic_fetch_sub(&r->count, 1, __ATOMIC_ACQ_REL) == 1;
}

#endif
