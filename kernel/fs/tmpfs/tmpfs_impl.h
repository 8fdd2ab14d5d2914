/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in the enclave's memory.
 *
 * An inode lives as long as it has names or users: each directory entry holds a reference.
 * Locks, outer first:
 *   super->names (mutex)  all directories' entries, link counts, parents
 *   inode.lock   (mutex)  a regular file's pages and size; never held while data is copied
 * A read or write holds `io` instead while it copies (a copy may fault, and the fault may read the
 * very file); whoever frees pages waits until io is 0.
 */
#ifndef KERNEL_FS_TMPFS_TMPFS_IMPL_H
#define KERNEL_FS_TMPFS_TMPFS_IMPL_H

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "abi/host/layout.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/pagetree.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/clock.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/string.h"
#include "lib/tree.h"

#define TMPFS_NAME_MAX 255
#define TMPFS_FILE_MAX ((int64_t)INT64_MAX & ~(int64_t)(PAGE_SIZE - 1))

struct tmpfs_super {
    struct super sb; /* first */
    struct mutex names;
    uint64_t last_ino;  /* [a] */
    uint64_t pages;     /* [a] in use */
    uint64_t max_pages; /* [I] */
};

struct tmpfs_entry {
    struct tree_node by_name, by_seq; /* [names] */
    uint64_t seq;                     /* [I] order of creation: the position for getdents */
    struct tmpfs_inode *inode;        /* [names] a reference */
    size_t len;                       /* [I] */
    char name[];                      /* [I] NUL-terminated */
};

struct tmpfs_inode {
    struct inode inode;                 /* first */
    uint32_t nlink;                     /* [names] */
    uint32_t uid, gid;                  /* [a] */
    ktime_t atime, mtime, ctime, btime; /* [a] */
    /* directories */
    struct tree by_name, by_seq; /* [names] */
    uint64_t last_seq;           /* [names] */
    struct tmpfs_inode *parent;  /* [names] borrowed: NULL once removed */
    /* regular files */
    struct pagetree pages; /* [inode.lock] */
    int64_t size;          /* [inode.lock] */
    uint64_t npages;       /* [inode.lock] */
    uint32_t io;           /* [a] copies under way; raised under inode.lock */
    struct waitq io_waitq;
    /* symbolic links */
    char *target; /* [I] */
};

static inline struct tmpfs_inode *tmpfs_inode_of(struct inode *i)
{
    return container_of(i, struct tmpfs_inode, inode);
}

static inline struct tmpfs_super *tmpfs_super_of(struct inode *i)
{
    return container_of(i->super, struct tmpfs_super, sb);
}

/* inode.c */
extern const struct inode_ops tmpfs_inode_ops;
/* A new inode without a name, one reference; owned by the current process's fs ids. NULL without memory. */
struct tmpfs_inode *tmpfs_inode_new(struct super *sb, uint32_t mode) MUST_CHECK;
void tmpfs_touch(struct tmpfs_inode *ti); /* mtime and ctime are now */

/* dir.c */
void tmpfs_dir_init(struct tmpfs_inode *dir);
int tmpfs_lookup(struct inode *dir, const char *name, struct inode **out);
int tmpfs_create(struct inode *dir, const char *name, uint32_t mode, struct inode **out);
int tmpfs_mkdir(struct inode *dir, const char *name, uint32_t mode, struct inode **out);
int tmpfs_mknod(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                struct inode **out);
int tmpfs_symlink(struct inode *dir, const char *name, const char *target, struct inode **out);
int tmpfs_link(struct inode *dir, const char *name, struct inode *target);
int tmpfs_unlink(struct inode *dir, const char *name, struct inode *victim);
int tmpfs_rmdir(struct inode *dir, const char *name, struct inode *victim);
int tmpfs_rename(struct inode *olddir, const char *oldname, struct inode *newdir,
                 const char *newname, unsigned flags);
extern const struct file_ops tmpfs_dir_ops;

/* data.c: the pages of a regular file; all take inode.lock. */
MUST_CHECK int tmpfs_data_read(struct tmpfs_inode *ti, struct uio *u, int64_t *pos);
MUST_CHECK int tmpfs_data_write(struct tmpfs_inode *ti, struct uio *u, int64_t *pos, bool append);
MUST_CHECK int tmpfs_data_truncate(struct tmpfs_inode *ti, int64_t size);
MUST_CHECK int tmpfs_data_fallocate(struct tmpfs_inode *ti, int mode, int64_t off, int64_t len);
/* SEEK_DATA, SEEK_HOLE. */
int64_t tmpfs_data_seek(struct tmpfs_inode *ti, int64_t off, int whence);
int64_t tmpfs_data_size(struct tmpfs_inode *ti);
void tmpfs_data_free(struct tmpfs_inode *ti); /* the inode is going */

/* file.c */
int tmpfs_open(struct inode *i, uint32_t flags, struct file **out);
int tmpfs_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                  struct inode **out_ino, struct file **out);

#endif
