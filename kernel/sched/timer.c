/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers, in one tree sorted by expiry: insertion is logarithmic and allocates nothing.
 *
 *   idle ──set──► armed (in the tree) ──due──► running (in fn) ──► idle, or armed again
 *
 * Any vCPU runs what is due; several may run different timers at the same time, never one timer
 * twice. While fn runs a record of the call is listed; the timer itself is not touched after fn, so
 * that fn may free it.  timer_cancel waits for the call to end: no lock that fn takes may be held.
 *
 * Lock: timer_lock; functions are called without it.
 */
#include "kernel/sched/clock.h"
#include "kernel/sched/lock.h"
#include "kernel/sched/sched.h"
#include "lib/list.h"
#include "lib/tree.h"

static struct spinlock timer_lock;

static int timer_cmp(const struct tree_node *a, const struct tree_node *b)
{
    const struct timer *x = tree_entry(a, const struct timer, node);
    const struct timer *y = tree_entry(b, const struct timer, node);
    if (x->expires != y->expires)
        return x->expires < y->expires ? -1 : 1;
    return x < y ? -1 : x > y;
}

static struct tree timer_tree = TREE_INIT(timer_cmp); /* [timer_lock] by expires */
static ktime_t next_expiry = KTIME_NEVER;             /* [a] of the first in the tree */

/* A call of a timer's function, on the stack of the vCPU that makes it. */
struct timer_call {
    struct list link;
    struct timer *timer;
};
static struct list timer_calls = LIST_INIT(timer_calls); /* [timer_lock] one a vCPU at most */

void timer_init(struct timer *t, void (*fn)(struct timer *))
{
    t->armed = false;
    t->fn = fn;
}

static void first_changed_locked(void) REQUIRES(timer_lock)
{
    struct tree_node *n = tree_first(&timer_tree);
    __atomic_store_n(&next_expiry, n ? tree_entry(n, struct timer, node)->expires : KTIME_NEVER,
                     __ATOMIC_RELAXED);
}

ktime_t timer_next(void)
{
    return __atomic_load_n(&next_expiry, __ATOMIC_RELAXED);
}

static bool timer_disarm_locked(struct timer *t) REQUIRES(timer_lock)
{
    if (!t->armed)
        return false;
    tree_remove(&timer_tree, &t->node);
    t->armed = false;
    if (t->expires == timer_next())
        first_changed_locked();
    return true;
}

void timer_set(struct timer *t, ktime_t expires)
{
    spin_lock(&timer_lock);
    timer_disarm_locked(t);
    t->expires = expires;
    t->armed = true;
    (void)tree_insert(&timer_tree, &t->node);
    bool first = expires < timer_next();
    if (first)
        __atomic_store_n(&next_expiry, expires, __ATOMIC_RELAXED);
    spin_unlock(&timer_lock);
    if (first)
        sched_need_tick();
}

static bool timer_is_running_locked(const struct timer *t) REQUIRES(timer_lock)
{
    list_for_each(l, &timer_calls)
        if (list_entry(l, struct timer_call, link)->timer == t)
            return true;
    return false;
}

bool timer_cancel(struct timer *t)
{
    bool was = false;

    for (;;) {
        spin_lock(&timer_lock);
        /* Each time round: fn may have armed it again. */
        was |= timer_disarm_locked(t);
        bool running = timer_is_running_locked(t);
        spin_unlock(&timer_lock);
        if (!running)
            return was;
        cpu_relax();
    }
}

/* Takes the first timer off if it is due; else NULL, and when it will be. */
static struct timer *timer_take_due(struct timer_call *call, ktime_t *next)
{
    spin_lock(&timer_lock);
    struct tree_node *n = tree_first(&timer_tree);
    struct timer *t = n ? tree_entry(n, struct timer, node) : NULL;
    *next = t ? t->expires : KTIME_NEVER;
    if (t && t->expires <= clock_mono() && !timer_is_running_locked(t)) {
        timer_disarm_locked(t);
        call->timer = t;
        list_add_tail(&timer_calls, &call->link);
    } else {
        t = NULL;
    }
    spin_unlock(&timer_lock);
    return t;
}

ktime_t timer_run(void)
{
    struct timer_call call;
    struct timer *t;
    ktime_t next;

    while ((t = timer_take_due(&call, &next)) != NULL) {
        t->fn(t);
        spin_lock(&timer_lock);
        list_del(&call.link);
        spin_unlock(&timer_lock);
    }
    return next;
}
