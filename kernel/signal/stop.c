/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job control: stopping a process and going on.
 *
 *   running ──a stop signal's default──► stopping ──all threads are here──► stopped ──SIGCONT──► running
 *
 * While p->stop_signal is set, every thread that is on its way to the program waits here; those
 * that sleep in a call are interrupted, as by a signal without a handler, and come by.  When all
 * are here, the parent is told, and when the stop is over once more, by the first that goes on.
 *
 * The parent of the first process is outside: the host process stops itself by the same signal, so that a
 * shell sees its job stop, and when it goes on so does the program.  The host may also not stop, as an
 * orphaned job does not: then the stop is over at once.
 *
 * In a live enclave the host is told of a root process's stop, and says when it is over.
 *
 * A SIGCONT between the moment a stop signal is taken and its effect cancels it (p->stop_taken).
 *
 * Lock: the process's.
 */
#include <asm/signal.h>

#include "kernel/kernel.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/family.h"
#include "kernel/proc/root/root.h"
#include "kernel/signal/signal_impl.h"

static void wake_all_locked(struct process *p)
{
    list_for_each(l, &p->threads)
        thread_wake(list_entry(l, struct thread, process_link));
}

void signal_continue_locked(struct process *p, int sig)
{
    p->stop_taken = false;
    if (!p->stop_signal)
        return;
    p->wait_stop = 0;
    if (sig == SIGCONT) {
        p->news = p->stop_reported ? CLD_CONTINUED : CLD_STOPPED;
        p->wait_continued = true;
    }
    p->stop_signal = 0;
    wake_all_locked(p);
}

void signal_stop_check_locked(struct process *p)
{
    wake_all_locked(p);
}

void signal_stop(struct process *p, int sig)
{
    spin_lock(&p->lock);
    if (p->stop_taken && !p->stop_signal && !p->exiting) {
        p->stop_signal = sig;
        p->stop_reported = false;
        list_for_each(l, &p->threads) {
            struct thread *t = list_entry(l, struct thread, process_link);
            __atomic_store_n(&t->signal_pending, 1, __ATOMIC_RELEASE);
            if (t != current)
                thread_interrupt(t);
        }
    }
    spin_unlock(&p->lock);
}

/* What goes on outside is a job, which is the first process's group in here. */
static int go_on_with(struct process *p, void *first)
{
    if (p != first && p->pgid == ((const struct process *)first)->pgid)
        (void)signal_send_process(p, SIGCONT, NULL);
    return 0;
}

/* All threads have stopped.  Not called with a lock held: the host may keep us for long. */
static void report(struct process *p, int sig)
{
    if (root_stopped(p, sig) || p != kernel.first) {
        family_tell_news(p);
        return;
    }
    (void)ocall_raise(sig);
    spin_lock(&p->lock);
    signal_continue_locked(p, SIGCONT);
    spin_unlock(&p->lock);
    (void)process_for_each(go_on_with, p);
}

static void reported_locked(struct process *p)
{
    p->stop_reported = true;
    p->wait_stop = p->stop_signal;
    p->wait_continued = false;
    p->news = CLD_STOPPED;
}

void signal_stop_here(struct process *p)
{
    struct thread *t = current;

    spin_lock(&p->lock);
    p->nstopped++;
    while (p->stop_signal && !thread_told_to_die(t)) {
        int sig = p->stop_signal;
        bool tell = p->nstopped == p->nthreads && !p->stop_reported;
        if (tell)
            reported_locked(p);
        spin_unlock(&p->lock);
        if (tell)
            report(p, sig);
        else
            (void)thread_block(KTIME_NEVER, false);
        spin_lock(&p->lock);
    }
    p->nstopped--;
    bool tell = p->news != 0;
    spin_unlock(&p->lock);
    if (tell)
        family_tell_news(p);
}
