/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base's satellites.  One is started when two compute that have the same addresses, and stays for the next guest.  It takes
 * some milliseconds to come up, which nobody waits for: the next turn's end finds it, or the next exec.
 *
 * Lock: pool.lock, a spin lock, for states; what else a satellite has is of who has taken it, or is starting it.
 */
#include <linux/errno.h>
#include <linux/poll.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/passage.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/base.h"
#include "kernel/sched/turns.h"
#include "kernel/signal/signal.h"

#define LOST_MAX 3U /* then something is wrong here: no more are asked for */

static struct {
    struct spinlock lock;
    unsigned max;   /* [l; a hint without it] that are asked for: fewer when they fail */
    unsigned count; /* [l] satellites that there are */
    unsigned lost;  /* [l] that ended by themselves */
    bool starting;  /* [l] somebody sees to one that is starting, or starts it */
    struct satellite *all[SATELLITE_MAX]; /* [l] */
} pool;

void satellites_init(unsigned max)
{
    pool.max = MIN(max, SATELLITE_MAX);
}

void satellite_exec(void)
{
    if (!pool.max || !turn_contested(current->turn))
        return;
    if (!habit_goes_at_once(mm_program(current_process()->mm))) {
        satellite_prepare(); /* two compute here, and more may come */
        return;
    }
    current->goes = true;
    __atomic_store_n(&current->exit_work, 1, __ATOMIC_RELEASE);
}

bool satellite_due(void)
{
    const struct turn *t = current->turn;

    if (!pool.max || !t || !t->group)
        return false;
    return current->goes || (__atomic_load_n(&t->group->ending, __ATOMIC_RELAXED) &&
                             __atomic_load_n(&t->group->holder, __ATOMIC_RELAXED) == t &&
                             turn_contested(t) && !t->group->offered);
}

static struct satellite *find_locked(enum satellite_state state) REQUIRES(pool.lock)
{
    for (unsigned i = 0; i < pool.count; i++)
        if (pool.all[i]->state == state)
            return pool.all[i];
    return NULL;
}

/* Out of the pool: the last one takes its place. */
static void remove(struct satellite *s)
{
    spin_lock(&pool.lock);
    for (unsigned i = 0; i < pool.count; i++)
        if (pool.all[i] == s)
            pool.all[i] = pool.all[--pool.count];
    spin_unlock(&pool.lock);
    known_files_drop(s);
    if (s->link)
        link_close(s->link);
    else if (s->fd >= 0 && s->state == SATELLITE_STARTING)
        ocall_close(s->fd);
    if (s->buf)
        kpages_free(s->buf, 3 * LINK_PAGES);
    kfree(s);
}

void satellite_lost(struct satellite *s, int why)
{
    log_warn(why == -EBADMSG ? "a satellite enclave's messages are not what it sent, or it is "
                               "none: it is not used any more"
                             : "a satellite enclave has ended (error %d)",
             -why);
    spin_lock(&pool.lock);
    if (++pool.lost >= LOST_MAX)
        pool.max = 0;
    spin_unlock(&pool.lock);
    remove(s);
}

static struct satellite *make(void)
{
    struct satellite *s = kzalloc(sizeof(*s));

    if (!s)
        return NULL;
    s->state = SATELLITE_STARTING;
    s->buf = kpages_alloc_any(3 * LINK_PAGES);
    s->fd = -1;
    if (s->buf)
        s->fd = (int)ocall_satellite_start();
    if (s->fd >= 0)
        return s;
    if (s->buf)
        kpages_free(s->buf, 3 * LINK_PAGES);
    kfree(s);
    return NULL;
}

/* It says something as soon as it is up. */
static bool is_up(const struct satellite *s)
{
    long events = ocall_poll_now(s->fd, POLLIN);

    return events > 0;
}

static void greet(struct satellite *s)
{
    int err = link_open(s->fd, true, &s->link);

    if (err) {
        s->fd = -1; /* closed */
        /* Not its fault: the current thread has a signal to see to. There will be another one. */
        if (err == -ERESTARTSYS)
            remove(s);
        else
            satellite_lost(s, err);
        return;
    }
    spin_lock(&pool.lock);
    s->state = SATELLITE_FREE;
    spin_unlock(&pool.lock);
}

/* Brings another one nearer; the caller has set pool.starting. */
static void start_or_greet(struct satellite *starting)
{
    struct satellite *s = starting ? starting : make();

    if (starting && is_up(s)) {
        greet(s);
    } else if (!starting) {
        spin_lock(&pool.lock);
        if (s)
            pool.all[pool.count++] = s;
        else
            pool.max = pool.count; /* the host has no more: it is not asked again */
        spin_unlock(&pool.lock);
    }
    spin_lock(&pool.lock);
    pool.starting = false;
    spin_unlock(&pool.lock);
}

void satellite_prepare(void)
{
    struct satellite *starting = NULL;
    bool more = false;

    spin_lock(&pool.lock);
    if (!pool.starting && !find_locked(SATELLITE_FREE)) {
        starting = find_locked(SATELLITE_STARTING);
        more = starting || pool.count < pool.max;
        pool.starting = more;
    }
    spin_unlock(&pool.lock);
    if (more)
        start_or_greet(starting);
}

static struct satellite *take_free(void)
{
    spin_lock(&pool.lock);
    struct satellite *s = find_locked(SATELLITE_FREE);
    if (s)
        s->state = SATELLITE_TAKEN;
    spin_unlock(&pool.lock);
    return s;
}

struct satellite *satellite_take(void)
{
    struct satellite *s = take_free();

    if (s)
        return s;
    satellite_prepare();
    return take_free();
}

void satellite_give(struct satellite *s)
{
    spin_lock(&pool.lock);
    s->state = SATELLITE_FREE;
    spin_unlock(&pool.lock);
}
