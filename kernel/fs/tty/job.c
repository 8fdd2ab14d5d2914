/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job control: who may read and change a terminal, and which group is in its foreground; see tty.h.
 *
 * The rules are Linux's.  A process in a group that is not in the foreground is stopped by SIGTTIN and
 * SIGTTOU when it reads or changes the terminal, unless nobody would make it go on: then it is told
 * -EIO.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/errno.h>

#include "kernel/fs/tty/tty_impl.h"
#include "kernel/proc/family.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

void tty_group_signal(int pgid, int sig)
{
    if (pgid > 0)
        (void)signal_send_group(pgid, sig, NULL);
}

static int member_session(struct process *p, void *arg)
{
    const int *pgid = arg;
    return p->pgid == *pgid ? p->sid : 0;
}

/* The session that a process group belongs to, or -ESRCH. */
static int group_session(int pgid)
{
    int sid = process_for_each(member_session, &pgid);
    return sid ? sid : -ESRCH;
}

bool tty_signal(struct tty *t, int sig)
{
    spin_lock(&tty_lock);
    int pgid = t->foreground;
    spin_unlock(&tty_lock);
    tty_group_signal(pgid, sig);
    return pgid > 0;
}

/* Checks. */

void tty_lend(struct process *leader, bool away)
{
    __atomic_store_n(&leader->tty_away, away, __ATOMIC_RELAXED);
}

static bool is_away(const struct process *p)
{
    struct process *leader = p->sid == p->pid ? NULL : process_lookup(p->sid);
    bool away = __atomic_load_n(leader ? &leader->tty_away : &p->tty_away, __ATOMIC_RELAXED);
    if (leader)
        process_put(leader);
    return away;
}

static int check(struct tty *t, int sig)
{
    const struct process *p = current_process();
    spin_lock(&tty_lock);
    bool background = p->tty == t && t->foreground && t->foreground != p->pgid;
    spin_unlock(&tty_lock);
    bool away = t->ops->outside && is_away(p);
    if (likely(!background && !away))
        return 0;
    if (signal_is_ignored(sig))
        return sig == SIGTTIN ? -EIO : 0;
    if (!away && group_is_orphaned(p->pgid)) /* else its client's shell makes it go on */
        return -EIO;
    tty_group_signal(p->pgid, sig);
    return -ERESTARTSYS;
}

int tty_check_read(struct tty *t)
{
    return check(t, SIGTTIN);
}

int tty_check_change(struct tty *t)
{
    return check(t, SIGTTOU);
}

int tty_check_write(struct tty *t)
{
    const struct process *p = current_process();
    /* A look without the lock: who is in the foreground can change at any time anyway. */
    if (likely(p->tty != t || t->foreground == p->pgid) || !t->ops->tostop(t))
        return 0;
    return check(t, SIGTTOU);
}

/* Requests. */

static bool owned_by_us_locked(const struct tty *t)
{
    const struct process *p = current_process();
    return p->tty == t && t->session == p->sid;
}

static long foreground_get(struct tty *t, unsigned who, uaddr_t arg)
{
    spin_lock(&tty_lock);
    bool ours = current_process()->tty == t;
    int pgid = t->foreground;
    spin_unlock(&tty_lock);
    if (!ours && !(who & TTY_MASTER))
        return -ENOTTY;
    return copy_out(arg, &pgid, sizeof(pgid)) ? -EFAULT : 0;
}

static long session_get(struct tty *t, unsigned who, uaddr_t arg)
{
    spin_lock(&tty_lock);
    bool ours = current_process()->tty == t;
    int sid = t->session;
    spin_unlock(&tty_lock);
    if ((!ours && !(who & TTY_MASTER)) || !sid)
        return -ENOTTY;
    return copy_out(arg, &sid, sizeof(sid)) ? -EFAULT : 0;
}

static long foreground_set(struct tty *t, uaddr_t arg)
{
    int pgid;
    int err = tty_check_change(t);
    if (err)
        return err == -EIO ? -ENOTTY : err;
    spin_lock(&tty_lock);
    bool ours = owned_by_us_locked(t);
    spin_unlock(&tty_lock);
    if (!ours)
        return -ENOTTY;
    if (copy_in(&pgid, arg, sizeof(pgid)))
        return -EFAULT;
    if (pgid < 0)
        return -EINVAL;
    int session = group_session(pgid);
    if (session < 0)
        return session;
    if (session != current_process()->sid)
        return -EPERM;
    spin_lock(&tty_lock);
    if (owned_by_us_locked(t))
        t->foreground = pgid;
    spin_unlock(&tty_lock);
    return 0;
}

long tty_job_ioctl(struct tty *t, unsigned who, unsigned cmd, uaddr_t arg)
{
    switch (cmd) {
    case TIOCGPGRP: return foreground_get(t, who, arg);
    case TIOCSPGRP: return foreground_set(t, arg);
    case TIOCGSID: return session_get(t, who, arg);
    case TIOCSCTTY: return tty_control(t, who, arg == 1);
    case TIOCVHANGUP: return capable(CAP_SYS_ADMIN) ? tty_vhangup(t) : -EPERM;
    case TIOCNOTTY: return who & TTY_MASTER ? -ENOTTY : tty_give_up(t);
    default: return -ENOIOCTLCMD;
    }
}
