/* SPDX-License-Identifier: Apache-2.0 */
/* ioctl(2): the requests that every file knows; all others are the kind's. */
#include <asm/ioctls.h>

#include "kernel/vfs/async.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

/* FIONBIO, FIOASYNC: a flag from an int in program memory. */
static long flag_ioctl(struct file *f, uint32_t flag, uaddr_t arg)
{
    int on;
    if (copy_in(&on, arg, sizeof(on)))
        return -EFAULT;
    uint32_t old = f->flags;
    uint32_t flags = on ? old | flag : old & ~flag;
    __atomic_store_n(&f->flags, flags, __ATOMIC_RELAXED);
    return flags != old && f->ops->set_flags ? f->ops->set_flags(f, old) : 0;
}

static long async_ioctl(int fd, struct file *f, uaddr_t arg)
{
    int on;
    if (copy_in(&on, arg, sizeof(on)))
        return -EFAULT;
    if (!on == !(f->flags & FASYNC))
        return 0;
    if (f->ops->async == ASYNC_NO)
        return -ENOTTY;
    int err = async_switch(f, fd, on != 0);
    return err ? err : flag_ioctl(f, FASYNC, arg);
}

/* FIONREAD of a regular file: what lies behind the position. */
static long regular_left(struct file *f, uaddr_t arg)
{
    struct statx st;
    int err = file_stat(f, &st);
    if (err)
        return err;
    int left = (int)((int64_t)st.stx_size - f->pos);
    return copy_out(arg, &left, sizeof(left)) ? -EFAULT : 0;
}

static long ioctl_file(int fd, struct file *f, unsigned cmd, uaddr_t arg)
{
    switch (cmd) {
    case FIOCLEX: return fd_set_cloexec(fd, true);
    case FIONCLEX: return fd_set_cloexec(fd, false);
    case FIONBIO: return flag_ioctl(f, O_NONBLOCK, arg);
    case FIOASYNC: return async_ioctl(fd, f, arg);
    case FIONREAD:
        if (f->inode && S_ISREG(f->inode->mode))
            return regular_left(f, arg);
        break;
    default: break;
    }
    return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

long sys_ioctl(int fd, unsigned cmd, uaddr_t arg)
{
    struct fd_ref r;
    long ret = fd_get(fd, &r);
    if (ret)
        return ret;
    ret = ioctl_file(fd, r.file, cmd, arg);
    fd_put(&r);
    return ret;
}
