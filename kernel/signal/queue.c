/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of pending signals: see signal_impl.h for its states.  Pure data structure but for
 * kmalloc; the owner's process lock is held by all callers.
 */
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/id/user.h"
#include "kernel/signal/signal_impl.h"
#include "lib/string.h"

struct sigqueue *sigqueue_new(void)
{
    struct sigqueue *q = kzalloc(sizeof(*q));
    if (q) {
        list_init(&q->entries);
    }
    return q;
}

bool sigentry_charge(struct sigentry *e, struct user *user, uint64_t limit, bool force)
{
    uint32_t n = __atomic_add_fetch(&user->signals, 1, __ATOMIC_RELAXED);
    if (n > limit && !force) {
        __atomic_sub_fetch(&user->signals, 1, __ATOMIC_RELAXED);
        return false;
    }
    e->user = user_get(user);
    return true;
}

void sigentry_uncharge(struct sigentry *e)
{
    __atomic_sub_fetch(&e->user->signals, 1, __ATOMIC_RELAXED);
    user_put(e->user);
    e->user = NULL;
}

static void entry_release(struct sigqueue *q, struct sigentry *e)
{
    list_del(&e->link);
    if (e->timer) {
        e->queue = NULL;
        return; /* it stays charged: its timer has it */
    }
    sigentry_uncharge(e);
    if (e == &q->slot)
        q->slot_used = false;
    else
        kfree(e);
}

void sigqueue_free(struct sigqueue *q)
{
    sigqueue_flush(q, ~0UL);
    kfree(q);
}

/* The kernel's own and kill's standard signals may exceed the limit (force): there are few of them. */
static struct sigentry *entry_new(struct sigqueue *q, struct user *user, uint64_t limit, bool force)
{
    struct sigentry *e = q->slot_used ? kmalloc(sizeof(*e)) : &q->slot;

    if (!e)
        return NULL;
    e->timer = NULL;
    if (sigentry_charge(e, user, limit, force)) {
        q->slot_used = true;
        return e;
    }
    if (e != &q->slot)
        kfree(e);
    return NULL;
}

int sigqueue_add(struct sigqueue *q, int sig, const siginfo_t *info, struct user *user,
                 uint64_t limit)
{
    sigset_t bit = SIG_BIT(sig);

    if (sig < SIGNAL_RT_MIN && (q->pending & bit))
        return 0; /* already pending: once is enough */
    if (!info) {
        q->bare |= bit;
        q->pending |= bit;
        return 0;
    }
    struct sigentry *e = entry_new(q, user, limit, sig < SIGNAL_RT_MIN && info->si_code >= 0);
    if (!e) {
        /* kill(2) never fails for this; a queued real-time signal with data does. */
        if (sig >= SIGNAL_RT_MIN && info->si_code != SI_USER)
            return -EAGAIN;
        q->pending |= bit;
        return 0;
    }
    memcpy(e->info, info, SIGINFO_KEPT);
    e->signo = sig;
    list_add_tail(&q->entries, &e->link);
    q->pending |= bit;
    return 0;
}

void sigqueue_add_entry(struct sigqueue *q, struct sigentry *e)
{
    e->queue = q;
    list_add_tail(&q->entries, &e->link);
    q->pending |= SIG_BIT(e->signo);
}

/* The first entry of a signal; *more: there is another one. */
static struct sigentry *entry_find(struct sigqueue *q, int sig, bool *more)
{
    struct sigentry *first = NULL;

    *more = false;
    list_for_each(l, &q->entries) {
        struct sigentry *e = list_entry(l, struct sigentry, link);
        if (e->signo != sig)
            continue;
        if (first) {
            *more = true;
            break;
        }
        first = e;
    }
    return first;
}

void sigentry_remove(struct sigentry *e)
{
    struct sigqueue *q = e->queue;
    sigset_t bit = SIG_BIT(e->signo);
    bool more;
    int signo = e->signo;

    entry_release(q, e);
    if (!entry_find(q, signo, &more) && !(q->bare & bit))
        q->pending &= ~bit;
}

bool sigqueue_take(struct sigqueue *q, int sig, siginfo_t *info)
{
    sigset_t bit = SIG_BIT(sig);
    bool more;
    struct sigentry *e = entry_find(q, sig, &more);

    memset(info, 0, sizeof(*info));
    if (e) {
        bool timer = e->timer != NULL;
        memcpy(info, e->info, SIGINFO_KEPT);
        entry_release(q, e);
        if (!more && !(q->bare & bit))
            q->pending &= ~bit;
        return timer;
    }
    info->si_signo = sig;
    info->si_code = (q->bare & bit) ? SI_KERNEL : SI_USER;
    q->bare &= ~bit;
    q->pending &= ~bit;
    return false;
}

void sigqueue_flush(struct sigqueue *q, sigset_t set)
{
    if (!(q->pending & set))
        return;
    q->pending &= ~set;
    q->bare &= ~set;
    list_for_each_safe(l, &q->entries) {
        struct sigentry *e = list_entry(l, struct sigentry, link);
        struct ptimer *timer = e->timer;
        if (!(set & SIG_BIT(e->signo)))
            continue;
        entry_release(q, e);
        if (timer)
            ptimer_dropped_locked(timer);
    }
}

int sigset_first(sigset_t set)
{
    if (set & SYNC_SIGNALS)
        set &= SYNC_SIGNALS;
    return __builtin_ctzl(set) + 1;
}
