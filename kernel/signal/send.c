/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From "send signal n" to a thread that will look at its queues: what is dropped because it is
 * ignored, which queue it goes to, and which thread is told.
 *
 * A thread is told by setting its signal_pending and interrupting its sleep.  Others only ever
 * set that flag; the thread itself clears it (signal_recalc on itself), so that a call which
 * returned a restart code because of it always comes through signal_deliver.
 */
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/id/user.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "lib/string.h"

#define VECTOR_GP 13
#define VECTOR_PF 14
#define PF_USER_FETCH 0x14 /* of a page that is not there */

/* Pending and not blocked, or told to stop or die. */
static bool has_work_locked(const struct thread *t)
{
    sigset_t pending = t->sigqueue->pending | t->process->sigqueue->pending;
    return (pending & ~t->blocked) || t->process->stop_signal || thread_told_to_die(t);
}

static void tell_locked(struct thread *t)
{
    __atomic_store_n(&t->signal_pending, 1, __ATOMIC_RELEASE);
    if (t != current)
        thread_interrupt(t);
}

/* Would t do something about the signal now? */
static bool wants_locked(const struct thread *t, int sig)
{
    if (thread_told_to_die(t))
        return false;
    return !(t->blocked & SIG_BIT(sig)) || (t->sigqueue->waiting & SIG_BIT(sig));
}

static void notify_locked(struct thread *t, int sig)
{
    if (t->sigqueue->waiting & SIG_BIT(sig))
        thread_wake(t);
    if (!(t->blocked & SIG_BIT(sig)))
        tell_locked(t);
}

/*
 * A signal for the whole process: the first thread if it wants it, as in Linux, then the current
 * one, then any that is not about to look at its queues anyway.  If all are, one of them finds it.
 */
static void notify_any_locked(struct process *p, int sig)
{
    struct thread *first = list_entry(p->threads.next, struct thread, process_link);

    if (list_empty(&p->threads))
        return;
    if (wants_locked(first, sig)) {
        notify_locked(first, sig);
        return;
    }
    if (current->process == p && !list_empty(&current->process_link) &&
        wants_locked(current, sig)) {
        notify_locked(current, sig);
        return;
    }
    struct thread *busy = NULL;
    list_for_each(l, &p->threads) {
        struct thread *t = list_entry(l, struct thread, process_link);
        if (!wants_locked(t, sig))
            continue;
        busy = t;
        if (!__atomic_load_n(&t->signal_pending, __ATOMIC_RELAXED))
            break;
    }
    if (busy)
        notify_locked(busy, sig);
}

void signal_notify_locked(struct process *p, struct thread *t, int sig)
{
    signalfd_notify(sig);
    if (t)
        notify_locked(t, sig);
    else
        notify_any_locked(p, sig);
}

static void flush_all_locked(struct process *p, sigset_t set)
{
    sigqueue_flush(p->sigqueue, set);
    list_for_each(l, &p->threads)
        sigqueue_flush(list_entry(l, struct thread, process_link)->sigqueue, set);
}

bool signal_prepare_locked(struct process *p, struct thread *t, int sig)
{
    if (sig == SIGCONT || sig == SIGKILL)
        signal_continue_locked(p, sig);
    if (sig == SIGCONT)
        flush_all_locked(p, STOP_SIGNALS);
    else if (SIG_BIT(sig) & STOP_SIGNALS)
        flush_all_locked(p, CONT_SIGNALS);
    if (!action_ignores(&p->sighand->action[sig - 1], sig))
        return true;
    /* Blocked signals stay pending: the action may change before they are unblocked. */
    const struct thread *who = t ? t : list_entry(p->threads.next, struct thread, process_link);
    return (who->blocked | who->sigqueue->waiting) & SIG_BIT(sig);
}

/*
 * It ends the process whatever that does: then it does so at once, as in Linux, also when a thread
 * sleeps in a way that nothing else ends.
 */
static bool is_fatal_locked(const struct process *p, const struct thread *t, int sig)
{
    if (sig == SIGKILL)
        return true;
    if (p->sighand->action[sig - 1].handler != HANDLER_DEFAULT || p->stop_signal ||
        signal_default(sig) != DEFAULT_TERM || (SIG_BIT(sig) & CORE_SIGNALS))
        return false;
    if (t)
        return !(t->blocked & SIG_BIT(sig));
    list_for_each(l, &p->threads)
        if (!(list_entry(l, struct thread, process_link)->blocked & SIG_BIT(sig)))
            return true;
    return false;
}

int signal_send_locked(struct process *p, struct thread *t, int sig, const siginfo_t *info)
{
    if (!signal_prepare_locked(p, t, sig))
        return 0;
    if (is_fatal_locked(p, t, sig)) {
        process_kill_locked(p, sig);
        return 0;
    }
    int err = sigqueue_add(t ? t->sigqueue : p->sigqueue, sig, info, (t ? t->cred : p->cred)->user,
                           p->rlimits[RLIMIT_SIGPENDING].rlim_cur);
    if (!err)
        signal_notify_locked(p, t, sig);
    return err;
}

int signal_send_thread(struct thread *t, int sig, const siginfo_t *info)
{
    struct process *p = t->process;
    int err = -ESRCH;

    spin_lock(&p->lock);
    if (!list_empty(&t->process_link))
        err = signal_send_locked(p, t, sig, info);
    spin_unlock(&p->lock);
    return err;
}

int signal_send_process(struct process *p, int sig, const siginfo_t *info)
{
    spin_lock(&p->lock);
    int err = !list_empty(&p->threads) ? signal_send_locked(p, NULL, sig, info) : -ESRCH;
    spin_unlock(&p->lock);
    return err;
}

bool signal_is_ignored(int sig)
{
    struct process *p = current_process();
    spin_lock(&p->lock);
    bool ignored =
        current->blocked & SIG_BIT(sig) || p->sighand->action[sig - 1].handler == HANDLER_IGNORE;
    spin_unlock(&p->lock);
    return ignored;
}

void signal_send_from_self(struct process *p, int sig)
{
    siginfo_t info;

    siginfo_from_self(&info, sig, SI_USER);
    (void)signal_send_process(p, sig, &info);
}

int signal_send_group_locked(int pgid, int sig, const siginfo_t *info)
{
    int ret = -ESRCH;

    list_for_each(l, &process_list) {
        struct process *p = list_entry(l, struct process, all_link);
        if (p->pgid != pgid)
            continue;
        (void)signal_send_process(p, sig, info);
        ret = 0;
    }
    return ret;
}

int signal_send_group(int pgid, int sig, const siginfo_t *info)
{
    spin_lock(&process_tree_lock);
    int ret = signal_send_group_locked(pgid, sig, info);
    spin_unlock(&process_tree_lock);
    return ret;
}

void signal_force_fault(int sig, int code, uaddr_t addr, int trapno, uint64_t error_code)
{
    struct thread *t = current;
    struct process *p = t->process;
    siginfo_t info;

    siginfo_init(&info, sig, code);
    info.si_addr = (void *)addr;
    t->sigqueue->trapno = (uint64_t)trapno;
    t->sigqueue->error_code = error_code;
    t->sigqueue->cr2 = addr;
    spin_lock(&p->lock);
    struct action *a = &p->sighand->action[sig - 1];
    bool blocked = t->blocked & SIG_BIT(sig);
    if (blocked || a->handler == HANDLER_IGNORE) {
        a->handler = HANDLER_DEFAULT;
        t->blocked &= ~SIG_BIT(sig);
    }
    sigqueue_flush(t->sigqueue,
                   SIG_BIT(sig)); /* an older one must not hide where this one is from */
    (void)sigqueue_add(t->sigqueue, sig, &info, t->cred->user, UINT64_MAX);
    tell_locked(t);
    spin_unlock(&p->lock);
}

void signal_bad_rip(uaddr_t rip)
{
    if (rip >> 47)
        signal_force_fault(SIGSEGV, SI_KERNEL, 0, VECTOR_GP, 0);
    else
        signal_force_fault(SIGSEGV, SEGV_MAPERR, rip, VECTOR_PF, PF_USER_FETCH);
}

void signal_recalc(struct thread *t)
{
    struct process *p = t->process;

    spin_lock(&p->lock);
    if (has_work_locked(t))
        tell_locked(t);
    else if (t == current)
        __atomic_store_n(&t->signal_pending, 0, __ATOMIC_RELAXED);
    spin_unlock(&p->lock);
}

static void set_blocked_locked(struct process *p, struct thread *t, sigset_t set)
{
    sigset_t newly = set & ~t->blocked & p->sigqueue->pending;

    t->blocked = set;
    /* Signals of the process that were meant for us go to someone else. */
    for (; newly; newly &= newly - 1)
        notify_any_locked(p, __builtin_ctzl(newly) + 1);
}

/* The current thread looks at its queues again only if there is something. */
static void settle_locked(struct thread *t)
{
    uint32_t work = has_work_locked(t);
    __atomic_store_n(&t->signal_pending, work, __ATOMIC_RELAXED);
}

void signal_set_blocked(sigset_t set)
{
    struct thread *t = current;
    struct process *p = t->process;

    set &= ~UNBLOCKABLE;
    if (set == t->blocked)
        return;
    spin_lock(&p->lock);
    set_blocked_locked(p, t, set);
    settle_locked(t);
    spin_unlock(&p->lock);
}

void signal_set_blocked_until_return(sigset_t set)
{
    struct thread *t = current;

    t->saved_blocked = t->blocked;
    t->restore_blocked = true;
    t->exit_work = 1;
    signal_set_blocked(set);
}

/* *timer: the signal is a POSIX timer's. */
static int take_locked(struct thread *t, sigset_t wanted, siginfo_t *info, bool *timer)
{
    struct process *p = t->process;
    struct sigqueue *q = t->sigqueue;

    *timer = false;
    if (!(q->pending & wanted))
        q = p->sigqueue;
    if (!(q->pending & wanted))
        return 0;
    int sig = sigset_first(q->pending & wanted);
    *timer = sigqueue_take(q, sig, info);
    if (SIG_BIT(sig) & STOP_SIGNALS)
        p->stop_taken = true;
    return sig;
}

static void timers_go_on(struct process *p, int sig, siginfo_t *info, bool timer)
{
    if (timer)
        ptimer_taken(p, info);
    else if (sig == SIGALRM)
        itimer_taken(p);
}

int signal_take(sigset_t wanted, siginfo_t *info)
{
    struct thread *t = current;
    struct process *p = t->process;
    bool timer;

    spin_lock(&p->lock);
    int sig = take_locked(t, wanted, info, &timer);
    settle_locked(t);
    spin_unlock(&p->lock);
    timers_go_on(p, sig, info, timer);
    return sig;
}

int signal_take_action(siginfo_t *info, struct action *out)
{
    struct thread *t = current;
    struct process *p = t->process;
    bool timer;

    spin_lock(&p->lock);
    int sig = take_locked(t, ~t->blocked, info, &timer);
    if (sig) {
        struct action *a = &p->sighand->action[sig - 1];
        spin_lock(&p->sighand->lock);
        *out = *a;
        if (a->handler > HANDLER_IGNORE && (a->flags & SA_RESETHAND))
            a->handler = HANDLER_DEFAULT;
        spin_unlock(&p->sighand->lock);
        if (out->handler > HANDLER_IGNORE) {
            sigset_t own = out->flags & SA_NODEFER ? 0 : SIG_BIT(sig);
            set_blocked_locked(p, t, t->blocked | ((out->mask | own) & ~UNBLOCKABLE));
        }
    }
    settle_locked(t);
    spin_unlock(&p->lock);
    timers_go_on(p, sig, info, timer);
    return sig;
}

void signal_thread_init(struct thread *t)
{
    altstack_reset(t);
}

void signal_thread_copy(struct thread *t, const struct thread *from)
{
    t->altstack_sp = from->altstack_sp;
    t->altstack_size = from->altstack_size;
    t->altstack_flags = from->altstack_flags;
}

void signal_thread_gone_locked(struct process *p, struct thread *t)
{
    sigset_t left = p->sigqueue->pending & ~t->blocked;

    sigqueue_flush(t->sigqueue, ~0UL);
    for (; left; left &= left - 1)
        notify_any_locked(p, __builtin_ctzl(left) + 1);
    if (p->stop_signal)
        signal_stop_check_locked(p);
}

void signal_sets(struct process *p, struct thread *t, struct signal_sets *out)
{
    *out = (struct signal_sets){0};
    spin_lock(&p->lock);
    if (t) {
        out->pending = t->sigqueue->pending;
        out->blocked = t->blocked;
    }
    out->shared = p->sigqueue->pending;
    out->queued = __atomic_load_n(&(t ? t->cred : p->cred)->user->signals, __ATOMIC_RELAXED);
    for (int sig = 1; sig <= NSIGNALS && p->sighand; sig++) {
        uaddr_t h = p->sighand->action[sig - 1].handler;
        if (h == HANDLER_IGNORE)
            out->ignored |= SIG_BIT(sig);
        else if (h != HANDLER_DEFAULT)
            out->caught |= SIG_BIT(sig);
    }
    spin_unlock(&p->lock);
}
