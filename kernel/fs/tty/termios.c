/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal's settings and window size, in the forms that programs know: termios2, termios (without
 * speeds), and System V's termio.  Asked through either side of a pair it is the slave's.  Root may
 * lock some of them (TIOCSLCKTRMIOS): they stay, whatever is asked for.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/errno.h>

#include "kernel/fs/tty/pty_impl.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

struct old_termio {
    uint16_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[8];
};

/* Bytes of a termios2 that a termios has. */
#define TERMIOS_SIZE sizeof(struct termios)

/* The speed that a code in c_cflag stands for; custom: what BOTHER stands for. */
static uint32_t speed_of(uint32_t code, uint32_t custom)
{
    static const uint32_t slow[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                    600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
    static const uint32_t fast[] = {57600,   115200,  230400,  460800,  500000,
                                    576000,  921600,  1000000, 1152000, 1500000,
                                    2000000, 2500000, 3000000, 3500000, 4000000};
    code &= CBAUD;
    if (code == BOTHER)
        return custom;
    if (!(code & CBAUDEX))
        return slow[code];
    code &= ~(uint32_t)CBAUDEX;
    return code && code <= ARRAY_SIZE(fast) ? fast[code - 1] : 38400;
}

static void speeds_update(struct termios2 *t)
{
    uint32_t in = t->c_cflag >> IBSHIFT;
    t->c_ospeed = speed_of(t->c_cflag, t->c_ospeed);
    t->c_ispeed = in & CBAUD ? speed_of(in, t->c_ispeed) : t->c_ospeed;
}

/* What a master in packet mode is told of new settings. */
static void tell_packet(struct pty *p, const struct termios2 *old)
{
    const struct termios2 *t = &p->ldisc.t;
    bool was = old->c_iflag & IXON && old->c_cc[VSTOP] == 'S' - 64 && old->c_cc[VSTART] == 'Q' - 64;
    bool is = t->c_iflag & IXON && t->c_cc[VSTOP] == 'S' - 64 && t->c_cc[VSTART] == 'Q' - 64;
    if (was != is)
        pty_packet(p, is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP, TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
    if ((old->c_lflag | t->c_lflag) & EXTPROC)
        pty_packet(p, TIOCPKT_IOCTL, 0);
}

/* A pair has no line: characters have eight bits and are received. */
static void settings_set(struct pty *p, const struct termios2 *t)
{
    struct termios2 old = p->ldisc.t;
    p->ldisc.t = *t;
    speeds_update(&p->ldisc.t);
    p->ldisc.t.c_cflag = (t->c_cflag & ~(uint32_t)(CSIZE | PARENB)) | CS8 | CREAD;
    ldisc_changed(&p->ldisc, &old);
    tell_packet(p, &old);
    pty_feed(p);
    pty_wake_slaves(p, PTY_EV_IN | PTY_EV_OUT);
    if (p->shown.len)
        pty_wake_master(p, PTY_EV_IN);
}

static struct termios2 settings_get(struct pty *p)
{
    mutex_lock(&p->lock);
    struct termios2 t = p->ldisc.t;
    mutex_unlock(&p->lock);
    return t;
}

/* What is locked stays as it is. */
static void keep_locked(const struct pty *p, struct termios2 *t)
{
    const struct termios *lock = &p->termios_locked;
    const struct termios2 *old = &p->ldisc.t;
    t->c_iflag = (t->c_iflag & ~lock->c_iflag) | (old->c_iflag & lock->c_iflag);
    t->c_oflag = (t->c_oflag & ~lock->c_oflag) | (old->c_oflag & lock->c_oflag);
    t->c_cflag = (t->c_cflag & ~lock->c_cflag) | (old->c_cflag & lock->c_cflag);
    t->c_lflag = (t->c_lflag & ~lock->c_lflag) | (old->c_lflag & lock->c_lflag);
    if (lock->c_line)
        t->c_line = old->c_line;
    for (size_t i = 0; i < ARRAY_SIZE(lock->c_cc); i++)
        if (lock->c_cc[i])
            t->c_cc[i] = old->c_cc[i];
}

/* flush: as TCSETSF does, before the change. */
static long apply(struct pty *p, struct termios2 *t, bool flush)
{
    mutex_lock(&p->lock);
    if (flush)
        ldisc_flush_input(&p->ldisc);
    keep_locked(p, t);
    settings_set(p, t);
    mutex_unlock(&p->lock);
    return 0;
}

static long set_in(struct pty *p, uaddr_t arg, size_t size, bool flush)
{
    struct termios2 t = settings_get(p);
    int err = tty_check_change(&p->tty);
    if (err)
        return err;
    return copy_in(&t, arg, size) ? -EFAULT : apply(p, &t, flush);
}

static long get_out(struct pty *p, uaddr_t arg, size_t size)
{
    struct termios2 t = settings_get(p);
    return copy_out(arg, &t, size) ? -EFAULT : 0;
}

static long set_termio(struct pty *p, uaddr_t arg, bool flush)
{
    struct termios2 t = settings_get(p);
    struct old_termio o;
    int err = tty_check_change(&p->tty);
    if (err)
        return err;
    if (copy_in(&o, arg, sizeof(o)))
        return -EFAULT;
    t.c_iflag = (t.c_iflag & ~0xffffU) | o.iflag;
    t.c_oflag = (t.c_oflag & ~0xffffU) | o.oflag;
    t.c_cflag = (t.c_cflag & ~0xffffU) | o.cflag;
    t.c_lflag = (t.c_lflag & ~0xffffU) | o.lflag;
    t.c_line = o.line;
    memcpy(t.c_cc, o.cc, sizeof(o.cc));
    return apply(p, &t, flush);
}

static long get_termio(struct pty *p, uaddr_t arg)
{
    struct termios2 t = settings_get(p);
    struct old_termio o = {(uint16_t)t.c_iflag,
                           (uint16_t)t.c_oflag,
                           (uint16_t)t.c_cflag,
                           (uint16_t)t.c_lflag,
                           t.c_line,
                           {0}};
    memcpy(o.cc, t.c_cc, sizeof(o.cc));
    return copy_out(arg, &o, sizeof(o)) ? -EFAULT : 0;
}

static long size_get(struct pty *p, uaddr_t arg)
{
    mutex_lock(&p->lock);
    struct pty_winsize size = p->size;
    mutex_unlock(&p->lock);
    return copy_out(arg, &size, sizeof(size)) ? -EFAULT : 0;
}

static long size_set(struct pty *p, uaddr_t arg)
{
    struct pty_winsize size;
    if (copy_in(&size, arg, sizeof(size)))
        return -EFAULT;
    mutex_lock(&p->lock);
    bool changed = memcmp(&size, &p->size, sizeof(size)) != 0;
    p->size = size;
    mutex_unlock(&p->lock);
    if (changed)
        tty_signal(&p->tty, SIGWINCH);
    return 0;
}

static long carrier_get(struct pty *p, uaddr_t arg)
{
    int on = settings_get(p).c_cflag & CLOCAL ? 1 : 0;
    return copy_out(arg, &on, sizeof(on)) ? -EFAULT : 0;
}

static long carrier_set(struct pty *p, uaddr_t arg)
{
    int on;
    if (copy_in(&on, arg, sizeof(on)))
        return -EFAULT;
    struct termios2 t = settings_get(p);
    t.c_cflag = on ? t.c_cflag | CLOCAL : t.c_cflag & ~(uint32_t)CLOCAL;
    return apply(p, &t, false);
}

static long locked_get(struct pty *p, uaddr_t arg)
{
    mutex_lock(&p->lock);
    struct termios t = p->termios_locked;
    mutex_unlock(&p->lock);
    return copy_out(arg, &t, sizeof(t)) ? -EFAULT : 0;
}

static long locked_set(struct pty *p, uaddr_t arg)
{
    struct termios t;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (copy_in(&t, arg, sizeof(t)))
        return -EFAULT;
    mutex_lock(&p->lock);
    p->termios_locked = t;
    mutex_unlock(&p->lock);
    return 0;
}

long pty_termios_ioctl(struct pty *p, unsigned cmd, uaddr_t arg)
{
    switch (cmd) {
    case TCGETS: return get_out(p, arg, TERMIOS_SIZE);
    case TCSETS:
    case TCSETSW: return set_in(p, arg, TERMIOS_SIZE, false); /* nothing is ever on its way */
    case TCSETSF: return set_in(p, arg, TERMIOS_SIZE, true);
    case TCGETS2: return get_out(p, arg, sizeof(struct termios2));
    case TCSETS2:
    case TCSETSW2: return set_in(p, arg, sizeof(struct termios2), false);
    case TCSETSF2: return set_in(p, arg, sizeof(struct termios2), true);
    case TCGETA: return get_termio(p, arg);
    case TCSETA:
    case TCSETAW: return set_termio(p, arg, false);
    case TCSETAF: return set_termio(p, arg, true);
    case TIOCGWINSZ: return size_get(p, arg);
    case TIOCSWINSZ: return size_set(p, arg);
    case TIOCGSOFTCAR: return carrier_get(p, arg);
    case TIOCGLCKTRMIOS: return locked_get(p, arg);
    case TIOCSLCKTRMIOS: return locked_set(p, arg);
    case TIOCSSOFTCAR: return carrier_set(p, arg);
    default: return -ENOIOCTLCMD;
    }
}
