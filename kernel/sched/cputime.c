/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time: what each thread has run, counted at every switch, and the clocks of it.
 *
 * An account is read by anybody without a lock, under a sequence count; to a thread that runs the
 * time since the switch to it is added.  The vCPU that switches away may have looked at the time a
 * little before such a reader: what was told once is kept, so that the clock does not go back.
 *
 * System time is what passes between a thread's way into the kernel and its way back, for who wants to know.
 *
 * Sleeping on such a clock is waiting for the earliest moment that it can be, then looking again:
 * no deadline on CLOCK_MONOTONIC says when threads will have run for so long.
 */
#include "kernel/sched/cputime.h"

#include <linux/errno.h>
#include <linux/time.h>

#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/time.h"
#include "kernel/sched/vcpus.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"

#define SPLIT_AWAY 1UL
#define RETRY_MIN_NS 1000000

/* Clock ids of other processes' and threads' CPU time: ~pid << 3 | thread? 4 : 0 | kind. */
#define CPU_CLOCK_THREAD 4
#define CPU_CLOCK_SCHED 2
#define CPU_CLOCK_FD 3
#define CPU_CLOCK_KIND(id) ((id)&3)
#define CPU_CLOCK_PID(id) ((int)~((uint32_t)(id) >> 3 | 0xe0000000U)) /* id is negative */

/* Only by the vCPU that the thread is on. */
static void account_begin(struct cputime *c)
{
    __atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void account_end(struct cputime *c)
{
    __atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELEASE);
}

/* So much more in the kernel, of an account that is being written. */
static void split_add(struct cputime *c, uint64_t tsc, uint64_t entered)
{
    __atomic_store_n(&c->sys, c->sys + MAX((int64_t)(tsc - c->entered), 0), __ATOMIC_RELAXED);
    __atomic_store_n(&c->entered, entered, __ATOMIC_RELAXED);
}

ktime_t cputime_switch(struct thread *prev, struct thread *next)
{
    struct cputime *c = &prev->cputime;

    ktime_t now = clock_mono();
    ktime_t ran = MAX(now - c->since, 0);
    account_begin(c);
    if (c->entered)
        split_add(c, tsc_read(), SPLIT_AWAY);
    __atomic_store_n(&c->spent, c->spent + ran, __ATOMIC_RELAXED);
    __atomic_store_n(&c->since, 0, __ATOMIC_RELAXED);
    account_end(c);
    if (next->cputime.entered)
        __atomic_store_n(&next->cputime.entered, tsc_read(), __ATOMIC_RELAXED);
    __atomic_store_n(&next->cputime.since, now, __ATOMIC_RELEASE);
    return ran;
}

void cputime_add(struct thread *t, ktime_t ns)
{
    struct cputime *c = &t->cputime;

    account_begin(c);
    __atomic_store_n(&c->spent, c->spent + ns, __ATOMIC_RELAXED);
    account_end(c);
}

/* What was told once is kept. */
static ktime_t told_max(ktime_t *told, ktime_t time)
{
    ktime_t last = __atomic_load_n(told, __ATOMIC_ACQUIRE);

    while (time > last)
        if (__atomic_compare_exchange_n(told, &last, time, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return time;
    return last;
}

ktime_t thread_cpu_split(struct thread *t, ktime_t *sys)
{
    struct cputime *c = &t->cputime;
    uint64_t in;
    ktime_t time;
    uint32_t seq;

    do {
        while ((seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE)) & 1)
            cpu_relax();
        time = __atomic_load_n(&c->spent, __ATOMIC_RELAXED);
        ktime_t since = __atomic_load_n(&c->since, __ATOMIC_RELAXED);
        if (since)
            time += MAX(clock_mono() - since, 0);
        since = __atomic_load_n(&c->elsewhere, __ATOMIC_ACQUIRE);
        if (since) /* all of it, until the other enclave says how much it was */
            time += MAX(clock_mono() - since, 0);
        in = __atomic_load_n(&c->sys, __ATOMIC_RELAXED);
        uint64_t entered = __atomic_load_n(&c->entered, __ATOMIC_RELAXED);
        if (entered > SPLIT_AWAY)
            in += (uint64_t)MAX((int64_t)(tsc_read() - entered), 0);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (seq != __atomic_load_n(&c->seq, __ATOMIC_RELAXED));
    time = told_max(&c->told, time);
    if (sys)
        *sys = MAX(time - told_max(&c->user_told, MAX(time - clock_ticks_ns(in), 0)), 0);
    return time;
}

ktime_t thread_cpu_time(struct thread *t)
{
    return thread_cpu_split(t, NULL);
}

void cpu_split_want(struct process *p)
{
    __atomic_store_n(&p->cpu_split, true, __ATOMIC_RELAXED);
    __atomic_store_n(&kernel.cpu_split, true, __ATOMIC_RELAXED);
}

bool cpu_split_wanted(void)
{
    return __atomic_load_n(&kernel.cpu_split, __ATOMIC_RELAXED) &&
           __atomic_load_n(&current_process()->cpu_split, __ATOMIC_RELAXED);
}

void cpu_split_enter(void)
{
    __atomic_store_n(&current->cputime.entered, tsc_read(), __ATOMIC_RELAXED);
}

void cpu_split_leave(void)
{
    struct cputime *c = &current->cputime;

    if (!c->entered)
        return;
    account_begin(c);
    split_add(c, tsc_read(), 0);
    account_end(c);
}

ktime_t process_cpu_time(struct process *p)
{
    spin_lock(&p->lock);
    ktime_t time = p->dead_usage.cpu;
    list_for_each(l, &p->threads)
        time += thread_cpu_time(list_entry(l, struct thread, process_link));
    spin_unlock(&p->lock);
    return time;
}

/* --- clocks ------------------------------------------------------------------------------- */

bool clock_is_cpu(int id)
{
    return id < 0 || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID;
}

int clock_id_absolute(int id)
{
    if (id == CLOCK_PROCESS_CPUTIME_ID)
        return ~current_process()->pid * 8 + CPU_CLOCK_SCHED;
    if (id == CLOCK_THREAD_CPUTIME_ID)
        return ~current->tid * 8 + CPU_CLOCK_THREAD + CPU_CLOCK_SCHED;
    if (id < 0 && CPU_CLOCK_PID(id) == 0)
        return ~((id & CPU_CLOCK_THREAD) ? current->tid : current_process()->pid) * 8 + (id & 7);
    return id;
}

int cpu_clock_read(int id, ktime_t *out)
{
    id = clock_id_absolute(id);
    if (CPU_CLOCK_KIND(id) == CPU_CLOCK_FD)
        return -EINVAL; /* a descriptor's clock: there are none */
    if (id & CPU_CLOCK_THREAD) {
        struct thread *t = thread_lookup(CPU_CLOCK_PID(id));
        if (!t)
            return -EINVAL;
        *out = thread_cpu_time(t);
        thread_put(t);
        return 0;
    }
    struct process *p = process_lookup(CPU_CLOCK_PID(id));
    if (!p)
        return -EINVAL;
    *out = process_cpu_time(p);
    process_put(p);
    return 0;
}

ktime_t cpu_clock_wait(int id, ktime_t left)
{
    bool of_thread = id == CLOCK_THREAD_CPUTIME_ID || (id < 0 && (id & CPU_CLOCK_THREAD));

    return MAX(of_thread ? left : left / vcpus_count(), RETRY_MIN_NS);
}

int cpu_clock_sleep_check(int id)
{
    ktime_t now;

    if (id == CLOCK_THREAD_CPUTIME_ID)
        return (int)reject(-EOPNOTSUPP, "no sleeping on one's own CPU time");
    int err = cpu_clock_read(id, &now);
    id = clock_id_absolute(id);
    if (!err && (id & CPU_CLOCK_THREAD) && CPU_CLOCK_PID(id) == current->tid)
        err = (int)reject(-EINVAL, "no sleeping on one's own CPU time");
    return err;
}

int cpu_clock_sleep(int id, ktime_t target)
{
    ktime_t now;

    for (;;) {
        int err = cpu_clock_read(id, &now);
        if (err || now >= target)
            return err;
        err = thread_block(time_add(clock_mono(), cpu_clock_wait(id, target - now)), true);
        if (err == -ERESTARTSYS)
            return err;
    }
}
