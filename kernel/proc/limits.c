/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits.  Limits that have a meaning here are enforced where the resource is:
 * files by the descriptor table, memory by mm, threads by thread_attach, queued signals by the
 * queue.
 */
#include <linux/errno.h>
#include <linux/resource.h>

#include "kernel/kernel.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

/* prlimit(2)'s rule for those of others. */
static bool may_limit(struct process *p)
{
    const struct cred *me = current_cred(), *c = process_cred_get(p);
    bool same = me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
                me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid;

    cred_put(c);
    return same || p == current_process() || capable(CAP_SYS_RESOURCE);
}

/* The process that prlimit names, with a reference: 0, -ESRCH, -EPERM. */
static long limits_process(int pid, struct process **out)
{
    *out = process_lookup_any(pid ? pid : current_process()->pid);
    if (!*out)
        return -ESRCH;
    if (may_limit(*out))
        return 0;
    process_put(*out);
    return -EPERM;
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
    struct process *p;
    long err = limits_process(pid, &p);
    if (err)
        return err;
    get_limit(p, resource, &old);
    if (new_rlim)
        err = set_limit(p, resource, &new);
    process_put(p);
    if (err)
        return err;
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
