/* SPDX-License-Identifier: Apache-2.0 */
/* Locks taken by the host side: with asynchronous signals blocked. */
#include "lock.h"
#include "sig.h"

uint64_t lock_take_host(struct lock *l)
{
    uint64_t all = SIGMASK_ASYNC, old = 0;
    softsgx_syscall(SYS_rt_sigprocmask, (long)SIG_BLOCK, &all, &old, 8L);
    lock_take(l);
    return old;
}

void lock_drop_host(struct lock *l, uint64_t mask)
{
    lock_drop(l);
    softsgx_syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, &mask, 0L, 8L);
}
