/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs without a thread, and ticks for those with one.
 *
 *   BUSY --queue empty--> AWAKE --nothing comes--> ASLEEP (outside) --woken--> AWAKE --> BUSY
 *
 * A thread that becomes runnable mostly runs next on the vCPU that woke it, when that blocks in turn:
 * no other cache line moves.  So an AWAKE vCPU takes a thread only if it has waited for STEAL_NS; and
 * one that sees threads come and go without such waiting sleeps for NAP_NS, during which nobody
 * wakes it for work: otherwise two threads that wake each other would keep a second CPU busy for
 * nothing.  With neither, whoever has woken a thread wakes a vCPU, or makes one, on its way out.
 *
 * One vCPU at most watches the ring while it sleeps, and one sleeps no longer than to the next timer.  Each
 * takes along the messages that nobody looks for (ocall/inbox.h), and sleeps at once then: what comes next is
 * another process's work, on the CPU that looking around would take.
 * A program that computes without system calls is interrupted by ticks; a vCPU asks the host for one
 * only while something waits that no sleeping vCPU sees to.
 *
 * Lock: sched_lock, for who rests; what is read without it are hints.
 */
#include "kernel/sched/sched_impl.h"

#include "kernel/arch/fpu.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/inbox.h"
#include "kernel/ocall/ocall.h"
#include "kernel/ocall/ring.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/vcpus.h"
#include "kernel/signal/from_host.h"
#include "lib/string.h"

#define TICK_MIN_NS 50000  /* until a tick */
#define HANDOVER_NS 200000 /* until another vCPU watches the ring */
#define STEAL_NS 10000     /* that a thread waits before another vCPU takes it */
#define SPIN_NS 30000      /* that an idle vCPU looks around */
#define NAP_NS 1000000
#define LITTLE_NS 30000 /* work that is done sooner than a vCPU is woken */

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
    sched_rest_locked(v, true);
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
    __atomic_store_n(&sched.wakes_first, first, __ATOMIC_RELAXED);
}

static void fall_asleep_locked(struct vcpu *v, ktime_t next, bool nap) REQUIRES(sched_lock)
{
    ktime_t now = clock_mono();

    v->rest = VCPU_ASLEEP;
    v->called = false;
    v->watches = !sched.watching;
    v->wakes_at = next < sched.wakes_first ? next : KTIME_NEVER;
    if (nap) {
        sched.nap_until = now + NAP_NS;
        v->wakes_at = MIN(v->wakes_at, sched.nap_until);
    }
    sched.awake--;
    sched.asleep++;
    sched.watching += v->watches;
    wakes_first_locked();
}

static void wake_up_locked(struct vcpu *v) REQUIRES(sched_lock)
{
    v->rest = VCPU_AWAKE;
    sched.asleep--;
    sched.awake++;
    sched.watching -= v->watches;
    wakes_first_locked();
}

static void idle_sleep(ktime_t next, bool nap)
{
    struct vcpu *v = vcpu_this();

    spin_lock(&sched_lock);
    if (sched.waiting && !nap) {
        spin_unlock(&sched_lock);
        return;
    }
    fall_asleep_locked(v, next, nap);
    spin_unlock(&sched_lock);
    v->tick_at = 0; /* waiting disarms it */
    inbox_give(v);
    ring_wait(v->wakes_at, v->watches);
    spin_lock(&sched_lock);
    if (v->rest == VCPU_ASLEEP)
        wake_up_locked(v);
    spin_unlock(&sched_lock);
}

/* Somebody else may take what is in the queue, and soon: a BUSY vCPU. */
static bool others_busy(void)
{
    return PEEK(sched.awake) + PEEK(sched.asleep) < vcpus_count();
}

/* How an idle vCPU's look around ended. */
enum look { LOOK_WORK, LOOK_EVENT, LOOK_NOTHING, LOOK_TRAFFIC };

static enum look look_around(void)
{
    ktime_t start = clock_mono(), now = start, waits_since = start;
    unsigned seen = PEEK(sched.taken);
    bool traffic = false;

    do {
        if (PEEK(sched.taken) != seen || !PEEK(sched.waiting)) {
            traffic |= PEEK(sched.taken) != seen;
            seen = PEEK(sched.taken);
            waits_since = now;
        } else if (now - waits_since > STEAL_NS || !others_busy()) {
            return LOOK_WORK;
        }
        if (ring_ready() || timer_next() <= now)
            return LOOK_EVENT;
        if (!others_busy() || inbox_waiting())
            break; /* nothing can come from inside, or something from outside */
        cpu_relax();
        now = clock_mono();
    } while (now - start < SPIN_NS);
    return traffic ? LOOK_TRAFFIC : LOOK_NOTHING;
}

/* Runs what waits; true: it was not worth the call. */
static bool work_is_little(void)
{
    ktime_t start = clock_mono();

    schedule();
    return clock_mono() - start < LITTLE_NS;
}

void sched_idle(void)
{
    bool little = false;

    for (;;) {
        bool before = PEEK(sched.waiting);
        vcpus_interrupts_send();
        signals_from_host();
        ktime_t next = timer_run();
        ring_reap();
        inbox_reap(vcpu_this());
        if (!before && PEEK(sched.waiting)) { /* we have woken somebody */
            schedule();
            continue;
        }
        switch (look_around()) {
        case LOOK_WORK: little = work_is_little(); break;
        case LOOK_EVENT: break;
        /* Called for nothing, or little: what it was called for was on its way already, or as good as done. */
        case LOOK_NOTHING:
            idle_sleep(next, little || vcpu_this()->called);
            little = false;
            break;
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
        bool watches = v->watches || PEEK(v->inboxes);
        if (v->rest == VCPU_ASLEEP && (!best || !watches))
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

    if (!PEEK(sched.waiting) || PEEK(sched.awake) || vcpus_limit() == 1)
        return;
    spin_lock(&sched_lock);
    if (sched.waiting && !sched.awake) {
        if (!sched.asleep)
            more = vcpus_count() < vcpus_limit();
        else if (clock_mono() >= sched.nap_until)
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

/* Another vCPU is to watch the ring, and for messages, as this one computes; if there is none it looks itself. */
static void watch_hand_over(void)
{
    struct vcpu *me = vcpu_this(), *v = NULL;
    bool messages = inbox_waiting();

    if (!messages && !ring_busy())
        return;
    spin_lock(&sched_lock);
    messages &= !sched.awake;
    if ((!sched.watching || messages) && !sched.awake && sched.asleep)
        v = sleeper_claim_locked();
    spin_unlock(&sched_lock);
    if (v) {
        ocall_vcpu_wake(v->head.index);
    } else if (messages) {
        inbox_give(me);
        ring_look();
        inbox_reap(me);
    }
}

unsigned sched_runnable(void)
{
    return PEEK(sched.waiting);
}

void sched_elsewhere(bool runs)
{
    __atomic_fetch_add(&sched.elsewhere, runs ? 1 : -1U, __ATOMIC_RELAXED);
    __atomic_store_n(&current->cputime.elsewhere, runs ? clock_mono() : 0, __ATOMIC_RELEASE);
}

bool sched_cpu_spare_locked(bool leaves)
{
    unsigned busy = vcpus_count() - sched.awake - sched.asleep - leaves;

    return !sched.waiting && busy + PEEK(sched.elsewhere) < vcpus_limit();
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

    if (PEEK(sched.waiting))
        want = now + SLICE_NS;
    if ((ring_busy() && !PEEK(sched.watching)) || inbox_waiting())
        want = MIN(want, now + (PEEK(sched.asleep) ? HANDOVER_NS : SLICE_NS));
    if (timer < PEEK(sched.wakes_first))
        want = MIN(want, MAX(timer, now + TICK_MIN_NS));
    return want;
}

/* Asks the host for a tick when something waits that nobody else sees to. */
static void tick_update(void)
{
    struct vcpu *v = vcpu_this();
    ktime_t at = v->tick_at;

    if (!PEEK(sched.waiting) && !ring_busy() && !inbox_waiting() &&
        timer_next() >= PEEK(sched.wakes_first))
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

    if (!PEEK(sched.waiting) || vcpus_count() == 1)
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
    if (satellite_due()) { /* it may go before it has to wait */
        look_later();
        return;
    }
    if (PEEK(vcpu_this()->resched_yield)) {
        __atomic_store_n(&vcpu_this()->resched_yield, 0, __ATOMIC_RELAXED);
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
    turn_check();
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
