/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll, ppoll, select, pselect6: one engine over an array of struct pollfd.
 *
 * A first look needs no registration.  Only when nothing is ready and the call may wait is a waiter
 * put on every file's queue; then look, sleep, look again.
 */
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/time_types.h>

#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define NSEC 1000000000L
#define SMALL 8

struct poll_entry {
    struct waiter waiter;
    struct fd_ref ref;
    bool open, closed; /* when the wait began; since */
};

struct poll_set {
    struct pollfd *fds;
    struct poll_entry *entry;
    size_t n;
};

static void set_open(struct poll_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        s->fds[i].revents = 0;
        s->entry[i].closed = false;
        s->entry[i].open = s->fds[i].fd >= 0 && !fd_get(s->fds[i].fd, &s->entry[i].ref);
        if (s->fds[i].fd >= 0 && !s->entry[i].open)
            s->fds[i].revents = POLLNVAL;
    }
}

static void set_close(struct poll_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->entry[i].open)
            fd_put(&s->entry[i].ref);
}

/* How many entries have something to report. */
static long set_look(struct poll_set *s)
{
    long ready = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct pollfd *p = &s->fds[i];
        if (s->entry[i].closed)
            p->revents = POLLNVAL;
        else if (s->entry[i].open)
            p->revents = (short)(file_poll(s->entry[i].ref.file) &
                                 ((uint32_t)(unsigned short)p->events | EPOLL_ALWAYS));
        ready += p->revents != 0;
    }
    return ready;
}

static void set_register(struct poll_set *s, bool on)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!s->entry[i].open)
            continue;
        struct waitq *q = &s->entry[i].ref.file->waitq;
        if (on)
            waitq_add(q, &s->entry[i].waiter);
        else
            waitq_del(q, &s->entry[i].waiter);
    }
}

/* Descriptors that were closed during the wait; their files were kept for it. */
static void set_closed(struct poll_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct fd_ref now;
        if (!s->entry[i].open)
            continue;
        bool gone = fd_get(s->fds[i].fd, &now);
        if (!gone)
            fd_put(&now);
        s->entry[i].closed |= gone;
    }
}

static long set_wait(struct poll_set *s, ktime_t deadline)
{
    long ready = set_look(s);
    if (ready || deadline == 0) /* a signal that the wait's mask lets in counts even then */
        return !ready && thread_interrupted() ? -ERESTARTSYS : ready;
    set_register(s, true);
    int err = 0;
    while (!(ready = set_look(s)) && !err) {
        err = thread_block(deadline, true);
        set_closed(s);
    }
    set_register(s, false);
    return ready || err == -ETIMEDOUT ? ready : err;
}

/* Polls kernel copies of the program's entries.  deadline 0: do not wait. */
static long poll_fds(struct pollfd *fds, size_t n, ktime_t deadline)
{
    struct poll_entry small[SMALL];
    struct poll_set s = {.fds = fds, .n = n, .entry = small};
    if (n > SMALL)
        s.entry = kmalloc(n * sizeof(*s.entry));
    if (!s.entry)
        return -ENOMEM;
    set_open(&s);
    long ret = set_wait(&s, deadline);
    set_close(&s);
    if (s.entry != small)
        kfree(s.entry);
    return ret;
}

/* Times: deadlines on CLOCK_MONOTONIC; 0 do not wait, KTIME_NEVER no limit. */

ktime_t deadline_after(int64_t sec, int64_t nsec)
{
    ktime_t span, deadline;
    if (!sec && !nsec)
        return 0;
    if (__builtin_mul_overflow(sec, NSEC, &span) || __builtin_add_overflow(span, nsec, &span) ||
        __builtin_add_overflow(clock_mono(), span, &deadline))
        return KTIME_NEVER;
    return deadline;
}

ktime_t deadline_ms(int ms)
{
    return ms < 0 ? KTIME_NEVER : deadline_after(ms / 1000, ms % 1000 * 1000000L);
}

int deadline_timespec(uaddr_t ptr, ktime_t *out)
{
    struct __kernel_timespec ts;
    *out = KTIME_NEVER;
    if (!ptr)
        return 0;
    if (copy_in(&ts, ptr, sizeof(ts)))
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC)
        return -EINVAL;
    *out = deadline_after(ts.tv_sec, ts.tv_nsec);
    return 0;
}

/* Writes back what is left of a timeout; a failure is nobody's business (as in Linux). */
static void left_out(uaddr_t ptr, ktime_t deadline, bool usec)
{
    if (!ptr || deadline == KTIME_NEVER)
        return;
    ktime_t left = deadline ? MAX(deadline - clock_mono(), 0L) : 0;
    int64_t t[2] = {left / NSEC, usec ? left % NSEC / 1000 : left % NSEC};
    (void)!copy_out(ptr, t, sizeof(t));
}

int wait_mask_set(uaddr_t mask, size_t size)
{
    sigset_t set;
    if (!mask)
        return 0;
    if (size != sizeof(set))
        return -EINVAL;
    if (copy_in(&set, mask, sizeof(set)))
        return -EFAULT;
    signal_set_blocked_until_return(set);
    return 0;
}

/* poll */

static long poll_call(uaddr_t ufds, unsigned n, ktime_t deadline)
{
    struct pollfd small[SMALL], *fds = small;
    if (n > current_process()->rlimits[RLIMIT_NOFILE].rlim_cur)
        return -EINVAL;
    if (n > SMALL)
        fds = kmalloc(n * sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    long ret = copy_in(fds, ufds, n * sizeof(*fds)) ? -EFAULT : poll_fds(fds, n, deadline);
    if (ret >= 0 && copy_out(ufds, fds, n * sizeof(*fds)))
        ret = -EFAULT;
    if (fds != small)
        kfree(fds);
    return ret;
}

static long poll_restart(struct restart *r)
{
    long ret = poll_call(r->arg[0], (unsigned)r->arg[1], (ktime_t)r->arg[2]);
    return ret == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : ret;
}

long sys_poll(uaddr_t fds, unsigned nfds, int timeout)
{
    ktime_t deadline = deadline_ms(timeout);
    long ret = poll_call(fds, nfds, deadline);
    if (ret != -ERESTARTSYS)
        return ret;
    current->restart = (struct restart){poll_restart, {fds, nfds, (uint64_t)deadline}};
    return -ERESTART_RESTARTBLOCK;
}

long sys_ppoll(uaddr_t fds, unsigned nfds, uaddr_t timeout, uaddr_t sigmask, size_t sigsetsize)
{
    ktime_t deadline;
    int err = deadline_timespec(timeout, &deadline);
    if (!err)
        err = wait_mask_set(sigmask, sigsetsize);
    if (err)
        return err;
    long ret = poll_call(fds, nfds, deadline);
    left_out(timeout, deadline, false);
    return ret == -ERESTARTSYS ? -ERESTARTNOHAND : ret;
}

/* select: three bitmaps make an array of entries, and back. */

/* A descriptor that is closed during the wait counts as ready in every map, as in Linux. */
#define SELECT_IN (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL)
#define SELECT_OUT (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL)
#define SELECT_EX (POLLPRI | POLLNVAL)

struct select_sets {
    size_t words;     /* of each map */
    uint64_t *map[3]; /* in, out, exceptional; one block */
    uaddr_t user[3];
};

static const unsigned short select_events[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};

static bool map_bit(const uint64_t *map, size_t i)
{
    return map[i / 64] >> (i % 64) & 1;
}

static int sets_in(struct select_sets *s, size_t n)
{
    size_t bytes = ALIGN_UP(n, 64UL) / 8;
    s->words = bytes / 8;
    s->map[0] = kzalloc(3 * bytes + 8);
    if (!s->map[0])
        return -ENOMEM;
    for (int i = 0; i < 3; i++) {
        s->map[i] = s->map[0] + (size_t)i * s->words;
        if (s->user[i] && copy_in(s->map[i], s->user[i], bytes)) {
            kfree(s->map[0]);
            return -EFAULT;
        }
        if (n % 64 && s->words)
            s->map[i][s->words - 1] &= (1UL << (n % 64)) - 1;
    }
    return 0;
}

/* One entry for each descriptor in any map: how many. fds may be NULL to count. */
static size_t sets_entries(const struct select_sets *s, struct pollfd *fds)
{
    size_t n = 0;
    for (size_t fd = 0; fd < s->words * 64; fd++) {
        unsigned short events = 0;
        if (!(s->map[0][fd / 64] | s->map[1][fd / 64] | s->map[2][fd / 64])) {
            fd |= 63;
            continue;
        }
        for (int i = 0; i < 3; i++)
            if (map_bit(s->map[i], fd))
                events |= select_events[i];
        if (!events)
            continue;
        if (fds)
            fds[n] = (struct pollfd){.fd = (int)fd, .events = (short)events};
        n++;
    }
    return n;
}

/* Turns results back into maps: the number of bits. */
static long sets_result(struct select_sets *s, const struct pollfd *fds, size_t n)
{
    long bits = 0;
    for (size_t k = 0; k < n; k++) {
        size_t fd = (size_t)fds[k].fd;
        for (int i = 0; i < 3; i++) {
            bool was = map_bit(s->map[i], fd);
            bool is = was && (unsigned short)fds[k].revents & select_events[i];
            bits += is;
            if (was && !is)
                s->map[i][fd / 64] &= ~(1UL << (fd % 64));
        }
    }
    return bits;
}

/* A bad descriptor ends a select before it sleeps. */
static bool any_invalid(const struct pollfd *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct fd_ref r;
        if (fd_get(fds[i].fd, &r))
            return true;
        fd_put(&r);
    }
    return false;
}

static long sets_wait(struct select_sets *s, ktime_t deadline)
{
    size_t n = sets_entries(s, NULL);
    struct pollfd *fds = kmalloc(MAX(n, 1UL) * sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    sets_entries(s, fds);
    long ret = any_invalid(fds, n) ? -EBADF : poll_fds(fds, n, deadline);
    if (ret >= 0)
        ret = sets_result(s, fds, n);
    kfree(fds);
    return ret;
}

static long select_call(int n, uaddr_t in, uaddr_t out, uaddr_t ex, ktime_t deadline)
{
    struct select_sets s = {.user = {in, out, ex}};
    if (n < 0)
        return -EINVAL;
    size_t size = MIN((size_t)n, (size_t)fdtable_size(current_process()->fds));
    int err = sets_in(&s, size);
    if (err)
        return err;
    long ret = sets_wait(&s, deadline);
    for (int i = 0; i < 3 && ret >= 0; i++)
        if (s.user[i] && copy_out(s.user[i], s.map[i], s.words * 8))
            ret = -EFAULT;
    kfree(s.map[0]);
    return ret == -ERESTARTSYS ? -ERESTARTNOHAND : ret;
}

long sys_select(int n, uaddr_t inp, uaddr_t outp, uaddr_t exp, uaddr_t tvp)
{
    int64_t tv[2];
    ktime_t deadline = KTIME_NEVER;
    if (tvp && copy_in(tv, tvp, sizeof(tv)))
        return -EFAULT;
    if (tvp) {
        if (tv[0] < 0 || tv[1] < 0)
            return -EINVAL;
        deadline = deadline_after(tv[0] + tv[1] / 1000000, tv[1] % 1000000 * 1000);
    }
    long ret = select_call(n, inp, outp, exp, deadline);
    left_out(tvp, deadline, true);
    return ret;
}

long sys_pselect6(int n, uaddr_t inp, uaddr_t outp, uaddr_t exp, uaddr_t timeout, uaddr_t sig)
{
    struct {
        uint64_t mask, size;
    } m = {0, 0};
    ktime_t deadline;
    if (sig && copy_in(&m, sig, sizeof(m)))
        return -EFAULT;
    int err = deadline_timespec(timeout, &deadline);
    if (!err)
        err = wait_mask_set(m.mask, m.size);
    if (err)
        return err;
    long ret = select_call(n, inp, outp, exp, deadline);
    left_out(timeout, deadline, false);
    return ret;
}
