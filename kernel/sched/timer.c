/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers, in a tree sorted by expiry: insertion is logarithmic and allocates nothing.
 *
 * States: idle -> armed (in the tree) -> running (fn is being called) -> idle.
 * Lock: timer_lock; functions are called without it.
 */
#include "kernel/sched/clock.h"
#include "kernel/sched/lock.h"
#include "kernel/sched/sched.h"
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
static struct timer *timer_running;                   /* [timer_lock] whose fn is being called */
static ktime_t next_expiry = KTIME_NEVER;             /* [a] of the first in the tree */

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

bool timer_cancel(struct timer *t)
{
    for (;;) {
        spin_lock(&timer_lock);
        bool was = timer_disarm_locked(t);
        bool running = timer_running == t;
        spin_unlock(&timer_lock);
        if (was || !running)
            return was;
        cpu_relax();
    }
}

ktime_t timer_run(void)
{
    for (;;) {
        spin_lock(&timer_lock);
        struct tree_node *n = tree_first(&timer_tree);
        struct timer *t = n ? tree_entry(n, struct timer, node) : NULL;
        if (!t || t->expires > clock_mono() || timer_running) {
            ktime_t next = t ? t->expires : KTIME_NEVER;
            spin_unlock(&timer_lock);
            return next;
        }
        timer_disarm_locked(t);
        timer_running = t;
        spin_unlock(&timer_lock);
        t->fn(t);
        spin_lock(&timer_lock);
        timer_running = NULL;
        spin_unlock(&timer_lock);
    }
}
