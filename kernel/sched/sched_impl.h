/* SPDX-License-Identifier: Apache-2.0 */
/* What sched.c and rest.c share: the lock, and who waits and who rests. */
#ifndef KERNEL_SCHED_SCHED_IMPL_H
#define KERNEL_SCHED_SCHED_IMPL_H

#include "kernel/sched/clock.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/turns.h"

#define SLICE_NS 4000000 /* between ticks */
#define PEEK(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

extern struct spinlock sched_lock;

/* Written with sched_lock held; read without it (PEEK) for hints. */
struct sched_state {
    unsigned waiting;       /* threads in the queue */
    unsigned taken;         /* from the queue, ever */
    unsigned awake, asleep; /* vCPUs that run no thread */
    unsigned watching;      /* asleep, and woken by completions */
    unsigned elsewhere;     /* [a] threads that run in other enclaves */
    ktime_t wakes_first;    /* when the first of those asleep wakes by itself */
    ktime_t nap_until;      /* no vCPU is woken for threads before */
};

extern struct sched_state sched;

/* Runs the next thread, or idles; the caller has set the current one's state.  Releases the lock. */
void schedule_locked(void) RELEASE(sched_lock);
/* A PARKED thread comes to the run queue. */
void sched_unpark_locked(struct thread *t) REQUIRES(sched_lock);

/* One more thread of t's can run. */
void turn_arrive_locked(struct turn *t) REQUIRES(sched_lock);
/* A thread of t's can no longer run. */
void turn_idle_locked(struct turn *t) REQUIRES(sched_lock);

/* At each resume: a thread whose address space has its addresses alone goes on. */
static inline void turn_check(void)
{
    const struct turn *t = current->turn;
    if (unlikely(t && PEEK(t->group)))
        turn_enter();
}

/* A CPU has nothing to do, if we are the vCPU that runs the current thread and that stops (leaves). */
bool sched_cpu_spare_locked(bool leaves) REQUIRES(sched_lock);
/* A vCPU begins (AWAKE) or ends (BUSY) being idle. */
void sched_rest_locked(struct vcpu *v, bool idle) REQUIRES(sched_lock);

/* On the way to the program, see to what has changed. */
static inline void look_later(void)
{
    struct vcpu *v = vcpu_this();
    if (v->running != v->idle)
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
}

/* The host was asked for a tick and has not forgotten it. */
static inline bool tick_due(const struct vcpu *v, ktime_t now)
{
    ktime_t at = PEEK(v->tick_at);
    return at && at + SLICE_NS >= now;
}

#endif
