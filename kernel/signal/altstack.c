/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alternate signal stack.  It belongs to a thread and is looked at only by the thread itself,
 * so there is no lock.  SS_AUTODISARM: the stack is forgotten while a handler runs on it, so the
 * handler may leave by any way.
 */
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

void altstack_reset(struct thread *t)
{
    t->altstack_sp = 0;
    t->altstack_size = 0;
    t->altstack_flags = SS_DISABLE;
}

bool altstack_contains(const struct thread *t, uaddr_t sp)
{
    if ((uint32_t)t->altstack_flags & SS_AUTODISARM)
        return false; /* while armed nobody is on it */
    return sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size;
}

static int altstack_state(const struct thread *t, uaddr_t sp)
{
    int state = t->altstack_size == 0 ? SS_DISABLE : altstack_contains(t, sp) ? SS_ONSTACK : 0;
    return (int)((uint32_t)state | ((uint32_t)t->altstack_flags & SS_AUTODISARM));
}

long altstack_set(struct thread *t, const struct user_altstack *ss, uaddr_t sp, size_t min_size)
{
    int mode = (int)((uint32_t)ss->flags & ~SS_AUTODISARM);

    if (altstack_contains(t, sp))
        return reject(-EPERM, "running on the alternate stack");
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return reject(-EINVAL, "unknown flag");
    if (mode == SS_DISABLE) {
        altstack_reset(t);
        t->altstack_flags = ss->flags;
        return 0;
    }
    if (ss->size < min_size)
        return reject(-ENOMEM, "alternate stack too small");
    t->altstack_sp = ss->sp;
    t->altstack_size = ss->size;
    t->altstack_flags = ss->flags;
    return 0;
}

long sys_sigaltstack(uaddr_t uss, uaddr_t uoss)
{
    struct thread *t = current;
    uaddr_t sp = t->regs->rsp;
    struct user_altstack new;
    struct user_altstack old = {
        .sp = t->altstack_sp,
        .flags = altstack_state(t, sp),
        .size = t->altstack_size,
    };

    if (uss && copy_in(&new, uss, sizeof(new)))
        return -EFAULT;
    if (uss) {
        long err = altstack_set(t, &new, sp, MINSIGSTKSZ);
        if (err)
            return err;
    }
    if (uoss && copy_out(uoss, &old, sizeof(old)))
        return -EFAULT;
    return 0;
}
