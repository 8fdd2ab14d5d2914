/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File locks: fcntl's record locks (of a process, or with F_OFD_* of an open file description) and
 * flock's whole-file locks.  They order the programs of this enclave only: the host does not hear of
 * them.  One spin lock, locks_lock, guards all; under it threads are woken and nothing else is taken.
 */
#ifndef KERNEL_VFS_LOCK_LOCK_H
#define KERNEL_VFS_LOCK_LOCK_H

#include "kernel/types.h"
#include "lib/list.h"

struct fdtable;
struct file;
struct inode;

enum lock_kind { LOCK_PROCESS, LOCK_FILE, LOCK_FLOCK };

struct file_lock {
    enum lock_kind kind;
    int type;             /* F_RDLCK, F_WRLCK; F_UNLCK in requests */
    const void *owner;    /* the process's descriptor table, or the file */
    int pid;              /* who asked */
    int64_t start, end;   /* both inclusive */
    struct inode *inode;  /* borrowed: an open file keeps it */
    struct list link;     /* in inode->locks */
    struct list all_link; /* for /proc/locks */
    struct list waiters;  /* who waits until it goes or shrinks */
};

/*
 * Sets or clears the current process's lock: 0, -EAGAIN, -ENOLCK (no memory); with `wait` instead of
 * -EAGAIN -EDEADLK or -ERESTARTSYS.  request: kind, type, owner, pid, start, end.  Sleeps.
 */
MUST_CHECK int lock_set(struct inode *i, const struct file_lock *request, bool wait);
/* A copy of a lock that stands in the way of `want`, or false. */
bool lock_find(struct inode *i, const struct file_lock *want, struct file_lock *held);

/* What a close of one of table t's descriptors of f releases, and what f's last reference does. */
void locks_release_table(struct file *f, const struct fdtable *t);
void locks_release_file(struct file *f);

/* For /proc: all locks, each before those who wait for it. */
struct lock_line {
    struct file_lock lock; /* inode: a reference; the lists are void */
    unsigned number;
    bool waits;
};
/* An array from the heap, or NULL (nothing, or no memory); the caller drops the inodes. */
struct lock_line *locks_list(size_t *n) MUST_CHECK;

/* lockcall.c: fcntl's commands about record locks. */
long lock_fcntl(int fd, struct file *f, unsigned cmd, uaddr_t arg);

#endif
