/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open regular files of the host: a read or write is an ocall on the descriptor, or a copy from a mapped
 * window (window.c); the kernel keeps the position.
 *
 * Two exceptions.  An append moves the position to the end of the file, which only the host
 * knows: it is asked for when somebody wants to know (stale_pos).  And the standard files share
 * their position with the host process that opened them, often with each other (`> log 2>&1`), so
 * there the host's position is the position (shared_pos).
 *
 * What mappings have changed, or have to be told of: shared.c.
 */
#include <linux/mman.h>

#include "kernel/fs/fs.h"
#include "kernel/fs/host/host_impl.h"

static int pos_refresh(struct host_file *hf)
{
    if (likely(!hf->stale_pos))
        return 0;
    int64_t end = ocall_lseek(hf->fd, 0, SEEK_END);
    if (end < 0)
        return (int)end;
    hf->file.pos = end;
    hf->stale_pos = false;
    return 0;
}

static bool by_shared_pos(struct host_file *hf, const int64_t *pos)
{
    return hf->shared_pos && pos == &hf->file.pos;
}

int host_plain_read(struct host_file *hf, struct uio *u, int64_t off)
{
    size_t before = u->done;
    if (host_window_read(hf, u, off))
        return 0;
    size_t n = u->left, done = u->done;
    off += (int64_t)(done - before);
    int err = ocall_pread_uio(hf->fd, u, off);
    if (!err)
        host_window_note(hf, off, n, u->done - done);
    return err;
}

static int regular_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct host_file *hf = host_file_of(f);
    size_t before = u->done;
    if (unlikely(by_shared_pos(hf, pos)))
        return ocall_read_uio(hf->fd, u);
    int err = pos == &f->pos ? pos_refresh(hf) : 0;
    if (!err && !host_shared_read(hf, u, *pos, &err))
        err = host_plain_read(hf, u, *pos);
    *pos += (int64_t)(u->done - before);
    return err;
}

static int write_at_host_pos(struct host_file *hf, struct uio *u)
{
    size_t before = u->done;
    int err = ocall_write_uio(hf->fd, u);
    if (unlikely(host_inode_of(hf->file.inode)->shared)) {
        int64_t end = ocall_lseek(hf->fd, 0, SEEK_CUR);
        host_shared_wrote(hf, end - (int64_t)(u->done - before), u->done - before);
    }
    return err;
}

/* off < 0: an append. */
static int write_plain(struct host_file *hf, struct uio *u, int64_t off)
{
    size_t before = u->done;
    int err;
    if (host_shared_write(hf, u, off, &err))
        return err;
    err = ocall_pwrite_uio(hf->fd, u, off);
    host_shared_wrote(hf, off, u->done - before); /* it may have been mapped just now */
    return err;
}

static int regular_write(struct file *f, struct uio *u, int64_t *pos)
{
    struct host_file *hf = host_file_of(f);
    size_t before = u->done;
    if (unlikely(by_shared_pos(hf, pos)))
        return write_at_host_pos(hf, u);
    if (f->flags & O_APPEND) {
        int err = write_plain(hf, u, -1);
        if (pos == &f->pos && u->done > before)
            hf->stale_pos = true;
        return err;
    }
    int err = pos == &f->pos ? pos_refresh(hf) : 0;
    if (!err)
        err = write_plain(hf, u, *pos);
    *pos += (int64_t)(u->done - before);
    return err;
}

static int64_t regular_lseek(struct file *f, int64_t off, int whence)
{
    struct host_file *hf = host_file_of(f);
    if (hf->shared_pos || whence > SEEK_CUR) {
        int64_t ret = ocall_lseek(hf->fd, off, whence);
        if (ret >= 0) {
            f->pos = ret;
            hf->stale_pos = false;
        }
        return ret;
    }
    int err = whence == SEEK_CUR ? pos_refresh(hf) : 0;
    if (err)
        return err;
    int64_t ret = vfs_lseek_default(f, off, whence, 0);
    if (ret >= 0)
        hf->stale_pos = false;
    return ret;
}

static int regular_truncate(struct file *f, int64_t size)
{
    return host_shared_truncate(f->inode, host_file_of(f)->fd, size);
}

static int regular_fsync(struct file *f, bool data_only)
{
    int err = host_shared_sync(host_file_of(f));
    return err ? err : ocall_fsync(host_file_of(f)->fd, data_only);
}

static int regular_fallocate(struct file *f, int mode, int64_t off, int64_t len)
{
    return host_shared_fallocate(host_file_of(f), mode, off, len);
}

static int regular_mmap(struct file *f, unsigned prot, unsigned flags)
{
    int err = fs_mmap_check(f, prot, flags);
    if (!err && (flags & MAP_TYPE) != MAP_PRIVATE && host_file_of(f)->append_only)
        return prot & PROT_WRITE ? -EACCES : FILE_MMAP_NO_WRITE;
    return err;
}

const struct file_ops host_regular_ops = {
    .read = regular_read,
    .write = regular_write,
    .lseek = regular_lseek,
    .truncate = regular_truncate,
    .fsync = regular_fsync,
    .fallocate = regular_fallocate,
    .mmap = regular_mmap,
    .share = host_share,
    .getattr = host_file_getattr,
    .release = host_file_release,
};
