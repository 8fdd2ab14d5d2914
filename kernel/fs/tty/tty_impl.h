/* SPDX-License-Identifier: Apache-2.0 */
/* What session.c and job.c share: the lock, and what requests do. */
#ifndef KERNEL_FS_TTY_TTY_IMPL_H
#define KERNEL_FS_TTY_TTY_IMPL_H

#include "kernel/fs/tty/tty.h"
#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/signal/signal.h"

extern struct spinlock tty_lock; /* see tty.h */

static inline bool tty_is_leader(const struct process *p)
{
    return p->sid == p->pid;
}

/* To a group, if pgid is one.  No spin lock is held. */
void tty_group_signal(int pgid, int sig);

/* TIOCSCTTY (force: root takes it away from another session), TIOCNOTTY, TIOCVHANGUP. */
MUST_CHECK long tty_control(struct tty *t, unsigned who, bool force);
MUST_CHECK long tty_give_up(struct tty *t);
long tty_vhangup(struct tty *t);

#endif
