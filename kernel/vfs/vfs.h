/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rest of the kernel asks of the VFS.  Paths are the program's, NUL-terminated kernel
 * strings; relative ones start at the current process's cwd (or at dirfd for the *at forms).
 */
#ifndef KERNEL_VFS_VFS_H
#define KERNEL_VFS_VFS_H

#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"

struct fdtable;
struct dentry;
struct fs_context;

struct child_maker {
    int (*fn)(struct inode *dir, const char *name, const void *arg, struct inode **out);
    const void *arg;
};

/* Opens as openat(2) with O_* flags; a reference. */
MUST_CHECK int vfs_open(int dirfd, const char *path, uint32_t flags, uint32_t mode,
                        struct file **out);
/* Opens what is to be executed, which needs no right to read it; of flags O_NOFOLLOW counts. */
MUST_CHECK int vfs_open_exec(int dirfd, const char *path, uint32_t flags, struct file **out);
/* The same of a descriptor: what it is open on, anew if this one is only a path, or to write. */
MUST_CHECK int vfs_open_fd_exec(int fd, struct file **out);
/* Could the caller open it again to read? */
bool file_may_read(struct file *f);
/* The absolute path of a dentry as the program sees it, into buf: length without NUL, or
 * -ENAMETOOLONG; " (deleted)" appended as Linux does. */
int64_t dentry_path(struct dentry *d, char *buf, size_t size);
/* The same from the global root, whatever the process's root is. */
int64_t dentry_path_global(struct dentry *d, char *buf, size_t size);
struct inode *dentry_inode(struct dentry *d); /* borrowed */
/* For magic links: what leads to an open file: its dentry, or for a nameless file (pipe …) a new
 * one that opens it again. */
MUST_CHECK int dentry_of_file(struct file *f, struct dentry **out);
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);

/*
 * A name in a directory that is known, for calls that have names of their own (mq_open): name/child.c.
 * make makes a missing inode (flags have O_CREAT), names are locked; it gets the caller's arg.
 */
MUST_CHECK int vfs_open_child(struct dentry *dir, const char *name, uint32_t flags,
                              const struct child_maker *make, struct file **out);
MUST_CHECK int vfs_unlink_child(struct dentry *dir, const char *name);

/* Mounts (boot): vfs_init first; the first mount must be "/".  A missing target directory is made
 * up (and listed). */
int vfs_init(void);
MUST_CHECK int vfs_mount(const char *type, const char *source, const char *target, unsigned flags);
/* A file system that no path leads to: its super's mount has the root. */
MUST_CHECK int vfs_mount_hidden(const char *type);
/* Calls fn for each mount: /proc/mounts. */
int vfs_for_each_mount(int (*fn)(const char *type, const char *source, const char *target,
                                 unsigned flags, void *),
                       void *arg);

/* What c allows with a file of which stat says this: 0 or -EACCES (name/access.c). */
#define MAY_EXEC 1U
#define MAY_WRITE 2U
#define MAY_READ 4U
MUST_CHECK int mode_permission(const struct statx *st, unsigned mask, const struct cred *c);

/*
 * For file systems whose names come and go: a name in the top directory is gone (its names mutex is
 * held), or is opened though no path may lead there.
 */
void vfs_top_forget(struct super *sb, const char *name);
MUST_CHECK int vfs_top_open(struct super *sb, const char *name, uint32_t flags, struct file **out);

/* A process's cwd, root, umask. */
/*
 * Answers that stand: what a look-up of a directory's name has found holds for whoever has not heard from another
 * program since, as long as names_epoch stays as it is, and a host can be believed for so long.  For those who have nothing
 * but the answer (satellite/answers.c).
 */
#define ANSWER_STANDS_NS 100000000 /* cached directories of the host's are looked at each second */
/* Changes when a name that was there goes, is moved, or may be used by others than before, by what programs do here. */
uint64_t names_epoch(void);
void names_changed(void);

struct fs_context *fs_context_new(void) MUST_CHECK;                   /* cwd and root "/" */
struct fs_context *fs_context_clone(struct fs_context *f) MUST_CHECK; /* a copy */
struct fs_context *fs_context_get(struct fs_context *f);
void fs_context_put(struct fs_context *f);
MUST_CHECK int vfs_chdir(const char *path);
struct dentry *fs_context_cwd(struct fs_context *f);  /* a reference */
struct dentry *fs_context_root(struct fs_context *f); /* a reference */
uint32_t fs_context_umask(struct fs_context *f);
void fs_context_set_umask(struct fs_context *f, uint32_t mask);

/* Descriptor tables. */
struct fdtable *fdtable_new(void) MUST_CHECK;
struct fdtable *fdtable_clone(struct fdtable *t) MUST_CHECK; /* fork */
/* References keep the table, not the files: for those who look at another process's. */
struct fdtable *fdtable_get(struct fdtable *t);
void fdtable_put(struct fdtable *t);
/* A process uses it (with a reference) and does so no more: the last one closes all.  A new table has one user. */
struct fdtable *fdtable_share(struct fdtable *t);
void fdtable_leave(struct fdtable *t);
bool fdtable_is_shared(const struct fdtable *t);
void fdtable_close_on_exec(struct fdtable *t);
/* The open file of a descriptor of the current process, with a reference; -EBADF (also for O_PATH
 * files unless path_ok). */
MUST_CHECK int fd_lookup(int fd, bool path_ok, struct file **out);
/* What st says as a struct stat for the program: 0 or -EFAULT. */
MUST_CHECK int stat_out(uaddr_t buf, const struct statx *st);
/* Installs f (takes over the caller's reference, also on failure) at the lowest free number >= min;
 * or -EMFILE. */
MUST_CHECK int fd_install(struct file *f, bool cloexec, int min);
/* -EMFILE when no number is left, as another thread may see to at any time: for what cannot be undone. */
MUST_CHECK int fd_room(void);
/* For /proc/self/fd: next used descriptor >= from, or -1; and the file of another table's
 * descriptor. */
int fdtable_next(struct fdtable *t, int from);
MUST_CHECK int fdtable_lookup(struct fdtable *t, int fd, struct file **out);
/* Forgets names that nobody uses. */
void dcache_drop_unused(void);
/* The file, only to be compared, that an epoll instance watches as fd: when several are, the one after
 * `skip` others.  -EINVAL: f is none; -ENOENT. */
MUST_CHECK int epoll_target(struct file *f, unsigned fd, unsigned skip, const struct file **out);
bool fdtable_cloexec(struct fdtable *t, int fd);
unsigned fdtable_size(struct fdtable *t); /* slots allocated: /proc/self/status FDSize */

/* fs/host: wraps host descriptors 0, 1, 2 as files of the kinds they are (tty, pipe, file). */
MUST_CHECK int host_stdio_open(int host_fd, struct file **out);

#endif
