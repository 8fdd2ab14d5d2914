/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A futex lock that works without TLS, libc or FS: leaf functions take it with the enclave's FS.
 * 0 free, 1 held, 2 held with waiters.
 */
#ifndef SOFTSGX_LOCK_H
#define SOFTSGX_LOCK_H

#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>

long softsgx_syscall(long nr, ...);

struct lock {
    uint32_t state;
};

static inline void lock_take(struct lock *l)
{
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(&l->state, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&l->state, 2, __ATOMIC_ACQUIRE) != 0)
        softsgx_syscall(SYS_futex, &l->state, FUTEX_WAIT_PRIVATE, 2L, 0L, 0L, 0L);
}

static inline void lock_drop(struct lock *l)
{
    if (__atomic_exchange_n(&l->state, 0, __ATOMIC_RELEASE) == 2)
        softsgx_syscall(SYS_futex, &l->state, FUTEX_WAKE_PRIVATE, 1L, 0L, 0L, 0L);
}

/*
 * Keeps asynchronous signals away until signals_release() gets the token back.  Does not nest on a
 * thread that has an lp.
 */
uint64_t signals_hold(void);
void signals_release(uint64_t token);

/* For calls from the host: holds signals around the lock (see encl.h). */
uint64_t lock_take_host(struct lock *l);
void lock_drop_host(struct lock *l, uint64_t mask);

#endif
