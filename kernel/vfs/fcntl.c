/* SPDX-License-Identifier: Apache-2.0 */
/* fcntl(2) but for its locks (lock/lockcall.c). */
#include "kernel/proc/id/cred.h"
#include "kernel/vfs/async.h"
#include "kernel/vfs/dnotify.h"
#include "kernel/vfs/lock/lease.h"
#include "kernel/vfs/lock/lock.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define SETFL_MASK ((uint32_t)(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC))

static long flags_set(int fd, struct file *f, uint32_t arg)
{
    uint32_t old = f->flags;
    if (f->inode && (arg & O_NOATIME) && !(old & O_NOATIME)) {
        int err = owner_permission(f->inode);
        if (err)
            return err;
    }
    int err = (arg ^ old) & FASYNC ? async_switch(f, fd, arg & FASYNC) : 0;
    if (err)
        return err;
    __atomic_store_n(&f->flags, (old & ~SETFL_MASK) | (arg & SETFL_MASK), __ATOMIC_RELAXED);
    err = f->ops->set_flags ? f->ops->set_flags(f, old) : 0;
    if (err)
        __atomic_store_n(&f->flags, old, __ATOMIC_RELAXED);
    return err;
}

static long fcntl_file(int fd, struct file *f, unsigned cmd, unsigned long arg)
{
    switch (cmd) {
    case F_SETFL: return flags_set(fd, f, (uint32_t)arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return lock_fcntl(fd, f, cmd, arg);
    case F_ADD_SEALS:
        if (!f->ops->add_seals || arg > UINT32_MAX)
            return reject(-EINVAL, "seals of a file that has none, or unknown ones");
        return f->ops->add_seals(f, (unsigned)arg);
    case F_GET_SEALS: return f->ops->get_seals ? f->ops->get_seals(f) : -EINVAL;
    case F_SETPIPE_SZ: return file_is_pipe(f) ? pipe_set_size(f, (uint32_t)arg) : -EBADF;
    case F_GETPIPE_SZ: return file_is_pipe(f) ? pipe_get_size(f) : -EBADF;
    case F_GETOWN:
    case F_SETOWN:
    case F_GETOWN_EX:
    case F_SETOWN_EX:
    case F_GETOWNER_UIDS:
    case F_GETSIG:
    case F_SETSIG: return async_fcntl(f, cmd, arg);
    case F_GETLEASE: return lease_get(f);
    case F_SETLEASE: return lease_set(fd, f, arg);
    case F_NOTIFY: return dnotify_set(fd, f, arg);
    case F_GET_RW_HINT:
    case F_GET_FILE_RW_HINT: {
        uint64_t hint = 0;
        return copy_out(arg, &hint, sizeof(hint)) ? -EFAULT : 0;
    }
    case F_SET_RW_HINT:
    case F_SET_FILE_RW_HINT: return 0;
    default: return reject(-EINVAL, "fcntl command");
    }
}

long sys_fcntl(int fd, unsigned cmd, unsigned long arg)
{
    struct fd_ref r;
    long ret = fd_get_path(fd, &r);
    if (ret)
        return ret;
    switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        ret = fd_dup(fd, arg > INT32_MAX ? -1 : (int)arg, cmd == F_DUPFD_CLOEXEC);
        break;
    case F_GETFD: ret = fdtable_cloexec(current_process()->fds, fd) ? FD_CLOEXEC : 0; break;
    case F_SETFD: ret = fd_set_cloexec(fd, arg & FD_CLOEXEC); break;
    case F_GETFL: ret = r.file->flags; break;
    default: ret = r.file->flags & O_PATH ? -EBADF : fcntl_file(fd, r.file, cmd, arg);
    }
    fd_put(&r);
    return ret;
}
