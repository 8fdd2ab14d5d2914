/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocked signals, and the calls that wait for one.  A thread's mask is changed by the thread
 * itself only.
 */
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/sched/clock.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define NSEC_PER_SEC 1000000000L

long sys_rt_sigprocmask(int how, uaddr_t set, uaddr_t oset, size_t sigsetsize)
{
    sigset_t old = current->blocked, new;

    if (sigsetsize != sizeof(sigset_t))
        return reject(-EINVAL, "sigset size");
    if (set) {
        if (copy_in(&new, set, sizeof(new)))
            return -EFAULT;
        switch (how) {
        case SIG_BLOCK: new |= old; break;
        case SIG_UNBLOCK: new = old & ~new; break;
        case SIG_SETMASK: break;
        default: return reject(-EINVAL, "unknown how");
        }
        signal_set_blocked(new);
    }
    if (oset && copy_out(oset, &old, sizeof(old)))
        return -EFAULT;
    return 0;
}

long sys_rt_sigpending(uaddr_t set, size_t sigsetsize)
{
    struct thread *t = current;

    if (sigsetsize > sizeof(sigset_t))
        return reject(-EINVAL, "sigset size");
    spin_lock(&t->process->lock);
    sigset_t pending = (t->sigqueue->pending | t->process->sigqueue->pending) & t->blocked;
    spin_unlock(&t->process->lock);
    return copy_out(set, &pending, sigsetsize);
}

static long wait_for_handler(void)
{
    while (!thread_interrupted())
        (void)thread_block(KTIME_NEVER, true);
    return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(uaddr_t newset, size_t sigsetsize)
{
    sigset_t set;

    if (sigsetsize != sizeof(sigset_t))
        return reject(-EINVAL, "sigset size");
    if (copy_in(&set, newset, sizeof(set)))
        return -EFAULT;
    signal_set_blocked_until_return(set);
    return wait_for_handler();
}

long sys_pause(void)
{
    return wait_for_handler();
}

static void set_waiting(sigset_t set)
{
    struct process *p = current_process();
    spin_lock(&p->lock);
    current->sigqueue->waiting = set;
    spin_unlock(&p->lock);
}

/* One of `set` within the time: its number, -EAGAIN, or -EINTR when another signal came. */
static long timed_wait(sigset_t set, ktime_t deadline, siginfo_t *info)
{
    int sig = signal_take(set, info);
    int err = 0;

    if (sig || deadline == 0)
        return sig ? sig : -EAGAIN;
    set_waiting(set);
    for (;;) {
        sig = signal_take(set, info);
        if (sig || err)
            break;
        err = thread_block(deadline, true);
    }
    set_waiting(0);
    if (sig)
        return sig;
    return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

long sys_rt_sigtimedwait(uaddr_t these, uaddr_t uinfo, uaddr_t uts, size_t sigsetsize)
{
    sigset_t set;
    siginfo_t info;
    int64_t ts[2];
    ktime_t deadline = KTIME_NEVER;

    if (sigsetsize != sizeof(sigset_t))
        return reject(-EINVAL, "sigset size");
    if (copy_in(&set, these, sizeof(set)))
        return -EFAULT;
    if (uts) {
        if (copy_in(ts, uts, sizeof(ts)))
            return -EFAULT;
        if (ts[0] < 0 || ts[1] < 0 || ts[1] >= NSEC_PER_SEC)
            return reject(-EINVAL, "bad timeout");
        if (ts[0] == 0 && ts[1] == 0)
            deadline = 0;
        else if (ts[0] < INT64_MAX / NSEC_PER_SEC / 2)
            deadline = clock_mono() + ts[0] * NSEC_PER_SEC + ts[1];
    }
    long sig = timed_wait(set & ~UNBLOCKABLE, deadline, &info);
    if (sig > 0 && uinfo && copy_out(uinfo, &info, sizeof(info)))
        return -EFAULT;
    return sig;
}
