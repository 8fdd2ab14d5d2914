/* SPDX-License-Identifier: Apache-2.0 */
/* Taking turns: see turns.h.  The scheduler (sched.c) counts active threads and asks at each resume. */
#include "kernel/sched/turns.h"

#include "kernel/kernel.h"
#include "kernel/sched/sched_impl.h"
#include "kernel/sched/vcpus.h"

#define QUANTUM_NS 5000000 /* a holder's time while others wait, at least … */
#define COST_FACTOR 10     /* … and so many times what a change costs */
/* Likewise while a CPU has nothing to do. */
#define QUANTUM_SPARE_NS 1000000
#define COST_FACTOR_SPARE 4
/* … and from when others want it, at least: who has just started a program stops by itself, to wait for it. */
#define GRACE_NS 500000

/* When others that wait have a right to the turn; waits: the current thread is about to, too. */
static ktime_t time_end_locked(const struct turns *g, bool waits) REQUIRES(sched_lock)
{
    ktime_t least = MAX((ktime_t)QUANTUM_NS, g->cost * COST_FACTOR);

    if (!g->contested && sched_cpu_spare_locked(waits))
        least = MAX((ktime_t)QUANTUM_SPARE_NS, g->cost * COST_FACTOR_SPARE);
    return MAX(g->since + least, g->wanted + GRACE_NS);
}

/*
 * The holder's time is over: its threads are called in from wherever they run.  Unless the timer was set
 * for the holder before.
 */
static void time_over(struct timer *timer)
{
    struct turns *g = container_of(timer, struct turns, timer);
    ktime_t now = clock_mono();

    spin_lock(&sched_lock);
    bool wanted = g->holder && !list_empty(&g->waiting);
    ktime_t end = time_end_locked(g, false);
    g->armed = wanted && now < end;
    g->ends = end;
    if (wanted && !g->armed) {
        g->ending = true;
        for (unsigned i = 0; i < vcpus_count(); i++) {
            struct vcpu *v = vcpu_get(i);
            if (v->running->turn != g->holder)
                continue;
            __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
            if (v != vcpu_this())
                vcpu_interrupt_later(v);
        }
    }
    bool again = g->armed;
    spin_unlock(&sched_lock);
    if (again)
        timer_set(timer, end);
}

void turns_init(struct turns *g, void (*change)(struct turns *, struct turn *, struct turn *))
{
    list_init(&g->waiting);
    timer_init(&g->timer, time_over);
    g->change = change;
}

void turns_fini(struct turns *g)
{
    (void)timer_cancel(&g->timer);
}

/* The first of those that wait comes to see whether it is its turn. */
static void next_call_locked(struct turns *g) REQUIRES(sched_lock)
{
    struct list *l = list_pop(&g->waiting);
    if (l)
        sched_unpark_locked(list_entry(l, struct thread, run_link));
}

void turn_arrive_locked(struct turn *t)
{
    t->active++;
    t->arrivals++;
}

void turn_idle_locked(struct turn *t)
{
    if (--t->active == 0 && t->group && t->group->holder == t && !t->group->changer)
        next_call_locked(t->group);
}

void turn_join(struct turns *g, struct turn *t)
{
    spin_lock(&sched_lock);
    t->group = g;
    if (!g->holder)
        g->holder = t;
    spin_unlock(&sched_lock);
}

void turn_leave(struct turn *t)
{
    spin_lock(&sched_lock);
    struct turns *g = t->group;
    t->group = NULL;
    if (g && g->holder == t) {
        g->holder = NULL;
        next_call_locked(g);
    }
    spin_unlock(&sched_lock);
}

uint64_t turn_alone(void)
{
    const struct turn *mine = current->turn;

    spin_lock(&sched_lock);
    uint64_t alone = mine->active == 1 ? mine->arrivals : 0;
    spin_unlock(&sched_lock);
    return alone;
}

bool turn_hand_over(struct turn *t, uint64_t alone)
{
    struct turn *mine = current->turn;
    bool ok;

    spin_lock(&sched_lock);
    struct turns *g = mine->group;
    ok = g && t->group == g && g->holder == mine && !g->changer && mine->active == 1 &&
         mine->arrivals == alone && (!g->ending || list_empty(&g->waiting));
    if (ok) {
        g->holder = t;
        /* While others wait it is one turn with its parent's: else a chain of forks would never end it. */
        if (list_empty(&g->waiting)) {
            g->ending = g->offered = false;
            g->wanted = 0;
            g->since = clock_mono();
        }
    }
    spin_unlock(&sched_lock);
    return ok;
}

void turn_move(struct turn *to)
{
    struct thread *me = current;

    spin_lock(&sched_lock);
    struct turn *from = me->turn;
    me->turn = to;
    if (to)
        turn_arrive_locked(to);
    if (from)
        turn_idle_locked(from);
    spin_unlock(&sched_lock);
}

/* Waits for a call, once. */
static void wait_locked(struct turns *g) REQUIRES(sched_lock) NO_TSA
{
    struct thread *me = current;

    me->state = THREAD_PARKED;
    list_add_tail(&g->waiting, &me->run_link);
    turn_idle_locked(me->turn);
    schedule_locked();
    spin_lock(&sched_lock);
}

/* Others will wait: their holder's time is to end then. timer_lock comes before sched_lock. */
static void arm_locked(struct turns *g, ktime_t end) REQUIRES(sched_lock)
{
    g->armed = true;
    g->ends = end;
    spin_unlock(&sched_lock);
    timer_set(&g->timer, end);
    spin_lock(&sched_lock);
}

bool turn_contested(const struct turn *t)
{
    const struct turns *g = t ? PEEK(t->group) : NULL;

    return g && PEEK(g->contested);
}

/* `from` has lost the turn.  Does one wait that would have gone on when it did? */
static bool cut_off_locked(const struct turns *g, const struct turn *from) REQUIRES(sched_lock)
{
    bool any = false;

    list_for_each(l, &g->waiting) {
        struct turn *t = list_entry(l, const struct thread, run_link)->turn;
        t->cut |= t == from && g->ending;
        any |= t->cut;
    }
    return any;
}

static void take_locked(struct turns *g, struct turn *t) REQUIRES(sched_lock) NO_TSA
{
    struct turn *from = g->holder;
    bool contested = cut_off_locked(g, from);

    g->changer = current;
    spin_unlock(&sched_lock);
    ktime_t start = clock_mono();
    g->change(g, from, t);
    ktime_t now = clock_mono();
    spin_lock(&sched_lock);
    g->changer = NULL;
    g->holder = t;
    g->ending = g->offered = false;
    g->wanted = 0;
    t->cut = false;
    __atomic_store_n(&g->contested, contested, __ATOMIC_RELAXED);
    g->since = now;
    g->cost = now - start;
    g->changes++;
    /* The others of ours can run now; so can whoever gave up waiting for the old one. */
    struct list *l = g->waiting.next;
    while (l != &g->waiting) {
        struct thread *w = list_entry(l, struct thread, run_link);
        l = l->next;
        if (w->turn == t) {
            list_del(&w->run_link);
            sched_unpark_locked(w);
        }
    }
}

/* True when the current thread may go on; else it has waited, or made the change, and must look again. */
static bool enter_locked(struct turns *g, struct turn *t) REQUIRES(sched_lock)
{
    if (g->changer == current)
        return true;
    if (g->holder == t && !g->changer) {
        if (!g->ending)
            return true;
        if (list_empty(&g->waiting)) {
            g->ending = false;
            return true;
        }
    } else if (!g->changer && (!g->holder || g->holder->active == 0)) {
        take_locked(g, t);
        return false;
    }
    if (!g->wanted)
        g->wanted = clock_mono();
    ktime_t end = time_end_locked(g, true);
    if (g->armed && g->ends <= end)
        wait_locked(g);
    else
        arm_locked(g, end);
    return false;
}

void turn_enter(void)
{
    spin_lock(&sched_lock);
    for (;;) {
        struct turn *t = current->turn;
        struct turns *g = t ? t->group : NULL;
        if (!g || enter_locked(g, t))
            break;
    }
    struct turns *g = current->turn ? current->turn->group : NULL;
    if (g && !list_empty(&g->waiting) && !g->armed)
        arm_locked(g, time_end_locked(g, false));
    spin_unlock(&sched_lock);
}
