/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timerfd_create(2): a timer whose expirations are read as a number.
 *
 *   idle --settime--> armed --expiry--> expired --read or gettime, with an interval--> armed
 *
 * An expired timer does not run on: whoever reads it counts the intervals that have passed meanwhile
 * and arms it for the next.  So a timer that nobody reads costs one wake-up, however short its interval.
 *
 * Lock: the timer's own (spin); the kernel timer's comes after it.  A kernel timer that fires too early,
 * or after it was disarmed, finds that out under the lock.
 */
#include <linux/time_types.h>
#include <linux/timerfd.h>

#include "kernel/fs/seq.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sched/time.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#include <linux/time.h>

struct timerfd {
    struct file file; /* first */
    struct spinlock lock;
    struct timer timer;
    int clock;        /* [I] */
    unsigned flags;   /* [l] of the last settime */
    ktime_t expires;  /* [l] the next expiry, or the last if expired; on the clock; 0: idle */
    ktime_t interval; /* [l] 0: once */
    bool expired;     /* [l] */
    uint64_t ticks;   /* [l] to be read */
};

static struct timerfd *timerfd_of(struct file *f)
{
    return container_of(f, struct timerfd, file);
}

static ktime_t now_of(const struct timerfd *t)
{
    switch (t->clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_ALARM: return clock_real();
    case CLOCK_MONOTONIC: return clock_mono();
    default: return clock_mono() + clock_boot_off();
    }
}

static void arm_locked(struct timerfd *t, ktime_t now) REQUIRES(t->lock)
{
    if (t->expires != KTIME_NEVER)
        timer_set(&t->timer, time_add(clock_mono(), MAX(t->expires - now, 0)));
}

/* Notes an expiry that is due: true if this one was news. */
static bool expire_locked(struct timerfd *t, ktime_t now) REQUIRES(t->lock)
{
    if (!t->expires || t->expired || t->expires > now)
        return false;
    t->expired = true;
    __atomic_store_n(&t->ticks, t->ticks + 1, __ATOMIC_RELAXED);
    return true;
}

/* Intervals that have passed since an expiry that has been noted: the timer goes on. */
static void forward_locked(struct timerfd *t) REQUIRES(t->lock)
{
    if (!t->expired || !t->interval)
        return;
    ktime_t now = now_of(t);
    uint64_t n = now < t->expires ? 0 : (uint64_t)((now - t->expires) / t->interval);
    t->expires = time_add(t->expires, (ktime_t)(n + 1) * t->interval);
    t->ticks += n;
    t->expired = false;
    arm_locked(t, now);
}

static void timerfd_fire(struct timer *timer)
{
    struct timerfd *t = container_of(timer, struct timerfd, timer);
    ktime_t now = now_of(t);
    spin_lock(&t->lock);
    bool wake = expire_locked(t, now);
    if (t->expires && !t->expired)
        arm_locked(t, now);
    spin_unlock(&t->lock);
    if (wake)
        file_wake(&t->file, EPOLLIN);
}

static int timerfd_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct timerfd *t = timerfd_of(f);
    (void)pos;
    if (u->left < sizeof(uint64_t))
        return -EINVAL;
    spin_lock(&t->lock);
    if (!t->ticks && t->expires)
        (void)expire_locked(t, now_of(t));
    uint64_t ticks = t->ticks;
    if (ticks) {
        forward_locked(t);
        ticks = t->ticks;
        t->ticks = 0;
        /* One that fires once is over. */
        if (t->expired)
            t->expires = 0;
        t->expired = false;
    }
    spin_unlock(&t->lock);
    return ticks ? uio_put(u, &ticks, sizeof(ticks)) : -EAGAIN;
}

static uint32_t timerfd_poll(struct file *f)
{
    return __atomic_load_n(&timerfd_of(f)->ticks, __ATOMIC_RELAXED) ? EPOLLIN : 0;
}

static long timerfd_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    struct timerfd *t = timerfd_of(f);
    uint64_t ticks;
    if (cmd != TFD_IOC_SET_TICKS)
        return -ENOTTY;
    if (copy_in(&ticks, arg, sizeof(ticks)))
        return -EFAULT;
    if (!ticks)
        return -EINVAL;
    spin_lock(&t->lock);
    __atomic_store_n(&t->ticks, ticks, __ATOMIC_RELAXED);
    spin_unlock(&t->lock);
    file_wake(f, EPOLLIN);
    return 0;
}

struct setting {
    ktime_t value, interval;
};

static struct setting left_locked(const struct timerfd *t) REQUIRES(t->lock)
{
    struct setting s = {.interval = t->interval};
    if (t->expires && !t->expired)
        s.value = MAX(t->expires - now_of(t), 0);
    return s;
}

static void timerfd_info(struct file *f, struct seq *s)
{
    struct timerfd *t = timerfd_of(f);
    spin_lock(&t->lock);
    struct setting left = left_locked(t);
    uint64_t ticks = t->ticks;
    unsigned flags = t->flags;
    spin_unlock(&t->lock);
    seq_printf(s, "clockid: %d\nticks: %lu\nsettime flags: 0%o\n", t->clock, ticks, flags);
    seq_printf(s, "it_value: (%ld, %ld)\nit_interval: (%ld, %ld)\n", left.value / NSEC_PER_SEC,
               left.value % NSEC_PER_SEC, left.interval / NSEC_PER_SEC,
               left.interval % NSEC_PER_SEC);
}

static void timerfd_release(struct file *f)
{
    timer_cancel(&timerfd_of(f)->timer);
}

static const struct file_ops timerfd_ops = {
    .read = timerfd_read,
    .poll = timerfd_poll,
    .ioctl = timerfd_ioctl,
    .info = timerfd_info,
    .release = timerfd_release,
};

long sys_timerfd_create(int clock, int flags)
{
    bool alarm = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (!alarm && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return reject(-EINVAL, "a clock that timerfd does not know");
    if (alarm && !capable(CAP_WAKE_ALARM))
        return reject(-EPERM, "alarms need CAP_WAKE_ALARM");
    struct timerfd *t = kzalloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    file_init(&t->file, &timerfd_ops, O_RDWR | ((uint32_t)flags & O_NONBLOCK));
    t->file.name = "anon_inode:[timerfd]";
    spin_init(&t->lock);
    timer_init(&t->timer, timerfd_fire);
    t->clock = clock;
    return fd_install(&t->file, flags & O_CLOEXEC, 0);
}

/* Settings as programs write them. */

static int time_check(const struct __kernel_timespec *ts, ktime_t *out)
{
    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    bool far = ts->tv_sec >= KTIME_NEVER / NSEC_PER_SEC;
    *out = far ? KTIME_NEVER : ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
    return 0;
}

static int setting_in(uaddr_t addr, struct setting *s)
{
    struct __kernel_itimerspec its;
    if (copy_in(&its, addr, sizeof(its)))
        return -EFAULT;
    int err = time_check(&its.it_value, &s->value);
    return err ? err : time_check(&its.it_interval, &s->interval);
}

static int setting_out(uaddr_t addr, const struct setting *s)
{
    struct __kernel_itimerspec its = {
        .it_interval = {s->interval / NSEC_PER_SEC, s->interval % NSEC_PER_SEC},
        .it_value = {s->value / NSEC_PER_SEC, s->value % NSEC_PER_SEC},
    };
    return copy_out(addr, &its, sizeof(its)) ? -EFAULT : 0;
}

static int timerfd_get(int fd, struct fd_ref *r)
{
    int err = fd_get(fd, r);
    if (err || r->file->ops == &timerfd_ops)
        return err;
    fd_put(r);
    return reject(-EINVAL, "not a timerfd");
}

static void timerfd_set(struct timerfd *t, unsigned flags, const struct setting *new_s,
                        struct setting *old)
{
    spin_lock(&t->lock);
    forward_locked(t);
    *old = left_locked(t);
    ktime_t now = now_of(t);
    t->flags = flags;
    t->expired = false;
    __atomic_store_n(&t->ticks, 0, __ATOMIC_RELAXED);
    t->interval = new_s->interval;
    t->expires = new_s->value;
    if (t->expires && !(flags & TFD_TIMER_ABSTIME))
        t->expires = time_add(now, t->expires);
    if (t->expires)
        arm_locked(t, now);
    spin_unlock(&t->lock);
}

/* The clocks never jump in here, so TFD_TIMER_CANCEL_ON_SET has nothing to cancel. */
long sys_timerfd_settime(int fd, int flags, uaddr_t new_value, uaddr_t old_value)
{
    struct setting new_s, old;
    struct fd_ref r;
    int err = setting_in(new_value, &new_s);
    if (err == -EFAULT)
        return err;
    if (err || flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        return -EINVAL;
    err = timerfd_get(fd, &r);
    if (err)
        return err;
    timerfd_set(timerfd_of(r.file), (unsigned)flags, &new_s, &old);
    fd_put(&r);
    return old_value ? setting_out(old_value, &old) : 0;
}

long sys_timerfd_gettime(int fd, uaddr_t cur_value)
{
    struct fd_ref r;
    int err = timerfd_get(fd, &r);
    if (err)
        return err;
    struct timerfd *t = timerfd_of(r.file);
    spin_lock(&t->lock);
    forward_locked(t);
    struct setting left = left_locked(t);
    spin_unlock(&t->lock);
    fd_put(&r);
    return setting_out(cur_value, &left);
}
