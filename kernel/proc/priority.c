/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nice values and I/O priorities: of one thread, or of all threads of a process group or user.  Kept
 * and told again, without effect.
 *
 * Lock: the process's.
 */
#include <linux/errno.h>
#include <linux/ioprio.h>
#include <linux/resource.h>

#include "kernel/proc/id/cred.h"
#include "kernel/proc/named.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"

#include "kernel/sys/syscalls.h"

/* PRIO_* and IOPRIO_WHO_* differ by one. */
_Static_assert(IOPRIO_WHO_PROCESS == PRIO_PROCESS + 1 && IOPRIO_WHO_USER == PRIO_USER + 1, "who");

/* What to do with each thread that a call names, and what came of it. */
struct selection {
    int which, who;
    long (*fn)(struct named *n, long *arg); /* the process's lock is held */
    long *arg;
    long err; /* -ESRCH: none yet; then the last one's that failed */
};

static bool group_selected_locked(const struct process *p, const struct selection *s)
{
    if (s->which == PRIO_PGRP)
        return p->pgid == (s->who ? s->who : current_process()->pgid);
    return p->cred->uid == (s->who ? (uint32_t)s->who : current_cred()->uid);
}

static void apply_locked(struct named *n, struct selection *s)
{
    long err = s->fn(n, s->arg);
    if (err || s->err == -ESRCH)
        s->err = err;
}

static int apply_process(struct process *p, void *arg)
{
    struct selection *s = arg;
    struct named n = {.p = p};
    bool first = false;

    spin_lock(&p->lock);
    if (group_selected_locked(p, s)) {
        list_for_each(l, &p->threads) {
            n.t = list_entry(l, struct thread, process_link);
            first |= n.t->tid == p->pid;
            apply_locked(&n, s);
        }
        n.t = NULL;
        if (!first)
            apply_locked(&n, s);
    }
    spin_unlock(&p->lock);
    return 0;
}

/* Calls fn for each thread that which and who name; -ESRCH when there is none. */
static long for_selected(int which, int who, long (*fn)(struct named *, long *), long *arg)
{
    struct selection s = {.which = which, .who = who, .fn = fn, .arg = arg, .err = -ESRCH};

    if (which != PRIO_PROCESS) {
        (void)process_for_each(apply_process, &s);
        return s.err;
    }
    struct named n;
    int err = named_get(who, &n);
    if (err)
        return err;
    spin_lock(&n.p->lock);
    apply_locked(&n, &s);
    spin_unlock(&n.p->lock);
    named_put(&n);
    return s.err;
}

/* --- nice --------------------------------------------------------------------------------- */

static long nice_lowest_locked(struct named *n, long *lowest) REQUIRES(n->p->lock)
{
    *lowest = MIN(*lowest, (long)named_schedparam_locked(n)->nice);
    return 0;
}

static long nice_set_locked(struct named *n, long *nice) REQUIRES(n->p->lock)
{
    struct schedparam *kept = named_schedparam_locked(n);
    const struct cred *c = named_cred_locked(n);

    if (!cred_owns(c) && !capable(CAP_SYS_NICE))
        return -EPERM;
    if (*nice < kept->nice && !capable(CAP_SYS_NICE) &&
        (uint64_t)(20 - *nice) > n->p->rlimits[RLIMIT_NICE].rlim_cur)
        return -EACCES;
    if (!cred_covers(c))
        return -EPERM;
    kept->nice = (int8_t)*nice;
    return 0;
}

/* Linux returns 20 - nice, so that no result looks like an error. */
long sys_getpriority(int which, int who)
{
    long lowest = 19;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    long err = for_selected(which, who, nice_lowest_locked, &lowest);
    return err ? err : 20 - lowest;
}

long sys_setpriority(int which, int who, int niceval)
{
    long nice = MAX(-20, MIN(19, niceval));

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    return for_selected(which, who, nice_set_locked, &nice);
}

/* --- I/O priorities ----------------------------------------------------------------------- */

/* The better of two, by class first; no class counts as the middle of best effort. */
static long ioprio_best(long a, long b)
{
    const long none = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4);

    a = IOPRIO_PRIO_CLASS(a) == IOPRIO_CLASS_NONE ? none : a;
    b = IOPRIO_PRIO_CLASS(b) == IOPRIO_CLASS_NONE ? none : b;
    return MIN(a, b);
}

static long ioprio_best_locked(struct named *n, long *best) REQUIRES(n->p->lock)
{
    uint16_t kept = named_schedparam_locked(n)->ioprio;

    *best = *best < 0 ? kept : ioprio_best(*best, kept);
    return 0;
}

static long ioprio_set_locked(struct named *n, long *ioprio) REQUIRES(n->p->lock)
{
    const struct cred *me = current_cred(), *c = named_cred_locked(n);

    if (c->uid != me->euid && c->uid != me->uid && !capable(CAP_SYS_NICE))
        return -EPERM;
    if (!cred_covers(c))
        return -EPERM;
    named_schedparam_locked(n)->ioprio = (uint16_t)*ioprio;
    return 0;
}

static long ioprio_check(int ioprio)
{
    int level = (int)IOPRIO_PRIO_DATA(ioprio);

    switch (IOPRIO_PRIO_CLASS(ioprio)) {
    case IOPRIO_CLASS_RT:
        if (!capable(CAP_SYS_NICE))
            return -EPERM;
        return level < IOPRIO_NR_LEVELS ? 0 : -EINVAL;
    case IOPRIO_CLASS_BE: return level < IOPRIO_NR_LEVELS ? 0 : -EINVAL;
    case IOPRIO_CLASS_IDLE: return 0;
    case IOPRIO_CLASS_NONE: return level ? -EINVAL : 0;
    default: return -EINVAL;
    }
}

long sys_ioprio_get(int which, int who)
{
    long best = -1;

    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    long err = for_selected(which - 1, who, ioprio_best_locked, &best);
    return err ? err : best;
}

long sys_ioprio_set(int which, int who, int ioprio)
{
    long value = ioprio, err = ioprio_check(ioprio);

    if (err)
        return reject(err, "class or level of the I/O priority");
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    return for_selected(which - 1, who, ioprio_set_locked, &value);
}
