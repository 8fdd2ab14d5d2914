/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits and usage.  Limits that have a meaning here are enforced where the resource is:
 * files by the descriptor table, memory by mm, threads by thread_attach, queued signals by the
 * queue.
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/times.h>

#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define NS_PER_TICK 10000000 /* times(2) counts in 1/100 s */

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

static struct __kernel_old_timeval timeval_of(ktime_t ns)
{
    return (struct __kernel_old_timeval){.tv_sec = ns / 1000000000,
                                         .tv_usec = ns % 1000000000 / 1000};
}

static void add_thread(struct rusage *ru, const struct thread *t)
{
    ru->ru_minflt += (long)t->minflt;
    ru->ru_nvcsw += (long)t->nvcsw;
    ru->ru_nivcsw += (long)t->nivcsw;
}

static void fill_self(struct rusage *ru, struct process *p)
{
    ru->ru_utime = timeval_of(process_cpu_time(p));
    spin_lock(&p->lock);
    ru->ru_minflt = (long)p->minflt_dead;
    ru->ru_nvcsw = (long)p->nvcsw_dead;
    ru->ru_nivcsw = (long)p->nivcsw_dead;
    list_for_each(l, &p->threads)
        add_thread(ru, list_entry(l, struct thread, process_link));
    spin_unlock(&p->lock);
}

/* All CPU time is called user time: the kernel runs in the program's own enclave. */
long sys_getrusage(int who, uaddr_t uaddr)
{
    struct process *p = current_process();
    struct rusage ru = {0};

    switch (who) {
    case RUSAGE_SELF: fill_self(&ru, p); break;
    case RUSAGE_CHILDREN: break;
    case RUSAGE_THREAD:
        ru.ru_utime = timeval_of(thread_cpu_time(current));
        add_thread(&ru, current);
        break;
    default: return reject(-EINVAL, "unknown who");
    }
    if (who != RUSAGE_CHILDREN)
        ru.ru_maxrss = (long)(mm_resident(p->mm) * (PAGE_SIZE / 1024));
    return copy_out(uaddr, &ru, sizeof(ru));
}

long sys_times(uaddr_t tbuf)
{
    struct tms t = {.tms_utime = process_cpu_time(current_process()) / NS_PER_TICK};

    if (tbuf && copy_out(tbuf, &t, sizeof(t)))
        return -EFAULT;
    return (clock_mono() + clock_boot_off()) / NS_PER_TICK;
}
