/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: a FIFO of runnable threads.
 *
 * Blocking is a user-level switch: thread_block sets BLOCKED, schedule() takes the next thread from
 * the queue and switches kernel stacks. A vCPU that finds the queue empty runs its idle thread,
 * which fires timers, takes completions from the ring, and when nothing is left to do leaves the
 * enclave and sleeps in the ring until a completion, a wake-up or the next timer.
 *
 * A program that computes without system calls is interrupted by ticks; they are asked of the host
 * only while something waits for the CPU (another thread, a timer, a completion), one at a time.
 *
 * Lock: sched_lock guards the queue, every thread's state and wake_pending.  It is taken last, and
 * handed across a context switch: the thread that is switched to releases it (sched_finish_switch).
 */
#include "kernel/sched/sched.h"

#include <linux/errno.h>

#include "kernel/arch/fpu.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/ocall/ring.h"
#include "kernel/sched/clock.h"
#include "kernel/signal/from_host.h"
#include "kernel/signal/signal.h"
#include "lib/string.h"

#define SLICE_NS 4000000 /* between ticks */

void context_switch(struct thread *from, struct thread *to);

static struct spinlock sched_lock;
static struct list run_queue = LIST_INIT(run_queue); /* [sched_lock] */
static unsigned run_count;                           /* [sched_lock] */

static uint64_t fs_base_get(void)
{
    uint64_t v;
    __asm__ volatile("rdfsbase %0" : "=r"(v));
    return v;
}

static void fs_base_set(uint64_t v)
{
    __asm__ volatile("wrfsbase %0" ::"r"(v));
}

static void enqueue_locked(struct thread *t) REQUIRES(sched_lock)
{
    t->state = THREAD_RUNNABLE;
    list_add_tail(&run_queue, &t->run_link);
    run_count++;
}

static struct thread *dequeue_locked(void) REQUIRES(sched_lock)
{
    struct list *l = list_pop(&run_queue);
    if (!l)
        return NULL;
    run_count--;
    return list_entry(l, struct thread, run_link);
}

/* First thing after a switch, on the new thread's stack: the lock is still held from before. */
static void sched_finish_switch(void) NO_TSA
{
    struct vcpu *v = vcpu_this();
    struct thread *prev = v->previous;
    bool dead = prev && prev->state == THREAD_DEAD;

    v->previous = NULL;
    /* Whoever runs now may compute for ever: see on the way out whether that needs a tick. */
    if (!v->tick_at)
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
    spin_unlock(&sched_lock);
    if (dead)
        thread_put(prev);
}

static void switch_to_locked(struct thread *next) NO_TSA
{
    struct vcpu *v = vcpu_this();
    struct thread *prev = v->running;
    ktime_t now = clock_mono();

    prev->cpu_time += now - prev->run_since;
    next->run_since = now;
    prev->fs_base = fs_base_get();
    if (prev != v->idle && prev->state != THREAD_DEAD)
        fpu_park();
    v->previous = prev;
    v->running = next;
    v->kstack_top = (uint64_t)(next->regs + 1);
    v->switches++;
    next->state = THREAD_RUNNING;
    fs_base_set(next->fs_base);
    context_switch(prev, next);
    sched_finish_switch();
}

void schedule(void) NO_TSA
{
    struct vcpu *v = vcpu_this();

    spin_lock(&sched_lock);
    struct thread *me = v->running;
    if (me->state == THREAD_BLOCKED && me->wake_pending) {
        me->wake_pending = 0;
        me->state = THREAD_RUNNING;
        spin_unlock(&sched_lock);
        return;
    }
    struct thread *next = dequeue_locked();
    if (!next) {
        if (me->state == THREAD_RUNNING) {
            spin_unlock(&sched_lock);
            return;
        }
        next = v->idle;
    }
    if (me->state == THREAD_RUNNING && me != v->idle)
        enqueue_locked(me);
    switch_to_locked(next);
}

void thread_begin(void (*fn)(void *), void *arg) NO_TSA;
void thread_begin(void (*fn)(void *), void *arg) NO_TSA
{
    sched_finish_switch();
    fn(arg);
}

void sched_init_vcpu(void)
{
    struct vcpu *v = vcpu_this();
    struct thread *idle = kzalloc(sizeof(*idle));
    if (!idle)
        panic("out of memory at start; raise sgx.enclave_size or --memory");
    ref_init(&idle->ref);
    list_init(&idle->run_link);
    idle->regs = (struct user_regs *)v->head.self; /* never goes to a program */
    idle->fpu_parked = 1;
    idle->state = THREAD_RUNNING;
    str_copy(idle->comm, "idle", sizeof(idle->comm));
    v->idle = idle;
    v->running = idle;
}

void sched_idle(void)
{
    for (;;) {
        ktime_t next = timer_run();
        ring_reap();
        if (sched_runnable()) {
            schedule();
            continue;
        }
        vcpu_this()->tick_at = 0; /* waiting disarms it */
        ring_wait(next);
        signals_from_host();
    }
}

unsigned sched_runnable(void)
{
    return __atomic_load_n(&run_count, __ATOMIC_RELAXED);
}

void sched_need_tick(void)
{
    struct vcpu *v = vcpu_this();
    if (v->running != v->idle)
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
}

/* Asks the host for a tick when something waits behind the current thread. */
static void tick_update(ktime_t next_timer)
{
    struct vcpu *v = vcpu_this();
    ktime_t now = clock_mono();
    ktime_t want = KTIME_NEVER;

    if (sched_runnable() || ring_busy())
        want = now + SLICE_NS;
    want = MIN(want, MAX(next_timer, now + 50000));
    bool lost = v->tick_at && v->tick_at + SLICE_NS < now;
    if (want == KTIME_NEVER || (v->tick_at && v->tick_at <= want && !lost))
        return;
    v->tick_at = want;
    ocall_tick(want - now);
}

void sched_resched(void)
{
    ktime_t next = timer_run();
    ring_reap();
    signals_from_host();
    struct vcpu *v = vcpu_this();
    if (v->resched_yield) {
        v->resched_yield = 0;
        current->nivcsw++;
        schedule();
    }
    if (ring_busy())
        ring_flush();
    tick_update(next);
}

void sched_tick(void)
{
    struct vcpu *v = vcpu_this();
    v->resched_yield = 1;
    clock_sync_if_stale();
    __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
}

/* --- threads ------------------------------------------------------------------------------ */

void thread_start(struct thread *t)
{
    ref_get(&t->ref); /* the scheduler's: dropped after the last switch away */
    spin_lock(&sched_lock);
    enqueue_locked(t);
    spin_unlock(&sched_lock);
    sched_need_tick();
}

void thread_wake(struct thread *t)
{
    bool queued = false;

    spin_lock(&sched_lock);
    if (t->state == THREAD_BLOCKED) {
        enqueue_locked(t);
        queued = true;
    } else if (t->state == THREAD_RUNNING || t->state == THREAD_RUNNABLE) {
        t->wake_pending = 1;
    }
    spin_unlock(&sched_lock);
    if (queued)
        sched_need_tick();
}

void thread_interrupt(struct thread *t)
{
    if (__atomic_load_n(&t->interruptible, __ATOMIC_ACQUIRE))
        thread_wake(t);
    else
        sched_need_tick();
}

struct block_timer {
    struct timer timer;
    struct thread *thread;
};

static void block_timeout(struct timer *timer)
{
    thread_wake(container_of(timer, struct block_timer, timer)->thread);
}

static void block_now(void)
{
    spin_lock(&sched_lock);
    current->state = THREAD_BLOCKED;
    spin_unlock(&sched_lock);
    current->nvcsw++;
    schedule();
}

int thread_block(ktime_t deadline, bool interruptible)
{
    struct thread *t = current;
    struct block_timer bt = {.thread = t};
    int ret = 0;

    if (interruptible) {
        __atomic_store_n(&t->interruptible, 1, __ATOMIC_SEQ_CST);
        if (thread_interrupted())
            ret = -ERESTARTSYS;
    }
    if (!ret && deadline != KTIME_NEVER) {
        timer_init(&bt.timer, block_timeout);
        if (deadline <= clock_mono())
            ret = -ETIMEDOUT;
        else
            timer_set(&bt.timer, deadline);
    }
    if (!ret)
        block_now();
    else if (ret == -ETIMEDOUT)
        thread_yield_to_events();
    if (!ret && deadline != KTIME_NEVER && !timer_cancel(&bt.timer) && clock_mono() >= deadline)
        ret = -ETIMEDOUT;
    if (interruptible) {
        __atomic_store_n(&t->interruptible, 0, __ATOMIC_RELAXED);
        if (thread_interrupted())
            ret = -ERESTARTSYS;
    }
    return ret;
}

/* A poll with a zero timeout must see completions that are there, or it would never see any. */
void thread_yield_to_events(void)
{
    ring_flush();
    ring_reap();
}

void thread_yield(void)
{
    ring_reap();
    timer_run();
    schedule();
}

void thread_exit(void)
{
    struct thread *t = current;

    spin_lock(&sched_lock);
    t->state = THREAD_DEAD;
    spin_unlock(&sched_lock);
    schedule();
    panic("thread %d ran after its end", t->tid);
}
