/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of pending signals: see signal_impl.h for its states.  Pure data structure but for
 * kmalloc; the owner's process lock is held by all callers.
 */
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/mm/heap.h"
#include "kernel/signal/signal_impl.h"
#include "lib/string.h"

struct sigqueue *sigqueue_new(void)
{
    struct sigqueue *q = kzalloc(sizeof(*q));
    if (q)
        list_init(&q->entries);
    return q;
}

static void entry_free(struct sigqueue *q, struct sigentry *e)
{
    list_del(&e->link);
    q->count--;
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

static struct sigentry *entry_new(struct sigqueue *q)
{
    if (q->slot_used)
        return kmalloc(sizeof(struct sigentry));
    q->slot_used = true;
    return &q->slot;
}

int sigqueue_add(struct sigqueue *q, int sig, const siginfo_t *info, unsigned limit)
{
    sigset_t bit = SIG_BIT(sig);

    if (sig < SIGNAL_RT_MIN && (q->pending & bit))
        return 0; /* already pending: once is enough */
    if (!info) {
        q->bare |= bit;
        q->pending |= bit;
        return 0;
    }
    struct sigentry *e = q->count < limit || sig < SIGNAL_RT_MIN ? entry_new(q) : NULL;
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
    q->count++;
    q->pending |= bit;
    return 0;
}

struct sigentry *sigqueue_find_timer(struct sigqueue *q, int timer_id)
{
    list_for_each(l, &q->entries) {
        struct sigentry *e = list_entry(l, struct sigentry, link);
        siginfo_t info;
        memcpy(&info, e->info, SIGINFO_KEPT);
        if (info.si_code == SI_TIMER && info.si_tid == timer_id)
            return e;
    }
    return NULL;
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
        if (sig < SIGNAL_RT_MIN)
            break;
    }
    return first;
}

void sigqueue_take(struct sigqueue *q, int sig, siginfo_t *info)
{
    sigset_t bit = SIG_BIT(sig);
    bool more;
    struct sigentry *e = entry_find(q, sig, &more);

    memset(info, 0, sizeof(*info));
    if (e) {
        memcpy(info, e->info, SIGINFO_KEPT);
        entry_free(q, e);
        if (!more && !(q->bare & bit))
            q->pending &= ~bit;
        return;
    }
    info->si_signo = sig;
    info->si_code = (q->bare & bit) ? SI_KERNEL : SI_USER;
    q->bare &= ~bit;
    q->pending &= ~bit;
}

void sigqueue_flush(struct sigqueue *q, sigset_t set)
{
    q->pending &= ~set;
    q->bare &= ~set;
    list_for_each_safe(l, &q->entries) {
        struct sigentry *e = list_entry(l, struct sigentry, link);
        if (set & SIG_BIT(e->signo))
            entry_free(q, e);
    }
}

int sigset_first(sigset_t set)
{
    if (set & SYNC_SIGNALS)
        set &= SYNC_SIGNALS;
    return __builtin_ctzl(set) + 1;
}
