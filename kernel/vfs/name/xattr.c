/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes: no file system here has them, which Linux says with EOPNOTSUPP. */
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

static const char why[] = "no file system has extended attributes";

/* The file must exist all the same. */
static long xattr_path(uaddr_t path, unsigned flags)
{
    struct path_arg p;
    struct dentry *d;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = path_lookup(AT_FDCWD, p.s, flags, &d);
    path_done(&p);
    if (err)
        return err;
    dentry_put(d);
    return reject(-EOPNOTSUPP, why);
}

static long xattr_fd(int fd)
{
    struct fd_ref r;
    int err = fd_get(fd, &r);
    if (err)
        return err;
    fd_put(&r);
    return reject(-EOPNOTSUPP, why);
}

long sys_setxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    (void)name;
    (void)value;
    (void)size;
    (void)flags;
    return xattr_path(path, 0);
}

long sys_lsetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    (void)name;
    (void)value;
    (void)size;
    (void)flags;
    return xattr_path(path, AT_SYMLINK_NOFOLLOW);
}

long sys_fsetxattr(int fd, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    (void)name;
    (void)value;
    (void)size;
    (void)flags;
    return xattr_fd(fd);
}

long sys_getxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return xattr_path(path, 0);
}

long sys_lgetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return xattr_path(path, AT_SYMLINK_NOFOLLOW);
}

long sys_fgetxattr(int fd, uaddr_t name, uaddr_t value, size_t size)
{
    (void)name;
    (void)value;
    (void)size;
    return xattr_fd(fd);
}

long sys_listxattr(uaddr_t path, uaddr_t list, size_t size)
{
    (void)list;
    (void)size;
    return xattr_path(path, 0);
}

long sys_llistxattr(uaddr_t path, uaddr_t list, size_t size)
{
    (void)list;
    (void)size;
    return xattr_path(path, AT_SYMLINK_NOFOLLOW);
}

long sys_flistxattr(int fd, uaddr_t list, size_t size)
{
    (void)list;
    (void)size;
    return xattr_fd(fd);
}

long sys_removexattr(uaddr_t path, uaddr_t name)
{
    (void)name;
    return xattr_path(path, 0);
}

long sys_lremovexattr(uaddr_t path, uaddr_t name)
{
    (void)name;
    return xattr_path(path, AT_SYMLINK_NOFOLLOW);
}

long sys_fremovexattr(int fd, uaddr_t name)
{
    (void)name;
    return xattr_fd(fd);
}
