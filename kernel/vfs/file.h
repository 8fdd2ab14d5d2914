/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open file description, and what a kind of file must do.
 *
 * Operations never block: they return -EAGAIN when they would have to wait, and whoever changes
 * the object's readiness calls file_wake.  The one loop that blocks is file_read/file_write
 * (vfs/io.c); poll, select and epoll build on `poll` and the file's wait queue.  An absent slot is
 * the documented default, so a kind lists only what it can do.
 *
 * A kind that needs more than struct file embeds it as its FIRST member and allocates the container
 * with kzalloc: when the last reference goes, file_put calls release, drops dentry and inode, and
 * then kfree()s f, which frees the container.
 *
 * Lock order: file->pos_lock, then the kind's own lock, then the wait queue's.
 */
#ifndef KERNEL_VFS_FILE_H
#define KERNEL_VFS_FILE_H

#include <linux/stat.h>

#include "kernel/sched/mutex.h"
#include "kernel/vfs/uio.h"

struct file;
struct dentry;
struct inode;
struct statfs_info;
struct seq;
struct file_owner;
struct shmem;

/* Called by getdents for each entry; returns false when the buffer is full (the entry was not
 * taken). */
struct dir_sink {
    bool (*emit)(struct dir_sink *s, const char *name, size_t len, uint64_t ino, unsigned type,
                 int64_t next_pos);
};

#define FILE_MMAP_NO_WRITE 1

struct file_ops {
    /* Moves data at *pos (ignored by streams) and advances *pos.  Bytes moved are uio->done;
     * returns 0 (done may be short; done == 0: end of file), -EAGAIN, or another error.  Absent:
     * -EINVAL. */
    int (*read)(struct file *f, struct uio *u, int64_t *pos);
    int (*write)(struct file *f, struct uio *u, int64_t *pos);
    /* How long a read or write may wait (SO_RCVTIMEO); 0: for ever.  Absent: for ever. */
    ktime_t (*timeout)(struct file *f, bool write);
    /* For kinds whose blocking reads may want more than the first bytes: `read` says -EAGAIN until it is
     * enough, whatever was moved, and this is how long to wait for more, from now; when that is over the read
     * ends with what it has, which may be nothing.  Absent: for ever, for the first bytes. */
    ktime_t (*patience)(struct file *f, const struct uio *u);
    /* Readiness as EPOLL* bits.  May start a background watch that ends in file_wake.  Absent:
     * always readable and writable. */
    uint32_t (*poll)(struct file *f);
    /* Returns the new position or an error.  Absent: -ESPIPE for streams; regular files use
     * vfs_lseek_default(size). */
    int64_t (*lseek)(struct file *f, int64_t off, int whence);
    /* getdents from f->pos on: emits "." and ".." too; sets f->pos to what it handed out last
     * (next_pos). 0 with nothing emitted: the end. Called with pos_lock held. Absent: -ENOTDIR */
    int (*iterate)(struct file *f, struct dir_sink *sink);
    long (*ioctl)(struct file *f, unsigned cmd, uaddr_t arg); /* Absent: -ENOTTY. May sleep */
    int (*truncate)(struct file *f, int64_t size);            /* Absent: -EINVAL */
    int (*fsync)(struct file *f, bool data_only);             /* Absent: -EINVAL. May sleep */
    int (*fallocate)(struct file *f, int mode, int64_t off, int64_t len); /* Absent: -EOPNOTSUPP */
    /* Checks a mapping before it is made (prot, flags MAP_*); pages are then read with `read` at
     * their offset: 0, FILE_MMAP_NO_WRITE (it may not become writable), or -errno. Absent: -ENODEV */
    int (*mmap)(struct file *f, unsigned prot, unsigned flags);
    /* What shared mappings are made of (mm/shmem.h): the inode's, hence borrowed.  May sleep; no lock is
     * held.  Absent: a shared mapping is as a private one, which is right for what nobody can write. */
    int (*share)(struct file *f, struct shmem **out);
    /* fcntl's F_ADD_SEALS and F_GET_SEALS. Absent: -EINVAL */
    long (*add_seals)(struct file *f, unsigned seals);
    long (*get_seals)(struct file *f);
    /* fstat. Absent: the inode's getattr. May sleep */
    int (*getattr)(struct file *f, struct statx *st);
    /* Whether O_ASYNC does anything: changes of readiness are signalled (async.h). */
    enum file_async { ASYNC_NO, ASYNC_YES, ASYNC_SOCKET } async;
    int (*set_flags)(struct file *f,
                     unsigned old_flags); /* f->flags has the new. Absent: nothing to do */
    /* A new description of what a file without a name is, opened by way of /proc/self/fd with these O_* flags.
     * Absent: the same description. May sleep */
    int (*again)(struct file *f, uint32_t flags, struct file **out);
    /* close(2) of one descriptor (result goes to the program).  Absent: 0 */
    int (*flush)(struct file *f);
    /* What /proc/self/fdinfo says of the kind. Absent: nothing. May sleep */
    void (*info)(struct file *f, struct seq *s);
    /* The last reference is gone. May sleep. Absent: nothing */
    void (*release)(struct file *f);
};

struct file {
    const struct file_ops *ops; /* [I] */
    struct ref ref;
    uint32_t flags; /* [a] O_* status flags and access mode */
    struct dentry
        *dentry; /* [I] reference held; NULL for files without a name (then `name` says what) */
    struct inode
        *inode; /* [I] a reference of its own, dropped by file_put; NULL for anonymous ones. The VFS
                   sets dentry and inode after ops->open when the kind has left them NULL */
    const char *name; /* [I] "pipe:[12]", "anon_inode:[eventfd]" … for /proc/self/fd; may be NULL */
    struct mutex pos_lock; /* guards pos for calls that use it */
    int64_t pos;           /* [pos_lock] */
    struct waitq waitq;    /* readers, writers and pollers */
    struct list watches;   /* [epoll's lock] the epoll entries that watch this file */
    struct file_owner
        *owner; /* [a] who is told of readiness by a signal (async.c); NULL: nobody yet */
    void *priv; /* the kind's own, or embed struct file in a larger struct */
};

#define FMODE_READ(f) (((f)->flags & O_ACCMODE) != O_WRONLY)
#define FMODE_WRITE(f) (((f)->flags & O_ACCMODE) != O_RDONLY)

/* A bare file with one reference, or NULL. */
struct file *file_new(const struct file_ops *ops, uint32_t flags, const char *name) MUST_CHECK;
/* Fills in a zeroed struct with one reference; then the kind sets dentry/inode/name. */
void file_init(struct file *f, const struct file_ops *ops, uint32_t flags);
/* A file that nobody has seen, with nothing in it: gone, without release. */
void file_unborn(struct file *f);
unsigned files_count(void); /* open file descriptions there are: for statistics */
static inline struct file *file_get(struct file *f)
{
    ref_get(&f->ref);
    return f;
}
void file_put(struct file *f); /* the last one releases, drops dentry and inode, and kfree()s f */
/* Readiness changed: wakes readers, writers, pollers. Any context but an interrupt. */
void file_wake(struct file *f, uint32_t events);

/* The loops that block (unless O_NONBLOCK): bytes or -errno (-ERESTARTSYS when interrupted before
 * any). pos NULL: the file's own position. */
int64_t file_read(struct file *f, struct uio *u, int64_t *pos);
int64_t file_write(struct file *f, struct uio *u, int64_t *pos);
/* All n bytes into kernel memory at off, for mm and elf: 0, -EIO when the file is shorter, or
 * -errno. */
MUST_CHECK int file_read_exact(struct file *f, void *buf, size_t n, int64_t off);
/* lseek for files with a size: checks and sets f->pos. The kind's lseek calls it with its size.
 * pos_lock is held. */
int64_t vfs_lseek_default(struct file *f, int64_t off, int whence, int64_t size);
/* The same for directories, whose listing has no end to seek from. */
int64_t vfs_lseek_dir(struct file *f, int64_t off, int whence);
/* What fstat says. */
MUST_CHECK int file_stat(struct file *f, struct statx *st);

#endif
