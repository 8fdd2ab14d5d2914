/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to files, told to those who watch (inotify; ipc/inotify.c).  The VFS calls these after
 * something was done; with no watch anywhere each is one load.
 *
 * Only what programs of this enclave do is told, on any mount.  May take spin locks and, when somebody
 * watches, ask the host for a link count; no spin lock may be held.
 */
#ifndef KERNEL_VFS_NOTIFY_H
#define KERNEL_VFS_NOTIFY_H

#include <linux/inotify.h>

#include "kernel/types.h"

struct dentry;
struct file;
struct inode;

extern uint32_t notify_watches; /* [a] how many there are */

static inline bool notify_any(void)
{
    return unlikely(__atomic_load_n(&notify_watches, __ATOMIC_RELAXED) != 0);
}

/* Somebody did `mask` (one IN_* bit) to an inode, or to a name in a directory. */
void notify_inode(struct inode *i, uint32_t mask);
void notify_name(struct inode *dir, const char *name, uint32_t type, uint32_t mask,
                 uint32_t cookie);
/* Something was moved: for those who are told of renames within a directory. */
void notify_renamed(struct inode *from, struct inode *to);
/* To what a dentry names: told to its directory's watchers, then to its own. */
void notify_dentry(struct dentry *d, uint32_t mask);
void notify_file_slow(struct file *f, uint32_t mask);
static inline void notify_file(struct file *f, uint32_t mask)
{
    if (notify_any())
        notify_file_slow(f, mask);
}

/*
 * Names that are about to go, or to move.  Look before, then tell; without a watch both do nothing.  The
 * victim may be NULL.  Consumes nothing; notify_victim holds a reference between the two.
 */
struct notify_victim {
    struct inode *inode; /* a reference, or NULL */
    bool last;           /* its last name goes */
};
void notify_victim_look(struct notify_victim *v, struct inode *i);
/* The name is gone: link count, perhaps the end, and (dir not NULL) the directory's event. */
void notify_victim_gone(struct notify_victim *v, struct inode *dir, const char *name);
void notify_victim_put(struct notify_victim *v);
uint32_t notify_cookie(void);

/* The last open file of an inode has been closed, which has no name any more. */
void notify_closed_last(struct inode *i);

#endif
