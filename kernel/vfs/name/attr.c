/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing attributes: chmod, chown, utimes, truncate, fallocate.  The VFS decides who may (where
 * the host does not) and resolves "now"; the kind stores.
 */
#include <linux/falloc.h>
#include <linux/time_types.h>
#include <linux/utime.h>

#include "kernel/mm/mm.h"
#include "kernel/proc/id/cred.h"
#include "kernel/vfs/lock/lease.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define NSEC 1000000000L
#define UTIME_NOW ((1L << 30) - 1L)
#define UTIME_OMIT ((1L << 30) - 2L)

/* What a change is made on: an inode, and the mount that may forbid it. */
struct target {
    struct inode *inode;
    bool rdonly;
};

static int target_setattr(const struct target *t, const struct setattr *a)
{
    if (t->rdonly)
        return -EROFS;
    return t->inode->ops->setattr ? t->inode->ops->setattr(t->inode, a) : -EPERM;
}

typedef int change_fn(const struct target *t, const void *arg);

static change_fn change_mode, change_owner, change_times, change_size;
static void change_tell(struct dentry *d, change_fn *fn, const void *arg);

static int change_dentry(struct dentry *d, change_fn *fn, const void *arg)
{
    struct target t = {.inode = d->inode, .rdonly = dentry_rdonly(d)};
    int err = fn(&t, arg);
    if (!err && notify_any())
        change_tell(d, fn, arg);
    return err;
}

static long change_path(int dirfd, uaddr_t path, unsigned flags, change_fn *fn, const void *arg)
{
    struct path_arg p;
    struct dentry *d;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = path_lookup(dirfd, p.s, flags, &d);
    path_done(&p);
    if (err)
        return err;
    err = change_dentry(d, fn, arg);
    dentry_put(d);
    return err;
}

static long change_fd(int fd, bool path_ok, change_fn *fn, const void *arg)
{
    struct fd_ref r;
    int err = path_ok ? fd_get_path(fd, &r) : fd_get(fd, &r);
    if (err)
        return err;
    if (r.file->dentry) {
        err = change_dentry(r.file->dentry, fn, arg);
    } else if (r.file->inode) {
        struct target t = {.inode = r.file->inode, .rdonly = false};
        err = fn(&t, arg);
    } else {
        err = 0; /* Linux lets the anonymous inode be changed; nobody can see it */
    }
    fd_put(&r);
    return err;
}

/* chmod */

static int change_mode(const struct target *t, const void *arg)
{
    struct setattr a = {.mask = SETATTR_MODE, .mode = *(const uint32_t *)arg};
    if (S_ISLNK(t->inode->mode))
        return -EOPNOTSUPP;
    int err = owner_permission(t->inode);
    if (!err && a.mode & S_ISGID && !judged_elsewhere(t->inode) && !capable(CAP_FSETID)) {
        struct statx st;
        err = inode_getattr(t->inode, &st);
        if (!err && !cred_in_group(current_cred(), st.stx_gid))
            a.mode &= ~(uint32_t)S_ISGID;
    }
    return err ? err : target_setattr(t, &a);
}

long sys_fchmodat2(int dfd, uaddr_t path, unsigned mode, int flags)
{
    uint32_t bits = mode & 07777;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_path(dfd, path, (unsigned)flags, change_mode, &bits);
}

long sys_fchmodat(int dfd, uaddr_t path, unsigned mode)
{
    return sys_fchmodat2(dfd, path, mode, 0);
}

long sys_chmod(uaddr_t path, unsigned mode)
{
    return sys_fchmodat2(AT_FDCWD, path, mode, 0);
}

long sys_fchmod(int fd, unsigned mode)
{
    uint32_t bits = mode & 07777;
    return change_fd(fd, false, change_mode, &bits);
}

/* chown */

struct owner {
    uint32_t uid, gid; /* ~0: unchanged */
};

/* A file's owner may give it to a group of his; all else needs CAP_CHOWN. */
static int owner_allowed(const struct owner *o, const struct statx *st)
{
    const struct cred *c = current_cred();
    if (cred_has(c, CAP_CHOWN))
        return 0;
    if (o->uid != ~0U && (c->fsuid != st->stx_uid || o->uid != st->stx_uid))
        return reject(-EPERM, "only root gives files away");
    if (o->gid != ~0U &&
        (c->fsuid != st->stx_uid || (o->gid != st->stx_gid && !cred_in_group(c, o->gid))))
        return reject(-EPERM, "not the owner's group");
    return 0;
}

/* Set-id bits do not survive a new owner, whoever gives it, but those of a directory. */
static void owner_drops_bits(struct setattr *a, const struct statx *st)
{
    uint32_t drop = set_id_bits(st->stx_mode);
    if (!drop)
        return;
    a->mask |= SETATTR_MODE;
    a->mode = st->stx_mode & 07777 & ~drop;
}

static int change_owner(const struct target *t, const void *arg)
{
    const struct owner *o = arg;
    struct setattr a = {.uid = o->uid, .gid = o->gid};
    struct statx st;
    a.mask = (o->uid != ~0U ? SETATTR_UID : 0) | (o->gid != ~0U ? SETATTR_GID : 0);
    if (t->rdonly)
        return -EROFS;
    if (!judged_elsewhere(t->inode)) {
        int err = inode_getattr(t->inode, &st);
        if (!err)
            err = owner_allowed(o, &st);
        if (err)
            return err;
        owner_drops_bits(&a, &st);
    } else if (!a.mask && t->inode->super->flags & SUPER_HOST) {
        a.mask = SETATTR_UID | SETATTR_GID; /* set-id bits go, even so */
    }
    return a.mask ? target_setattr(t, &a) : 0;
}

long sys_fchownat(int dfd, uaddr_t path, unsigned user, unsigned group, int flags)
{
    struct owner o = {user, group};
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_path(dfd, path, (unsigned)flags, change_owner, &o);
}

long sys_chown(uaddr_t path, unsigned user, unsigned group)
{
    return sys_fchownat(AT_FDCWD, path, user, group, 0);
}

long sys_lchown(uaddr_t path, unsigned user, unsigned group)
{
    return sys_fchownat(AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(int fd, unsigned user, unsigned group)
{
    struct owner o = {user, group};
    return change_fd(fd, false, change_owner, &o);
}

/* utimes */

struct times {
    struct setattr a;
    bool now; /* both "now": write permission is enough */
};

static int change_times(const struct target *t, const void *arg)
{
    const struct times *times = arg;
    if (!times->a.mask)
        return 0;
    int err = owner_permission(t->inode);
    if (err && times->now)
        err = inode_permission(t->inode, MAY_WRITE) ? -EACCES : 0;
    return err ? err : target_setattr(t, &times->a);
}

static int times_set(struct times *t, const struct __kernel_timespec ts[2])
{
    ktime_t now = clock_real();
    t->a.mask = SETATTR_ATIME | SETATTR_MTIME;
    t->now = ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW;
    for (int i = 0; i < 2; i++) {
        int64_t sec = ts[i].tv_sec, nsec = ts[i].tv_nsec;
        if (nsec == UTIME_OMIT) {
            t->a.mask &= i ? ~SETATTR_MTIME : ~SETATTR_ATIME;
        } else if (nsec == UTIME_NOW) {
            sec = now / NSEC;
            nsec = now % NSEC;
        } else if (nsec < 0 || nsec >= NSEC) {
            return -EINVAL;
        }
        if (i) {
            t->a.mtime.sec = sec;
            t->a.mtime.nsec = (uint32_t)nsec;
        } else {
            t->a.atime.sec = sec;
            t->a.atime.nsec = (uint32_t)nsec;
        }
    }
    return 0;
}

static long utimes_call(int dfd, uaddr_t path, const struct __kernel_timespec *ts, int flags)
{
    static const struct __kernel_timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    struct times t;
    memset(&t, 0, sizeof(t));
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int err = times_set(&t, ts ? ts : now);
    if (err)
        return err;
    if (path || dfd == AT_FDCWD)
        return change_path(dfd, path, (unsigned)flags, change_times, &t);
    return flags ? -EINVAL : change_fd(dfd, false, change_times, &t);
}

long sys_utimensat(int dfd, uaddr_t path, uaddr_t times, int flags)
{
    struct __kernel_timespec ts[2];
    if (times && copy_in(ts, times, sizeof(ts)))
        return -EFAULT;
    if (times && ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
        return 0;
    return utimes_call(dfd, path, times ? ts : NULL, flags);
}

static long utimes_timeval(int dfd, uaddr_t path, uaddr_t times)
{
    struct {
        int64_t sec, usec;
    } tv[2];
    struct __kernel_timespec ts[2];
    if (!times)
        return utimes_call(dfd, path, NULL, 0);
    if (copy_in(tv, times, sizeof(tv)))
        return -EFAULT;
    for (int i = 0; i < 2; i++) {
        if (tv[i].usec < 0 || tv[i].usec >= 1000000)
            return -EINVAL;
        ts[i].tv_sec = tv[i].sec;
        ts[i].tv_nsec = tv[i].usec * 1000;
    }
    return utimes_call(dfd, path, ts, 0);
}

long sys_futimesat(int dfd, uaddr_t path, uaddr_t utimes)
{
    return utimes_timeval(dfd, path, utimes);
}

long sys_utimes(uaddr_t path, uaddr_t utimes)
{
    return utimes_timeval(AT_FDCWD, path, utimes);
}

long sys_utime(uaddr_t path, uaddr_t times)
{
    struct utimbuf tb;
    struct __kernel_timespec ts[2];
    if (!times)
        return utimes_call(AT_FDCWD, path, NULL, 0);
    if (copy_in(&tb, times, sizeof(tb)))
        return -EFAULT;
    ts[0] = (struct __kernel_timespec){tb.actime, 0};
    ts[1] = (struct __kernel_timespec){tb.modtime, 0};
    return utimes_call(AT_FDCWD, path, ts, 0);
}

/* Sizes. */

/* RLIMIT_FSIZE: nobody makes a file grow beyond it. */
static int growth_check(struct inode *i, int64_t size)
{
    uint64_t limit = current_process()->rlimits[RLIMIT_FSIZE].rlim_cur;
    struct statx st;
    if (likely((uint64_t)size <= limit))
        return 0;
    int err = inode_getattr(i, &st);
    if (err || (uint64_t)size <= st.stx_size)
        return err;
    signal_to_self(SIGXFSZ);
    return reject(-EFBIG, "RLIMIT_FSIZE");
}

static int change_size(const struct target *t, const void *arg)
{
    int64_t size = *(const int64_t *)arg;
    if (S_ISDIR(t->inode->mode))
        return -EISDIR;
    if (!S_ISREG(t->inode->mode))
        return -EINVAL;
    int err = inode_permission(t->inode, MAY_WRITE);
    if (err)
        return err;
    if (t->rdonly)
        return -EROFS;
    if (!t->inode->ops->truncate)
        return -EPERM;
    err = growth_check(t->inode, size);
    if (!err)
        err = lease_break(t->inode, O_WRONLY);
    if (!err)
        err = set_id_drop(t->inode);
    if (!err)
        err = t->inode->ops->truncate(t->inode, size);
    if (!err)
        inode_cut(t->inode, (uint64_t)size);
    return err;
}

long sys_truncate(uaddr_t path, long length)
{
    int64_t size = length;
    return length < 0 ? -EINVAL : change_path(AT_FDCWD, path, 0, change_size, &size);
}

long sys_ftruncate(int fd, long length)
{
    struct fd_ref r;
    if (length < 0)
        return -EINVAL;
    int err = fd_get(fd, &r);
    if (err)
        return err;
    if (!FMODE_WRITE(r.file) || !r.file->ops->truncate)
        err = -EINVAL;
    else if (r.file->inode)
        err = growth_check(r.file->inode, length);
    if (!err && r.file->inode)
        err = set_id_drop(r.file->inode);
    if (!err)
        err = r.file->ops->truncate(r.file, length);
    if (!err && r.file->inode)
        inode_cut(r.file->inode, (uint64_t)length);
    if (!err)
        notify_file(r.file, IN_MODIFY);
    fd_put(&r);
    return err;
}

long sys_fallocate(int fd, int mode, long offset, long len)
{
    struct fd_ref r;
    if (offset < 0 || len <= 0)
        return -EINVAL;
    int err = fd_get(fd, &r);
    if (err)
        return err;
    const struct inode *i = r.file->inode;
    if (!FMODE_WRITE(r.file))
        err = -EBADF;
    else if (i && S_ISDIR(i->mode))
        err = -EISDIR;
    else if (!i || !S_ISREG(i->mode))
        err = i && S_ISFIFO(i->mode) ? -ESPIPE : -ENODEV;
    else if (offset + len < 0)
        err = -EFBIG;
    else if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
                      FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
        err = -EOPNOTSUPP;
    else if (mode & FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE))
        err = -EOPNOTSUPP;
    else if (!(mode & FALLOC_FL_KEEP_SIZE))
        err = growth_check(r.file->inode, offset + len);
    if (!err)
        err = set_id_drop(r.file->inode);
    if (!err)
        err = r.file->ops->fallocate ? r.file->ops->fallocate(r.file, mode, offset, len)
                                     : -EOPNOTSUPP;
    if (!err)
        notify_file(r.file, IN_MODIFY);
    fd_put(&r);
    return err;
}

/* What watchers hear of a change: of times, only both together count as an attribute's. */
static void change_tell(struct dentry *d, change_fn *fn, const void *arg)
{
    uint32_t mask = fn == change_size ? IN_MODIFY : IN_ATTRIB;
    if (fn == change_times) {
        unsigned set = ((const struct times *)arg)->a.mask;
        if (!(set & SETATTR_MTIME))
            mask = IN_ACCESS;
        else if (!(set & SETATTR_ATIME))
            mask = IN_MODIFY;
    }
    if (fn != change_times && fn != change_size)
        names_changed();
    const struct owner *o = arg;
    if (fn != change_owner || o->uid != ~0U || o->gid != ~0U)
        notify_dentry(d, mask);
}

/* Hints, which are only checked. */
long sys_fadvise64(int fd, long offset, size_t len, int advice)
{
    struct fd_ref r;
    (void)offset;
    int err = fd_get(fd, &r);
    if (err)
        return err;
    if (!r.file->ops->lseek)
        err = -ESPIPE;
    else if ((int64_t)len < 0 || advice < 0 || advice > 5)
        err = -EINVAL;
    fd_put(&r);
    return err;
}

long sys_readahead(int fd, long offset, size_t count)
{
    struct fd_ref r;
    (void)offset;
    (void)count;
    int err = fd_get(fd, &r);
    if (err)
        return err;
    if (!FMODE_READ(r.file))
        err = -EBADF;
    else if (!r.file->inode || !S_ISREG(r.file->inode->mode))
        err = -EINVAL;
    fd_put(&r);
    return err;
}

long sys_sync_file_range(int fd, long offset, long nbytes, unsigned flags)
{
    if (flags & ~7U || offset < 0 || nbytes < 0)
        return -EINVAL;
    return sys_fdatasync(fd);
}
