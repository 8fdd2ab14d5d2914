/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair: a master, whose side is another program's, and a slave, which is a terminal.
 *
 *   made (slave locked) ──unlocked, opened──► in use ──slave's last close──► closed ──opened again──► in use
 *   any ──master's close──► hung up: unnamed, and all that are open see the end; freed with the last
 *
 * What the master writes goes through the line discipline's input, and when that has no room waits in
 * `typed`; what it reads is what the line discipline put into `shown`.
 *
 * A pair is also the inode of its name in /dev/pts, whose references keep the memory.  The terminal
 * (struct tty) holds one of them while files or processes have it.  The number is free again when the
 * last file has gone.
 *
 * Locks: lock (a mutex, held across user copies: serving a page fault needs no terminal) → the files'
 * wait queues, the terminals' lock, processes' locks.  ptys_lock (spin, pts.c) alone guards numbers and list.
 */
#ifndef KERNEL_FS_TTY_PTY_IMPL_H
#define KERNEL_FS_TTY_PTY_IMPL_H

#include <linux/eventpoll.h>

#include "kernel/fs/tty/ldisc.h"
#include "kernel/fs/tty/pty.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/fs/tty/ttyq.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"

#define PTY_SLAVE_MAJOR 136U
#define PTY_SHOWN_SIZE (16UL * 1024)
#define PTY_TYPED_SIZE (8UL * 1024)

#define PTY_EV_IN ((uint32_t)(EPOLLIN | EPOLLRDNORM))
#define PTY_EV_OUT ((uint32_t)(EPOLLOUT | EPOLLWRNORM))
#define PTY_EV_ALL (PTY_EV_IN | PTY_EV_OUT | EPOLLERR | EPOLLHUP)

/* struct winsize of <asm/termios.h>, which does not go with termbits. */
struct pty_winsize {
    uint16_t rows, columns, xpixel, ypixel;
};

struct pty {
    struct inode inode; /* first; of the slave's name */
    struct tty tty;     /* the slave */
    struct mutex lock;
    struct ldisc ldisc;            /* [lock] the slave's */
    struct termios termios_locked; /* [lock] what of its settings cannot be changed */
    struct ttyq shown;             /* [lock] for the master to read */
    struct ttyq typed;   /* [lock] for the line discipline; its memory comes when it is needed */
    struct file *master; /* [lock] NULL: closed */
    struct list slaves;  /* [lock] open files that are not hung up */
    unsigned nslaves;    /* [lock] */
    bool slave_gone;     /* [lock] it was open and is not */
    bool locked;         /* [lock] TIOCSPTLCK */
    bool exclusive;      /* [lock] TIOCEXCL */
    bool packet; /* [lock] TIOCPKT: reads of the master begin with a byte that says what follows */
    uint8_t packet_status;       /* [lock] TIOCPKT_* that the master has not read */
    struct pty_winsize size;     /* [lock] */
    unsigned files;              /* [a] open ones, hung up or not: they hold the number */
    struct list link;            /* [ptys_lock] by number */
    unsigned index;              /* [I] */
    bool named;                  /* [ptys_lock] found in /dev/pts */
    uint32_t uid, gid;           /* [inode.lock] */
    ktime_t atime, mtime, ctime; /* [a] */
};

struct pty_file {
    struct file file; /* first */
    struct pty *pty;
    struct list link; /* [lock] of a slave, while it is not hung up */
};

static inline struct pty_file *pty_file_of(struct file *f)
{
    return container_of(f, struct pty_file, file);
}

static inline struct pty *pty_of(struct file *f)
{
    return pty_file_of(f)->pty;
}

/* pty.c */
extern const struct file_ops pty_master_ops, pty_slave_ops;
extern const struct ldisc_hooks pty_hooks;
/* The file's slave has been hung up.  The lock is held, or the answer is only a hint. */
bool pty_hung_up(const struct file *f);
/* Both sides look again at what they can do. */
void pty_wake_master(struct pty *p, uint32_t events);
void pty_wake_slaves(struct pty *p, uint32_t events);
/* What is typed goes on into the line discipline, as far as there is room. */
void pty_feed(struct pty *p);

/* pty_open.c */
extern const struct tty_ops pty_tty_ops;
void pty_master_release(struct file *f);
void pty_slave_release(struct file *f);
/* Opens the slave: -EIO when it is locked or the master has gone. */
MUST_CHECK int pty_open_slave(struct pty *p, uint32_t flags, struct file **out);

/* pty_ioctl.c */
long pty_master_ioctl(struct file *f, unsigned cmd, uaddr_t arg);
long pty_slave_ioctl(struct file *f, unsigned cmd, uaddr_t arg);
/* A flush, a stop or new settings for a master in packet mode. */
void pty_packet(struct pty *p, uint8_t set, uint8_t clear);

/* termios.c: the slave's settings; -ENOIOCTLCMD: not about them.  The lock is not held. */
MUST_CHECK long pty_termios_ioctl(struct pty *p, unsigned cmd, uaddr_t arg);

/* pts.c.  A new pair with a number and a name; with one reference to its terminal. */
MUST_CHECK int pts_new(struct pty **out);
/* Opens the slave by its name, wherever that is for the program. */
MUST_CHECK int pts_open(struct pty *p, uint32_t flags, struct file **out);
void pts_unname(struct pty *p);
void pts_free_number(struct pty *p);

#endif
