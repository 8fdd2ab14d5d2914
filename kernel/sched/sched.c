/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: one FIFO of runnable threads, and vCPUs that take from it.
 *
 * Blocking is a user-level switch: thread_block sets BLOCKED and takes the next thread from the queue,
 * on a kernel stack of its own.  A vCPU that finds the queue empty runs its idle thread:
 *
 *   BUSY --queue empty--> AWAKE --nothing comes--> ASLEEP (outside) --woken--> AWAKE --> BUSY
 *
 * A thread that becomes runnable mostly runs next on the vCPU that woke it, when that blocks in turn:
 * no other cache line moves.  So an AWAKE vCPU takes a thread only if it has waited for STEAL_NS; and
 * one that sees threads come and go without such waiting sleeps for NAP_NS, during which nobody
 * wakes it for work: otherwise two threads that wake each other would keep a second CPU busy for
 * nothing.  With neither, whoever has woken a thread wakes a vCPU, or makes one, on its way out.
 *
 * One vCPU at most watches the ring while it sleeps, and one sleeps no longer than to the next timer.
 * A program that computes without system calls is interrupted by ticks; a vCPU asks the host for one
 * only while something waits that no sleeping vCPU sees to.
 *
 * Lock: sched_lock guards the queue, every thread's state and wake_pending, and who rests.  It is taken
 * last, and handed across a context switch: the thread that is switched to releases it
 * (sched_finish_switch).
 */
#include "kernel/sched/sched.h"

#include <linux/errno.h>

#include "kernel/arch/fpu.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/ocall/ring.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/vcpus.h"
#include "kernel/signal/from_host.h"
#include "kernel/signal/signal.h"
#include "lib/string.h"

#define SLICE_NS 4000000   /* between ticks */
#define TICK_MIN_NS 50000  /* until a tick */
#define HANDOVER_NS 200000 /* until another vCPU watches the ring */
#define STEAL_NS 10000     /* that a thread waits before another vCPU takes it */
#define SPIN_NS 30000      /* that an idle vCPU looks around */
#define NAP_NS 1000000

void context_switch(struct thread *from, struct thread *to);

static struct spinlock sched_lock;
static struct list run_queue = LIST_INIT(run_queue); /* [sched_lock] */
static unsigned run_count;                           /* [sched_lock]; read without */
static unsigned taken; /* [sched_lock] from the queue, ever; likewise */

/* vCPUs that run no thread.  [sched_lock]; read without it for hints. */
static struct {
    unsigned awake, asleep;
    unsigned watching;   /* asleep, and woken by completions */
    ktime_t wakes_first; /* when the first of them wakes by itself */
    ktime_t nap_until;
} resting = {.wakes_first = KTIME_NEVER};

#define PEEK(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

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

/* On the way to the program, see to what has changed. */
static void look_later(void)
{
    struct vcpu *v = vcpu_this();
    if (v->running != v->idle)
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
}

/* The host was asked for a tick and has not forgotten it. */
static bool tick_due(const struct vcpu *v, ktime_t now)
{
    ktime_t at = PEEK(v->tick_at);
    return at && at + SLICE_NS >= now;
}

/*
 * A thread has come into the queue: that matters if no tick is due, or another vCPU might run it. When
 * others wait there already, the tick that is due should have come some time.
 */
static void queued(void)
{
    const struct vcpu *v = vcpu_this();

    if (!PEEK(v->tick_at) || (!PEEK(resting.awake) && vcpus_limit() > 1) ||
        (PEEK(run_count) > 1 && !tick_due(v, clock_mono())))
        look_later();
}

static void enqueue_locked(struct thread *t) REQUIRES(sched_lock)
{
    t->state = THREAD_RUNNABLE;
    list_add_tail(&run_queue, &t->run_link);
    __atomic_store_n(&run_count, run_count + 1, __ATOMIC_RELAXED);
}

static struct thread *dequeue_locked(void) REQUIRES(sched_lock)
{
    struct list *l = list_pop(&run_queue);
    if (!l)
        return NULL;
    __atomic_store_n(&run_count, run_count - 1, __ATOMIC_RELAXED);
    __atomic_store_n(&taken, taken + 1, __ATOMIC_RELAXED);
    return list_entry(l, struct thread, run_link);
}

/* --- switching ---------------------------------------------------------------------------- */

/* Whoever runs now may compute for ever: does that need a tick that nobody has asked for? */
static bool tick_missing(const struct vcpu *v)
{
    return !PEEK(v->tick_at) && v->running != v->idle &&
           (PEEK(run_count) || ring_busy() || timer_next() < PEEK(resting.wakes_first));
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

static void rest_change_locked(struct vcpu *v, bool idle) REQUIRES(sched_lock)
{
    v->rest = idle ? VCPU_AWAKE : VCPU_BUSY;
    v->called = false;
    __atomic_store_n(&resting.awake, resting.awake + (idle ? 1 : -1U), __ATOMIC_RELAXED);
}

static void switch_to_locked(struct thread *next) NO_TSA
{
    struct vcpu *v = vcpu_this();
    struct thread *prev = v->running;

    cputime_switch(prev, next);
    if (!tick_due(v, next->cputime.since))
        v->tick_at = 0;
    prev->fs_base = fs_base_get();
    if (prev == v->idle || next == v->idle)
        rest_change_locked(v, next == v->idle);
    if (prev != v->idle && prev->state != THREAD_DEAD)
        fpu_park();
    v->previous = prev;
    v->running = next;
    v->kstack_top = (uint64_t)(next->regs + 1);
    v->switches++;
    next->state = THREAD_RUNNING;
    next->on = v;
    rseq_switched(next, v->head.index);
    fs_base_set(next->fs_base);
    context_switch(prev, next);
    sched_finish_switch();
}

/* Runs the next thread, or idles; the caller has set the current one's state. */
static void schedule_locked(void) NO_TSA
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
}

void thread_begin(void (*fn)(void *), void *arg) NO_TSA;
void thread_begin(void (*fn)(void *), void *arg) NO_TSA
{
    sched_finish_switch();
    fn(arg);
}

/* --- vCPUs that rest ---------------------------------------------------------------------- */

bool sched_init_vcpu(struct vcpu *v)
{
    struct thread *idle = kzalloc(sizeof(*idle));
    if (!idle)
        return false;
    ref_init(&idle->ref);
    list_init(&idle->run_link);
    idle->regs = (struct user_regs *)v->head.self; /* never goes to a program */
    idle->fpu_parked = 1;
    idle->state = THREAD_RUNNING;
    idle->on = v;
    str_copy(idle->comm, "idle", sizeof(idle->comm));
    v->idle = idle;
    v->running = idle;
    spin_lock(&sched_lock);
    rest_change_locked(v, true);
    spin_unlock(&sched_lock);
    return true;
}

bool sched_vcpu_idle(const struct vcpu *v)
{
    /* The lock, not a mere look: who has switched before us must be seen to have. */
    spin_lock(&sched_lock);
    bool idle = v->running == v->idle;
    spin_unlock(&sched_lock);
    return idle;
}

static void wakes_first_locked(void) REQUIRES(sched_lock)
{
    ktime_t first = KTIME_NEVER;
    for (unsigned i = 0; i < vcpus_count(); i++) {
        const struct vcpu *v = vcpu_get(i);
        if (v->rest == VCPU_ASLEEP)
            first = MIN(first, v->wakes_at);
    }
    __atomic_store_n(&resting.wakes_first, first, __ATOMIC_RELAXED);
}

static void fall_asleep_locked(struct vcpu *v, ktime_t next, bool nap) REQUIRES(sched_lock)
{
    ktime_t now = clock_mono();

    v->rest = VCPU_ASLEEP;
    v->called = false;
    v->watches = !resting.watching;
    v->wakes_at = next < resting.wakes_first ? next : KTIME_NEVER;
    if (nap) {
        resting.nap_until = now + NAP_NS;
        v->wakes_at = MIN(v->wakes_at, resting.nap_until);
    }
    resting.awake--;
    resting.asleep++;
    resting.watching += v->watches;
    wakes_first_locked();
}

static void wake_up_locked(struct vcpu *v) REQUIRES(sched_lock)
{
    v->rest = VCPU_AWAKE;
    resting.asleep--;
    resting.awake++;
    resting.watching -= v->watches;
    wakes_first_locked();
}

static void idle_sleep(ktime_t next, bool nap)
{
    struct vcpu *v = vcpu_this();

    spin_lock(&sched_lock);
    if (run_count && !nap) {
        spin_unlock(&sched_lock);
        return;
    }
    fall_asleep_locked(v, next, nap);
    spin_unlock(&sched_lock);
    v->tick_at = 0; /* waiting disarms it */
    ring_wait(v->wakes_at, v->watches);
    spin_lock(&sched_lock);
    if (v->rest == VCPU_ASLEEP)
        wake_up_locked(v);
    spin_unlock(&sched_lock);
}

/* Somebody else may take what is in the queue, and soon: a BUSY vCPU. */
static bool others_busy(void)
{
    return PEEK(resting.awake) + PEEK(resting.asleep) < vcpus_count();
}

/* How an idle vCPU's look around ended. */
enum look { LOOK_WORK, LOOK_EVENT, LOOK_NOTHING, LOOK_TRAFFIC };

static enum look look_around(void)
{
    ktime_t start = clock_mono(), now = start, waits_since = start;
    unsigned seen = PEEK(taken);
    bool traffic = false;

    do {
        if (PEEK(taken) != seen || !PEEK(run_count)) {
            traffic |= PEEK(taken) != seen;
            seen = PEEK(taken);
            waits_since = now;
        } else if (now - waits_since > STEAL_NS || !others_busy()) {
            return LOOK_WORK;
        }
        if (ring_ready() || timer_next() <= now)
            return LOOK_EVENT;
        if (!others_busy())
            break; /* nothing can come from inside */
        cpu_relax();
        now = clock_mono();
    } while (now - start < SPIN_NS);
    return traffic ? LOOK_TRAFFIC : LOOK_NOTHING;
}

void sched_idle(void)
{
    for (;;) {
        bool before = PEEK(run_count);
        vcpus_interrupts_send();
        signals_from_host();
        ktime_t next = timer_run();
        ring_reap();
        if (!before && PEEK(run_count)) { /* we have woken somebody */
            schedule();
            continue;
        }
        switch (look_around()) {
        case LOOK_WORK: schedule(); break;
        case LOOK_EVENT: break;
        /* Called for nothing: what it was called for was on its way already. */
        case LOOK_NOTHING: idle_sleep(next, vcpu_this()->called); break;
        case LOOK_TRAFFIC: idle_sleep(next, true); break;
        }
    }
}

/* One that sleeps, now awake as far as the others are concerned. */
static struct vcpu *sleeper_claim_locked(void) REQUIRES(sched_lock)
{
    struct vcpu *best = NULL;

    for (unsigned i = 0; i < vcpus_count(); i++) {
        struct vcpu *v = vcpu_get(i);
        if (v->rest == VCPU_ASLEEP && (!best || !v->watches))
            best = v;
    }
    if (best) {
        wake_up_locked(best);
        best->called = true;
    }
    return best;
}

/* Threads wait, and nobody looks for them: wakes a vCPU, or makes one. */
static void spread(void)
{
    struct vcpu *v = NULL;
    bool more = false;

    if (!PEEK(run_count) || PEEK(resting.awake) || vcpus_limit() == 1)
        return;
    spin_lock(&sched_lock);
    if (run_count && !resting.awake) {
        if (!resting.asleep)
            more = vcpus_count() < vcpus_limit();
        else if (clock_mono() >= resting.nap_until)
            v = sleeper_claim_locked();
    }
    spin_unlock(&sched_lock);
    if (v)
        ocall_vcpu_wake(v->head.index);
    else if (more)
        (void)vcpu_add();
}

void sched_leaving(void)
{
    vcpus_interrupts_send();
    spread();
}

/* Another vCPU is to watch the ring, as this one computes. */
static void watch_hand_over(void)
{
    struct vcpu *v = NULL;

    spin_lock(&sched_lock);
    if (!resting.watching && !resting.awake && resting.asleep)
        v = sleeper_claim_locked();
    spin_unlock(&sched_lock);
    if (v)
        ocall_vcpu_wake(v->head.index);
}

unsigned sched_runnable(void)
{
    return PEEK(run_count);
}

/* --- ticks -------------------------------------------------------------------------------- */

void sched_need_tick(void)
{
    look_later();
}

/* When this vCPU must look again, at the latest. */
static ktime_t tick_wanted(ktime_t now)
{
    ktime_t want = KTIME_NEVER, timer = timer_next();

    if (PEEK(run_count))
        want = now + SLICE_NS;
    if (ring_busy() && !PEEK(resting.watching))
        want = MIN(want, now + (PEEK(resting.asleep) ? HANDOVER_NS : SLICE_NS));
    if (timer < PEEK(resting.wakes_first))
        want = MIN(want, MAX(timer, now + TICK_MIN_NS));
    return want;
}

/* Asks the host for a tick when something waits that nobody else sees to. */
static void tick_update(void)
{
    struct vcpu *v = vcpu_this();
    ktime_t at = v->tick_at;

    if (!PEEK(run_count) && !ring_busy() && timer_next() >= PEEK(resting.wakes_first))
        return;
    ktime_t now = clock_mono(), want = tick_wanted(now);
    if (want == KTIME_NEVER || (at <= want && tick_due(v, now)))
        return;
    v->tick_at = want;
    ocall_tick(want - now);
}

/* Threads wait, and others have had their vCPUs for long without a tick of their own. */
static void slices_end(void)
{
    struct vcpu *me = vcpu_this();

    if (!PEEK(run_count) || vcpus_count() == 1)
        return;
    spin_lock(&sched_lock);
    ktime_t now = clock_mono(), since = now - SLICE_NS;
    for (unsigned i = 0; i < vcpus_count(); i++) {
        struct vcpu *v = vcpu_get(i);
        if (v != me && v->rest == VCPU_BUSY && !tick_due(v, now) &&
            PEEK(v->running->cputime.since) < since)
            vcpu_interrupt_later(v);
    }
    spin_unlock(&sched_lock);
}

void sched_resched(void)
{
    vcpu_stop_point();
    rseq_after_stop();
    if (timer_next() != KTIME_NEVER)
        (void)timer_run();
    if (ring_ready())
        ring_reap();
    signals_from_host();
    if (PEEK(vcpu_this()->resched_yield)) {
        __atomic_store_n(&vcpu_this()->resched_yield, 0, __ATOMIC_RELAXED);
        if (ring_busy())
            watch_hand_over();
        slices_end();
        current->nivcsw++;
        schedule();
    }
    vcpus_interrupts_send();
    if (ring_queued())
        ring_flush();
    spread();
    tick_update();
}

void sched_tick(void)
{
    struct vcpu *v = vcpu_this();
    __atomic_store_n(&v->resched_yield, 1, __ATOMIC_RELAXED);
    clock_sync_if_stale();
    __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
}

void spin_yield(void)
{
    if (vcpus_count() > 1)
        ocall_yield();
}

/* --- threads ------------------------------------------------------------------------------ */

void thread_start(struct thread *t)
{
    ref_get(&t->ref); /* the scheduler's: dropped after the last switch away */
    spin_lock(&sched_lock);
    enqueue_locked(t);
    spin_unlock(&sched_lock);
    queued();
}

static bool wake_locked(struct thread *t) REQUIRES(sched_lock)
{
    if (t->state == THREAD_BLOCKED) {
        enqueue_locked(t);
        return true;
    }
    if (t->state == THREAD_RUNNING || t->state == THREAD_RUNNABLE)
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
    if (__atomic_load_n(&t->interruptible, __ATOMIC_ACQUIRE))
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
    me->state = THREAD_BLOCKED;
    me->nvcsw++;
    schedule_locked();
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
    if (ring_ready())
        ring_reap();
    if (timer_next() != KTIME_NEVER)
        (void)timer_run();
    if (sched_runnable())
        schedule();
}

void thread_exit(void) NO_TSA
{
    struct thread *t = current;

    spin_lock(&sched_lock);
    t->state = THREAD_DEAD;
    schedule_locked();
    panic("thread %d ran after its end", t->tid);
}
