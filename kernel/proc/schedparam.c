/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduling policies: checked as Linux does, kept for each thread, told again, and without effect
 * (kernel/sched/schedparam.h).  SCHED_DEADLINE is refused: it would be a promise.
 *
 * Lock: the process's.
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time_types.h>

#include "kernel/proc/id/cred.h"
#include "kernel/proc/named.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define FAIR_SLICE_NS 4000000
#define RR_SLICE_NS 100000000 /* Linux's default for SCHED_RR */
#define RT_PRIORITY_MAX 99
#define POLICY_RESET_ON_FORK 0x40000000 /* SCHED_RESET_ON_FORK in sched_setscheduler's policy */
#define POLICY_KEEP (-1)
#define ATTR_FLAGS                                                           \
    (SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN | \
     SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS)

/* -EINVAL below 0, -ESRCH. */
static int whom(int tid, struct named *out)
{
    return tid < 0 ? -EINVAL : named_get(tid, out);
}

static bool policy_is_rt(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_is_fair(int policy)
{
    return policy == SCHED_NORMAL || policy == SCHED_BATCH;
}

static bool policy_ok(int policy)
{
    return policy_is_rt(policy) || policy_is_fair(policy) || policy == SCHED_IDLE ||
           policy == SCHED_DEADLINE;
}

/* May the current process, which is not root, make `old` into this? */
static long policy_allowed_locked(const struct process *p, const struct schedparam *old,
                                  const struct schedparam *new)
{
    uint64_t nice_limit = p->rlimits[RLIMIT_NICE].rlim_cur;
    uint64_t rt_limit = p->rlimits[RLIMIT_RTPRIO].rlim_cur;

    if (policy_is_fair(new->policy) && new->nice < old->nice &&
        (uint64_t)(20 - new->nice) > nice_limit)
        return -EPERM;
    if (policy_is_rt(new->policy)) {
        if (new->policy != old->policy && !rt_limit)
            return -EPERM;
        if (new->priority > old->priority &&new->priority > rt_limit)
            return -EPERM;
    }
    if (old->policy == SCHED_IDLE && new->policy != SCHED_IDLE &&
        (uint64_t)(20 - old->nice) > nice_limit)
        return -EPERM;
    return old->reset_on_fork && !new->reset_on_fork ? -EPERM : 0;
}

/* What a call wants; policy may be POLICY_KEEP. */
struct policy_wish {
    int policy, nice;
    uint32_t priority;
    bool reset_on_fork, keep_params;
};

static long policy_set_locked(struct process *p, struct schedparam *kept,
                              const struct policy_wish *w)
{
    struct schedparam new = *kept;

    if (w->policy != POLICY_KEEP) {
        new.policy = (uint8_t)w->policy;
        new.reset_on_fork = w->reset_on_fork;
    }
    if (!w->keep_params) {
        if (w->priority > RT_PRIORITY_MAX || policy_is_rt(new.policy) != (w->priority != 0))
            return reject(-EINVAL, "priority and policy do not go together");
        new.priority = (uint8_t)w->priority;
        if (policy_is_fair(new.policy))
            new.nice = (int8_t)w->nice;
    }
    long err = capable(CAP_SYS_NICE) ? 0 : policy_allowed_locked(p, kept, &new);
    if (err)
        return reject(err, "not allowed by RLIMIT_NICE or RLIMIT_RTPRIO");
    *kept = new;
    return 0;
}

static long policy_set(int tid, const struct policy_wish *w)
{
    struct named who;

    long err = whom(tid, &who);
    if (err)
        return err;
    if (w->policy != POLICY_KEEP && !policy_ok(w->policy))
        err = reject(-EINVAL, "unknown policy");
    else if (w->policy == SCHED_DEADLINE)
        err = reject(-EPERM, "no deadlines");
    if (!err) {
        struct policy_wish full = *w;
        spin_lock(&who.p->lock);
        struct schedparam *kept = named_schedparam_locked(&who);
        /* The calls without a nice value keep it. */
        if (full.nice == INT32_MIN)
            full.nice = kept->nice;
        const struct cred *c = named_cred_locked(&who);
        if ((!cred_owns(c) && !capable(CAP_SYS_NICE)) || !cred_covers(c))
            err = -EPERM;
        else
            err = policy_set_locked(who.p, kept, &full);
        spin_unlock(&who.p->lock);
    }
    named_put(&who);
    return err;
}

static int kept_of(int tid, struct schedparam *out)
{
    struct named who;

    int err = whom(tid, &who);
    if (err)
        return err;
    spin_lock(&who.p->lock);
    *out = *named_schedparam_locked(&who);
    spin_unlock(&who.p->lock);
    named_put(&who);
    return 0;
}

/* --- system calls ------------------------------------------------------------------------- */

long sys_sched_getscheduler(int pid)
{
    struct schedparam kept;

    long err = kept_of(pid, &kept);
    return err ? err : kept.policy | (kept.reset_on_fork ? POLICY_RESET_ON_FORK : 0);
}

long sys_sched_setscheduler(int pid, int policy, uaddr_t param)
{
    struct policy_wish w = {.policy = policy & ~POLICY_RESET_ON_FORK,
                            .nice = INT32_MIN,
                            .reset_on_fork = policy & POLICY_RESET_ON_FORK};

    if (policy < 0 || !param || pid < 0)
        return -EINVAL;
    if (copy_in(&w.priority, param, sizeof(w.priority)))
        return -EFAULT;
    return policy_set(pid, &w);
}

long sys_sched_setparam(int pid, uaddr_t param)
{
    struct policy_wish w = {.policy = POLICY_KEEP, .nice = INT32_MIN};

    if (!param || pid < 0)
        return -EINVAL;
    if (copy_in(&w.priority, param, sizeof(w.priority)))
        return -EFAULT;
    return policy_set(pid, &w);
}

long sys_sched_getparam(int pid, uaddr_t param)
{
    struct schedparam kept;

    if (!param)
        return -EINVAL;
    long err = kept_of(pid, &kept);
    if (err)
        return err;
    int priority = kept.priority;
    return copy_out(param, &priority, sizeof(priority));
}

long sys_sched_get_priority_max(int policy)
{
    if (!policy_ok(policy))
        return -EINVAL;
    return policy_is_rt(policy) ? RT_PRIORITY_MAX : 0;
}

long sys_sched_get_priority_min(int policy)
{
    if (!policy_ok(policy))
        return -EINVAL;
    return policy_is_rt(policy) ? 1 : 0;
}

long sys_sched_rr_get_interval(int pid, uaddr_t interval)
{
    struct __kernel_timespec ts = {0};
    struct schedparam kept;

    long err = kept_of(pid, &kept);
    if (err)
        return err;
    if (kept.policy == SCHED_RR)
        ts.tv_nsec = RR_SLICE_NS;
    else if (kept.policy != SCHED_FIFO)
        ts.tv_nsec = FAIR_SLICE_NS;
    return copy_out(interval, &ts, sizeof(ts));
}

long sys_sched_getattr(int pid, uaddr_t attr, unsigned size, unsigned flags)
{
    struct sched_attr a = {0};
    struct schedparam kept;

    if (!attr || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
        return -EINVAL;
    long err = kept_of(pid, &kept);
    if (err)
        return err;
    a.size = (uint32_t)MIN((size_t)size, sizeof(a));
    a.sched_policy = kept.policy;
    a.sched_flags = kept.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
    if (policy_is_rt(kept.policy))
        a.sched_priority = kept.priority;
    else
        a.sched_nice = kept.nice;
    return copy_out(attr, &a, a.size);
}

/* What a newer struct has more must be zero; what an older one has not is. */
static long attr_take(struct sched_attr *a, uaddr_t attr)
{
    uint32_t size, whole = sizeof(*a);
    uint8_t byte = 0;

    if (copy_in(&size, attr, sizeof(size)))
        return -EFAULT;
    if (!size)
        size = SCHED_ATTR_SIZE_VER0;
    bool bad = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE;
    for (uint32_t i = whole; !bad && i < size; i++) {
        if (copy_in(&byte, attr + i, 1))
            return -EFAULT;
        bad = byte != 0;
    }
    if (bad)
        return copy_out(attr, &whole, sizeof(whole)) ? -EFAULT
                                                     : reject(-E2BIG, "bad size of sched_attr");
    memset(a, 0, sizeof(*a));
    return copy_in(a, attr, MIN(size, whole));
}

long sys_sched_setattr(int pid, uaddr_t attr, unsigned flags)
{
    struct sched_attr a;

    if (!attr || flags || pid < 0)
        return -EINVAL;
    long err = attr_take(&a, attr);
    if (err)
        return err;
    if ((int)a.sched_policy < 0)
        return -EINVAL;
    if (a.sched_flags & ~(uint64_t)ATTR_FLAGS)
        return reject(-EINVAL, "unknown flag in sched_attr");
    struct policy_wish w = {
        .policy = (a.sched_flags & SCHED_FLAG_KEEP_POLICY) ? POLICY_KEEP : (int)a.sched_policy,
        .nice = MAX(-20, MIN(19, a.sched_nice)),
        .priority = a.sched_priority,
        .reset_on_fork = a.sched_flags & SCHED_FLAG_RESET_ON_FORK,
        .keep_params = a.sched_flags & SCHED_FLAG_KEEP_PARAMS,
    };
    return policy_set(pid, &w);
}

long sys_sched_yield(void)
{
    thread_yield();
    return 0;
}
