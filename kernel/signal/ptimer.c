/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX timers: timer_create and its family.  A timer counts on any clock and sends a signal to the
 * process or to one thread, or does nothing but count.
 *
 *   idle ──settime──► armed ──expires──► fired ──its signal is taken──► armed      (periodic)
 *                       └──expires──► idle                                         (once)
 *
 * A timer's queue entry is its own, so an expiry never fails for lack of memory, and one signal of a
 * timer is pending at a time.  A periodic timer is not armed while its signal is pending: what it
 * missed is counted when that is taken, and so a short period costs nothing that the program does
 * not ask for.  If the signal is ignored, the timer goes on, but not faster than every 4 ms.
 * A timer that is set anew or deleted takes its pending signal back.
 *
 * CPU-time clocks are waited for as interval timers do (itimer.c): for the earliest moment that it
 * can be, then again.
 *
 * Lock: the process's, for the tree and all fields; the timer lock comes after it.  A timer is freed
 * only after its kernel timer has been cancelled, which waits for its function.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/id/user.h"
#include "kernel/sched/time.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define OVERRUN_MAX INT32_MAX
#define IGNORED_MIN 4000000 /* ns between expiries that nobody sees */

struct ptimer {
    struct tree_node node;
    struct timer timer;
    struct sigentry entry;   /* its signal while that is pending */
    struct process *process; /* [I] */
    int id;                  /* [I] */
    int clock;               /* [I] means the same to every thread */
    int notify, signo, tid;  /* [I] SIGEV_*; tid: for SIGEV_THREAD_ID */
    sigval_t value;          /* [I] */
    ktime_t expires;         /* on the clock; 0: not armed */
    ktime_t interval;        /* 0: once */
    bool fired;              /* periodic, its signal is pending: `expires` was in the past */
    int64_t missed; /* expiries since the signal was last taken, less the one that sent it */
    int overrun;    /* what was missed before the signal that was taken last */
};

static int ptimer_cmp(const struct tree_node *a, const struct tree_node *b)
{
    int x = tree_entry(a, const struct ptimer, node)->id;
    int y = tree_entry(b, const struct ptimer, node)->id;
    return (x > y) - (x < y);
}

static int id_cmp(const void *key, const struct tree_node *n)
{
    int id = *(const int *)key, other = tree_entry(n, const struct ptimer, node)->id;
    return (id > other) - (id < other);
}

static struct ptimer *find_locked(struct process *p, int id)
{
    struct tree_node *n = tree_find(&p->ptimers, &id, id_cmp);
    return n ? tree_entry(n, struct ptimer, node) : NULL;
}

/*
 * Under the lock, so that of two who arm the later word counts.  Disarming is only expires = 0: the
 * kernel timer finds that, and cancelling would wait for its function, which takes the lock.
 */
static void arm_locked(struct ptimer *t, ktime_t left)
{
    if (t->notify == SIGEV_NONE)
        return; /* nobody is told: timer_gettime computes what it needs */
    if (clock_is_cpu(t->clock))
        left = cpu_clock_wait(t->clock, left);
    timer_set(&t->timer, time_add(clock_mono(), MAX(left, 0)));
}

/* The next expiry of a periodic timer after now; those that pass are counted. */
static void forward_locked(struct ptimer *t, ktime_t now)
{
    if (t->expires > now)
        return;
    ktime_t n = (now - t->expires) / t->interval + 1;
    t->expires += n * t->interval;
    t->missed += n;
}

static struct thread *target_locked(const struct ptimer *t)
{
    list_for_each(l, &t->process->threads) {
        struct thread *thread = list_entry(l, struct thread, process_link);
        if (thread->tid == t->tid)
            return thread;
    }
    return NULL;
}

static void send_locked(struct ptimer *t, struct thread *thread)
{
    struct sigqueue *q = thread ? thread->sigqueue : t->process->sigqueue;
    siginfo_t info;

    siginfo_init(&info, t->signo, SI_TIMER);
    info.si_tid = t->id;
    info.si_value = t->value;
    memcpy(t->entry.info, &info, SIGINFO_KEPT);
    sigqueue_add_entry(q, &t->entry);
    signal_notify_locked(t->process, thread, t->signo);
}

static void expire_locked(struct ptimer *t, ktime_t now)
{
    struct thread *thread = t->notify == SIGEV_THREAD_ID ? target_locked(t) : NULL;

    if (t->notify == SIGEV_THREAD_ID && !thread) {
        t->expires = 0;
        return;
    }
    bool heard = signal_prepare_locked(t->process, thread, t->signo);
    if (heard)
        send_locked(t, thread);
    if (!t->interval)
        t->expires = 0;
    else if (heard)
        t->fired = true;
    else
        forward_locked(t, time_add(now, IGNORED_MIN));
}

static void ptimer_fire(struct timer *timer)
{
    struct ptimer *t = container_of(timer, struct ptimer, timer);
    ktime_t now;

    if (clock_read(t->clock, &now))
        return; /* its thread is gone */
    spin_lock(&t->process->lock);
    if (t->expires && !t->fired && t->expires <= now)
        expire_locked(t, now);
    if (t->expires && !t->fired)
        arm_locked(t, t->expires - now);
    spin_unlock(&t->process->lock);
}

/* The clock of a timer, read: -EINVAL when there is no such timer. */
static int timer_now(struct process *p, int id, ktime_t *now)
{
    spin_lock(&p->lock);
    const struct ptimer *t = find_locked(p, id);
    int clock = t ? t->clock : 0;
    spin_unlock(&p->lock);
    return t ? clock_read(clock, now) : -EINVAL;
}

void ptimer_taken(struct process *p, siginfo_t *info)
{
    ktime_t now;

    if (timer_now(p, info->si_tid, &now))
        return;
    spin_lock(&p->lock);
    struct ptimer *t = find_locked(p, info->si_tid);
    if (t && t->fired && !t->entry.queue) {
        t->fired = false;
        forward_locked(t, now);
        t->overrun = (int)MIN(t->missed, OVERRUN_MAX);
        t->missed = -1;
        info->si_overrun = t->overrun;
        arm_locked(t, t->expires - now);
    }
    spin_unlock(&p->lock);
}

void ptimer_dropped_locked(struct ptimer *t)
{
    if (!t->fired)
        return;
    t->fired = false;
    arm_locked(t, IGNORED_MIN);
}

/* Off the tree: nobody finds it any more, and its function does nothing. */
static void remove_locked(struct ptimer *t)
{
    struct process *p = t->process;

    tree_remove(&p->ptimers, &t->node);
    if (t->entry.queue)
        sigentry_remove(&t->entry);
    t->fired = false;
    t->expires = 0;
    sigentry_uncharge(&t->entry);
}

static void ptimer_free(struct ptimer *t)
{
    timer_cancel(&t->timer);
    kfree(t);
}

void ptimers_init(struct process *p)
{
    tree_init(&p->ptimers, ptimer_cmp);
}

void ptimers_exec(struct process *p)
{
    for (;;) {
        spin_lock(&p->lock);
        struct tree_node *n = tree_first(&p->ptimers);
        struct ptimer *t = n ? tree_entry(n, struct ptimer, node) : NULL;
        if (t)
            remove_locked(t);
        spin_unlock(&p->lock);
        if (!t)
            break;
        ptimer_free(t);
    }
}

/* A program's struct sigevent. */
struct user_sigevent {
    sigval_t value;
    int32_t signo, notify, tid;
    int32_t pad[11];
};
_Static_assert(sizeof(struct user_sigevent) == 64, "struct sigevent");

static long event_check(const struct user_sigevent *ev)
{
    switch (ev->notify) {
    case SIGEV_NONE: return 0;
    case SIGEV_THREAD_ID: {
        struct thread *t = thread_lookup(ev->tid);
        bool ours = t && t->process == current_process();
        if (t)
            thread_put(t);
        if (!ours)
            return reject(-EINVAL, "no such thread");
        break;
    }
    case SIGEV_SIGNAL:
    case SIGEV_THREAD: break;
    default: return reject(-EINVAL, "unknown notification");
    }
    return sig_valid(ev->signo) ? 0 : reject(-EINVAL, "no such signal");
}

static int clock_check(int id)
{
    ktime_t now;

    switch (id) {
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM: return reject(-EOPNOTSUPP, "no timers on this clock");
    default: return clock_read(id, &now);
    }
}

/* Gives it an id and puts it where it is found; -EAGAIN: too much is queued or can be. */
static int insert(struct process *p, struct ptimer *t, bool value_is_id)
{
    int err = -EAGAIN;

    spin_lock(&p->lock);
    if (sigentry_charge(&t->entry, current_cred()->user, p->rlimits[RLIMIT_SIGPENDING].rlim_cur,
                        false)) {
        while (find_locked(p, p->ptimer_next))
            p->ptimer_next = (int)((unsigned)(p->ptimer_next + 1) & INT32_MAX);
        t->id = p->ptimer_next;
        p->ptimer_next = (int)((unsigned)(p->ptimer_next + 1) & INT32_MAX);
        if (value_is_id)
            t->value.sival_int = t->id;
        (void)tree_insert(&p->ptimers, &t->node);
        err = 0;
    }
    spin_unlock(&p->lock);
    return err;
}

static struct ptimer *ptimer_new(int clock, const struct user_sigevent *ev)
{
    struct ptimer *t = kzalloc(sizeof(*t));
    if (!t)
        return NULL;
    timer_init(&t->timer, ptimer_fire);
    list_init(&t->entry.link);
    t->entry.timer = t;
    t->entry.signo = ev->signo;
    t->process = current_process();
    t->clock = clock_id_absolute(clock);
    t->notify = ev->notify == SIGEV_THREAD ? SIGEV_SIGNAL : ev->notify;
    t->signo = ev->signo;
    t->tid = ev->tid;
    t->value = ev->value;
    t->missed = -1;
    return t;
}

long sys_timer_create(int which_clock, uaddr_t timer_event_spec, uaddr_t created_timer_id)
{
    struct process *p = current_process();
    struct user_sigevent ev = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};

    if (timer_event_spec && copy_in(&ev, timer_event_spec, sizeof(ev)))
        return -EFAULT;
    long err = clock_check(which_clock);
    if (!err)
        err = event_check(&ev);
    if (err)
        return err;
    struct ptimer *t = ptimer_new(which_clock, &ev);
    if (!t)
        return -EAGAIN;
    err = insert(p, t, !timer_event_spec);
    if (err) {
        kfree(t);
        return reject(err, "RLIMIT_SIGPENDING");
    }
    int id = t->id;
    if (copy_out(created_timer_id, &id, sizeof(id))) {
        (void)sys_timer_delete(id);
        return -EFAULT;
    }
    return 0;
}

/* Takes the timer off the tree; another thread may have been faster: -EINVAL. */
long sys_timer_delete(int timer_id)
{
    struct process *p = current_process();

    spin_lock(&p->lock);
    struct ptimer *t = find_locked(p, timer_id);
    if (t)
        remove_locked(t);
    spin_unlock(&p->lock);
    if (!t)
        return -EINVAL;
    ptimer_free(t);
    return 0;
}

static int time_take(const struct __kernel_timespec *ts, ktime_t *out)
{
    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    ktime_t sec = MIN(ts->tv_sec, KTIME_NEVER / NSEC_PER_SEC / 4); /* Linux saturates too */
    *out = sec * NSEC_PER_SEC + ts->tv_nsec;
    return 0;
}

static struct __kernel_timespec timespec_of(ktime_t ns)
{
    return (struct __kernel_timespec){.tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC};
}

static struct __kernel_itimerspec setting_locked(struct ptimer *t, ktime_t now)
{
    bool silent = t->notify == SIGEV_NONE;
    ktime_t left = 0;

    if (t->expires && t->interval && (t->fired || silent))
        forward_locked(t, now);
    /* An armed timer never shows 0, but one that expired once and tells nobody does. */
    if (t->expires)
        left = silent && t->expires <= now ? 0 : MAX(t->expires - now, 1);
    return (struct __kernel_itimerspec){
        .it_interval = timespec_of(t->interval),
        .it_value = timespec_of(left),
    };
}

long sys_timer_gettime(int timer_id, uaddr_t setting)
{
    struct process *p = current_process();
    struct __kernel_itimerspec s;
    ktime_t now;

    int err = timer_now(p, timer_id, &now);
    if (err)
        return err;
    spin_lock(&p->lock);
    struct ptimer *t = find_locked(p, timer_id);
    if (t)
        s = setting_locked(t, now);
    spin_unlock(&p->lock);
    if (!t)
        return -EINVAL;
    return copy_out(setting, &s, sizeof(s));
}

/* The timer starts anew; a signal of before is taken back. */
static void start_locked(struct ptimer *t, ktime_t left, ktime_t expires, ktime_t interval)
{
    if (t->entry.queue)
        sigentry_remove(&t->entry);
    t->fired = false;
    t->missed = -1;
    t->overrun = 0;
    t->expires = expires;
    t->interval = interval;
    if (expires)
        arm_locked(t, left);
}

long sys_timer_settime(int timer_id, int flags, uaddr_t new_setting, uaddr_t old_setting)
{
    struct process *p = current_process();
    struct __kernel_itimerspec new, old;
    ktime_t value, interval, now;

    if (!new_setting)
        return -EINVAL;
    if (copy_in(&new, new_setting, sizeof(new)))
        return -EFAULT;
    if (time_take(&new.it_interval, &interval) || time_take(&new.it_value, &value))
        return reject(-EINVAL, "bad time");
    int err = timer_now(p, timer_id, &now);
    if (err)
        return err;
    ktime_t expires = (flags & TIMER_ABSTIME) ? value : time_add(now, value);
    spin_lock(&p->lock);
    struct ptimer *t = find_locked(p, timer_id);
    if (t) {
        old = setting_locked(t, now);
        start_locked(t, expires - now, value ? expires : 0, interval);
    }
    spin_unlock(&p->lock);
    if (!t)
        return -EINVAL;
    return old_setting ? copy_out(old_setting, &old, sizeof(old)) : 0;
}

long sys_timer_getoverrun(int timer_id)
{
    struct process *p = current_process();

    spin_lock(&p->lock);
    const struct ptimer *t = find_locked(p, timer_id);
    int overrun = t ? t->overrun : -EINVAL;
    spin_unlock(&p->lock);
    return overrun;
}
