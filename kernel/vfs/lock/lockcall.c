/* SPDX-License-Identifier: Apache-2.0 */
/* flock(2) and fcntl(2)'s record locks: arguments checked and decoded; lock.c does the rest. */
#include <linux/fs.h>

#include "kernel/vfs/lock/lock.h"
#include "kernel/vfs/vfs_impl.h"

#include "kernel/sys/syscalls.h"

/* A struct flock's range, made absolute and inclusive. */
static int range_decode(struct file *f, const struct flock *fl, struct file_lock *out)
{
    struct statx st;
    int64_t base = 0, start, end;
    if (fl->l_whence == SEEK_CUR) {
        base = f->pos;
    } else if (fl->l_whence == SEEK_END) {
        int err = file_stat(f, &st);
        if (err)
            return err;
        base = (int64_t)st.stx_size;
    } else if (fl->l_whence != SEEK_SET) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, fl->l_start, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    end = INT64_MAX;
    if (fl->l_len > 0 && __builtin_add_overflow(start, fl->l_len - 1, &end))
        return -EOVERFLOW;
    if (fl->l_len < 0) {
        end = start - 1;
        start += fl->l_len;
        if (start < 0)
            return -EINVAL;
    }
    out->start = start;
    out->end = end;
    return 0;
}

static void range_encode(const struct file_lock *held, struct flock *fl)
{
    fl->l_type = (short)held->type;
    fl->l_whence = SEEK_SET;
    fl->l_start = held->start;
    fl->l_len = held->end == INT64_MAX ? 0 : held->end - held->start + 1;
    fl->l_pid = held->kind == LOCK_FILE ? -1 : held->pid;
}

/* What the access mode and the command allow. */
static int request_check(struct file *f, const struct flock *fl, bool ofd, bool get)
{
    if (fl->l_type != F_RDLCK && fl->l_type != F_WRLCK && (fl->l_type != F_UNLCK || (get && !ofd)))
        return -EINVAL;
    if (ofd && fl->l_pid != 0)
        return -EINVAL;
    if (get)
        return 0;
    if ((fl->l_type == F_RDLCK && !FMODE_READ(f)) || (fl->l_type == F_WRLCK && !FMODE_WRITE(f)))
        return -EBADF;
    return 0;
}

/*
 * A lock that was set while another thread closed the descriptor would be nobody's to release: it
 * goes, as in Linux.
 */
static int closed_meanwhile(int fd, struct file *f, const struct fdtable *t)
{
    struct file *now;
    int err = fd_lookup(fd, true, &now);
    if (!err) {
        file_put(now);
        if (now == f)
            return 0;
    }
    locks_release_table(f, t);
    return -EBADF;
}

static int record_set(int fd, struct file *f, const struct file_lock *want, bool wait)
{
    int err = lock_set(f->inode, want, wait);
    if (err || want->kind != LOCK_PROCESS || want->type == F_UNLCK)
        return err;
    return closed_meanwhile(fd, f, want->owner);
}

long lock_fcntl(int fd, struct file *f, unsigned cmd, uaddr_t arg)
{
    bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
    bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
    struct process *p = current_process();
    struct file_lock want = {.kind = ofd ? LOCK_FILE : LOCK_PROCESS, .pid = ofd ? -1 : p->pid};
    struct file_lock held;
    struct flock fl;
    if (copy_in(&fl, arg, sizeof(fl)))
        return -EFAULT;
    int err = request_check(f, &fl, ofd, get);
    if (!err)
        err = range_decode(f, &fl, &want);
    if (err)
        return err;
    want.owner = ofd ? (const void *)f : p->fds;
    want.type = fl.l_type;
    if (!get && !f->inode)
        return 0; /* nobody can open it a second time */
    if (!get)
        return record_set(fd, f, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
    if (f->inode && lock_find(f->inode, &want, &held))
        range_encode(&held, &fl);
    else
        fl.l_type = F_UNLCK;
    return copy_out(arg, &fl, sizeof(fl)) ? -EFAULT : 0;
}

static int flock_file(struct file *f, int type, bool wait)
{
    struct file_lock want = {.kind = LOCK_FLOCK,
                             .type = type,
                             .owner = f,
                             .pid = current_process()->pid,
                             .end = INT64_MAX};
    if (!f->inode)
        return 0; /* nobody can open it a second time */
    return lock_set(f->inode, &want, wait);
}

long sys_flock(int fd, unsigned cmd)
{
    struct fd_ref r;
    int type;
    if (cmd & LOCK_MAND)
        return reject(0, "LOCK_MAND does nothing");
    switch (cmd & ~(unsigned)LOCK_NB) {
    case LOCK_SH: type = F_RDLCK; break;
    case LOCK_EX: type = F_WRLCK; break;
    case LOCK_UN: type = F_UNLCK; break;
    default: return -EINVAL;
    }
    int err = fd_get(fd, &r);
    if (err)
        return err;
    err = flock_file(r.file, type, !(cmd & LOCK_NB));
    fd_put(&r);
    return err;
}
