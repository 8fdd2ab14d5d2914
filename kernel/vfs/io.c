/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving data: the only loops that block for a file.
 *
 * A kind's read or write says -EAGAIN when it would have to wait.  Unless the file is O_NONBLOCK,
 * the thread then registers on the file's wait queue, asks `poll` (the state may have changed
 * before it was registered), which starts the kind's watch if it needs one, and sleeps until there
 * is something to try again for.
 *
 * A regular file's position is guarded by pos_lock, taken only when somebody else could use the
 * position at the same time: the description has more than one reference.
 */
#include <linux/resource.h>

#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define RW_MAX 0x7ffff000UL /* Linux's MAX_RW_COUNT */
#define WAIT_READ (EPOLLIN | EPOLLRDNORM | EPOLLALWAYS)
#define WAIT_WRITE (EPOLLOUT | EPOLLWRNORM | EPOLLALWAYS)
#define RETRY_NS 1000000L
#define EPOLLALWAYS (EPOLLERR | EPOLLHUP)

static bool file_is_reg(const struct file *f)
{
    return f->inode && S_ISREG(f->inode->mode);
}

static bool file_is_dir(const struct file *f)
{
    return f->inode && S_ISDIR(f->inode->mode);
}

void file_rearm(struct file *f)
{
    if (!f->ops->poll || (list_empty(&f->waitq.waiters) && !(f->flags & FASYNC)))
        return;
    uint32_t events = f->ops->poll(f);
    if (events)
        waitq_wake(&f->waitq, events); /* no news for who is told by signals */
}

typedef int io_fn(struct file *f, struct uio *u, int64_t *pos);

/*
 * After -EAGAIN: sleeps until fn has something else to say.  poll, which is cheap, is asked whether it may
 * have: it also sees what has changed before the thread was registered.
 */
static __attribute__((noinline)) int io_wait(struct file *f, struct uio *u, int64_t *pos, io_fn *fn,
                                             uint32_t events)
{
    struct waiter w;
    ktime_t limit = f->ops->timeout ? f->ops->timeout(f, events & EPOLLOUT) : 0;
    ktime_t deadline = limit ? clock_mono() + limit : KTIME_NEVER;
    int err;
    waitq_add(&f->waitq, &w);
    for (;;) {
        size_t before = u->done;
        uint32_t ready = file_poll(f) & events;
        err = ready ? fn(f, u, pos) : -EAGAIN;
        if (err != -EAGAIN || u->done != before)
            break;
        /* Ready, but not for this: somebody else was faster, or it asks for more than there is. */
        ktime_t until = ready ? MIN(clock_mono() + RETRY_NS, deadline) : deadline;
        err = thread_block(until, true);
        if (err && !(err == -ETIMEDOUT && until != deadline))
            break;
    }
    waitq_del(&f->waitq, &w);
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return err == -ERESTARTSYS && limit ? -EINTR : err;
}

/* After -EAGAIN of a kind with patience: reads on until that is enough, or nothing came for too long. */
static __attribute__((noinline)) int read_patiently(struct file *f, struct uio *u, int64_t *pos)
{
    struct waiter w;
    ktime_t deadline = KTIME_NEVER;
    size_t seen = SIZE_MAX;
    int err;
    waitq_add(&f->waitq, &w);
    for (;;) {
        /* Not a condition: less may be enough for this read. */
        uint32_t ready = file_poll(f) & WAIT_READ;
        /* Who has waited is told that it was for nothing; who comes later reads the end. */
        bool broken = ready & EPOLLERR && seen != SIZE_MAX;
        err = broken ? -EIO : f->ops->read(f, u, pos);
        if (err != -EAGAIN)
            break;
        if (u->done != seen) {
            ktime_t patience = f->ops->patience(f, u);
            deadline = patience == KTIME_NEVER ? KTIME_NEVER : clock_mono() + patience;
            seen = u->done;
        }
        ktime_t until = ready ? MIN(clock_mono() + RETRY_NS, deadline) : deadline;
        err = thread_block(until, true);
        if (err && !(err == -ETIMEDOUT && until != deadline))
            break;
    }
    waitq_del(&f->waitq, &w);
    return err == -ETIMEDOUT ? 0 : err;
}

static inline int64_t read_now(struct file *f, struct uio *u, int64_t *pos)
{
    int err = f->ops->read(f, u, pos);
    if (unlikely(err == -EAGAIN) && (!u->done || f->ops->patience)) {
        if (f->flags & O_NONBLOCK)
            file_rearm(f);
        else if (f->ops->patience)
            err = read_patiently(f, u, pos);
        else
            err = io_wait(f, u, pos, f->ops->read, WAIT_READ);
    }
    if (unlikely(f->flags & FASYNC) && !err)
        file_rearm(f); /* who is told by signals may not read to the end */
    return u->done ? (int64_t)u->done : err;
}

/* At *pos, or at f's own position, which is guarded where somebody else could move it. */
static inline int64_t move_at(struct file *f, struct uio *u, int64_t *pos,
                              int64_t (*move)(struct file *, struct uio *, int64_t *))
{
    if (pos || !file_is_reg(f) || f->ref.count == 1)
        return move(f, u, pos ? pos : &f->pos);
    mutex_lock(&f->pos_lock);
    int64_t ret = move(f, u, &f->pos);
    mutex_unlock(&f->pos_lock);
    return ret;
}

int64_t file_read(struct file *f, struct uio *u, int64_t *pos)
{
    if (unlikely(!FMODE_READ(f)))
        return -EBADF;
    if (unlikely(!f->ops->read))
        return file_is_dir(f) ? -EISDIR : -EINVAL;
    int64_t ret = move_at(f, u, pos, read_now);
    current->io.syscr++;
    if (ret > 0) {
        current->io.rchar += (uint64_t)ret;
        notify_file(f, IN_ACCESS);
    }
    return ret;
}

/* Linux's RLIMIT_FSIZE: a write that begins at or beyond the limit fails, others are cut. */
static int limit_size(struct file *f, struct uio *u, int64_t pos)
{
    uint64_t limit = current_process()->rlimits[RLIMIT_FSIZE].rlim_cur;
    struct statx st;
    if (likely(limit == RLIM64_INFINITY) || !file_is_reg(f) || u->kernel)
        return 0;
    if (f->flags & O_APPEND && !file_stat(f, &st))
        pos = (int64_t)st.stx_size;
    if ((uint64_t)pos >= limit) {
        signal_to_self(SIGXFSZ);
        return reject(-EFBIG, "RLIMIT_FSIZE");
    }
    u->left = MIN(u->left, (size_t)(limit - (uint64_t)pos));
    return 0;
}

static int64_t write_now(struct file *f, struct uio *u, int64_t *pos)
{
    int err = limit_size(f, u, *pos);
    if (!err && f->inode)
        err = set_id_drop(f->inode);
    if (unlikely(err))
        return err;
    do {
        size_t before = u->done;
        err = f->ops->write(f, u, pos);
        if (unlikely(err == -EAGAIN)) {
            if (f->flags & O_NONBLOCK) {
                file_rearm(f);
                break;
            }
            err = io_wait(f, u, pos, f->ops->write, WAIT_WRITE);
        }
        if (err == -EAGAIN)
            err = 0; /* io_wait moved a part */
        if (!err && u->done == before)
            break;
    } while (!err && u->left);
    if (unlikely(err == -EPIPE) && !u->kernel)
        signal_to_self(SIGPIPE);
    return u->done ? (int64_t)u->done : err;
}

int64_t file_write(struct file *f, struct uio *u, int64_t *pos)
{
    if (unlikely(!FMODE_WRITE(f)))
        return -EBADF;
    if (unlikely(!f->ops->write))
        return -EINVAL;
    int64_t ret = move_at(f, u, pos, write_now);
    current->io.syscw++;
    if (ret > 0) {
        current->io.wchar += (uint64_t)ret;
        notify_file(f, IN_MODIFY);
    }
    return ret;
}

int file_read_exact(struct file *f, void *buf, size_t n, int64_t off)
{
    struct uio_seg seg;
    struct uio u;
    uio_init_kernel(&u, &seg, buf, n);
    while (u.left) {
        size_t before = u.done;
        if (!f->ops->read)
            return -EINVAL;
        int err = f->ops->read(f, &u, &off);
        if (err)
            return err;
        if (u.done == before)
            return -EIO;
    }
    return 0;
}

/* What a positioned call needs of its file and position. */
static int pos_check(struct file *f, int64_t pos, size_t n)
{
    int64_t end;
    if (!f->ops->lseek)
        return -ESPIPE;
    if (__builtin_add_overflow(pos, (int64_t)n, &end))
        return -EOVERFLOW;
    return 0;
}

/* One segment of program memory at most RW_MAX long. */
static inline int one_init(struct uio *u, struct uio_seg *seg, uaddr_t buf, size_t n)
{
    if (unlikely((int64_t)n < 0))
        return -EINVAL;
    if (unlikely(n && !user_range_ok(buf, n)))
        return -EFAULT;
    uio_init_one(u, seg, buf, MIN(n, RW_MAX));
    return 0;
}

long sys_read(int fd, uaddr_t buf, size_t count)
{
    struct uio_seg seg;
    struct uio u;
    struct fd_ref r;
    int64_t ret = fd_get(fd, &r);
    if (unlikely(ret))
        return ret;
    ret = FMODE_READ(r.file) ? one_init(&u, &seg, buf, count) : -EBADF;
    if (likely(!ret))
        ret = file_read(r.file, &u, NULL);
    fd_put(&r);
    return ret;
}

long sys_write(int fd, uaddr_t buf, size_t count)
{
    struct uio_seg seg;
    struct uio u;
    struct fd_ref r;
    int64_t ret = fd_get(fd, &r);
    if (unlikely(ret))
        return ret;
    ret = FMODE_WRITE(r.file) ? one_init(&u, &seg, buf, count) : -EBADF;
    if (likely(!ret))
        ret = file_write(r.file, &u, NULL);
    fd_put(&r);
    return ret;
}

static long rw_at(int fd, uaddr_t buf, size_t count, int64_t pos, bool write)
{
    struct uio_seg seg;
    struct uio u;
    struct fd_ref r;
    if (unlikely(pos < 0))
        return -EINVAL;
    int64_t ret = fd_get(fd, &r);
    if (unlikely(ret))
        return ret;
    ret = one_init(&u, &seg, buf, count);
    if (likely(!ret))
        ret = pos_check(r.file, pos, u.left);
    if (likely(!ret))
        ret = write ? file_write(r.file, &u, &pos) : file_read(r.file, &u, &pos);
    fd_put(&r);
    return ret;
}

long sys_pread64(int fd, uaddr_t buf, size_t count, long pos)
{
    return rw_at(fd, buf, count, pos, false);
}

long sys_pwrite64(int fd, uaddr_t buf, size_t count, long pos)
{
    return rw_at(fd, buf, count, pos, true);
}

/* Vectors. */

void segs_free(struct segs *s)
{
    if (s->seg != s->small)
        kfree(s->seg);
}

/* Checks every segment, and cuts the sum to RW_MAX as Linux does. */
static int segs_check(struct segs *s)
{
    size_t left = RW_MAX;
    for (size_t i = 0; i < s->n; i++) {
        if ((int64_t)s->seg[i].len < 0)
            return -EINVAL;
        if (s->seg[i].len && !user_range_ok(s->seg[i].base, s->seg[i].len))
            return -EFAULT;
        s->seg[i].len = MIN(s->seg[i].len, left);
        left -= s->seg[i].len;
    }
    return 0;
}

/* struct iovec and struct uio_seg are the same bytes. */
int segs_in(struct segs *s, uaddr_t vec, unsigned long n)
{
    _Static_assert(sizeof(struct uio_seg) == sizeof(struct iovec), "iovec");
    if (n > UIO_MAXIOV)
        return -EINVAL;
    s->seg = n <= SEGS_SMALL ? s->small : kmalloc(n * sizeof(*s->seg));
    if (!s->seg)
        return -ENOMEM;
    s->n = n;
    int err = copy_in(s->seg, vec, n * sizeof(*s->seg)) ? -EFAULT : segs_check(s);
    if (err)
        segs_free(s);
    return err;
}

static long rw_vec(int fd, uaddr_t vec, unsigned long n, int64_t *pos, bool write)
{
    struct segs s;
    struct uio u;
    struct fd_ref r;
    int64_t ret = fd_get(fd, &r);
    if (ret)
        return ret;
    ret = segs_in(&s, vec, n);
    if (ret)
        goto out;
    uio_init_user(&u, s.seg, s.n);
    if (pos)
        ret = pos_check(r.file, *pos, u.left);
    if (!ret)
        ret = write ? file_write(r.file, &u, pos) : file_read(r.file, &u, pos);
    segs_free(&s);
out:
    fd_put(&r);
    return ret;
}

long sys_readv(int fd, uaddr_t vec, unsigned long vlen)
{
    return rw_vec(fd, vec, vlen, NULL, false);
}

long sys_writev(int fd, uaddr_t vec, unsigned long vlen)
{
    return rw_vec(fd, vec, vlen, NULL, true);
}

long sys_preadv(int fd, uaddr_t vec, unsigned long vlen, unsigned long pos_l, unsigned long pos_h)
{
    int64_t pos = (int64_t)pos_l; /* the high half is of 32-bit calls */
    (void)pos_h;
    return pos < 0 ? -EINVAL : rw_vec(fd, vec, vlen, &pos, false);
}

long sys_pwritev(int fd, uaddr_t vec, unsigned long vlen, unsigned long pos_l, unsigned long pos_h)
{
    int64_t pos = (int64_t)pos_l;
    (void)pos_h;
    return pos < 0 ? -EINVAL : rw_vec(fd, vec, vlen, &pos, true);
}

long sys_preadv2(int fd, uaddr_t vec, unsigned long vlen, unsigned long pos_l, unsigned long pos_h,
                 unsigned flags)
{
    int64_t pos = (int64_t)pos_l;
    (void)pos_h;
    if (flags & ~(unsigned)RWF_HIPRI)
        return reject(-EOPNOTSUPP, "RWF_* flag");
    if (pos < -1)
        return -EINVAL;
    return rw_vec(fd, vec, vlen, pos == -1 ? NULL : &pos, false);
}

static int sync_fd(int fd, bool data_only)
{
    struct fd_ref r;
    int err = fd_get(fd, &r);
    if (err)
        return err;
    err = r.file->ops->fsync ? r.file->ops->fsync(r.file, data_only) : -EINVAL;
    fd_put(&r);
    return err;
}

long sys_pwritev2(int fd, uaddr_t vec, unsigned long vlen, unsigned long pos_l, unsigned long pos_h,
                  unsigned flags)
{
    int64_t pos = (int64_t)pos_l;
    (void)pos_h;
    if (flags & ~(unsigned)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))
        return reject(-EOPNOTSUPP, "RWF_* flag");
    if (pos < -1)
        return -EINVAL;
    long ret = rw_vec(fd, vec, vlen, pos == -1 ? NULL : &pos, true);
    if (ret > 0 && flags & (RWF_DSYNC | RWF_SYNC)) {
        int err = sync_fd(fd, !(flags & RWF_SYNC));
        if (err)
            return err;
    }
    return ret;
}

long sys_fsync(int fd)
{
    return sync_fd(fd, false);
}

long sys_fdatasync(int fd)
{
    return sync_fd(fd, true);
}

long sys_lseek(int fd, long offset, unsigned whence)
{
    struct fd_ref r;
    int64_t ret = fd_get(fd, &r);
    if (ret)
        return ret;
    if (whence > SEEK_MAX) {
        ret = -EINVAL;
    } else if (!r.file->ops->lseek) {
        ret = -ESPIPE;
    } else if (r.file->ref.count == 1) {
        ret = r.file->ops->lseek(r.file, offset, (int)whence);
    } else {
        mutex_lock(&r.file->pos_lock);
        ret = r.file->ops->lseek(r.file, offset, (int)whence);
        mutex_unlock(&r.file->pos_lock);
    }
    fd_put(&r);
    return ret;
}
