/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU affinity: kept for each thread and told again; a hint without effect.  The CPUs that a
 * program sees are those that the host said at start.
 *
 * Lock: the process's.
 */
#include <linux/errno.h>

#include "kernel/boot/args.h"
#include "kernel/kernel.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/named.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

/* Puts all CPUs into the mask; their number. */
static unsigned cpus_all(uint64_t mask[CPU_MASK_WORDS])
{
    unsigned ncpu = MIN(MAX(kernel.boot_args->ncpu, 1U), CPU_MASK_WORDS * 64U);

    memset(mask, 0, CPU_MASK_WORDS * sizeof(mask[0]));
    for (unsigned i = 0; i < ncpu; i++)
        mask[i / 64] |= 1UL << (i % 64);
    return ncpu;
}

long sys_sched_getaffinity(int pid, unsigned len, uaddr_t user_mask)
{
    uint64_t mask[CPU_MASK_WORDS];
    unsigned ncpu = cpus_all(mask);
    size_t n = ALIGN_UP((ncpu + 7) / 8, 8U); /* whole words, as the call returns them */
    struct named who;

    if (len * 8UL < ncpu || len % sizeof(long))
        return reject(-EINVAL, "mask too small or not whole words");
    int err = named_get(pid, &who);
    if (err)
        return err;
    spin_lock(&who.p->lock);
    const struct schedparam *kept = named_schedparam_locked(&who);
    if (kept->affinity_is_set)
        memcpy(mask, kept->affinity, sizeof(mask));
    spin_unlock(&who.p->lock);
    named_put(&who);
    n = MIN((size_t)len, n);
    return copy_out(user_mask, mask, n) ? -EFAULT : (long)n;
}

long sys_sched_setaffinity(int pid, unsigned len, uaddr_t user_mask)
{
    uint64_t have[CPU_MASK_WORDS], want[CPU_MASK_WORDS] = {0};
    struct named who;
    bool any = false;

    if (copy_in(want, user_mask, MIN((size_t)len, sizeof(want))))
        return -EFAULT;
    int err = named_get(pid, &who);
    if (err)
        return err;
    cpus_all(have);
    for (size_t i = 0; i < CPU_MASK_WORDS; i++)
        any |= (want[i] &= have[i]) != 0;
    spin_lock(&who.p->lock);
    struct schedparam *kept = named_schedparam_locked(&who);
    const struct cred *c = named_cred_locked(&who);
    if ((!cred_owns(c) && !capable(CAP_SYS_NICE)) || !cred_covers(c))
        err = -EPERM;
    if (any && !err) {
        memcpy(kept->affinity, want, sizeof(want));
        kept->affinity_is_set = true;
    }
    spin_unlock(&who.p->lock);
    named_put(&who);
    return err || any ? err : reject(-EINVAL, "no CPU in the mask");
}
