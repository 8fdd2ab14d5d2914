/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies between two files inside the kernel: sendfile, copy_file_range.  Data passes through one
 * kernel buffer; what the target did not take has not been read either (positions go back to it).
 */
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define COPY_CHUNK (64UL * 1024)
#define COPY_MAX 0x7ffff000UL

/* One piece; positions as for file_read and file_write, *in is never NULL. */
static int64_t copy_piece(struct file *in, int64_t *in_pos, struct file *out, int64_t *out_pos,
                          char *buf, size_t n)
{
    struct uio_seg seg;
    struct uio u;
    int64_t start = *in_pos;
    uio_init_kernel(&u, &seg, buf, n);
    int64_t got = file_read(in, &u, in_pos);
    if (got <= 0)
        return got;
    uio_init_kernel(&u, &seg, buf, (size_t)got);
    int64_t put = file_write(out, &u, out_pos);
    *in_pos = start + MAX(put, 0);
    if (put == -EPIPE)
        signal_to_self(SIGPIPE);
    return put;
}

static int64_t copy_all(struct file *in, int64_t *in_pos, struct file *out, int64_t *out_pos,
                        size_t count)
{
    size_t chunk = MIN(count, COPY_CHUNK), total = 0;
    int64_t n = 0;
    char *buf = kmalloc(MAX(chunk, 1UL));
    if (!buf)
        return -ENOMEM;
    while (total < count) {
        n = copy_piece(in, in_pos, out, out_pos, buf, MIN(chunk, count - total));
        if (n <= 0)
            break;
        total += (size_t)n;
        if (thread_interrupted())
            break;
    }
    kfree(buf);
    return total ? (int64_t)total : n;
}

/*
 * The position at ptr, or the file's own when ptr is 0; back again after the copy.  Its kind knows it: of
 * the host's standard files it is at the host.
 */
static int pos_in(struct file *f, uaddr_t ptr, int64_t *pos)
{
    if (!f->ops->lseek)
        return -ESPIPE;
    if (!ptr) {
        *pos = f->ops->lseek(f, 0, SEEK_CUR);
        return *pos < 0 ? (int)*pos : 0;
    }
    if (copy_in(pos, ptr, sizeof(*pos)))
        return -EFAULT;
    return *pos < 0 ? -EINVAL : 0;
}

static int pos_out(struct file *f, uaddr_t ptr, int64_t pos)
{
    if (ptr)
        return copy_out(ptr, &pos, sizeof(pos)) ? -EFAULT : 0;
    pos = f->ops->lseek(f, pos, SEEK_SET);
    return pos < 0 ? (int)pos : 0;
}

static int64_t sendfile_files(struct file *out, struct file *in, uaddr_t offset, size_t count)
{
    int64_t pos;
    if (!FMODE_READ(in) || !FMODE_WRITE(out))
        return -EBADF;
    if (!in->ops->lseek || !in->ops->read)
        return reject(-EINVAL, "the source cannot seek");
    if (!out->ops->write || out->flags & O_APPEND)
        return -EINVAL;
    if ((int64_t)count < 0)
        return -EINVAL;
    int err = pos_in(in, offset, &pos);
    if (err)
        return err;
    count = MIN(count, COPY_MAX);
    int64_t ret = file_is_pipe(out) ? splice_file_to_pipe(in, &pos, out, count, false)
                                    : copy_all(in, &pos, out, NULL, count);
    err = pos_out(in, offset, pos);
    return err ? err : ret;
}

long sys_sendfile(int out_fd, int in_fd, uaddr_t offset, size_t count)
{
    struct fd_ref in, out;
    int64_t ret = fd_get_two(in_fd, &in, out_fd, &out);
    if (ret)
        return ret;
    ret = sendfile_files(out.file, in.file, offset, count);
    fd_put(&out);
    fd_put(&in);
    return ret;
}

/* Linux copies within one file system only; programs fall back to reading and writing. */
static int same_device(struct file *in, struct file *out)
{
    struct statx a, b;
    int err = file_stat(in, &a);
    if (!err)
        err = file_stat(out, &b);
    if (err)
        return err;
    bool same = a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;
    return same ? 0 : reject(-EXDEV, "two file systems");
}

static int range_files_check(struct file *in, struct file *out)
{
    if (!FMODE_READ(in) || !FMODE_WRITE(out) || out->flags & O_APPEND)
        return -EBADF;
    if (!in->inode || !out->inode)
        return -EINVAL;
    if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
        return -EISDIR;
    if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
        return -EINVAL;
    return same_device(in, out);
}

static int64_t range_files(struct file *in, uaddr_t off_in, struct file *out, uaddr_t off_out,
                           size_t len)
{
    int64_t ipos, opos;
    int err = range_files_check(in, out);
    if (!err)
        err = pos_in(in, off_in, &ipos);
    if (!err)
        err = pos_in(out, off_out, &opos);
    if (err)
        return err;
    len = MIN(len, COPY_MAX);
    if (ipos + (int64_t)len < ipos || opos + (int64_t)len < opos)
        return -EOVERFLOW;
    if (in->inode == out->inode && ipos < opos + (int64_t)len && opos < ipos + (int64_t)len)
        return reject(-EINVAL, "the ranges overlap");
    int64_t ret = copy_all(in, &ipos, out, &opos, len);
    err = pos_out(in, off_in, ipos);
    if (!err)
        err = pos_out(out, off_out, opos);
    return err ? err : ret;
}

long sys_copy_file_range(int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out, size_t len,
                         unsigned flags)
{
    struct fd_ref in, out;
    if (flags)
        return -EINVAL;
    int64_t ret = fd_get_two(fd_in, &in, fd_out, &out);
    if (ret)
        return ret;
    ret = range_files(in.file, off_in, out.file, off_out, len);
    fd_put(&out);
    fd_put(&in);
    return ret;
}
