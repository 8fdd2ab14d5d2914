/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs: data and readiness (see pty_impl.h). */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "kernel/fs/host/host.h"
#include "kernel/fs/tty/pty_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"

#define TIMES_STEP 8000000000L /* times of terminals are kept coarse, as they tell of typing */

void pty_wake_master(struct pty *p, uint32_t events)
{
    if (p->master)
        file_wake(p->master, events);
}

void pty_wake_slaves(struct pty *p, uint32_t events)
{
    list_for_each(it, &p->slaves)
        file_wake(&list_entry(it, struct pty_file, link)->file, events);
}

static void touch(ktime_t *when)
{
    ktime_t now = clock_real();
    if (now - __atomic_load_n(when, __ATOMIC_RELAXED) >= TIMES_STEP)
        __atomic_store_n(when, now, __ATOMIC_RELAXED);
}

/* What the line discipline asks for. */

static struct pty *pty_of_ldisc(struct ldisc *l)
{
    return container_of(l, struct pty, ldisc);
}

static size_t shown_room(struct ldisc *l)
{
    return ttyq_room(&pty_of_ldisc(l)->shown);
}

static void shown_put(struct ldisc *l, const uint8_t *data, size_t n)
{
    ttyq_put(&pty_of_ldisc(l)->shown, data, n);
}

static void signal_foreground(struct ldisc *l, int sig)
{
    tty_signal(&pty_of_ldisc(l)->tty, sig);
}

static void flow_changed(struct ldisc *l, bool stopped)
{
    struct pty *p = pty_of_ldisc(l);
    pty_packet(p, stopped ? TIOCPKT_STOP : TIOCPKT_START, stopped ? TIOCPKT_START : TIOCPKT_STOP);
    if (!stopped)
        pty_wake_slaves(p, PTY_EV_OUT);
}

static void flushed(struct ldisc *l, bool input, bool output)
{
    struct pty *p = pty_of_ldisc(l);
    if (output) /* what a reader could have taken already is not called back */
        p->shown.len = MIN(p->shown.len, (size_t)LDISC_SIZE - 1);
    if (input)
        pty_wake_master(p, PTY_EV_OUT);
    pty_packet(p, (uint8_t)((input ? TIOCPKT_FLUSHREAD : 0) | (output ? TIOCPKT_FLUSHWRITE : 0)),
               0);
}

const struct ldisc_hooks pty_hooks = {
    .room = shown_room,
    .put = shown_put,
    .signal = signal_foreground,
    .flow = flow_changed,
    .flushed = flushed,
};

/* From the master to the line discipline. */

/* Bytes go straight on unless others wait; what finds no room waits. There is room in `typed`. */
static void type(struct pty *p, const uint8_t *data, size_t n)
{
    size_t taken = p->typed.len ? 0 : ldisc_receive(&p->ldisc, data, n);
    ttyq_put(&p->typed, data + taken, n - taken);
}

void pty_feed(struct pty *p)
{
    size_t n, taken, before = p->typed.len;
    const uint8_t *data;
    do {
        n = ttyq_front(&p->typed, &data);
        taken = n ? ldisc_receive(&p->ldisc, data, n) : 0;
        ttyq_drop(&p->typed, taken);
    } while (taken);
    if (p->typed.len != before)
        pty_wake_master(p, PTY_EV_OUT);
}

/* Somebody may read or write now who could not before. */
static void typed_wake(struct pty *p)
{
    if (p->shown.len)
        pty_wake_master(p, PTY_EV_IN);
    if (p->ldisc.head != p->ldisc.tail)
        pty_wake_slaves(p, PTY_EV_IN);
}

static int master_write(struct file *f, struct uio *u, int64_t *pos)
{
    struct pty *p = pty_of(f);
    uint8_t piece[256];
    int err = 0;
    (void)pos;
    mutex_lock(&p->lock);
    while (u->left && !err) {
        size_t before = u->done, n = MIN(ttyq_room(&p->typed), MIN(u->left, sizeof(piece)));
        if (!n) {
            err = -EAGAIN;
            break;
        }
        err = uio_get(u, piece, n);
        type(p, piece, u->done - before);
    }
    typed_wake(p);
    mutex_unlock(&p->lock);
    return err;
}

static int shown_get(struct pty *p, struct uio *u)
{
    int err = 0;
    while (p->shown.len && u->left && !err) {
        const uint8_t *data;
        size_t before = u->done, n = ttyq_front(&p->shown, &data);
        err = uio_put(u, data, n);
        ttyq_drop(&p->shown, u->done - before);
    }
    return err;
}

/* In packet mode a read brings what has happened, or data behind a zero. */
static int read_packet(struct pty *p, struct uio *u, bool *status)
{
    uint8_t head = p->packet_status;
    *status = head != TIOCPKT_DATA;
    if (!head && !p->shown.len)
        return 0;
    p->packet_status = 0;
    return uio_put(u, &head, 1);
}

static int read_shown(struct pty *p, struct uio *u)
{
    bool status = false;
    int err = p->packet ? read_packet(p, u, &status) : 0;
    if (err || status)
        return err;
    if (!p->shown.len)
        return p->slave_gone ? -EIO : -EAGAIN;
    err = shown_get(p, u);
    ldisc_echo_run(&p->ldisc);
    pty_wake_slaves(p, PTY_EV_OUT);
    return err;
}

static int master_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct pty *p = pty_of(f);
    (void)pos;
    if (!u->left)
        return 0;
    mutex_lock(&p->lock);
    int err = read_shown(p, u);
    mutex_unlock(&p->lock);
    return err;
}

/* Polling takes no lock: whoever changes something wakes afterwards. */
static uint32_t master_poll(struct file *f)
{
    struct pty *p = pty_of(f);
    uint32_t events = 0;
    if (p->shown.len)
        events |= PTY_EV_IN;
    if (p->packet && p->packet_status)
        events |= PTY_EV_IN | EPOLLPRI;
    if (p->slave_gone)
        events |= EPOLLHUP;
    if (ttyq_room(&p->typed))
        events |= PTY_EV_OUT;
    return events;
}

/* The slave. */

bool pty_hung_up(const struct file *f)
{
    return list_empty(&container_of(f, struct pty_file, file)->link);
}

static int slave_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct pty *p = pty_of(f);
    int err = pty_hung_up(f) ? 0 : tty_check_read(&p->tty);
    (void)pos;
    if (err)
        return err;
    mutex_lock(&p->lock);
    if (!pty_hung_up(f)) {
        err = ldisc_read(&p->ldisc, u);
        if (p->typed.len) {
            pty_feed(p);
            typed_wake(p);
        }
    }
    mutex_unlock(&p->lock);
    if (u->done)
        touch(&p->atime);
    return err;
}

static ktime_t slave_patience(struct file *f, const struct uio *u)
{
    return ldisc_patience(&pty_of(f)->ldisc, u);
}

static int slave_write(struct file *f, struct uio *u, int64_t *pos)
{
    struct pty *p = pty_of(f);
    int err = pty_hung_up(f) ? 0 : tty_check_write(&p->tty);
    (void)pos;
    if (err)
        return err;
    mutex_lock(&p->lock);
    if (pty_hung_up(f)) {
        err = -EIO;
    } else {
        err = ldisc_write(&p->ldisc, u);
        if (p->shown.len)
            pty_wake_master(p, PTY_EV_IN);
    }
    mutex_unlock(&p->lock);
    if (u->done)
        touch(&p->mtime);
    return err;
}

static uint32_t slave_poll(struct file *f)
{
    struct pty *p = pty_of(f);
    if (pty_hung_up(f))
        return PTY_EV_ALL;
    return (ldisc_readable(&p->ldisc) ? PTY_EV_IN : 0) |
           (ldisc_writable(&p->ldisc) ? PTY_EV_OUT : 0);
}

const struct file_ops pty_master_ops = {
    .async = ASYNC_YES,
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = pty_master_ioctl,
    .release = pty_master_release,
};

const struct file_ops pty_slave_ops = {
    .async = ASYNC_YES,
    .read = slave_read,
    .write = slave_write,
    .patience = slave_patience,
    .poll = slave_poll,
    .ioctl = pty_slave_ioctl,
    .release = pty_slave_release,
};
