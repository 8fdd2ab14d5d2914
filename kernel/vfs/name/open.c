/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files: open, openat, openat2, creat.
 *
 * A name on a volatile file system is opened in one step by the kind (open_at: one exit to the
 * host); everything else is found or created in the dentry cache first and then opened.
 */
#include <linux/openat2.h>

#include "kernel/mm/mm.h"
#include "kernel/proc/id/cred.h"
#include "kernel/satellite/satellite.h"
#include "kernel/vfs/lock/lease.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define OPEN_FLAGS                                                                                 \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | FASYNC | \
     O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |          \
     __O_TMPFILE)

struct open_request {
    uint32_t flags;
    uint32_t mode; /* umask applied */
    uint64_t resolve;
};

/* Beside O_* in what is asked for, never in what a kind is asked: the file is to be executed (Linux's __FMODE_EXEC). */
#define OPEN_EXEC 0x20U

/* O_PATH: a place in the tree and nothing else. */
static const struct file_ops path_ops;

static unsigned open_mask(uint32_t flags)
{
    static const unsigned char masks[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, 0};
    if (flags & OPEN_EXEC)
        return MAY_EXEC; /* the kernel reads it, not the caller */
    return masks[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static bool open_writes(uint32_t flags)
{
    return open_mask(flags) & MAY_WRITE;
}

/* What may be opened how, before the kind is asked. */
static int open_check(struct dentry *d, uint32_t flags, bool created)
{
    uint32_t type = d->inode->mode & S_IFMT;
    if (flags & O_DIRECTORY && type != S_IFDIR)
        return -ENOTDIR;
    if (type == S_IFLNK)
        return flags & O_PATH ? 0 : -ELOOP;
    if (flags & O_PATH)
        return 0;
    if (flags & OPEN_EXEC && type != S_IFREG)
        return -EACCES;
    if (type == S_IFDIR && (open_writes(flags) || flags & O_CREAT))
        return -EISDIR;
    if (type == S_IFSOCK)
        return -ENXIO;
    if ((type == S_IFREG || type == S_IFDIR) && open_writes(flags) && dentry_rdonly(d))
        return reject(-EROFS, "the mount is read-only");
    int err = created ? 0 : inode_permission(d->inode, open_mask(flags));
    return !err && flags & O_NOATIME ? owner_permission(d->inode) : err;
}

/* The kind opens it.  What is not as it was signed is not to be executed: a matter of permission, as with Linux's IMA. */
static int open_kind(struct inode *i, uint32_t flags, bool created, struct file **out)
{
    uint32_t kind_flags = flags & ~(OPEN_EXEC | (created ? (uint32_t)O_TRUNC : 0));
    if (!i->ops->open)
        return -ENXIO;
    int err = i->ops->open(i, kind_flags, out);
    return err == -EIO && flags & OPEN_EXEC && i->ops->verified ? -EACCES : err;
}

/* A nameless file by way of /proc/self/fd: a pipe's new end, a regular file anew, or the same description. */
static int open_again(struct file *f, uint32_t flags, struct file **out)
{
    unsigned want = open_mask(flags);
    if (file_is_pipe(f))
        return pipe_open_again(f, flags, out);
    if (f->inode && S_ISREG(f->inode->mode) && !(f->inode->super->flags & SUPER_VOLATILE)) {
        int err = inode_permission(f->inode, want);
        return err ? err : f->inode->ops->open(f->inode, flags, out);
    }
    if ((want & (MAY_READ | MAY_EXEC) && !FMODE_READ(f)) || (want & MAY_WRITE && !FMODE_WRITE(f)))
        return -EACCES;
    if (f->ops->again)
        return f->ops->again(f, flags, out);
    *out = file_get(f);
    return 0;
}

static void open_name(struct file *f, struct dentry *d)
{
    if (!f->inode)
        f->inode = inode_get(d->inode);
    if (!f->dentry) {
        f->dentry = dentry_get(d);
        __atomic_add_fetch(&d->inode->opens, 1, __ATOMIC_SEQ_CST);
        open_count(d->inode, f->flags, 1);
    }
}

static void open_tell(struct file *f, uint32_t flags, bool created)
{
    notify_file(f, IN_OPEN);
    if (f->inode && FMODE_WRITE(f))
        satellite_recall_file(f->inode, true);
    if (!(flags & O_TRUNC) || created)
        return;
    if (f->inode && S_ISREG(f->inode->mode))
        inode_cut(f->inode, 0);
    notify_file(f, IN_MODIFY);
}

int dentry_open(struct dentry *d, uint32_t flags, bool created, struct file **out)
{
    struct inode *i = d->inode;
    int err = open_check(d, flags, created);
    if (err)
        return err;
    if (!created && !(flags & O_PATH))
        err = lease_break(i, flags);
    if (!err && flags & O_TRUNC && !created)
        err = set_id_drop(i);
    if (err)
        return err;
    if (flags & O_PATH) {
        *out = file_new(&path_ops, flags, NULL);
        err = *out ? 0 : -ENOMEM;
    } else if (d->file) {
        return open_again(d->file, flags, out);
    } else if (S_ISFIFO(i->mode) && !dentry_volatile(d)) {
        err = pipe_open_fifo(i, flags, out);
    } else {
        err = open_kind(i, flags, created, out);
    }
    if (err)
        return err;
    open_name(*out, d);
    err = flags & O_PATH || created ? 0 : lease_break(i, flags); /* one that was given just now */
    if (err) {
        file_put(*out);
        return err;
    }
    open_tell(*out, flags, created);
    return 0;
}

static int create_child(struct walk *w, uint32_t mode, struct dentry **out)
{
    struct inode *dir = w->at->inode, *i;
    int err = may_create(w->at);
    if (err)
        return err;
    if (!dir->ops->create)
        return -EACCES;
    err = dir->ops->create(dir, w->name, mode, &i);
    if (err)
        return err;
    give_to_user(dir, i);
    notify_name(dir, w->name, S_IFREG, IN_CREATE, 0);
    return walk_adopt(w, i, out);
}

/* The last component's dentry, created if asked and needed. */
static int find_or_create(struct walk *w, const struct open_request *r, struct dentry **out,
                          bool *created)
{
    struct mutex *names = &w->at->inode->names;
    int err = walk_child(w, out);
    *created = false;
    if (err != -ENOENT || !(r->flags & O_CREAT))
        return err;
    if (w->trailing)
        return -EISDIR;
    mutex_lock(names);
    err = walk_child_locked(w, out);
    if (err == -ENOENT) {
        err = create_child(w, r->mode, out);
        *created = !err;
    }
    mutex_unlock(names);
    return err;
}

/* As the kind's open_at.  It does not tell whether it made the file: asked only when somebody watches. */
static int open_at_told(struct walk *w, uint32_t flags, uint32_t mode, struct inode **i,
                        struct file **out, bool *created)
{
    struct inode *dir = w->at->inode;
    if (notify_any() && flags & O_CREAT) {
        int err = dir->ops->open_at(dir, w->name, flags | O_EXCL, mode, i, out);
        *created = !err;
        if (err != -EEXIST || flags & O_EXCL)
            return err;
        err = dir->ops->open_at(dir, w->name, flags & ~(uint32_t)O_CREAT, mode, i, out);
        if (err != -ENOENT)
            return err;
    }
    return dir->ops->open_at(dir, w->name, flags, mode, i, out);
}

/*
 * One step on volatile file systems.  1: not possible here, take the long way.
 * The kind's -ELOOP says that the name is a symlink.
 */
static int open_at_once(struct walk *w, const struct open_request *r, struct file **out)
{
    struct inode *dir = w->at->inode, *i;
    struct dentry *d;
    uint32_t flags = r->flags & ~OPEN_EXEC;
    if (r->flags & OPEN_EXEC)
        flags |= O_NONBLOCK; /* should it be a FIFO */
    if (w->last != LAST_NORM || !dir->ops->open_at || flags & O_PATH || !judged_elsewhere(dir) ||
        lease_any())
        return 1;
    d = walk_child_cached(w);
    if (d) {
        bool covered = d->mounted || d->made_up || (S_ISLNK(d->inode->mode) && !(flags & O_CREAT));
        dentry_put(d);
        if (covered)
            return 1;
    }
    if (dentry_rdonly(w->at) && (open_writes(flags) || flags & O_CREAT))
        return 1;
    if (w->trailing) {
        if (flags & O_CREAT)
            return -EISDIR;
        flags |= O_DIRECTORY;
    }
    bool created = false;
    int err = open_at_told(w, flags | O_NOFOLLOW, r->mode, &i, out, &created);
    if (err == -ELOOP || (err == -ENOTDIR && flags & O_DIRECTORY))
        return 1;
    if (err) /* a socket, say, is no program */
        return err == -ENXIO && r->flags & OPEN_EXEC ? -EACCES : err;
    err = walk_adopt(w, i, &d);
    if (err) {
        file_put(*out);
        return err;
    }
    if (!(r->flags & O_NOFOLLOW))
        (*out)->flags &= ~(uint32_t)O_NOFOLLOW;
    open_name(*out, d);
    err = lease_break(i, flags); /* one that was given just now */
    if (err) {
        file_put(*out);
        dentry_put(d);
        return err;
    }
    if (created)
        notify_name(dir, w->name, i->mode, IN_CREATE, 0);
    open_tell(*out, flags, created);
    dentry_put(d);
    return 0;
}

/* The long way for the last component.  1: it was a symlink, and the walk has gone on. */
static int open_last(struct walk *w, const struct open_request *r, struct file **out)
{
    struct dentry *d, *end = NULL;
    bool created = false;
    int err;
    if (w->last == LAST_NORM)
        err = find_or_create(w, r, &d, &created);
    else
        err = walk_last(w, false, &d);
    if (err)
        return err;
    if (r->flags & O_CREAT && r->flags & O_EXCL && !created) {
        err = -EEXIST;
        goto out_put;
    }
    if (S_ISLNK(d->inode->mode) && (!(r->flags & O_NOFOLLOW) || w->trailing)) {
        err = walk_link(w, d, &end);
        if (err || !end)
            return err ? err : 1;
        d = end;
    }
    if (w->trailing && !S_ISDIR(d->inode->mode))
        err = -ENOTDIR;
    else if (r->resolve & RESOLVE_NO_XDEV && d->mount != w->at->mount)
        err = -EXDEV;
    else
        err = dentry_open(d, r->flags, created, out);
out_put:
    dentry_put(d);
    return err;
}

/* O_TMPFILE: a file without a name in the directory that the path names. */
static int open_tmpfile(struct walk *w, const struct open_request *r, struct file **out)
{
    struct dentry *d;
    struct inode *i;
    int err = walk_last(w, true, &d);
    if (err)
        return err;
    if (!S_ISDIR(d->inode->mode))
        err = -ENOTDIR;
    else
        err = may_create(d);
    if (!err)
        err = d->inode->ops->open_at
                  ? d->inode->ops->open_at(d->inode, ".", r->flags, r->mode, &i, out)
                  : -EOPNOTSUPP;
    if (!err) {
        struct dentry *name;
        err = dentry_new(d, "#tmpfile", 8, i, DENTRY_OUT, &name);
        if (err) {
            file_put(*out);
        } else {
            give_to_user(d->inode, name->inode);
            name->deleted = true;
            open_name(*out, name);
            open_tell(*out, r->flags, true);
            dentry_put(name);
        }
    }
    dentry_put(d);
    return err;
}

static int open_walk(struct walk *w, const struct open_request *r, struct file **out)
{
    int err = walk_parent(w);
    if (!err && r->flags & __O_TMPFILE)
        return open_tmpfile(w, r, out);
    while (!err) {
        err = open_at_once(w, r, out);
        if (err != 1)
            break;
        err = open_last(w, r, out);
        if (err != 1)
            break;
        err = 0;
    }
    return err;
}

static int open_path(int dirfd, const char *path, const struct open_request *r, struct file **out)
{
    struct walk w;
    int err = walk_start(&w, dirfd, path, r->resolve);
    if (!err)
        err = open_walk(&w, r, out);
    walk_end(&w);
    return err;
}

/* Linux's rules for combinations of flags: what open(2) drops silently. */
static int request_init(struct open_request *r, uint32_t flags, uint32_t mode)
{
    flags &= OPEN_FLAGS;
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (flags & __O_TMPFILE && ((flags & O_TMPFILE) != O_TMPFILE || !open_writes(flags)))
        return -EINVAL;
    if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT) && !(flags & __O_TMPFILE))
        return -EINVAL;
    r->flags = flags;
    r->mode = 0;
    if (flags & (O_CREAT | __O_TMPFILE))
        r->mode = mode & 07777 & ~fs_context_umask(current_process()->fs);
    r->resolve = 0;
    return 0;
}

int vfs_open(int dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out)
{
    struct open_request r;
    int err = request_init(&r, flags, mode);
    return err ? err : open_path(dirfd, path, &r, out);
}

int vfs_open_exec(int dirfd, const char *path, uint32_t flags, struct file **out)
{
    const struct open_request r = {.flags =
                                       O_RDONLY | O_LARGEFILE | OPEN_EXEC | (flags & O_NOFOLLOW)};
    return open_path(dirfd, path, &r, out);
}

int vfs_top_open(struct super *sb, const char *name, uint32_t flags, struct file **out)
{
    struct open_request r;
    struct walk w;
    struct mount *m = mount_first();
    while (m && m->super != sb)
        m = m->next;
    if (!m)
        return -ENOENT;
    int err = request_init(&r, flags, 0);
    if (err)
        return err;
    walk_init(&w, name, 0);
    w.at = dentry_get(m->root);
    w.root = dentry_get(m->root);
    err = open_walk(&w, &r, out);
    walk_end(&w);
    return err;
}

static long open_fd(int dirfd, uaddr_t path, const struct open_request *r)
{
    struct path_arg p;
    struct file *f;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = open_path(dirfd, p.s, r, &f);
    path_done(&p);
    return err ? err : fd_install(f, r->flags & O_CLOEXEC, 0);
}

long sys_openat(int dfd, uaddr_t path, int flags, unsigned mode)
{
    struct open_request r;
    uint32_t large = flags & O_PATH ? 0 : O_LARGEFILE;
    int err = request_init(&r, (uint32_t)flags | large, mode);
    return err ? err : open_fd(dfd, path, &r);
}

long sys_open(uaddr_t path, int flags, unsigned mode)
{
    return sys_openat(AT_FDCWD, path, flags, mode);
}

long sys_creat(uaddr_t path, unsigned mode)
{
    return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* openat2 refuses what open ignores. */
static int how_check(const struct open_how *how)
{
    const uint64_t resolves = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                              RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
    if (how->flags & ~(uint64_t)OPEN_FLAGS || how->resolve & ~resolves)
        return -EINVAL;
    if ((how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
        return -EINVAL;
    if (how->flags & (O_CREAT | __O_TMPFILE) ? how->mode & ~07777UL : how->mode != 0)
        return -EINVAL;
    if (how->flags & O_PATH &&
        how->flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
        return -EINVAL;
    return how->resolve & RESOLVE_CACHED ? -EAGAIN : 0;
}

long sys_openat2(int dfd, uaddr_t path, uaddr_t how_ptr, size_t size)
{
    struct open_how how;
    struct open_request r;
    if (size < sizeof(how))
        return -EINVAL;
    if (size > 4096)
        return -E2BIG;
    if (copy_in(&how, how_ptr, sizeof(how)))
        return -EFAULT;
    for (size_t i = sizeof(how); i < size; i++) {
        char byte;
        if (copy_in(&byte, how_ptr + i, 1))
            return -EFAULT;
        if (byte)
            return reject(-E2BIG, "fields that are not known");
    }
    int err = how_check(&how);
    if (err)
        return err;
    uint32_t large = how.flags & O_PATH ? 0 : O_LARGEFILE;
    err = request_init(&r, (uint32_t)how.flags | large, (uint32_t)how.mode);
    r.resolve = how.resolve;
    return err ? err : open_fd(dfd, path, &r);
}

/* Files without a name, as /proc/self/fd leads to them. */

struct nameless {
    struct inode inode;
    struct file *file; /* [I] a reference */
};

static int nameless_getattr(struct inode *i, struct statx *st)
{
    return file_stat(container_of(i, struct nameless, inode)->file, st);
}

static void nameless_free(struct inode *i)
{
    struct nameless *n = container_of(i, struct nameless, inode);
    file_put(n->file);
    kfree(n);
}

static const struct inode_ops nameless_ops = {
    .getattr = nameless_getattr,
    .free = nameless_free,
};

int dentry_of_file(struct file *f, struct dentry **out)
{
    struct statx st;
    if (f->dentry) {
        *out = dentry_get(f->dentry);
        return 0;
    }
    int err = file_stat(f, &st);
    if (err)
        return err;
    struct nameless *n = kzalloc(sizeof(*n));
    if (!n)
        return -ENOMEM;
    inode_init(&n->inode, NULL, &nameless_ops, st.stx_mode, st.stx_ino);
    n->file = file_get(f);
    err = dentry_new(NULL, "", 0, &n->inode, DENTRY_OUT, out);
    if (!err)
        (*out)->file = f;
    return err;
}

int vfs_open_fd_exec(int fd, struct file **out)
{
    struct dentry *d;
    int err = fd_lookup(fd, true, out);

    if (err || (FMODE_READ(*out) && !((*out)->flags & O_PATH)))
        return err;
    struct file *f = *out;
    err = dentry_of_file(f, &d);
    if (!err) {
        err = dentry_open(d, O_RDONLY | O_LARGEFILE | OPEN_EXEC, false, out);
        dentry_put(d);
    }
    file_put(f);
    return err;
}

bool file_may_read(struct file *f)
{
    return f->inode && !inode_permission(f->inode, MAY_READ);
}
