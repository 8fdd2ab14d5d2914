/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in the enclave's memory.
 *
 * An inode lives as long as it has names or users: each directory entry holds a reference.
 * Locks, outer first:
 *   super->names (mutex)  all directories' entries, link counts, parents
 *   shm.lock     (mutex)  a regular file's pages and size (mm/shmem.h)
 * A copy from or to the program may fault, and the fault may want the very file.  So a read or write
 * holds `io` instead of the lock while it copies, and whoever frees pages waits until io is 0.  Once a
 * file has shared mappings, a fault may have to move its pages, and could not wait for an io that waits for
 * the fault: from then on (`shared`) reads and writes copy with the lock held, and what is not there is
 * brought in between.
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
#include "kernel/mm/shmem.h"
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
    struct shmem shm;      /* the pages that mappings have touched … */
    struct pagetree pages; /* [shm.lock] … and those that they have not */
    int64_t size;          /* [shm.lock] */
    uint64_t npages;       /* [shm.lock] */
    bool shared;           /* [shm.lock] there are or were shared mappings */
    uint32_t io;           /* [a] copies under way; raised under shm.lock */
    struct waitq io_waitq;
    unsigned seals; /* [shm.lock] F_SEAL_*; memfd.c */
    char *label;    /* [I] a file without a name: what it is called; or NULL */
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
/* What a new inode has from a set-group-id directory. */
void tmpfs_group_of_dir(struct tmpfs_inode *ti, const struct tmpfs_inode *dir);
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

/* copy.c: reading and writing. */
MUST_CHECK int tmpfs_data_read(struct tmpfs_inode *ti, struct uio *u, int64_t *pos);
MUST_CHECK int tmpfs_data_write(struct tmpfs_inode *ti, struct uio *u, int64_t *pos, bool append);

/* data.c: the pages of a regular file; all but _locked take shm.lock. */
void tmpfs_io_end(struct tmpfs_inode *ti);
/* Takes the lock at a moment when nobody copies from or to the pages. */
void tmpfs_lock_quiet(struct tmpfs_inode *ti) ACQUIRE(ti->shm.lock);
/* The page's memory, or NULL: a hole; and when it has been used. */
void *tmpfs_page_locked(struct tmpfs_inode *ti, pgoff_t index, unsigned access);
void tmpfs_page_done_locked(struct tmpfs_inode *ti, pgoff_t index);
/* … to write to: it is added if it is missing; NULL: no room. */
void *tmpfs_page_get_locked(struct tmpfs_inode *ti, pgoff_t index, int *err);
/* n more pages, or fewer, count as the file's: -ENOSPC. */
MUST_CHECK int tmpfs_count_locked(struct tmpfs_inode *ti, uint64_t n);
void tmpfs_uncount_locked(struct tmpfs_inode *ti, uint64_t n);
MUST_CHECK int tmpfs_data_truncate(struct tmpfs_inode *ti, int64_t size);
MUST_CHECK int tmpfs_data_fallocate(struct tmpfs_inode *ti, int mode, int64_t off, int64_t len);
/* SEEK_DATA, SEEK_HOLE. */
int64_t tmpfs_data_seek(struct tmpfs_inode *ti, int64_t off, int whence);
int64_t tmpfs_data_size(struct tmpfs_inode *ti);
void tmpfs_data_free(struct tmpfs_inode *ti); /* the inode is going */

/* share.c: shared mappings, and files without a name that are made for them. */
extern const struct shmem_ops tmpfs_shmem_ops;
int tmpfs_share(struct file *f, struct shmem **out);
/* SHMEM_* flags; label is consumed, on failure too.  A reference, or NULL. */
struct tmpfs_inode *tmpfs_nameless(char *label, uint64_t size, unsigned flags) MUST_CHECK;

/* memfd.c: -EPERM when a seal forbids it: writing up to `end`, a new size, holes. */
MUST_CHECK int tmpfs_sealed_write_locked(const struct tmpfs_inode *ti, int64_t end);
MUST_CHECK int tmpfs_sealed_size_locked(const struct tmpfs_inode *ti, int64_t size);
MUST_CHECK int tmpfs_sealed_hole_locked(const struct tmpfs_inode *ti);
int tmpfs_mmap(struct file *f, unsigned prot, unsigned flags);
long tmpfs_add_seals(struct file *f, unsigned seals);
long tmpfs_get_seals(struct file *f);

/* inode.c: the mount that has the files without a name. */
struct super *tmpfs_nameless_super(void);

/* file.c */
int tmpfs_open(struct inode *i, uint32_t flags, struct file **out);
int tmpfs_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                  struct inode **out_ino, struct file **out);

#endif
