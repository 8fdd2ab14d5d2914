/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that tell of changes by signals (fcntl's F_NOTIFY), for a descriptor table and an open file
 * description of the directory, until one of the table's descriptors of it is closed.
 *
 * notify_lock guards all; owners are told under it.
 */
#ifndef KERNEL_VFS_DNOTIFY_H
#define KERNEL_VFS_DNOTIFY_H

#include "kernel/sched/lock.h"
#include "lib/list.h"

struct fdtable;
struct file;
struct inode;

extern uint32_t dnotify_count; /* [a] how many there are */

long dnotify_set(int fd, struct file *f, unsigned long arg);
void dnotify_close_slow(struct file *f, const struct fdtable *t);
/* A descriptor of f in t is closed; t NULL: the last reference of f goes. */
static inline void dnotify_close(struct file *f, const struct fdtable *t)
{
    if (unlikely(__atomic_load_n(&dnotify_count, __ATOMIC_RELAXED) != 0))
        dnotify_close_slow(f, t);
}

/* IN_* happened to, or (named) in, the inode; what is over then goes to `dead`, which dnotify_free takes without
 * the lock. */
void dnotify_event_locked(const struct inode *i, uint32_t mask, bool named, struct list *dead);
void dnotify_free(struct list *dead);
/* Something got another name in the same directory. */
void dnotify_renamed(const struct inode *dir);

/* notify.c: dnotify_count has changed; notify_lock is held. */
void notify_count_locked(void);

#endif
