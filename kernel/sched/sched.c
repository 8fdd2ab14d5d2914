/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: one FIFO of runnable threads, and vCPUs that take from it.
 *
 * Blocking is a user-level switch: thread_block sets BLOCKED and takes the next thread from the queue,
 * on a kernel stack of its own.  A vCPU that finds the queue empty runs its idle thread: rest.c.
 *
 * Lock: sched_lock guards the queue, every thread's state and wake_pending, and who rests.  It is taken
 * last, and handed across a context switch: the thread that is switched to releases it
 * (sched_finish_switch).
 */
#include "kernel/sched/sched_impl.h"

#include <linux/errno.h>

#include "kernel/arch/fpu.h"
#include "kernel/arch/fsbase.h"
#include "kernel/kernel.h"
#include "kernel/ocall/inbox.h"
#include "kernel/ocall/ring.h"
#include "kernel/proc/process.h"
#include "kernel/sched/vcpus.h"
#include "kernel/signal/signal.h"

void context_switch(struct thread *from, struct thread *to);

struct spinlock sched_lock;
struct sched_state sched = {.wakes_first = KTIME_NEVER};
static struct list run_queue = LIST_INIT(run_queue); /* [sched_lock] */

/*
 * A thread has come into the queue: that matters if no tick is due, or another vCPU might run it. When
 * others wait there already, the tick that is due should have come some time.
 */
static void queued(void)
{
    const struct vcpu *v = vcpu_this();

    if (!PEEK(v->tick_at) || (!PEEK(sched.awake) && vcpus_limit() > 1) ||
        (PEEK(sched.waiting) > 1 && !tick_due(v, clock_mono())))
        look_later();
}

static void enqueue_locked(struct thread *t) REQUIRES(sched_lock)
{
    t->state = THREAD_RUNNABLE;
    list_add_tail(&run_queue, &t->run_link);
    __atomic_store_n(&sched.waiting, sched.waiting + 1, __ATOMIC_RELAXED);
}

/* From now on it can run. */
static void activate_locked(struct thread *t) REQUIRES(sched_lock)
{
    if (t->turn)
        turn_arrive_locked(t->turn);
    enqueue_locked(t);
}

/* The current thread cannot run any more. */
static void deactivate_locked(struct thread *t, enum thread_state state) REQUIRES(sched_lock)
{
    t->state = state;
    if (t->turn)
        turn_idle_locked(t->turn);
}

static struct thread *dequeue_locked(void) REQUIRES(sched_lock)
{
    struct list *l = list_pop(&run_queue);
    if (!l)
        return NULL;
    __atomic_store_n(&sched.waiting, sched.waiting - 1, __ATOMIC_RELAXED);
    __atomic_store_n(&sched.taken, sched.taken + 1, __ATOMIC_RELAXED);
    return list_entry(l, struct thread, run_link);
}

/* --- switching ---------------------------------------------------------------------------- */

/* Whoever runs now may compute for ever: does that need a tick that nobody has asked for? */
static bool tick_missing(const struct vcpu *v)
{
    return !PEEK(v->tick_at) && v->running != v->idle &&
           (PEEK(sched.waiting) || ring_busy() || inbox_waiting() ||
            timer_next() < PEEK(sched.wakes_first));
}

/* First thing after a switch, on the new thread's stack: the lock is still held from before. */
static void sched_finish_switch(void) NO_TSA
{
    struct vcpu *v = vcpu_this();
    struct thread *prev = v->previous;
    bool dead = prev && prev->state == THREAD_DEAD;

    v->previous = NULL;
    if (tick_missing(v))
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
    spin_unlock(&sched_lock);
    if (dead)
        thread_put(prev);
}

void sched_rest_locked(struct vcpu *v, bool idle)
{
    v->rest = idle ? VCPU_AWAKE : VCPU_BUSY;
    v->called = false;
    __atomic_store_n(&sched.awake, sched.awake + (idle ? 1 : -1U), __ATOMIC_RELAXED);
}

static void switch_to_locked(struct thread *next) NO_TSA
{
    struct vcpu *v = vcpu_this();
    struct thread *prev = v->running;

    ktime_t ran = cputime_switch(prev, next);
    if (prev != v->idle)
        __atomic_store_n(&v->busy, v->busy + ran, __ATOMIC_RELAXED);
    if (!tick_due(v, next->cputime.since))
        v->tick_at = 0;
    prev->fs_base = fs_base_read();
    if (prev == v->idle || next == v->idle)
        sched_rest_locked(v, next == v->idle);
    if (prev != v->idle && prev->state != THREAD_DEAD)
        fpu_park();
    v->previous = prev;
    v->running = next;
    v->kstack_top = (uint64_t)(next->regs + 1);
    v->switches++;
    next->state = THREAD_RUNNING;
    next->on = v;
    rseq_switched(next, v->head.index);
    fs_base_write(next->fs_base);
    context_switch(prev, next);
    sched_finish_switch();
}

void schedule_locked(void) NO_TSA
{
    struct vcpu *v = vcpu_this();
    struct thread *me = v->running;
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

void schedule(void) NO_TSA
{
    spin_lock(&sched_lock);
    schedule_locked();
    turn_check();
}

void thread_begin(void (*fn)(void *), void *arg) NO_TSA;
void thread_begin(void (*fn)(void *), void *arg) NO_TSA
{
    sched_finish_switch();
    turn_check();
    fn(arg);
}

/* --- threads ------------------------------------------------------------------------------ */

void thread_start(struct thread *t)
{
    ref_get(&t->ref); /* the scheduler's: dropped after the last switch away */
    spin_lock(&sched_lock);
    activate_locked(t);
    spin_unlock(&sched_lock);
    queued();
}

void sched_unpark_locked(struct thread *t)
{
    activate_locked(t);
    queued();
}

static bool wake_locked(struct thread *t) REQUIRES(sched_lock)
{
    if (t->state == THREAD_BLOCKED) {
        activate_locked(t);
        return true;
    }
    if (t->state != THREAD_DEAD)
        t->wake_pending = 1;
    return false;
}

void thread_wake(struct thread *t)
{
    spin_lock(&sched_lock);
    bool woken = wake_locked(t);
    spin_unlock(&sched_lock);
    if (woken)
        queued();
}

void thread_interrupt(struct thread *t)
{
    bool woken = false;

    spin_lock(&sched_lock);
    if (__atomic_load_n(&t->interruptible, __ATOMIC_ACQUIRE) ||
        (__atomic_load_n(&t->killable, __ATOMIC_ACQUIRE) && thread_told_to_die(t)))
        woken = wake_locked(t);
    else if (t->state == THREAD_RUNNING && t->on != vcpu_this())
        vcpu_interrupt_later(t->on);
    spin_unlock(&sched_lock);
    if (woken)
        queued();
}

struct block_timer {
    struct timer timer;
    struct thread *thread;
};

static void block_timeout(struct timer *timer)
{
    thread_wake(container_of(timer, struct block_timer, timer)->thread);
}

static void block_now(void) NO_TSA
{
    struct thread *me = current;

    spin_lock(&sched_lock);
    if (me->wake_pending) {
        me->wake_pending = 0;
        spin_unlock(&sched_lock);
        return;
    }
    deactivate_locked(me, THREAD_BLOCKED);
    me->nvcsw++;
    schedule_locked();
    turn_check();
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

int thread_block_killable(void)
{
    struct thread *t = current;

    __atomic_store_n(&t->killable, 1, __ATOMIC_SEQ_CST);
    if (!thread_told_to_die(t))
        block_now();
    __atomic_store_n(&t->killable, 0, __ATOMIC_RELAXED);
    return thread_told_to_die(t) ? -ERESTARTSYS : 0;
}

/* A poll with a zero timeout must see completions that are there, or it would never see any. */
void thread_yield_to_events(void)
{
    ring_flush();
    ring_reap();
}

void thread_yield(void)
{
    if (ring_ready())
        ring_reap();
    if (timer_next() != KTIME_NEVER)
        (void)timer_run();
    if (sched_runnable())
        schedule();
}

unsigned sched_running(void)
{
    unsigned n = sched_runnable();

    for (unsigned i = 0; i < vcpus_count(); i++)
        n += PEEK(vcpu_get(i)->rest) == VCPU_BUSY;
    return n;
}

/* Somebody else's account is off by a switch at most. */
void sched_usage(unsigned index, struct sched_usage *out)
{
    *out = (struct sched_usage){0};
    if (index >= vcpus_count())
        return;
    const struct vcpu *v = vcpu_get(index);
    out->busy = PEEK(v->busy);
    if (v == vcpu_this())
        out->busy += MAX(clock_mono() - current->cputime.since, 0);
    out->switches = PEEK(v->switches);
    out->interrupts = PEEK(v->aexs);
}

void thread_exit(void) NO_TSA
{
    struct thread *t = current;

    spin_lock(&sched_lock);
    deactivate_locked(t, THREAD_DEAD);
    schedule_locked();
    panic("thread %d ran after its end", t->tid);
}
