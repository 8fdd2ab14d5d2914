/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to pairs: those of both sides, those of the master (number, lock, packet mode, the peer), and
 * those of the slave.  Settings are in termios.c, sessions and groups in job.c.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/tty.h>

#include "kernel/fs/tty/pty_impl.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"

void pty_packet(struct pty *p, uint8_t set, uint8_t clear)
{
    if (!p->packet || !set)
        return;
    p->packet_status = (uint8_t)((p->packet_status & ~clear) | set);
    pty_wake_master(p, PTY_EV_IN | EPOLLPRI);
}

static long put_int(uaddr_t arg, int value)
{
    return copy_out(arg, &value, sizeof(value)) ? -EFAULT : 0;
}

/* One of the flags of a pair, from an int of the program. */
static long flag_set(struct pty *p, bool *flag, uaddr_t arg)
{
    int on;
    if (copy_in(&on, arg, sizeof(on)))
        return -EFAULT;
    mutex_lock(&p->lock);
    *flag = on != 0;
    mutex_unlock(&p->lock);
    return 0;
}

static long exclusive_set(struct pty *p, bool on)
{
    mutex_lock(&p->lock);
    p->exclusive = on;
    mutex_unlock(&p->lock);
    return 0;
}

/* What can be asked of either side and means the same. */
static long common_ioctl(struct pty *p, unsigned cmd, uaddr_t arg)
{
    int n;
    switch (cmd) {
    case TIOCOUTQ: return put_int(arg, 0); /* what is written is at once on the other side */
    case TIOCEXCL: return exclusive_set(p, true);
    case TIOCNXCL: return exclusive_set(p, false);
    case TIOCGEXCL: return put_int(arg, p->exclusive);
    case TIOCGDEV: return put_int(arg, (int)p->tty.rdev);
    case TIOCGETD: return put_int(arg, N_TTY);
    case TIOCSETD:
        if (copy_in(&n, arg, sizeof(n)))
            return -EFAULT;
        return n == N_TTY ? 0 : reject(-EINVAL, "another line discipline");
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK: return cmd == TIOCCBRK ? 0 : tty_check_change(&p->tty);
    default: return pty_termios_ioctl(p, cmd, arg);
    }
}

/* The master. */

static long packet_set(struct pty *p, uaddr_t arg)
{
    int on;
    if (copy_in(&on, arg, sizeof(on)))
        return -EFAULT;
    mutex_lock(&p->lock);
    if (on && !p->packet)
        p->packet_status = 0;
    p->packet = on != 0;
    mutex_unlock(&p->lock);
    return 0;
}

static long shown_count(struct pty *p, uaddr_t arg)
{
    mutex_lock(&p->lock);
    int n = (int)p->shown.len;
    mutex_unlock(&p->lock);
    return put_int(arg, n);
}

/* A descriptor for the slave, whatever /dev is for the program. */
static long open_peer(struct pty *p, uint32_t flags)
{
    struct file *f;
    flags &= O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_APPEND | O_CLOEXEC;
    int err = pts_open(p, flags, &f);
    return err ? err : fd_install(f, flags & O_CLOEXEC, 0);
}

static long signal_slave(struct pty *p, uaddr_t sig)
{
    if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
        return -EINVAL;
    tty_signal(&p->tty, (int)sig);
    return 0;
}

/* What the master would have to read, or has been written and waits. */
static long master_flush(struct pty *p, uaddr_t what)
{
    if (what > TCIOFLUSH)
        return -EINVAL;
    mutex_lock(&p->lock);
    if (what != TCOFLUSH) {
        ttyq_drop(&p->shown, p->shown.len);
        ldisc_echo_run(&p->ldisc);
        pty_wake_slaves(p, PTY_EV_OUT);
    }
    if (what != TCIFLUSH) {
        ttyq_drop(&p->typed, p->typed.len);
        pty_wake_master(p, PTY_EV_OUT);
    }
    mutex_unlock(&p->lock);
    return 0;
}

long pty_master_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    struct pty *p = pty_of(f);
    switch (cmd) {
    case TIOCGPTN: return put_int(arg, (int)p->index);
    case TIOCSPTLCK: return flag_set(p, &p->locked, arg);
    case TIOCGPTLCK: return put_int(arg, p->locked);
    case TIOCPKT: return packet_set(p, arg);
    case TIOCGPKT: return put_int(arg, p->packet);
    case TIOCGPTPEER: return open_peer(p, (uint32_t)arg);
    case TIOCSIG: return signal_slave(p, arg);
    case FIONREAD: return shown_count(p, arg);
    case TCFLSH: return master_flush(p, arg);
    case TCXONC: return arg > TCION ? -EINVAL : 0;
    default: break;
    }
    unsigned who = TTY_MASTER | (FMODE_READ(f) ? TTY_MAY_READ : 0);
    long ret = tty_job_ioctl(&p->tty, who, cmd, arg);
    if (ret == -ENOIOCTLCMD)
        ret = common_ioctl(p, cmd, arg);
    return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
}

/* The slave. */

static long slave_flush(struct pty *p, uaddr_t what)
{
    int err = tty_check_change(&p->tty);
    if (err)
        return err;
    if (what > TCIOFLUSH)
        return -EINVAL;
    mutex_lock(&p->lock);
    if (what != TCOFLUSH)
        ldisc_flush_input(&p->ldisc);
    if (what != TCIFLUSH)
        pty_hooks.flushed(&p->ldisc, false, true);
    pty_feed(p);
    mutex_unlock(&p->lock);
    return 0;
}

/* A STOP or START character for the other side, ahead of what is stopped. */
static void send_flow(struct pty *p, uint8_t c)
{
    if (c && ttyq_room(&p->shown)) {
        ttyq_put(&p->shown, &c, 1);
        pty_wake_master(p, PTY_EV_IN);
    }
}

static long slave_flow(struct pty *p, uaddr_t action)
{
    long err = tty_check_change(&p->tty);
    if (err)
        return err;
    mutex_lock(&p->lock);
    switch (action) {
    case TCOOFF: ldisc_hold(&p->ldisc, true); break;
    case TCOON:
        ldisc_hold(&p->ldisc, false);
        ldisc_echo_run(&p->ldisc);
        break;
    case TCIOFF: send_flow(p, p->ldisc.t.c_cc[VSTOP]); break;
    case TCION: send_flow(p, p->ldisc.t.c_cc[VSTART]); break;
    default: err = -EINVAL; break;
    }
    if (p->shown.len)
        pty_wake_master(p, PTY_EV_IN);
    mutex_unlock(&p->lock);
    return err;
}

static long input_count(struct pty *p, uaddr_t arg)
{
    mutex_lock(&p->lock);
    int n = (int)ldisc_count(&p->ldisc);
    mutex_unlock(&p->lock);
    return put_int(arg, n);
}

/* TIOCSTI: as if it had been typed. */
static long type_one(struct pty *p, uaddr_t arg)
{
    struct tty *ours = tty_current();
    uint8_t c;
    tty_put(ours);
    if (ours != &p->tty && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (copy_in(&c, arg, 1))
        return -EFAULT;
    mutex_lock(&p->lock);
    (void)ldisc_receive(&p->ldisc, &c, 1);
    pty_wake_slaves(p, PTY_EV_IN);
    if (p->shown.len)
        pty_wake_master(p, PTY_EV_IN);
    mutex_unlock(&p->lock);
    return 0;
}

long pty_slave_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    struct pty *p = pty_of(f);
    if (pty_hung_up(f))
        return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
    switch (cmd) {
    case FIONREAD: return input_count(p, arg);
    case TCFLSH: return slave_flush(p, arg);
    case TCXONC: return slave_flow(p, arg);
    case TIOCSTI: return type_one(p, arg);
    default: break;
    }
    long ret = tty_job_ioctl(&p->tty, FMODE_READ(f) ? TTY_MAY_READ : 0, cmd, arg);
    if (ret == -ENOIOCTLCMD)
        ret = common_ioctl(p, cmd, arg);
    return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
}
