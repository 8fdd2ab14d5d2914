/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes, dentries, mounts.
 *
 * An inode is an object of a file system: identity, type, operations.  A dentry is a name in a
 * directory, cached, with its inode.  A mount puts a superblock's root over a dentry.  Path walk
 * (vfs/name/path.c) is in the kernel alone: symlinks, "..", mount points and access to names are decided
 * here for all kinds, and a file system sees single names only.
 *
 * Kinds whose names can change behind the kernel's back (host, /proc) say so in sb->flags: their negative
 * and non-directory dentries are not cached, directories are revalidated after a second, or by `valid`.
 *
 * The VFS applies the umask, checks read-only mounts, and (where the host does not) permissions.
 *
 * Locks: names (mutex, one a directory): held by the VFS around lookup and changes of names; two
 * directories are locked by rising address, renames of directories under one more mutex.  Then
 * `lock` (mutex), which is the kind's own: the VFS never takes it.  Then the dentry cache's spin
 * lock (name/dentry.c). On SUPER_VOLATILE file systems the VFS does not take names.
 */
#ifndef KERNEL_VFS_INODE_H
#define KERNEL_VFS_INODE_H

#include <linux/stat.h>

#include "kernel/sched/mutex.h"
#include "kernel/types.h"

struct file;
struct inode;
struct super;
struct statfs_info;
struct dentry;
struct mount;

struct setattr {
    unsigned mask; /* SETATTR_* */
    uint32_t mode, uid, gid;
    struct {
        int64_t sec;
        uint32_t nsec;
    } atime, mtime; /* real values: UTIME_NOW/OMIT are resolved by the caller */
};
#define SETATTR_MODE 1U
#define SETATTR_UID 2U
#define SETATTR_GID 4U
#define SETATTR_ATIME 8U
#define SETATTR_MTIME 16U

/* All may sleep; names are single components, NUL-terminated, never "." or "..". Absent = -EPERM
 * unless said. */
struct inode_ops {
    bool verified; /* its contents are compared with what was signed */
    /* The inode of a name (a reference), -ENOENT …  Directories only. */
    int (*lookup)(struct inode *dir, const char *name, struct inode **out);
    /* Creates a regular file exclusively: -EEXIST. */
    int (*create)(struct inode *dir, const char *name, uint32_t mode, struct inode **out);
    int (*mkdir)(struct inode *dir, const char *name, uint32_t mode, struct inode **out);
    int (*mknod)(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                 struct inode **out);
    int (*symlink)(struct inode *dir, const char *name, const char *target, struct inode **out);
    int (*link)(struct inode *dir, const char *name, struct inode *target);
    int (*unlink)(struct inode *dir, const char *name, struct inode *victim);
    int (*rmdir)(struct inode *dir, const char *name, struct inode *victim);
    int (*rename)(struct inode *olddir, const char *oldname, struct inode *newdir,
                  const char *newname, unsigned flags);
    /* Opens: a new file with one reference; flags are O_* (O_TRUNC included: the kind truncates).
     * Absent: -ENXIO */
    int (*open)(struct inode *ino, uint32_t flags, struct file **out);
    /* Optional fast path of path walk's last component: lookup, create if O_CREAT (mode), and open
     * in one step without following a symlink (-ELOOP: it is one, use lookup).  *out_ino gets a
     * reference too. Absent: lookup + open. */
    int (*open_at)(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                   struct inode **out_ino, struct file **out);
    /* Optional fast path: stat of a name without following a symlink; the caller looks at stx_mode.
     * Absent: lookup + getattr. */
    int (*stat_at)(struct inode *dir, const char *name, struct statx *st);
    /* May the current process use it so (MAY_*)?  Absent: the mode's bits decide, on SUPER_VOLATILE file systems
     * the host. */
    int (*permission)(struct inode *ino, unsigned mask);
    /* On SUPER_VOLATILE file systems: does a cached name still mean this?  Absent: it is believed for a second. */
    bool (*valid)(struct inode *ino);
    int (*getattr)(struct inode *ino, struct statx *st);
    int (*setattr)(struct inode *ino, const struct setattr *a);
    int (*truncate)(struct inode *ino, int64_t size);
    /* The target into buf (not terminated): length or -errno. */
    int64_t (*readlink)(struct inode *ino, char *buf, size_t size);
    /* A "magic" link (/proc/self/fd/N): the dentry itself (a reference; see dentry_of_file) instead
     * of a text. Optional. */
    int (*follow)(struct inode *ino, struct dentry **out);
    void (*free)(struct inode *ino); /* the last reference is gone; frees it. Must be there */
};

struct inode {
    const struct inode_ops *ops; /* [I] */
    struct super *super;         /* [I] */
    struct ref ref;
    uint32_t mode; /* S_IFMT bits are [I]; of the host's files the others are as last seen */
    uint64_t ino;  /* [I] */
    uint64_t
        rdev; /* [I] as mknod(2) encodes it: minor & 0xff | major << 8 | (minor & ~0xff) << 12 */
    uint64_t dev;       /* [I] st_dev, in the same form; 0: the super's */
    struct mutex lock;  /* the kind's own: directory changes, size changes */
    struct mutex names; /* the VFS's: see above */
    struct list locks;  /* [lock/lock.c] flock and fcntl locks */
    struct pipe *pipe;  /* [fifo.c] the pipe behind an opened FIFO */
    uint32_t opens;     /* [a] open files that came by a name */
    uint32_t writers,
        readers;   /* [a] of these, those that can write, and those that can only read */
    bool nameless; /* [a] its last name was removed while somebody watched (notify.c) */
    void *priv;
};

struct super_ops {
    int (*statfs)(struct super *sb, struct statfs_info *out);
    int (*sync)(struct super *sb);
};

struct super {
    const char *type; /* "tmpfs", "host" … as /proc/mounts shows it */
    const struct super_ops *ops;
    unsigned flags; /* SUPER_* */
    uint64_t dev;   /* st_dev */
    struct inode *root;
    struct mount *mount; /* [I after boot] the last that was made of it */
    void *priv;
};
#define SUPER_RDONLY 1U   /* writes are -EROFS, decided by the VFS */
#define SUPER_VOLATILE 2U /* names change behind our back */
#define SUPER_HOST 4U /* the host's files: what it lets its user do is up to it (name/access.c) */

struct statfs_info {
    uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen, flags;
};

/* What mode, owner and group say about the current process: 0 or -EACCES. */
MUST_CHECK int inode_mode_permission(struct inode *i, unsigned mask);
void inode_init(struct inode *i, struct super *sb, const struct inode_ops *ops, uint32_t mode,
                uint64_t ino);
unsigned inodes_count(void); /* for statistics */
static inline struct inode *inode_get(struct inode *i)
{
    ref_get(&i->ref);
    return i;
}
void inode_put(struct inode *i);

/* A kind of file system: made from a mount line of the configuration. source may be NULL. */
struct fs_type {
    const char *name;
    int (*mount)(const char *source, unsigned flags, struct super **out);
    struct fs_type *next; /* name/mount.c */
};

/* Makes a kind known to vfs_mount, by its name.  t is static. */
void fs_type_register(struct fs_type *t);
/* Calls fn for each kind until it returns something else than 0: that. */
int fs_types_for_each(int (*fn)(const struct fs_type *t, void *arg), void *arg);

#endif
