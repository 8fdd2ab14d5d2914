/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduling parameters.  The kernel's scheduler is a plain FIFO, the host decides about CPUs:
 * what is set here is checked as Linux does and mostly forgotten.  The CPUs that a program sees
 * are those that the host said at start (the smaller of that and the affinity mask's size).
 */
#include <linux/errno.h>
#include <linux/ioprio.h>
#include <linux/membarrier.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time_types.h>

#include "kernel/boot/args.h"
#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define CPU_MASK_BYTES 128 /* 1024 CPUs, glibc's cpu_set_t */
#define RR_INTERVAL_NS 4000000
#define RT_PRIORITY_MAX 99

/* 0 when tid names a thread of ours. */
static long check_tid(int tid)
{
    if (tid < 0)
        return -EINVAL;
    if (tid == 0 || tid == current->tid || tid == current_process()->pid)
        return 0;
    struct thread *t = thread_lookup(tid);
    if (!t)
        return -ESRCH;
    thread_put(t);
    return 0;
}

static size_t cpu_mask(uint8_t mask[CPU_MASK_BYTES])
{
    unsigned ncpu = MIN(MAX(kernel.boot_args->ncpu, 1U), CPU_MASK_BYTES * 8U);

    memset(mask, 0, CPU_MASK_BYTES);
    for (unsigned i = 0; i < ncpu; i++)
        mask[i / 8] |= (uint8_t)(1U << (i % 8));
    return ALIGN_UP((ncpu + 7) / 8, 8U); /* whole words, as the call returns them */
}

long sys_sched_getaffinity(int pid, unsigned len, uaddr_t user_mask)
{
    uint8_t mask[CPU_MASK_BYTES];
    size_t n = cpu_mask(mask);

    if (len < n || len % sizeof(long))
        return reject(-EINVAL, "mask too small or not whole words");
    long err = check_tid(pid);
    if (err)
        return err == -EINVAL ? -ESRCH : err;
    n = MIN((size_t)len, n);
    return copy_out(user_mask, mask, n) ? -EFAULT : (long)n;
}

long sys_sched_setaffinity(int pid, unsigned len, uaddr_t user_mask)
{
    uint8_t have[CPU_MASK_BYTES], want[CPU_MASK_BYTES] = {0};
    bool any = false;

    if (copy_in(want, user_mask, MIN(len, sizeof(want))))
        return -EFAULT;
    long err = check_tid(pid);
    if (err)
        return err == -EINVAL ? -ESRCH : err;
    cpu_mask(have);
    for (size_t i = 0; i < sizeof(have); i++)
        any |= (have[i] & want[i]) != 0;
    return any ? 0 : reject(-EINVAL, "no CPU in the mask");
}

static bool policy_is_rt(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_ok(int policy)
{
    return policy_is_rt(policy) || policy == SCHED_NORMAL || policy == SCHED_BATCH ||
           policy == SCHED_IDLE;
}

long sys_sched_getscheduler(int pid)
{
    long err = check_tid(pid);
    return err ? err : SCHED_NORMAL;
}

static long check_param(int policy, uaddr_t param)
{
    int priority;

    if (!param)
        return -EINVAL;
    if (copy_in(&priority, param, sizeof(priority)))
        return -EFAULT;
    if (!policy_ok(policy))
        return reject(-EINVAL, "unknown policy");
    if (policy_is_rt(policy)) {
        if (priority < 1 || priority > RT_PRIORITY_MAX)
            return -EINVAL;
        return reject(-EPERM, "no real-time scheduling");
    }
    return priority == 0 ? 0 : -EINVAL;
}

long sys_sched_setscheduler(int pid, int policy, uaddr_t param)
{
    if (policy < 0)
        return -EINVAL;
    long err = check_tid(pid);
    return err ? err : check_param(policy & ~0x40000000, param); /* SCHED_RESET_ON_FORK */
}

long sys_sched_setparam(int pid, uaddr_t param)
{
    long err = check_tid(pid);
    return err ? err : check_param(SCHED_NORMAL, param);
}

long sys_sched_getparam(int pid, uaddr_t param)
{
    int priority = 0;

    if (!param)
        return -EINVAL;
    long err = check_tid(pid);
    return err ? err : copy_out(param, &priority, sizeof(priority));
}

long sys_sched_get_priority_max(int policy)
{
    if (!policy_ok(policy) && policy != SCHED_DEADLINE)
        return -EINVAL;
    return policy_is_rt(policy) ? RT_PRIORITY_MAX : 0;
}

long sys_sched_get_priority_min(int policy)
{
    if (!policy_ok(policy) && policy != SCHED_DEADLINE)
        return -EINVAL;
    return policy_is_rt(policy) ? 1 : 0;
}

long sys_sched_rr_get_interval(int pid, uaddr_t interval)
{
    struct __kernel_timespec ts = {.tv_nsec = RR_INTERVAL_NS};

    long err = check_tid(pid);
    return err ? err : copy_out(interval, &ts, sizeof(ts));
}

long sys_sched_getattr(int pid, uaddr_t attr, unsigned size, unsigned flags)
{
    struct sched_attr a = {.size = SCHED_ATTR_SIZE_VER0, .sched_policy = SCHED_NORMAL};

    if (!attr || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
        return -EINVAL;
    long err = check_tid(pid);
    if (err)
        return err;
    a.sched_nice = current_process()->nice;
    return copy_out(attr, &a, SCHED_ATTR_SIZE_VER0);
}

long sys_sched_setattr(int pid, uaddr_t attr, unsigned flags)
{
    struct sched_attr a;

    if (!attr || flags)
        return -EINVAL;
    if (copy_in(&a, attr, SCHED_ATTR_SIZE_VER0))
        return -EFAULT;
    long err = check_tid(pid);
    if (err)
        return err;
    if (!policy_ok((int)a.sched_policy))
        return reject(-EINVAL, "unknown policy");
    return policy_is_rt((int)a.sched_policy) ? reject(-EPERM, "no real-time scheduling") : 0;
}

long sys_sched_yield(void)
{
    thread_yield();
    return 0;
}

static bool priority_target_ok(int which, int who)
{
    const struct process *p = current_process();

    switch (which) {
    case PRIO_PROCESS: return who == 0 || check_tid(who) == 0;
    case PRIO_PGRP: return who == 0 || who == p->pgid;
    default: return who == 0 || (uint32_t)who == p->creds.uid;
    }
}

/* Linux returns 20 - nice, so that no result looks like an error. */
long sys_getpriority(int which, int who)
{
    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    return priority_target_ok(which, who) ? 20 - current_process()->nice : -ESRCH;
}

long sys_setpriority(int which, int who, int nice)
{
    struct process *p = current_process();

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    if (!priority_target_ok(which, who))
        return -ESRCH;
    nice = MAX(-20, MIN(19, nice));
    if (nice < p->nice && p->creds.euid != 0)
        return -EACCES;
    p->nice = nice;
    return 0;
}

long sys_ioprio_get(int which, int who)
{
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    (void)who;
    return IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 4);
}

long sys_ioprio_set(int which, int who, int ioprio)
{
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    (void)who;
    return IOPRIO_PRIO_CLASS(ioprio) == IOPRIO_CLASS_RT ? -EPERM : 0;
}

/*
 * With one vCPU every entry into the kernel is a barrier for all threads.  With more there is no
 * way yet to make the others pass one, so nothing is offered.
 */
long sys_membarrier(int cmd, unsigned flags, int cpu_id)
{
    int offered = kernel.params->vcpu_count == 1
                      ? MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
                            MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
                            MEMBARRIER_CMD_PRIVATE_EXPEDITED |
                            MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
                      : 0;
    (void)cpu_id;
    if (flags)
        return reject(-EINVAL, "flags are not supported");
    if (cmd == MEMBARRIER_CMD_QUERY)
        return offered;
    return cmd > 0 && (cmd & (cmd - 1)) == 0 && (cmd & offered) ? 0
                                                                : reject(-EINVAL, "not offered");
}

/* glibc goes without rseq when registering fails. */
long sys_rseq(uaddr_t rseq, unsigned len, int flags, unsigned sig)
{
    (void)rseq;
    (void)len;
    (void)flags;
    (void)sig;
    return reject(-ENOSYS, "restartable sequences are not supported");
}
