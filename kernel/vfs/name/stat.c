/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stat family, statfs, access and readlink.  Inside the kernel attributes are struct statx;
 * struct stat is made from it on the way out.  A name on a volatile file system is asked for in one
 * step (stat_at: one exit to the host).
 */
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/securebits.h>

#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

/* One step for the last component; 1: take the long way. */
static int stat_at_once(struct walk *w, bool follow, struct statx *st)
{
    struct inode *dir = w->at->inode;
    if (w->last != LAST_NORM || !dir->ops->stat_at || !dentry_volatile(w->at))
        return 1;
    struct dentry *d = walk_child_cached(w);
    if (d) {
        bool covered = d->mounted || d->made_up || (S_ISLNK(d->inode->mode) && follow);
        dentry_put(d);
        if (covered)
            return 1;
    }
    memset(st, 0, sizeof(*st));
    int err = dir->ops->stat_at(dir, w->name, st);
    if (err)
        return err;
    if (S_ISLNK(st->stx_mode) && (follow || w->trailing))
        return 1;
    return w->trailing && !S_ISDIR(st->stx_mode) ? -ENOTDIR : 0;
}

static int stat_walk(struct walk *w, bool follow, struct statx *st)
{
    struct dentry *d, *end = NULL;
    int err = walk_parent(w);
    while (!err) {
        err = stat_at_once(w, follow, st);
        if (err != 1)
            return err;
        err = walk_last(w, false, &d);
        if (err)
            return err;
        if (!S_ISLNK(d->inode->mode) || !follow)
            break;
        err = walk_link(w, d, &end);
        d = end;
        if (end)
            break;
    }
    if (!err) {
        err = inode_getattr(d->inode, st);
        dentry_put(d);
    }
    return err;
}

static int stat_fd(int fd, struct statx *st)
{
    struct fd_ref r;
    int err = fd_get_path(fd, &r);
    if (err)
        return err;
    err = file_stat(r.file, st);
    fd_put(&r);
    return err;
}

static int stat_path(int dirfd, const char *path, unsigned flags, struct statx *st)
{
    struct walk w;
    if (!*path && flags & AT_EMPTY_PATH) {
        if (dirfd != AT_FDCWD)
            return stat_fd(dirfd, st);
        path = ".";
    }
    int err = walk_start(&w, dirfd, path, 0);
    if (!err)
        err = stat_walk(&w, !(flags & AT_SYMLINK_NOFOLLOW), st);
    walk_end(&w);
    return err;
}

/* Linux's new_encode_dev, 64-bit: what struct stat holds. */
static unsigned long dev_encode(uint32_t major, uint32_t minor)
{
    return (minor & 0xffUL) | ((unsigned long)(major & 0xfffU) << 8) |
           ((unsigned long)(minor & ~0xffU) << 12) | ((unsigned long)(major & ~0xfffU) << 32);
}

int stat_out(uaddr_t buf, const struct statx *x)
{
    struct stat s;
    memset(&s, 0, sizeof(s));
    s.st_dev = dev_encode(x->stx_dev_major, x->stx_dev_minor);
    s.st_ino = x->stx_ino;
    s.st_nlink = x->stx_nlink;
    s.st_mode = x->stx_mode;
    s.st_uid = x->stx_uid;
    s.st_gid = x->stx_gid;
    s.st_rdev = dev_encode(x->stx_rdev_major, x->stx_rdev_minor);
    s.st_size = (long)x->stx_size;
    s.st_blksize = x->stx_blksize;
    s.st_blocks = (long)x->stx_blocks;
    s.st_atime = (unsigned long)x->stx_atime.tv_sec;
    s.st_atime_nsec = x->stx_atime.tv_nsec;
    s.st_mtime = (unsigned long)x->stx_mtime.tv_sec;
    s.st_mtime_nsec = x->stx_mtime.tv_nsec;
    s.st_ctime = (unsigned long)x->stx_ctime.tv_sec;
    s.st_ctime_nsec = x->stx_ctime.tv_nsec;
    return copy_out(buf, &s, sizeof(s)) ? -EFAULT : 0;
}

static long stat_call(int dirfd, uaddr_t path, unsigned flags, struct statx *st)
{
    struct path_arg p;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = stat_path(dirfd, p.s, flags, st);
    path_done(&p);
    return err;
}

#define STAT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)

long sys_newfstatat(int dfd, uaddr_t path, uaddr_t buf, int flags)
{
    struct statx st;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
        return -EINVAL;
    long err = stat_call(dfd, path, (unsigned)flags, &st);
    return err ? err : stat_out(buf, &st);
}

long sys_stat(uaddr_t path, uaddr_t buf)
{
    return sys_newfstatat(AT_FDCWD, path, buf, 0);
}

long sys_lstat(uaddr_t path, uaddr_t buf)
{
    return sys_newfstatat(AT_FDCWD, path, buf, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(int fd, uaddr_t buf)
{
    struct statx st;
    int err = stat_fd(fd, &st);
    return err ? err : stat_out(buf, &st);
}

long sys_statx(int dfd, uaddr_t path, int flags, unsigned mask, uaddr_t buf)
{
    struct statx st;
    if (flags & ~STAT_FLAGS || mask & STATX__RESERVED)
        return -EINVAL;
    if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    long err = stat_call(dfd, path, (unsigned)flags, &st);
    if (err)
        return err;
    st.stx_mask |= STATX_BASIC_STATS;
    return copy_out(buf, &st, sizeof(st)) ? -EFAULT : 0;
}

/* access(2). */

static int access_check(struct dentry *d, const struct statx *st, int mode)
{
    unsigned mask =
        (mode & 4 ? MAY_READ : 0) | (mode & 2 ? MAY_WRITE : 0) | (mode & 1 ? MAY_EXEC : 0);
    bool special = !S_ISREG(st->stx_mode) && !S_ISDIR(st->stx_mode) && !S_ISLNK(st->stx_mode);
    if (mask & MAY_WRITE && !special && d && dentry_rdonly(d))
        return -EROFS;
    if (!mask)
        return 0;
    return mode_permission(st, mask, current_cred());
}

static int access_path(int dirfd, const char *path, int mode, unsigned flags)
{
    struct statx st;
    struct walk w;
    if (!*path && flags & AT_EMPTY_PATH) {
        int err = stat_path(dirfd, path, flags, &st);
        return err ? err : access_check(NULL, &st, mode);
    }
    int err = walk_start(&w, dirfd, path, 0);
    if (!err)
        err = stat_walk(&w, !(flags & AT_SYMLINK_NOFOLLOW), &st);
    if (!err)
        err = access_check(w.at, &st, mode);
    walk_end(&w);
    return err;
}

/* access(2) asks for the real ids: what a set-id program's caller may. */
static int access_as_real(int dirfd, const char *path, int mode, unsigned flags)
{
    const struct cred *c = current_cred();
    capset_t caps = c->uid == 0 ? c->permitted : 0;
    if (c->securebits & SECBIT_NO_SETUID_FIXUP)
        caps = c->effective;
    if (c->fsuid == c->uid && c->fsgid == c->gid && caps == c->effective)
        return access_path(dirfd, path, mode, flags);
    struct cred *real = cred_prepare();
    if (!real)
        return -ENOMEM;
    real->fsuid = real->uid;
    real->fsgid = real->gid;
    real->effective = caps;
    const struct cred *old = cred_override(real);
    int err = access_path(dirfd, path, mode, flags);
    cred_restore(old);
    cred_put(real);
    return err;
}

long sys_faccessat2(int dfd, uaddr_t path, int mode, int flags)
{
    struct path_arg p;
    if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = flags & AT_EACCESS ? access_path(dfd, p.s, mode, (unsigned)flags)
                             : access_as_real(dfd, p.s, mode, (unsigned)flags);
    path_done(&p);
    return err;
}

long sys_faccessat(int dfd, uaddr_t path, int mode)
{
    return sys_faccessat2(dfd, path, mode, 0);
}

long sys_access(uaddr_t path, int mode)
{
    return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

/* readlink(2). */

/* It is a directory as long as nobody here or on the host makes it something else. */
static void answer_stands(const struct inode *i)
{
    unsigned volatile_here = i->super->flags & (SUPER_VOLATILE | SUPER_HOST);

    if (S_ISDIR(i->mode) && volatile_here != SUPER_VOLATILE)
        current->answer_stands = ANSWER_STANDS_NS;
}

static int64_t readlink_dentry(struct dentry *d, char *buf, bool empty_path)
{
    if (!S_ISLNK(d->inode->mode)) {
        answer_stands(d->inode);
        return empty_path ? -ENOENT : -EINVAL;
    }
    if (!d->inode->ops->readlink)
        return -EINVAL;
    return d->inode->ops->readlink(d->inode, buf, PATH_MAX);
}

long sys_readlinkat(int dfd, uaddr_t path, uaddr_t buf, int bufsiz)
{
    struct path_arg p;
    struct dentry *d;
    if (bufsiz <= 0)
        return -EINVAL;
    int err = path_in(&p, path);
    if (err)
        return err;
    bool empty = !*p.s;
    err = path_lookup(dfd, p.s, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &d);
    path_done(&p);
    if (err)
        return err;
    char *text = kmalloc(PATH_MAX);
    int64_t len = text ? readlink_dentry(d, text, empty) : -ENOMEM;
    dentry_put(d);
    if (len > 0) {
        len = MIN(len, (int64_t)bufsiz);
        if (copy_out(buf, text, (size_t)len))
            len = -EFAULT;
    }
    kfree(text);
    return len;
}

long sys_readlink(uaddr_t path, uaddr_t buf, int bufsiz)
{
    return sys_readlinkat(AT_FDCWD, path, buf, bufsiz);
}

/* statfs(2). */

static int statfs_super(struct super *sb, uaddr_t buf)
{
    struct statfs_info info;
    struct statfs s;
    memset(&info, 0, sizeof(info));
    info.namelen = NAME_MAX;
    info.bsize = 4096;
    if (sb && sb->ops && sb->ops->statfs) {
        int err = sb->ops->statfs(sb, &info);
        if (err)
            return err;
    }
    memset(&s, 0, sizeof(s));
    s.f_type = (long)info.type;
    s.f_bsize = (long)info.bsize;
    s.f_frsize = (long)info.bsize;
    s.f_blocks = (long)info.blocks;
    s.f_bfree = (long)info.bfree;
    s.f_bavail = (long)info.bavail;
    s.f_files = (long)info.files;
    s.f_ffree = (long)info.ffree;
    s.f_namelen = (long)info.namelen;
    s.f_flags = (long)info.flags;
    if (sb) {
        s.f_fsid.val[0] = (int)sb->dev;
        s.f_fsid.val[1] = (int)(sb->dev >> 32);
    }
    return copy_out(buf, &s, sizeof(s)) ? -EFAULT : 0;
}

long sys_statfs(uaddr_t path, uaddr_t buf)
{
    struct path_arg p;
    struct dentry *d;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = path_lookup(AT_FDCWD, p.s, 0, &d);
    path_done(&p);
    if (err)
        return err;
    err = statfs_super(d->inode->super, buf);
    dentry_put(d);
    return err;
}

long sys_fstatfs(int fd, uaddr_t buf)
{
    struct fd_ref r;
    int err = fd_get_path(fd, &r);
    if (err)
        return err;
    err = statfs_super(r.file->inode ? r.file->inode->super : NULL, buf);
    fd_put(&r);
    return err;
}

long sys_syncfs(int fd)
{
    struct fd_ref r;
    int err = fd_get(fd, &r);
    if (err)
        return err;
    struct super *sb = r.file->inode ? r.file->inode->super : NULL;
    if (sb && sb->ops && sb->ops->sync)
        err = sb->ops->sync(sb);
    fd_put(&r);
    return err;
}

long sys_sync(void)
{
    for (struct mount *m = mount_first(); m; m = m->next)
        if (m->super->ops && m->super->ops->sync)
            (void)m->super->ops->sync(m->super);
    return 0;
}
