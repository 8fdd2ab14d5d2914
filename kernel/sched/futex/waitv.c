/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex_waitv(2): waiting on up to 128 words at once.  A waiter for each is queued, all of the same
 * thread; the first wake-up ends the wait, and its index is the result.
 *
 * Lock: each waiter's bucket, one at a time.
 */
#include <linux/errno.h>
#include <linux/futex.h>
#include <linux/time.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/futex/futex_impl.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/time.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

static int entry_take(struct futex_waitv *v, uaddr_t at)
{
    if (copy_in(v, at, sizeof(*v)))
        return -EFAULT;
    if ((v->flags & ~(uint32_t)(FUTEX_32 | FUTEX_PRIVATE_FLAG)) || v->__reserved)
        return (int)reject(-EINVAL, "unknown flag or reserved field in futex_waitv");
    if (!(v->flags & FUTEX_32))
        return (int)reject(-EINVAL, "only words of 32 bits");
    return 0;
}

static int waiter_init(struct futex_waiter *w, const struct futex_waitv *v)
{
    *w = (struct futex_waiter){.bitset = FUTEX_BITSET_MATCH_ANY, .thread = current};
    return futex_key_make(&w->key, v->uaddr, !(v->flags & FUTEX_PRIVATE_FLAG));
}

/* Takes n waiters off: the index of the last one that was woken, or -1. */
static int unqueue_all(struct futex_waiter *w, unsigned n)
{
    int woken = -1;

    for (unsigned i = 0; i < n; i++) {
        struct futex_bucket *b = futex_waiter_lock(&w[i]);
        if (w[i].woken)
            woken = (int)i;
        else
            list_del(&w[i].link);
        futex_waiter_unlock(b);
    }
    return woken;
}

static bool any_woken(const struct futex_waiter *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (__atomic_load_n(&w[i].woken, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

static int wait_many(struct futex_waiter *w, const struct futex_waitv *v, unsigned n,
                     ktime_t deadline)
{
    unsigned queued = 0;
    int ret = 0;

    while (queued < n && !(ret = futex_queue_if(&w[queued], (uint32_t)v[queued].val)))
        queued++;
    while (!ret && !any_woken(w, n))
        ret = thread_block(deadline, true);
    int woken = unqueue_all(w, queued);
    return woken >= 0 ? woken : ret;
}

static int deadline_take(uaddr_t timeout, int clockid, ktime_t *out)
{
    *out = KTIME_NEVER;
    if (!timeout)
        return 0;
    if (clockid != CLOCK_REALTIME && clockid != CLOCK_MONOTONIC)
        return (int)reject(-EINVAL, "no futex timeouts on this clock");
    int err = timespec_take(timeout, out);
    if (!err && clockid == CLOCK_REALTIME && *out != KTIME_NEVER)
        *out = MAX(*out - clock_real() + clock_mono(), 0);
    return err;
}

/* The addresses are judged when all entries have been read, as in Linux. */
struct waitv_memory {
    struct futex_waiter w[FUTEX_WAITV_MAX];
    struct futex_waitv v[FUTEX_WAITV_MAX];
};

long sys_futex_waitv(uaddr_t waiters, unsigned nr, unsigned flags, uaddr_t timeout, int clockid)
{
    ktime_t deadline;

    if (flags)
        return reject(-EINVAL, "futex_waitv knows no flags");
    if (!nr || nr > FUTEX_WAITV_MAX || !waiters)
        return reject(-EINVAL, "1 to 128 words");
    int err = deadline_take(timeout, clockid, &deadline);
    if (err)
        return err;
    struct waitv_memory *m = kmalloc(sizeof(*m));
    if (!m)
        return -ENOMEM;
    for (unsigned i = 0; i < nr && !err; i++)
        err = entry_take(&m->v[i], waiters + i * sizeof(struct futex_waitv));
    for (unsigned i = 0; i < nr && !err; i++)
        err = waiter_init(&m->w[i], &m->v[i]);
    long ret = err ? err : wait_many(m->w, m->v, nr, deadline);
    kfree(m);
    return ret;
}
