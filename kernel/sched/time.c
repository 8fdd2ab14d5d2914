/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls about time: reading the clocks and sleeping on them.  Programs read the common
 * clocks through the vDSO and come here for the others and when the vDSO's parameters are stale,
 * which is also when the clocks are compared with the host's again.
 *
 * A sleep has an absolute deadline on CLOCK_MONOTONIC; an interrupted relative one is continued
 * through restart_syscall with the same deadline.  The clocks cannot be set: they are the host's.
 */
#include "kernel/sched/time.h"

#include <linux/errno.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/timex.h>

#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/cputime.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define COARSE_NS 4000000 /* resolution of Linux's coarse clocks at 250 Hz */
#define TAI_OFFSET 0      /* as on a Linux that nobody told */

int clock_read(int id, ktime_t *out)
{
    clock_order();
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM: *out = clock_real(); return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE: *out = clock_mono(); return 0;
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM: *out = clock_mono() + clock_boot_off(); return 0;
    case CLOCK_TAI: *out = clock_real() + TAI_OFFSET; return 0;
    default: return clock_is_cpu(id) ? cpu_clock_read(id, out) : -EINVAL;
    }
}

static struct __kernel_timespec timespec_of(ktime_t ns)
{
    return (struct __kernel_timespec){.tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC};
}

int timespec_take(uaddr_t addr, ktime_t *out)
{
    struct __kernel_timespec ts;

    if (copy_in(&ts, addr, sizeof(ts)))
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    if (ts.tv_sec >= KTIME_NEVER / NSEC_PER_SEC)
        *out = KTIME_NEVER;
    else
        *out = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
    return 0;
}

ktime_t time_add(ktime_t a, ktime_t b)
{
    ktime_t sum;
    return __builtin_add_overflow(a, b, &sum) ? KTIME_NEVER : sum;
}

long sys_clock_gettime(int clockid, uaddr_t tp)
{
    ktime_t now;

    clock_sync_if_stale();
    int err = clock_read(clockid, &now);
    if (err)
        return reject(err, "unknown clock");
    struct __kernel_timespec ts = timespec_of(now);
    return copy_out(tp, &ts, sizeof(ts));
}

long sys_clock_getres(int clockid, uaddr_t tp)
{
    ktime_t unused;

    int err = clock_read(clockid, &unused);
    if (err)
        return reject(err, "unknown clock");
    bool coarse = clockid == CLOCK_REALTIME_COARSE || clockid == CLOCK_MONOTONIC_COARSE;
    struct __kernel_timespec ts = timespec_of(coarse ? COARSE_NS : 1);
    return tp ? copy_out(tp, &ts, sizeof(ts)) : 0;
}

long sys_gettimeofday(uaddr_t tv, uaddr_t tz)
{
    static const int zone[2] = {0, 0};

    clock_sync_if_stale();
    clock_order();
    ktime_t now = clock_real();
    struct __kernel_old_timeval v = {.tv_sec = now / NSEC_PER_SEC,
                                     .tv_usec = now % NSEC_PER_SEC / 1000};
    if (tv && copy_out(tv, &v, sizeof(v)))
        return -EFAULT;
    if (tz && copy_out(tz, zone, sizeof(zone)))
        return -EFAULT;
    return 0;
}

long sys_time(uaddr_t tloc)
{
    clock_sync_if_stale();
    clock_order();
    int64_t now = clock_real() / NSEC_PER_SEC;
    if (tloc && copy_out(tloc, &now, sizeof(now)))
        return -EFAULT;
    return now;
}

/* Until the deadline: 0, or -ERESTARTSYS when a signal came first. */
static int sleep_until(ktime_t deadline)
{
    int err = 0;

    while (!err && clock_mono() < deadline)
        err = thread_block(deadline, true);
    return err == -ETIMEDOUT ? 0 : err;
}

/* restart->arg: deadline, where the remaining time goes, and the clock. */
static long sleep_relative(struct restart *r)
{
    ktime_t deadline = (ktime_t)r->arg[0], now;
    uaddr_t remaining = r->arg[1];
    int clockid = (int)r->arg[2];

    int err = clock_is_cpu(clockid) ? cpu_clock_sleep(clockid, deadline) : sleep_until(deadline);
    if (err != -ERESTARTSYS)
        return err;
    if (remaining) {
        err = clock_read(clockid, &now);
        if (err || now >= deadline)
            return err;
        struct __kernel_timespec ts = timespec_of(deadline - now);
        if (copy_out(remaining, &ts, sizeof(ts)))
            return -EFAULT;
    }
    return -ERESTART_RESTARTBLOCK;
}

/* clockid: CLOCK_MONOTONIC, or one that counts CPU time. */
static long sleep_for(int clockid, ktime_t ns, uaddr_t remaining)
{
    struct restart *r = &current->restart;
    ktime_t now;

    int err = clock_read(clockid, &now);
    if (err)
        return err;
    r->fn = sleep_relative;
    r->arg[0] = (uint64_t)time_add(now, ns);
    r->arg[1] = remaining;
    r->arg[2] = (uint64_t)clockid;
    return sleep_relative(r);
}

long sys_nanosleep(uaddr_t rqtp, uaddr_t rmtp)
{
    ktime_t ns;

    int err = timespec_take(rqtp, &ns);
    return err ? err : sleep_for(CLOCK_MONOTONIC, ns, rmtp);
}

/* An absolute time on a clock as a time on CLOCK_MONOTONIC. */
static int to_monotonic(int clockid, ktime_t when, ktime_t *out)
{
    ktime_t now;

    int err = clock_read(clockid, &now);
    if (err)
        return err;
    if (when == KTIME_NEVER)
        *out = KTIME_NEVER;
    else
        *out = time_add(clock_mono(), when - now);
    return 0;
}

static int sleep_clock_check(int clockid)
{
    switch (clockid) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
    case CLOCK_TAI: return 0;
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE: return (int)reject(-EOPNOTSUPP, "no sleeping on this clock");
    default:
        return clock_is_cpu(clockid) ? cpu_clock_sleep_check(clockid)
                                     : (int)reject(-EINVAL, "unknown clock");
    }
}

/* Repeated with the same absolute time when interrupted. */
static long sleep_absolute(int clockid, ktime_t when)
{
    ktime_t deadline;
    int err;

    if (clock_is_cpu(clockid)) {
        err = cpu_clock_sleep(clockid, when);
    } else {
        err = to_monotonic(clockid, when, &deadline);
        if (!err)
            err = sleep_until(deadline);
    }
    return err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
}

long sys_clock_nanosleep(int clockid, int flags, uaddr_t rqtp, uaddr_t rmtp)
{
    ktime_t ns;

    int err = sleep_clock_check(clockid);
    if (!err)
        err = timespec_take(rqtp, &ns);
    if (err)
        return err;
    int id = clock_id_absolute(clockid);
    if (flags & TIMER_ABSTIME)
        return sleep_absolute(id, ns);
    return sleep_for(clock_is_cpu(id) ? id : CLOCK_MONOTONIC, ns, rmtp);
}

long sys_clock_settime(int clockid, uaddr_t tp)
{
    ktime_t ns;

    if (clockid != CLOCK_REALTIME)
        return -EINVAL;
    int err = timespec_take(tp, &ns);
    return err ? err : reject(-EPERM, "the clock is the host's");
}

long sys_settimeofday(uaddr_t tv, uaddr_t tz)
{
    (void)tv;
    (void)tz;
    return reject(-EPERM, "the clock is the host's");
}

static long adjust(uaddr_t addr)
{
    struct __kernel_timex x;

    if (copy_in(&x, addr, sizeof(x)))
        return -EFAULT;
    if (x.modes)
        return reject(-EPERM, "the clock is the host's");
    ktime_t now = clock_real();
    x = (struct __kernel_timex){
        .status = STA_UNSYNC,
        .maxerror = 16000000,
        .esterror = 16000000,
        .constant = 2,
        .precision = 1,
        .tolerance = 32768000,
        .time = {.tv_sec = now / NSEC_PER_SEC, .tv_usec = now % NSEC_PER_SEC / 1000},
        .tick = 10000,
        .tai = TAI_OFFSET,
    };
    return copy_out(addr, &x, sizeof(x)) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(uaddr_t txc)
{
    return adjust(txc);
}

long sys_clock_adjtime(int which_clock, uaddr_t tx)
{
    return which_clock == CLOCK_REALTIME ? adjust(tx) : -EINVAL;
}
