/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals, as sessions see them: which session one controls and which of its process groups is in
 * the foreground.  There are two kinds, the slave of a pair (pty.c) and the host's (fs/host/tty.c); a
 * kind has its own files and line discipline and asks here who may read, write or change it.
 *
 *   free --TIOCSCTTY, or opened by a leader--> controls a session --leader ends, TIOCNOTTY, hangup--> free
 *
 * A process's terminal (process->tty, a reference) is inherited and lost as in Linux: it is that of
 * its session or none.
 *
 * Lock: one spin lock for all terminals' session and foreground and all processes' tty; it comes
 * after the tree of processes.  Signals are sent without it.
 */
#ifndef KERNEL_FS_TTY_TTY_H
#define KERNEL_FS_TTY_TTY_H

#include "kernel/sched/lock.h"
#include "kernel/types.h"

struct file;
struct process;
struct tty;

struct tty_ops {
    bool outside; /* the host's, which may lend it to a session (tty_lend) */
    /* One more open file of it (/dev/tty). May sleep */
    int (*open)(struct tty *t, uint32_t flags, struct file **out);
    /* May groups in the background not write?  (TOSTOP) May sleep */
    bool (*tostop)(struct tty *t);
    /* All that have it open shall see the end, as if the line were cut; it can be opened anew.  Absent: they do
     * not. May sleep */
    void (*hangup)(struct tty *t);
    /* The last reference is gone. May sleep */
    void (*free)(struct tty *t);
};

struct tty {
    const struct tty_ops *ops; /* [I] */
    struct ref ref;
    uint64_t rdev;  /* [I] as a program sees it */
    int session;    /* [tty lock] 0: it controls none */
    int foreground; /* [tty lock] process group; 0: none */
};

void tty_init(struct tty *t, const struct tty_ops *ops, uint64_t rdev);
static inline struct tty *tty_get(struct tty *t)
{
    ref_get(&t->ref);
    return t;
}
void tty_put(struct tty *t); /* NULL is fine */

/* The current process's controlling terminal: a reference, or NULL. */
struct tty *tty_current(void) MUST_CHECK;
/* The device number of a process's terminal and its foreground group, for /proc: 0 and -1 without one. */
void tty_of_process(struct process *p, uint64_t *rdev, int *foreground);
/* It was opened with these flags: becomes the terminal of a session leader that has none. */
void tty_opened(struct tty *t, uint32_t flags);

/* It becomes that of a leader without one, if it is free; of another process in that session. */
void tty_acquire(struct tty *t, struct process *leader);
void tty_inherit(struct tty *t, struct process *p);

/*
 * What job control says to the current process: 0, or for a group in the background -ERESTARTSYS
 * after a signal to all of it, or -EIO where a signal would be no use.
 */
MUST_CHECK int tty_check_read(struct tty *t);   /* SIGTTIN */
MUST_CHECK int tty_check_change(struct tty *t); /* SIGTTOU */
MUST_CHECK int tty_check_write(struct tty *t);  /* SIGTTOU, with TOSTOP */

/* Who asks for something: through a descriptor that may read; through the master of a pair. */
#define TTY_MAY_READ 1U
#define TTY_MASTER 2U
#define ENOIOCTLCMD 515 /* Linux's internal value */
/* TIOCSCTTY and all others about sessions and groups; -ENOIOCTLCMD: none of them. */
MUST_CHECK long tty_job_ioctl(struct tty *t, unsigned who, unsigned cmd, uaddr_t arg);

/* To the foreground group: false when there is none.  No lock held but sleeping ones. */
bool tty_signal(struct tty *t, int sig);
/* The terminal is gone: its session's leader gets SIGHUP and SIGCONT, and nobody has it any more. */
void tty_hangup(struct tty *t);

/* A new process has its parent's terminal; a new session has none. */
void tty_process_fork(const struct process *parent, struct process *child);
void tty_process_setsid(struct process *p);
/*
 * The host's terminals are somebody else's for now, as the leader's client is in the background outside, or its
 * session's again.
 */
void tty_lend(struct process *leader, bool away);
/* The process ends: if it leads a session, that loses its terminal, and the foreground gets SIGHUP. */
void tty_process_exit(struct process *p);

#endif
