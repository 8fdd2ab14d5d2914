/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping signals away from the host side's critical sections: their handlers may enter an enclave
 * and want the same lock.  A thread with an lp has them deferred as in a leaf, which costs no
 * system call; another blocks them.
 */
#include "softsgx/lock.h"
#include "softsgx/sig.h"

/* Never a signal mask: SIGKILL cannot be blocked. */
#define TOKEN_DEFERRED SIGBIT(SIGKILL)

uint64_t signals_hold(void)
{
    uint64_t all = SIGMASK_ASYNC, token = TOKEN_DEFERRED;
    struct lp *lp = softsgx_lp;
    if (lp && !lp->in_leaf)
        __atomic_store_n(&lp->in_leaf, 1, __ATOMIC_SEQ_CST);
    else
        softsgx_syscall(SYS_rt_sigprocmask, (long)SIG_BLOCK, &all, &token, 8L);
    return token;
}

void signals_release(uint64_t token)
{
    struct lp *lp = softsgx_lp;
    if (token == TOKEN_DEFERRED) {
        __atomic_store_n(&lp->in_leaf, 0, __ATOMIC_SEQ_CST);
        if (!lp->deferred)
            return;
        token = lp->saved_mask;
        lp->deferred = 0;
    }
    softsgx_syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, &token, 0L, 8L);
}

uint64_t lock_take_host(struct lock *l)
{
    uint64_t token = signals_hold();
    lock_take(l);
    return token;
}

void lock_drop_host(struct lock *l, uint64_t token)
{
    lock_drop(l);
    signals_release(token);
}
