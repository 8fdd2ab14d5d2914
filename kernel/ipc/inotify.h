/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify's inside: a watch joins an instance and an inode.  vfs/notify.c finds the watches of an inode,
 * ipc/inotify.c has the instances and their queues.
 *
 * One spin lock, notify_lock, guards all of it.  A watch keeps its inode alive, so that the same file
 * leads to the same inode for as long as it is watched; the reference is dropped outside the lock.
 */
#ifndef KERNEL_IPC_INOTIFY_H
#define KERNEL_IPC_INOTIFY_H

#include "kernel/sched/lock.h"
#include "kernel/vfs/inode.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "lib/tree.h"

#define INOTIFY_INSTANCES 128U
#define INOTIFY_WATCHES (1U << 20)
#define INOTIFY_EVENTS 16384U /* queued, an instance */

struct inotify;

struct watch {
    struct hash_link hash;  /* [n] by inode */
    struct tree_node by_wd; /* [n] of the owner's */
    struct inotify *owner;  /* [I] */
    struct inode *inode;    /* [I] a reference */
    int wd;                 /* [I] */
    uint32_t mask;          /* [n] IN_* events, IN_EXCL_UNLINK, IN_ONESHOT */
    struct list dead_link;  /* [n] off everything, to be freed by whoever took it off */
};

extern struct spinlock notify_lock;

/* notify.c */
MUST_CHECK int watch_add_locked(struct watch *w) REQUIRES(notify_lock); /* -ENOSPC, -ENOMEM */
void watch_del_locked(struct watch *w) REQUIRES(notify_lock);
struct watch *watch_find_locked(struct inotify *owner, const struct inode *i) REQUIRES(notify_lock);

/*
 * inotify.c: queues an event, and takes a one-shot watch off everything, onto `dead`; and: a watch whose
 * inode is gone.  The caller frees what is on `dead`, without the lock.
 */
void inotify_event_locked(struct watch *w, uint32_t mask, uint32_t cookie, const char *name,
                          struct list *dead) REQUIRES(notify_lock);
void inotify_forget_locked(struct watch *w, struct list *dead) REQUIRES(notify_lock);
void inotify_free_dead(struct list *dead);

#endif
