/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of POSIX message queues share.
 *
 *   mqueue.c         the queue: messages in and out, mq_timedsend, mq_timedreceive
 *   mqueue_fs.c      names and open files
 *   mqueue_open.c    mq_open, mq_unlink, mq_getsetattr; what a user may have
 *   mqueue_notify.c  mq_notify
 *
 * A queue is an inode; its spin lock guards what is in it, legend [l].  Messages, files and processes that
 * it lets go are freed after the lock is released.  Order: the root's inode->lock (names) │ queue->lock →
 * wait queues of its open files.
 */
#ifndef KERNEL_IPC_MQUEUE_IMPL_H
#define KERNEL_IPC_MQUEUE_IMPL_H

#include <asm/siginfo.h>
#include <linux/mqueue.h>

#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/tree.h"

struct message;
struct packet;
struct process;

/* Whom to tell when a message comes into an empty queue that nobody waits at. */
struct mq_notice {
    struct process *owner; /* a reference; NULL: nobody */
    int how, signo;        /* SIGEV_* */
    sigval_t value;
    struct file *socket;   /* SIGEV_THREAD: a reference to a netlink socket … */
    struct packet *cookie; /* … and what it will receive */
};

struct mqueue {
    struct inode inode; /* first */
    struct spinlock lock;
    int64_t max, size;           /* [I] messages that it holds, and how long each may be */
    struct tree messages;        /* [l] the next to be received first */
    uint64_t bytes, sequence;    /* [l] in it; the last one's number */
    struct list receivers;       /* [l] struct mq_sleeper */
    struct list senders;         /* [l] likewise */
    struct list files;           /* [l] struct mq_file */
    struct mq_notice notice;     /* [l] */
    uint32_t uid, gid;           /* [a] */
    ktime_t atime, mtime, ctime; /* [a] */
    struct user *user;           /* [I] who pays for it */
    uint64_t charge;             /* [I] bytes that it may need */
    struct tree_node by_name;    /* [root->lock] while it has a name */
    struct list by_age;          /* [root->lock] likewise */
    uint64_t number;             /* [I] of those that were ever made */
    char name[];                 /* [I] */
};

struct mq_file {
    struct file file; /* first */
    struct list link; /* [l] */
};

static inline struct mqueue *mqueue_of(struct inode *i)
{
    return container_of(i, struct mqueue, inode);
}

/* mqueue_fs.c */
extern struct super *mqueue_super; /* [I after boot] */
/* The queue of an open file, or NULL: it is none. */
struct mqueue *mqueue_of_file(struct file *f);
/* What has been read (atime) or changed. */
void mqueue_touch(struct mqueue *q, bool changed);
/* Wakes who polls one of its open files. */
void mqueue_wake_locked(struct mqueue *q, uint32_t events) REQUIRES(q->lock);
/* A queue with a name in dir, or -errno; for the VFS's create and for mq_open.  attr may be NULL. */
MUST_CHECK int mqueue_create(struct inode *dir, const char *name, uint32_t mode,
                             const struct mq_attr *attr, struct inode **out);

/* mqueue.c */
int mqueue_cmp(const struct tree_node *a, const struct tree_node *b);
/* All that is in it; nobody has it open. */
void mqueue_empty(struct mqueue *q);

/* mqueue_open.c */
/* What a queue like attr (NULL: the default) takes; charged to the user: 0 or -errno. */
MUST_CHECK int mqueue_charge(struct mqueue *q, const struct mq_attr *attr);
void mqueue_uncharge(struct mqueue *q);

/* mqueue_notify.c */
/* The notice is taken off, to be delivered without the lock. */
struct mq_notice mq_notice_take_locked(struct mqueue *q) REQUIRES(q->lock);
/* A message has come; consumes the notice. No lock held */
void mq_notice_deliver(struct mq_notice *n);
/* The process is not told any more, if it was to be. */
void mq_notice_remove(struct mqueue *q, const struct process *owner);
void mq_notice_drop(struct mq_notice *n);

#endif
