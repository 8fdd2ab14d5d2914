/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading directories: getdents, getdents64.  Records are put together in kernel memory, since the
 * kind emits with its locks held, and copied out in one piece.  After the kind's own entries come
 * the mount points that it does not know (made up at boot): negative positions, from MADE_UP_POS
 * on, since the host's file systems use all of the others.
 */
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define DENTS_MAX (32UL * 1024)
#define MADE_UP_POS INT64_MIN

struct dents {
    struct dir_sink sink;
    char *buf;
    size_t size, len;
    bool old;       /* the 1990s' record of getdents */
    bool too_small; /* not even one entry fitted */
};

/* Both records begin alike: ino, off, reclen. */
struct dent_head {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
} __attribute__((packed));

#define DENT_HEAD 18U

static bool dents_emit(struct dir_sink *sink, const char *name, size_t len, uint64_t ino,
                       unsigned type, int64_t next_pos)
{
    struct dents *d = container_of(sink, struct dents, sink);
    size_t rec = ALIGN_UP(DENT_HEAD + len + 2, 8UL);
    if (rec > d->size - d->len) {
        d->too_small = d->len == 0;
        return false;
    }
    char *p = d->buf + d->len;
    struct dent_head head = {.ino = ino, .off = next_pos, .reclen = (uint16_t)rec};
    memset(p, 0, rec);
    memcpy(p, &head, sizeof(head));
    char *text = p + DENT_HEAD + (d->old ? 0 : 1);
    memcpy(text, name, len);
    p[d->old ? rec - 1 : DENT_HEAD] = (char)type;
    d->len += rec;
    return true;
}

static int dents_iterate(struct file *f, struct dents *d)
{
    int err = 0;
    if (f->pos >= 0)
        err = f->ops->iterate(f, &d->sink);
    if (err || d->too_small || !f->dentry)
        return err;
    if (d->len && f->pos >= 0)
        return 0; /* there may be more: the kind says that there is not by emitting nothing */
    int64_t pos = f->pos >= 0 ? 0 : f->pos - MADE_UP_POS;
    int64_t start = pos;
    err = mount_emit_made_up(f->dentry, &d->sink, &pos);
    if (pos != start)
        f->pos = MADE_UP_POS + pos;
    return err;
}

static long dents_read(struct file *f, uaddr_t out, struct dents *d)
{
    if (!f->inode || !S_ISDIR(f->inode->mode) || !f->ops->iterate)
        return -ENOTDIR;
    mutex_lock(&f->pos_lock);
    int64_t start = f->pos;
    int err = f->dentry && f->dentry->deleted ? -ENOENT : dents_iterate(f, d);
    mutex_unlock(&f->pos_lock);
    if (!err)
        notify_file(f, IN_ACCESS);
    if (err && !d->len)
        return err;
    if (d->too_small)
        return -EINVAL;
    if (copy_out(out, d->buf, d->len)) {
        f->pos = start;
        return -EFAULT;
    }
    return (long)d->len;
}

static long getdents_call(int fd, uaddr_t dirent, unsigned count, bool old)
{
    struct fd_ref r;
    struct dents d = {.sink = {.emit = dents_emit}, .old = old};
    long ret = fd_get(fd, &r);
    if (ret)
        return ret;
    d.size = MIN((size_t)count, DENTS_MAX);
    d.buf = kmalloc(MAX(d.size, 1UL));
    ret = d.buf ? dents_read(r.file, dirent, &d) : -ENOMEM;
    kfree(d.buf);
    fd_put(&r);
    return ret;
}

long sys_getdents64(int fd, uaddr_t dirent, unsigned count)
{
    return getdents_call(fd, dirent, count, false);
}

long sys_getdents(int fd, uaddr_t dirent, unsigned count)
{
    return getdents_call(fd, dirent, count, true);
}
