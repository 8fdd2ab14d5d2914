/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes used: getrusage, times.  A thread that ends leaves its counts with its process, a
 * process that is waited for with its parent.
 *
 * Lock: the process's for its own, the tree's for its children's.
 */
#include "kernel/proc/usage.h"

#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/times.h>

#include "abi/host/layout.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

static void io_add(struct io_usage *sum, const struct io_usage *more)
{
    sum->rchar += more->rchar;
    sum->wchar += more->wchar;
    sum->syscr += more->syscr;
    sum->syscw += more->syscw;
}

void usage_add(struct usage *sum, const struct usage *more)
{
    sum->cpu += more->cpu;
    sum->sys += more->sys;
    sum->minflt += more->minflt;
    sum->nvcsw += more->nvcsw;
    sum->nivcsw += more->nivcsw;
    sum->maxrss = MAX(sum->maxrss, more->maxrss);
    io_add(&sum->io, &more->io);
}

void usage_add_thread(struct usage *sum, struct thread *t)
{
    ktime_t sys;

    sum->cpu += thread_cpu_split(t, &sys);
    sum->sys += sys;
    sum->minflt += t->minflt;
    sum->nvcsw += t->nvcsw;
    sum->nivcsw += t->nivcsw;
    io_add(&sum->io, &t->io);
}

void process_usage(struct process *p, struct usage *out)
{
    spin_lock(&p->lock);
    *out = p->dead_usage;
    list_for_each(l, &p->threads)
        usage_add_thread(out, list_entry(l, struct thread, process_link));
    spin_unlock(&p->lock);
}

ktime_t process_user_time(struct process *p)
{
    struct usage u;

    process_usage(p, &u);
    return u.cpu - u.sys;
}

static struct __kernel_old_timeval timeval_of(ktime_t ns)
{
    return (struct __kernel_old_timeval){.tv_sec = ns / 1000000000,
                                         .tv_usec = ns % 1000000000 / 1000};
}

void usage_to_rusage(const struct usage *u, struct rusage *out)
{
    memset(out, 0, sizeof(*out));
    out->ru_utime = timeval_of(u->cpu - u->sys);
    out->ru_stime = timeval_of(u->sys);
    out->ru_minflt = (long)u->minflt;
    out->ru_nvcsw = (long)u->nvcsw;
    out->ru_nivcsw = (long)u->nivcsw;
    out->ru_maxrss = (long)(u->maxrss * (PAGE_SIZE / 1024));
}

static void children_usage(struct process *p, struct usage *out)
{
    spin_lock(&process_tree_lock);
    *out = p->children_usage;
    spin_unlock(&process_tree_lock);
}

long sys_getrusage(int who, uaddr_t uaddr)
{
    struct process *p = current_process();
    struct usage u = {0};
    struct rusage ru;

    cpu_split_want(p);
    switch (who) {
    case RUSAGE_SELF: process_usage(p, &u); break;
    case RUSAGE_CHILDREN: children_usage(p, &u); break;
    case RUSAGE_THREAD: usage_add_thread(&u, current); break;
    default: return reject(-EINVAL, "unknown who");
    }
    if (who != RUSAGE_CHILDREN)
        u.maxrss = MAX(u.maxrss, mm_resident_peak(p->mm));
    usage_to_rusage(&u, &ru);
    return copy_out(uaddr, &ru, sizeof(ru));
}

long sys_times(uaddr_t tbuf)
{
    struct process *p = current_process();
    struct usage self, children;

    cpu_split_want(p);
    process_usage(p, &self);
    children_usage(p, &children);
    struct tms t = {.tms_utime = (self.cpu - self.sys) / NS_PER_TICK,
                    .tms_stime = self.sys / NS_PER_TICK,
                    .tms_cutime = (children.cpu - children.sys) / NS_PER_TICK,
                    .tms_cstime = children.sys / NS_PER_TICK};
    if (tbuf && copy_out(tbuf, &t, sizeof(t)))
        return -EFAULT;
    return (clock_mono() + clock_boot_off()) / NS_PER_TICK;
}
