/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interval timers: setitimer, getitimer, alarm.
 *
 * ITIMER_REAL counts CLOCK_MONOTONIC, ITIMER_PROF the process's CPU time, ITIMER_VIRTUAL what of that is not
 * spent in the kernel.  A CPU-time timer
 * waits for the earliest moment at which it can have expired, looks at the CPU time, and waits
 * again for what is left.  A periodic ITIMER_REAL goes on when its SIGALRM is taken, as in Linux:
 * a short period costs no more than the program takes, and nothing when the signal is ignored.
 *
 * Lock: the process's, for expires and interval.  The timer function runs without it and takes it.
 */
#include <linux/signal.h>
#include <linux/errno.h>
#include <linux/time.h>

#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define NSEC_PER_SEC 1000000000L

static int itimer_which(const struct itimer *it)
{
    return (int)(it - it->process->itimers);
}

static ktime_t itimer_now(const struct itimer *it)
{
    switch (itimer_which(it)) {
    case ITIMER_REAL: return clock_mono();
    case ITIMER_VIRTUAL: return process_user_time(it->process);
    default: return process_cpu_time(it->process);
    }
}

static int itimer_signal(int which)
{
    return which == ITIMER_REAL ? SIGALRM : which == ITIMER_VIRTUAL ? SIGVTALRM : SIGPROF;
}

/* Sets the kernel timer for what is left until `expires` on the itimer's own clock. */
static void itimer_arm(struct itimer *it, ktime_t left)
{
    if (itimer_which(it) != ITIMER_REAL)
        left = cpu_clock_wait(CLOCK_PROCESS_CPUTIME_ID, left);
    timer_set(&it->timer, clock_mono() + MAX(left, 0));
}

static void itimer_fire(struct timer *timer)
{
    struct itimer *it = container_of(timer, struct itimer, timer);
    struct process *p = it->process;
    ktime_t now = itimer_now(it), left = 0;
    bool expired;

    spin_lock(&p->lock);
    bool armed = it->expires != 0 && !it->fired;
    expired = armed && it->expires <= now;
    if (expired && it->interval && itimer_which(it) == ITIMER_REAL) {
        it->fired = true;
    } else if (expired && it->interval) {
        /* Missed periods are not made up for: one signal at a time can be pending. */
        ktime_t missed = (now - it->expires) / it->interval;
        it->expires += (missed + 1) * it->interval;
    } else if (expired) {
        it->expires = 0;
    }
    left = it->expires && !it->fired ? it->expires - now : 0;
    spin_unlock(&p->lock);
    if (expired)
        (void)signal_send_process(p, itimer_signal(itimer_which(it)), NULL);
    if (left)
        itimer_arm(it, left);
}

void itimer_taken(struct process *p)
{
    struct itimer *it = &p->itimers[ITIMER_REAL];
    ktime_t now = clock_mono();

    spin_lock(&p->lock);
    bool again = it->fired;
    if (again) {
        it->fired = false;
        if (it->expires <= now)
            it->expires += ((now - it->expires) / it->interval + 1) * it->interval;
        timer_set(&it->timer, it->expires);
    }
    spin_unlock(&p->lock);
}

/*
 * RLIMIT_CPU: SIGXCPU at the soft limit, which then moves on by a second, as in Linux; SIGKILL at the
 * hard one.
 */
static void cpu_limit_fire(struct timer *timer)
{
    struct process *p = container_of(timer, struct process, cpu_limit);
    struct rlimit64 *r = &p->rlimits[RLIMIT_CPU];
    ktime_t now = process_cpu_time(p);
    uint64_t seconds = (uint64_t)(now / NSEC_PER_SEC);

    spin_lock(&p->lock);
    int sig = seconds >= r->rlim_max ? SIGKILL : seconds >= r->rlim_cur ? SIGXCPU : 0;
    if (sig == SIGXCPU)
        r->rlim_cur = seconds + 1;
    bool again = r->rlim_cur < INT64_MAX / NSEC_PER_SEC && sig != SIGKILL;
    ktime_t left = again ? (ktime_t)r->rlim_cur * NSEC_PER_SEC - now : 0;
    if (sig && !list_empty(&p->threads))
        (void)signal_send_locked(p, NULL, sig, NULL);
    if (again)
        timer_set(timer, clock_mono() + cpu_clock_wait(CLOCK_PROCESS_CPUTIME_ID, left));
    spin_unlock(&p->lock);
}

void cpu_limit_changed(struct process *p)
{
    spin_lock(&p->lock);
    if (p->rlimits[RLIMIT_CPU].rlim_cur < INT64_MAX / NSEC_PER_SEC)
        timer_set(&p->cpu_limit, clock_mono());
    spin_unlock(&p->lock);
}

void itimers_init(struct process *p)
{
    timer_init(&p->cpu_limit, cpu_limit_fire);
    for (int i = 0; i < ITIMERS; i++) {
        p->itimers[i].process = p;
        timer_init(&p->itimers[i].timer, itimer_fire);
    }
}

void itimers_end(struct process *p)
{
    spin_lock(&p->lock);
    for (int i = 0; i < ITIMERS; i++)
        p->itimers[i].expires = 0; /* so that none arms itself again */
    p->rlimits[RLIMIT_CPU].rlim_cur = RLIM64_INFINITY;
    spin_unlock(&p->lock);
    for (int i = 0; i < ITIMERS; i++)
        timer_cancel(&p->itimers[i].timer);
    timer_cancel(&p->cpu_limit);
}

/* An armed timer never shows 0. */
static ktime_t left_locked(const struct itimer *it, ktime_t now)
{
    return it->expires && !it->fired ? MAX(it->expires - now, 1000) : 0;
}

/* value and interval in ns; value 0 disarms.  What was there goes to old_*. */
static void itimer_change(struct itimer *it, ktime_t value, ktime_t interval, ktime_t *old_value,
                          ktime_t *old_interval)
{
    struct process *p = it->process;

    timer_cancel(&it->timer);
    ktime_t now = itimer_now(it);
    spin_lock(&p->lock);
    *old_value = left_locked(it, now);
    *old_interval = it->interval;
    it->expires = value ? now + value : 0;
    it->interval = interval;
    it->fired = false;
    if (value)
        itimer_arm(it, value); /* under the lock: of two who set it the later counts */
    spin_unlock(&p->lock);
}

static struct __kernel_old_timeval timeval_of(ktime_t ns)
{
    ns += 999; /* never 0 for a timer that is armed */
    return (struct __kernel_old_timeval){.tv_sec = ns / NSEC_PER_SEC,
                                         .tv_usec = ns % NSEC_PER_SEC / 1000};
}

static int ns_of(const struct __kernel_old_timeval *tv, ktime_t *out)
{
    if (tv->tv_sec < 0 || tv->tv_usec < 0 || tv->tv_usec >= 1000000)
        return -EINVAL;
    ktime_t sec = MIN(tv->tv_sec, INT64_MAX / NSEC_PER_SEC / 4); /* Linux saturates too */
    *out = sec * NSEC_PER_SEC + tv->tv_usec * 1000;
    return 0;
}

static long store_timer(uaddr_t addr, ktime_t value, ktime_t interval)
{
    struct __kernel_old_timeval v[2] = {timeval_of(interval), timeval_of(value)};
    return copy_out(addr, v, sizeof(v));
}

long sys_getitimer(int which, uaddr_t value)
{
    struct process *p = current_process();

    if (which < 0 || which >= ITIMERS)
        return reject(-EINVAL, "unknown timer");
    struct itimer *it = &p->itimers[which];
    ktime_t now = itimer_now(it);
    spin_lock(&p->lock);
    ktime_t left = left_locked(it, now);
    ktime_t interval = it->interval;
    spin_unlock(&p->lock);
    return store_timer(value, left, interval);
}

long sys_setitimer(int which, uaddr_t value, uaddr_t ovalue)
{
    struct __kernel_old_timeval v[2] = {{0}};
    ktime_t interval, first, old_value, old_interval;

    if (value && copy_in(v, value, sizeof(v)))
        return -EFAULT;
    if (ns_of(&v[0], &interval) || ns_of(&v[1], &first))
        return reject(-EINVAL, "bad time");
    if (which < 0 || which >= ITIMERS)
        return reject(-EINVAL, "unknown timer");
    if (which == ITIMER_VIRTUAL)
        cpu_split_want(current_process());
    itimer_change(&current_process()->itimers[which], first, interval, &old_value, &old_interval);
    return ovalue ? store_timer(ovalue, old_value, old_interval) : 0;
}

/* Returns the seconds that were left, rounded, but never 0 for an armed timer. */
long sys_alarm(unsigned seconds)
{
    ktime_t old_value, old_interval;
    struct itimer *it = &current_process()->itimers[ITIMER_REAL];

    itimer_change(it, (ktime_t)seconds * NSEC_PER_SEC, 0, &old_value, &old_interval);
    if (!old_value)
        return 0;
    return MAX((old_value + NSEC_PER_SEC / 2) / NSEC_PER_SEC, 1);
}
