/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions, foreground groups and job control: see tty.h.
 *
 * The rules are Linux's: a terminal is free or controls one session; only the leader acquires it,
 * others inherit it; the leader's end, TIOCNOTTY by it, or a hangup frees it.  A process in a group
 * that is not in the foreground is stopped by SIGTTIN and SIGTTOU when it reads or changes the
 * terminal, unless nobody would make it go on: then it is told -EIO.
 */
#include "kernel/fs/tty/tty.h"

#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "kernel/kernel.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/family.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

static struct spinlock tty_lock = {0};

void tty_init(struct tty *t, const struct tty_ops *ops, uint64_t rdev)
{
    *t = (struct tty){.ops = ops, .rdev = rdev};
    ref_init(&t->ref);
}

void tty_put(struct tty *t)
{
    if (t && ref_put(&t->ref))
        t->ops->free(t);
}

static void put_times(struct tty *t, unsigned n)
{
    while (n--)
        tty_put(t);
}

/* Process groups and sessions. */

static void group_signal(int pgid, int sig)
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

static bool is_leader(const struct process *p)
{
    return p->sid == p->pid;
}

struct clear_job {
    struct tty *tty;
    int session;
    unsigned cleared;
};

static int clear_member(struct process *p, void *arg)
{
    struct clear_job *j = arg;
    spin_lock(&tty_lock);
    if (p->sid == j->session && p->tty == j->tty) {
        p->tty = NULL;
        j->cleared++;
    }
    spin_unlock(&tty_lock);
    return 0;
}

/* Takes the terminal from all processes of a session; returns how many references are the caller's. */
static unsigned session_clear(struct tty *t, int session)
{
    struct clear_job j = {.tty = t, .session = session};
    (void)process_for_each(clear_member, &j);
    return j.cleared;
}

struct tty *tty_current(void)
{
    struct process *p = current_process();
    spin_lock(&tty_lock);
    struct tty *t = p->tty ? tty_get(p->tty) : NULL;
    spin_unlock(&tty_lock);
    return t;
}

void tty_of_process(struct process *p, uint64_t *rdev, int *foreground)
{
    spin_lock(&tty_lock);
    *rdev = p->tty ? p->tty->rdev : 0;
    *foreground = p->tty && p->tty->foreground ? p->tty->foreground : -1;
    spin_unlock(&tty_lock);
}

static void acquire_locked(struct process *p, struct tty *t)
{
    p->tty = tty_get(t);
    p->tty_old_foreground = 0;
    t->session = p->sid;
    t->foreground = p->pgid;
}

void tty_acquire(struct tty *t, struct process *leader)
{
    spin_lock(&tty_lock);
    if (!leader->tty && !t->session)
        acquire_locked(leader, t);
    spin_unlock(&tty_lock);
}

void tty_inherit(struct tty *t, struct process *p)
{
    spin_lock(&tty_lock);
    if (!p->tty && t->session == p->sid)
        p->tty = tty_get(t);
    spin_unlock(&tty_lock);
}

void tty_opened(struct tty *t, uint32_t flags)
{
    struct process *p = current_process();
    if (!(flags & O_NOCTTY) && (flags & O_ACCMODE) != O_WRONLY && is_leader(p))
        tty_acquire(t, p);
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
    group_signal(p->pgid, sig);
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

/* TIOCSCTTY.  force: root takes it away from another session. */
static long control(struct tty *t, unsigned who, bool force)
{
    struct process *p = current_process();
    bool root = capable(CAP_SYS_ADMIN);
    unsigned cleared = 0;
    long err = 0;
    spin_lock(&tty_lock);
    int other = t->session;
    if (is_leader(p) && other == p->sid)
        other = -1; /* it is already */
    else if (!is_leader(p) || p->tty || (other && !(force && root)) ||
             (!(who & TTY_MAY_READ) && !root))
        err = -EPERM;
    spin_unlock(&tty_lock);
    if (err || other < 0)
        return err;
    if (other)
        cleared = session_clear(t, other);
    spin_lock(&tty_lock);
    if (p->tty || (t->session && t->session != other))
        err = -EPERM; /* somebody was faster */
    else
        acquire_locked(p, t);
    spin_unlock(&tty_lock);
    put_times(t, cleared);
    return err;
}

/*
 * The session loses its terminal; its foreground group is told.  At the leader's end it gets SIGHUP
 * alone, as what is stopped there is orphaned and told otherwise.
 */
static void disassociate(struct process *leader, bool at_exit)
{
    spin_lock(&tty_lock);
    struct tty *t = leader->tty;
    int pgid = t ? t->foreground : leader->tty_old_foreground;
    if (t) {
        tty_get(t);
        t->session = 0;
        t->foreground = 0;
    }
    leader->tty_old_foreground = 0;
    spin_unlock(&tty_lock);
    if (!t && !at_exit)
        return;
    group_signal(pgid, SIGHUP);
    if (!t || !at_exit)
        group_signal(pgid, SIGCONT);
    if (t)
        put_times(t, 1 + session_clear(t, leader->sid));
}

static long give_up(struct tty *t)
{
    struct process *p = current_process();
    spin_lock(&tty_lock);
    bool ours = p->tty == t;
    spin_unlock(&tty_lock);
    if (!ours)
        return -ENOTTY;
    if (is_leader(p))
        disassociate(p, false);
    spin_lock(&tty_lock);
    struct tty *old = p->tty;
    p->tty = NULL;
    spin_unlock(&tty_lock);
    tty_put(old);
    return 0;
}

long tty_job_ioctl(struct tty *t, unsigned who, unsigned cmd, uaddr_t arg)
{
    switch (cmd) {
    case TIOCGPGRP: return foreground_get(t, who, arg);
    case TIOCSPGRP: return foreground_set(t, arg);
    case TIOCGSID: return session_get(t, who, arg);
    case TIOCSCTTY: return control(t, who, arg == 1);
    case TIOCNOTTY: return who & TTY_MASTER ? -ENOTTY : give_up(t);
    default: return -ENOIOCTLCMD;
    }
}

/* Events. */

bool tty_signal(struct tty *t, int sig)
{
    spin_lock(&tty_lock);
    int pgid = t->foreground;
    spin_unlock(&tty_lock);
    group_signal(pgid, sig);
    return pgid > 0;
}

void tty_hangup(struct tty *t)
{
    spin_lock(&tty_lock);
    int session = t->session, pgid = t->foreground;
    t->session = 0;
    t->foreground = 0;
    spin_unlock(&tty_lock);
    if (!session)
        return;
    unsigned cleared = session_clear(t, session);
    struct process *leader = process_lookup(session);
    if (leader) {
        spin_lock(&tty_lock);
        leader->tty_old_foreground = pgid;
        spin_unlock(&tty_lock);
        (void)signal_send_process(leader, SIGHUP, NULL);
        (void)signal_send_process(leader, SIGCONT, NULL);
        process_put(leader);
    }
    put_times(t, cleared);
}

void tty_process_fork(const struct process *parent, struct process *child)
{
    spin_lock(&tty_lock);
    child->tty = parent->tty ? tty_get(parent->tty) : NULL;
    child->tty_old_foreground = 0;
    spin_unlock(&tty_lock);
}

void tty_process_setsid(struct process *p)
{
    spin_lock(&tty_lock);
    struct tty *old = p->tty;
    p->tty = NULL;
    p->tty_old_foreground = 0;
    spin_unlock(&tty_lock);
    tty_put(old);
}

void tty_process_exit(struct process *p)
{
    if (is_leader(p))
        disassociate(p, true);
    tty_process_setsid(p);
}
