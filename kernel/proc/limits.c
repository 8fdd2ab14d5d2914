/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits.  Limits that have a meaning here are enforced where the resource is:
 * files by the descriptor table, memory by mm, threads by thread_attach, queued signals by the
 * queue.
 */
#include <linux/errno.h>
#include <linux/resource.h>

#include "kernel/kernel.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

/* The process that prlimit names: our own. */
static struct process *limits_process(int pid)
{
    struct process *p = current_process();
    return pid == 0 || pid == p->pid ? p : NULL;
}

static long set_limit(struct process *p, unsigned resource, const struct rlimit64 *new)
{
    if (new->rlim_cur > new->rlim_max)
        return reject(-EINVAL, "soft limit above the hard one");
    spin_lock(&p->lock);
    struct rlimit64 *r = &p->rlimits[resource];
    long err = 0;
    if (new->rlim_max > r->rlim_max && !capable(CAP_SYS_RESOURCE))
        err = -EPERM;
    else if (resource == RLIMIT_NOFILE && new->rlim_max > r->rlim_max)
        err = -EPERM; /* the configuration's limit holds for root too */
    else
        *r = *new;
    spin_unlock(&p->lock);
    if (!err && resource == RLIMIT_CPU)
        cpu_limit_changed(p);
    return err;
}

static long get_limit(struct process *p, unsigned resource, struct rlimit64 *out)
{
    spin_lock(&p->lock);
    *out = p->rlimits[resource];
    spin_unlock(&p->lock);
    return 0;
}

long sys_prlimit64(int pid, unsigned resource, uaddr_t new_rlim, uaddr_t old_rlim)
{
    struct rlimit64 new, old;

    if (resource >= RLIM_NLIMITS)
        return reject(-EINVAL, "unknown resource");
    if (new_rlim && copy_in(&new, new_rlim, sizeof(new)))
        return -EFAULT;
    struct process *p = limits_process(pid);
    if (!p)
        return -ESRCH;
    get_limit(p, resource, &old);
    if (new_rlim) {
        long err = set_limit(p, resource, &new);
        if (err)
            return err;
    }
    if (old_rlim && copy_out(old_rlim, &old, sizeof(old)))
        return -EFAULT;
    return 0;
}

/* On x86-64 struct rlimit and struct rlimit64 are the same. */
long sys_getrlimit(unsigned resource, uaddr_t rlim)
{
    struct rlimit64 r;

    if (resource >= RLIM_NLIMITS)
        return reject(-EINVAL, "unknown resource");
    get_limit(current_process(), resource, &r);
    return copy_out(rlim, &r, sizeof(r));
}

long sys_setrlimit(unsigned resource, uaddr_t rlim)
{
    struct rlimit64 r;

    if (copy_in(&r, rlim, sizeof(r)))
        return -EFAULT;
    if (resource >= RLIM_NLIMITS)
        return reject(-EINVAL, "unknown resource");
    return set_limit(current_process(), resource, &r);
}
