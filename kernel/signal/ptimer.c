/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX timers: timer_create and its family.  A timer counts on any clock and sends a signal to the
 * process or to one thread, or does nothing but count.
 *
 * One signal of a timer is pending at a time.  What expires meanwhile is counted in its siginfo, and
 * that number becomes the timer's overrun when the signal is taken.  CPU-time clocks are waited for as
 * interval timers do (itimer.c): for the earliest moment that it can be, then again.
 *
 * Lock: the process's, for the list and all fields; the timer lock comes after it.  A timer is freed
 * only after its kernel timer has been cancelled, which waits for its function.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/time.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define PTIMERS_MAX 4096
#define OVERRUN_MAX INT32_MAX
#define CPU_RETRY_MIN 1000000 /* ns: do not poll CPU time more often */

struct ptimer {
    struct list link;
    struct timer timer;
    struct process *process; /* [I] */
    int id;                  /* [I] */
    int clock;               /* [I] means the same to every thread */
    int notify, signo, tid;  /* [I] SIGEV_*; tid: for SIGEV_THREAD_ID */
    sigval_t value;          /* [I] */
    ktime_t expires;         /* on the clock; 0: not armed */
    ktime_t interval;        /* 0: once */
    int overrun;             /* of the signal that was taken last */
};

static struct ptimer *find_locked(struct process *p, int id)
{
    list_for_each(l, &p->ptimers) {
        struct ptimer *t = list_entry(l, struct ptimer, link);
        if (t->id == id)
            return t;
    }
    return NULL;
}

/*
 * Under the lock, so that of two who arm the later word counts.  Disarming is only expires = 0: the
 * kernel timer finds that, and cancelling would wait for its function, which takes the lock.
 */
static void arm_locked(struct ptimer *t, ktime_t left)
{
    if (clock_is_cpu(t->clock))
        left = MAX(left, CPU_RETRY_MIN);
    timer_set(&t->timer, time_add(clock_mono(), MAX(left, 0)));
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

/* `missed`: expirations beyond the one that this is. */
static void notify_locked(struct ptimer *t, int64_t missed)
{
    struct thread *thread = t->notify == SIGEV_THREAD_ID ? target_locked(t) : NULL;
    siginfo_t info;

    if (t->notify == SIGEV_NONE || (t->notify == SIGEV_THREAD_ID && !thread))
        return;
    struct sigqueue *q = thread ? thread->sigqueue : t->process->sigqueue;
    struct sigentry *pending = sigqueue_find_timer(q, t->id);
    if (pending) {
        memcpy(&info, pending->info, SIGINFO_KEPT);
        info.si_overrun = (int)MIN(info.si_overrun + missed + 1, OVERRUN_MAX);
        memcpy(pending->info, &info, SIGINFO_KEPT);
        return;
    }
    siginfo_init(&info, t->signo, SI_TIMER);
    info.si_tid = t->id;
    info.si_overrun = (int)MIN(missed, OVERRUN_MAX);
    info.si_value = t->value;
    (void)signal_send_locked(t->process, thread, t->signo, &info);
}

static void ptimer_fire(struct timer *timer)
{
    struct ptimer *t = container_of(timer, struct ptimer, timer);
    ktime_t now;

    if (clock_read(t->clock, &now))
        return; /* its thread is gone */
    spin_lock(&t->process->lock);
    if (t->expires && t->expires <= now) {
        int64_t missed = t->interval ? (now - t->expires) / t->interval : 0;
        t->expires = t->interval ? t->expires + (missed + 1) * t->interval : 0;
        notify_locked(t, missed);
    }
    if (t->expires)
        arm_locked(t, t->expires - now);
    spin_unlock(&t->process->lock);
}

void ptimer_delivered_locked(struct process *p, siginfo_t *info)
{
    struct ptimer *t = find_locked(p, info->si_tid);
    if (t)
        t->overrun = info->si_overrun;
}

void ptimers_init(struct process *p)
{
    list_init(&p->ptimers);
}

void ptimers_exec(struct process *p)
{
    for (;;) {
        spin_lock(&p->lock);
        struct list *l = list_pop(&p->ptimers);
        spin_unlock(&p->lock);
        if (!l)
            break;
        struct ptimer *t = list_entry(l, struct ptimer, link);
        timer_cancel(&t->timer);
        kfree(t);
    }
    p->nptimers = 0;
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
        if (!t)
            return reject(-EINVAL, "no such thread");
        thread_put(t);
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
    case CLOCK_MONOTONIC_COARSE: return reject(-EOPNOTSUPP, "no timers on this clock");
    default: return clock_read(id, &now);
    }
}

/* Puts t on the list under an id that is not in use. */
static int insert(struct process *p, struct ptimer *t)
{
    int err = 0;

    spin_lock(&p->lock);
    if (p->nptimers >= PTIMERS_MAX) {
        err = -EAGAIN;
    } else {
        do
            t->id = p->ptimer_last = (p->ptimer_last + 1) & INT32_MAX;
        while (find_locked(p, t->id));
        list_add_tail(&p->ptimers, &t->link);
        p->nptimers++;
    }
    spin_unlock(&p->lock);
    return err;
}

long sys_timer_create(int which_clock, uaddr_t timer_event_spec, uaddr_t created_timer_id)
{
    struct process *p = current_process();
    struct user_sigevent ev = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};

    long err = clock_check(which_clock);
    if (!err && timer_event_spec && copy_in(&ev, timer_event_spec, sizeof(ev)))
        err = -EFAULT;
    if (!err)
        err = event_check(&ev);
    if (err)
        return err;
    struct ptimer *t = kzalloc(sizeof(*t));
    if (!t)
        return -EAGAIN;
    timer_init(&t->timer, ptimer_fire);
    t->process = p;
    t->clock = clock_id_absolute(which_clock);
    t->notify = ev.notify == SIGEV_THREAD ? SIGEV_SIGNAL : ev.notify;
    t->signo = ev.signo;
    t->tid = ev.tid;
    t->value = ev.value;
    err = insert(p, t);
    if (err) {
        kfree(t);
        return err;
    }
    if (!timer_event_spec)
        t->value.sival_int = t->id;
    if (copy_out(created_timer_id, &t->id, sizeof(t->id))) {
        (void)sys_timer_delete(t->id);
        return -EFAULT;
    }
    return 0;
}

/* Takes the timer off the list; another thread may have been faster: -EINVAL. */
long sys_timer_delete(int timer_id)
{
    struct process *p = current_process();

    spin_lock(&p->lock);
    struct ptimer *t = find_locked(p, timer_id);
    if (t) {
        list_del(&t->link);
        p->nptimers--;
        t->expires = 0;
    }
    spin_unlock(&p->lock);
    if (!t)
        return -EINVAL;
    timer_cancel(&t->timer);
    kfree(t);
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

static struct __kernel_itimerspec setting_locked(const struct ptimer *t, ktime_t now)
{
    /* An armed timer never shows 0. */
    ktime_t left = t->expires ? MAX(t->expires - now, 1) : 0;
    return (struct __kernel_itimerspec){
        .it_interval = timespec_of(t->interval),
        .it_value = timespec_of(left),
    };
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

long sys_timer_gettime(int timer_id, uaddr_t setting)
{
    struct process *p = current_process();
    struct __kernel_itimerspec s;
    ktime_t now;

    int err = timer_now(p, timer_id, &now);
    if (err)
        return err;
    spin_lock(&p->lock);
    const struct ptimer *t = find_locked(p, timer_id);
    if (t)
        s = setting_locked(t, now);
    spin_unlock(&p->lock);
    if (!t)
        return -EINVAL;
    return copy_out(setting, &s, sizeof(s));
}

long sys_timer_settime(int timer_id, int flags, uaddr_t new_setting, uaddr_t old_setting)
{
    struct process *p = current_process();
    struct __kernel_itimerspec new, old;
    ktime_t value, interval, now;

    if (copy_in(&new, new_setting, sizeof(new)))
        return -EFAULT;
    if (time_take(&new.it_value, &value) || time_take(&new.it_interval, &interval))
        return reject(-EINVAL, "bad time");
    int err = timer_now(p, timer_id, &now);
    if (err)
        return err;
    ktime_t expires = (flags & TIMER_ABSTIME) ? value : time_add(now, value);
    spin_lock(&p->lock);
    struct ptimer *t = find_locked(p, timer_id);
    if (t) {
        old = setting_locked(t, now);
        t->expires = value ? expires : 0;
        t->interval = interval;
        if (value)
            arm_locked(t, expires - now);
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
