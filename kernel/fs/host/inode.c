/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and attributes of host files: each operation is one ocall on the directory's descriptor,
 * and the host's answer, once checked, is the answer.
 */
#include "kernel/fs/host/host_impl.h"

/* 0 or the host's error; st checked. */
static int stat_in(struct inode *dir, const char *name, struct statx *st)
{
    int fd, err = host_dir_pin(host_inode_of(dir), &fd);
    if (err)
        return err;
    long ret = ocall_statx(fd, name, AT_SYMLINK_NOFOLLOW, st);
    host_dir_unpin(host_inode_of(dir));
    return ret < 0 ? (int)ret : host_stat_check(st);
}

/* The last answer if it stands, or the host's. */
int host_stat_at(struct inode *dir, const char *name, struct statx *st)
{
    struct said_answer a = {.asked = said_ask()};
    if (said_stat(dir, name, st, &a.err))
        return a.err;
    int fd, err = host_dir_pin(host_inode_of(dir), &fd);
    if (err)
        return err;
    long ret = ocall_statx_quiet(fd, name, AT_SYMLINK_NOFOLLOW, &a.st);
    host_dir_unpin(host_inode_of(dir));
    a.err = ret < 0 ? (int)ret : host_stat_check(&a.st);
    said_answer(dir, name, &a);
    *st = a.st;
    return a.err;
}

static int lookup_other(struct inode *dir, const char *name, struct inode **out)
{
    struct statx st;
    int err = stat_in(dir, name, &st);
    if (err)
        return err;
    return host_inode_make(dir->super, host_inode_of(dir), name, &st, -1, out);
}

/* Most names that are looked up without being opened are directories on the way: one ocall for those. */
int host_lookup(struct inode *dir, const char *name, struct inode **out)
{
    struct statx st;
    int dirfd, err = host_dir_pin(host_inode_of(dir), &dirfd);
    if (err)
        return err;
    long fd = ocall_open(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, &st);
    host_dir_unpin(host_inode_of(dir));
    if (fd == -ENOTDIR || fd == -ELOOP)
        return lookup_other(dir, name, out);
    if (fd < 0)
        return (int)fd;
    err = host_stat_check(&st);
    if (!err && !S_ISDIR(st.stx_mode))
        err = -EIO;
    if (err) {
        ocall_close((int)fd);
        return err;
    }
    return host_inode_make(dir->super, host_inode_of(dir), name, &st, (int)fd, out);
}

static int host_create(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    struct statx st;
    int dirfd, err = host_dir_pin(host_inode_of(dir), &dirfd);
    if (err)
        return err;
    long fd = ocall_open(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode, &st);
    host_dir_unpin(host_inode_of(dir));
    if (fd < 0)
        return (int)fd;
    ocall_close((int)fd);
    err = host_stat_check(&st);
    return err ? err : host_inode_make(dir->super, host_inode_of(dir), name, &st, -1, out);
}

static int host_mkdir(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    int fd, err = host_dir_pin(host_inode_of(dir), &fd);
    if (err)
        return err;
    err = ocall_mkdir(fd, name, mode);
    host_dir_unpin(host_inode_of(dir));
    return err ? err : host_lookup(dir, name, out);
}

static int host_mknod(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                      struct inode **out)
{
    int fd, err = host_dir_pin(host_inode_of(dir), &fd);
    if (err)
        return err;
    err = ocall_mknod(fd, name, mode, rdev);
    host_dir_unpin(host_inode_of(dir));
    if (err)
        return err;
    return S_ISFIFO(mode) ? host_fifo_new(dir, name, out) : lookup_other(dir, name, out);
}

static int host_symlink(struct inode *dir, const char *name, const char *target, struct inode **out)
{
    int fd, err = host_dir_pin(host_inode_of(dir), &fd);
    if (err)
        return err;
    err = ocall_symlink(target, fd, name);
    host_dir_unpin(host_inode_of(dir));
    return err ? err : lookup_other(dir, name, out);
}

static int host_link(struct inode *dir, const char *name, struct inode *target)
{
    struct host_handle h;
    int fd, err = host_handle_get(host_inode_of(target), &h);
    if (err)
        return err;
    err = host_dir_pin(host_inode_of(dir), &fd);
    if (!err) {
        err = ocall_link(h.fd, fd, name);
        host_dir_unpin(host_inode_of(dir));
    }
    host_handle_put(&h);
    return err;
}

static int remove_name(struct inode *dir, const char *name, uint32_t flags)
{
    int fd, err = host_dir_pin(host_inode_of(dir), &fd);
    if (err)
        return err;
    err = ocall_unlink(fd, name, flags);
    host_dir_unpin(host_inode_of(dir));
    return err;
}

static int host_unlink(struct inode *dir, const char *name, struct inode *victim)
{
    (void)victim;
    struct inode *fifo = host_fifo_going(dir, name);
    int err = remove_name(dir, name, 0);
    host_fifo_gone(fifo, !err);
    return err;
}

static int host_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
    (void)victim;
    return remove_name(dir, name, AT_REMOVEDIR);
}

static int rename_names(struct inode *olddir, const char *oldname, struct inode *newdir,
                        const char *newname, unsigned flags)
{
    int oldfd, newfd, err = host_dir_pin(host_inode_of(olddir), &oldfd);
    if (err)
        return err;
    err = host_dir_pin(host_inode_of(newdir), &newfd);
    if (!err) {
        err = ocall_rename(oldfd, oldname, newfd, newname, flags);
        host_dir_unpin(host_inode_of(newdir));
    }
    host_dir_unpin(host_inode_of(olddir));
    return err;
}

static int host_rename(struct inode *olddir, const char *oldname, struct inode *newdir,
                       const char *newname, unsigned flags)
{
    struct inode *replaced = flags & RENAME_EXCHANGE ? NULL : host_fifo_going(newdir, newname);
    int err = rename_names(olddir, oldname, newdir, newname, flags);
    host_fifo_gone(replaced, !err);
    if (err)
        return err;
    host_inode_moved(newdir->super, host_inode_of(newdir), newname);
    if (flags & RENAME_EXCHANGE)
        host_inode_moved(olddir->super, host_inode_of(olddir), oldname);
    return 0;
}

int host_getattr(struct inode *i, struct statx *st)
{
    struct host_handle h;
    int err = host_handle_get(host_inode_of(i), &h);
    if (err)
        return err;
    long ret = ocall_statx(h.fd, "", AT_EMPTY_PATH, st);
    host_handle_put(&h);
    return ret < 0 ? (int)ret : host_stat_check(st);
}

static int set_times(int fd, const struct setattr *a)
{
    int64_t ts[4] = {0, UTIME_OMIT, 0, UTIME_OMIT};
    if (a->mask & SETATTR_ATIME) {
        ts[0] = a->atime.sec;
        ts[1] = a->atime.nsec;
    }
    if (a->mask & SETATTR_MTIME) {
        ts[2] = a->mtime.sec;
        ts[3] = a->mtime.nsec;
    }
    return ocall_utimens(fd, ts);
}

static int host_setattr(struct inode *i, const struct setattr *a)
{
    struct host_handle h;
    int err = host_handle_get(host_inode_of(i), &h);
    if (err)
        return err;
    if (a->mask & (SETATTR_UID | SETATTR_GID))
        err = ocall_chown(h.fd, a->mask & SETATTR_UID ? a->uid : ~0U,
                          a->mask & SETATTR_GID ? a->gid : ~0U);
    if (!err && a->mask & SETATTR_MODE)
        err = ocall_chmod(h.fd, a->mode & 07777);
    if (!err && a->mask & SETATTR_MODE)
        i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
    if (!err && a->mask & (SETATTR_ATIME | SETATTR_MTIME))
        err = set_times(h.fd, a);
    host_handle_put(&h);
    return err;
}

static int host_truncate(struct inode *i, int64_t size)
{
    struct statx st;
    long fd = host_open_by_name(host_inode_of(i), O_WRONLY | O_NONBLOCK, &st);
    if (fd < 0)
        return (int)fd;
    int err = host_shared_truncate(i, (int)fd, size);
    ocall_close((int)fd);
    return err;
}

/* readlinkat(2) with an empty name reads the link that an O_PATH descriptor stands for. */
static int64_t host_readlink(struct inode *i, char *buf, size_t size)
{
    struct host_handle h;
    size_t room = MIN(size, (size_t)PATH_MAX);
    int err = host_handle_get(host_inode_of(i), &h);
    if (err)
        return err;
    long n = ocall_readlink(h.fd, "", buf, room);
    host_handle_put(&h);
    if (n < 0)
        return n;
    err = host_link_check(buf, n, room);
    return err ? err : n;
}

const struct inode_ops host_inode_ops = {
    .lookup = host_lookup,
    .create = host_create,
    .mkdir = host_mkdir,
    .mknod = host_mknod,
    .symlink = host_symlink,
    .link = host_link,
    .unlink = host_unlink,
    .rmdir = host_rmdir,
    .rename = host_rename,
    .open = host_open,
    .open_at = host_open_at,
    .stat_at = host_stat_at,
    .getattr = host_getattr,
    .setattr = host_setattr,
    .truncate = host_truncate,
    .readlink = host_readlink,
    .free = host_inode_free,
};
