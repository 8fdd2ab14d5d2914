/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is away, and calling them home for what others here are about to do: look into their memory's map, cut a file that
 * they map, open one for writing that they show shared.
 *
 * Lock: stays.lock, a spin lock, for the list, and for a stay's satellite as far as others look at it.
 */
#include <linux/errno.h>

#include "kernel/proc/process.h"
#include "kernel/satellite/base.h"
#include "kernel/sched/waitq.h"
#include "kernel/signal/signal.h"

#define RECALL_NS 2000000000 /* that others wait for those whom they have called home */
#define LOOK_NS 10000000     /* that they then have for what they wanted */

/* All that are away. */
static struct {
    struct spinlock lock;
    struct list list;   /* [l] of struct stay */
    unsigned count;     /* [a] */
    struct waitq fewer; /* one has come back, or ended */
    ktime_t
        stopped; /* [a] nobody goes before: who has called somebody home is not through with it */
} stays = {.list = LIST_INIT(stays.list), .fewer.waiters = LIST_INIT(stays.fewer.waiters)};

void stay_begins(struct stay *y)
{
    spin_lock(&stays.lock);
    list_add_tail(&stays.list, &y->link);
    __atomic_store_n(&stays.count, stays.count + 1, __ATOMIC_SEQ_CST);
    spin_unlock(&stays.lock);
}

void stay_ends(struct stay *y)
{
    current->stay = NULL;
    spin_lock(&stays.lock);
    list_del(&y->link);
    __atomic_store_n(&stays.count, stays.count - 1, __ATOMIC_SEQ_CST);
    spin_unlock(&stays.lock);
    waitq_wake(&stays.fewer, 0);
}

struct satellite *stay_part(struct stay *y)
{
    spin_lock(&stays.lock);
    struct satellite *s = y->satellite;
    y->satellite = NULL;
    spin_unlock(&stays.lock);
    return s;
}

bool stays_stopped(void)
{
    return clock_mono() < __atomic_load_n(&stays.stopped, __ATOMIC_RELAXED);
}

/* What a recall is about: a process, or a file. */
struct recall {
    const struct process *process;
    const struct inode *inode;
    bool shared;
};

static bool is_meant(const struct stay *y, const struct recall *r)
{
    if (r->process)
        return y->thread->process == r->process;
    return y->satellite && known_file_is(y->satellite, r->inode, r->shared);
}

/* Tells them as a signal would; true: there are some, other than the current one. */
static bool recall_tell(const struct recall *r)
{
    bool any = false;

    spin_lock(&stays.lock);
    list_for_each(l, &stays.list) {
        struct stay *y = list_entry(l, struct stay, link);
        if (!is_meant(y, r))
            continue;
        __atomic_store_n(&y->wanted, true, __ATOMIC_RELAXED);
        if (y->thread == current)
            continue;
        any = true;
        __atomic_store_n(&y->thread->signal_pending, 1, __ATOMIC_RELEASE);
        thread_interrupt(y->thread);
    }
    spin_unlock(&stays.lock);
    return any;
}

/* The host can keep them away, but not us here. */
static void recall_all(const struct recall *r)
{
    ktime_t deadline = clock_mono() + RECALL_NS;
    bool any = false;
    struct waiter w;

    if (!__atomic_load_n(&stays.count, __ATOMIC_SEQ_CST))
        return;
    waitq_add(&stays.fewer, &w);
    while (recall_tell(r) && clock_mono() < deadline) {
        any = true;
        __atomic_store_n(&stays.stopped, deadline, __ATOMIC_RELAXED);
        (void)thread_block(deadline, false);
    }
    waitq_del(&stays.fewer, &w);
    if (any)
        __atomic_store_n(&stays.stopped, clock_mono() + LOOK_NS, __ATOMIC_RELAXED);
}

int satellite_recall(const struct process *p)
{
    recall_all(&(struct recall){.process = p});
    return p == current_process() && thread_is_away() ? -ERESTARTNOINTR : 0;
}

void satellite_recall_file(const struct inode *i, bool shared)
{
    recall_all(&(struct recall){.inode = i, .shared = shared});
}
