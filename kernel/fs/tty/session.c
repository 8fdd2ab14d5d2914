/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose terminal it is: see tty.h.
 *
 * A terminal is free or controls one session; only the leader acquires it, others inherit it; the leader's
 * end, TIOCNOTTY by it, or a hangup frees it.
 */
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "kernel/fs/tty/tty_impl.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sched/thread.h"

#include "kernel/sys/syscalls.h"

struct spinlock tty_lock = {0};

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
    if (!(flags & O_NOCTTY) && (flags & O_ACCMODE) != O_WRONLY && tty_is_leader(p))
        tty_acquire(t, p);
}

/* TIOCSCTTY.  force: root takes it away from another session. */
long tty_control(struct tty *t, unsigned who, bool force)
{
    struct process *p = current_process();
    bool root = capable(CAP_SYS_ADMIN);
    unsigned cleared = 0;
    long err = 0;
    spin_lock(&tty_lock);
    int other = t->session;
    if (tty_is_leader(p) && other == p->sid)
        other = -1; /* it is already */
    else if (!tty_is_leader(p) || p->tty || (other && !(force && root)) ||
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
    tty_group_signal(pgid, SIGHUP);
    if (!t || !at_exit)
        tty_group_signal(pgid, SIGCONT);
    if (t)
        put_times(t, 1 + session_clear(t, leader->sid));
}

long tty_give_up(struct tty *t)
{
    struct process *p = current_process();
    spin_lock(&tty_lock);
    bool ours = p->tty == t;
    spin_unlock(&tty_lock);
    if (!ours)
        return -ENOTTY;
    if (tty_is_leader(p))
        disassociate(p, false);
    spin_lock(&tty_lock);
    struct tty *old = p->tty;
    p->tty = NULL;
    spin_unlock(&tty_lock);
    tty_put(old);
    return 0;
}

long tty_vhangup(struct tty *t)
{
    if (t->ops->hangup)
        t->ops->hangup(t);
    tty_hangup(t);
    return 0;
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

long sys_vhangup(void)
{
    if (!capable(CAP_SYS_TTY_CONFIG))
        return -EPERM;
    struct tty *t = tty_current();
    if (t)
        (void)tty_vhangup(t);
    tty_put(t);
    return 0;
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
    if (tty_is_leader(p))
        disassociate(p, true);
    tty_process_setsid(p);
}
