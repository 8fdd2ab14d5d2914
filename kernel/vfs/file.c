/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open file descriptions: their birth, their references, their end.  A file ends when its last
 * reference goes: epoll entries and locks first, then the kind's release, then name and inode, then
 * the memory (of the container: struct file is its first member).
 */
#include "kernel/vfs/async.h"
#include "kernel/vfs/dnotify.h"
#include "kernel/vfs/lock/lease.h"
#include "kernel/vfs/lock/lock.h"
#include "kernel/vfs/vfs_impl.h"

static unsigned nfiles; /* [a] */

unsigned files_count(void)
{
    return __atomic_load_n(&nfiles, __ATOMIC_RELAXED);
}

void file_init(struct file *f, const struct file_ops *ops, uint32_t flags)
{
    f->ops = ops;
    f->flags = flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    ref_init(&f->ref);
    mutex_init(&f->pos_lock);
    waitq_init(&f->waitq);
    list_init(&f->watches);
    __atomic_fetch_add(&nfiles, 1, __ATOMIC_RELAXED);
}

struct file *file_new(const struct file_ops *ops, uint32_t flags, const char *name)
{
    struct file *f = kzalloc(sizeof(*f));
    if (!f)
        return NULL;
    file_init(f, ops, flags);
    f->name = name;
    return f;
}

void file_unborn(struct file *f)
{
    kfree(f);
    __atomic_fetch_sub(&nfiles, 1, __ATOMIC_RELAXED);
}

void file_put(struct file *f)
{
    if (!ref_put(&f->ref))
        return;
    notify_file(f, FMODE_WRITE(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    if (!list_empty(&f->watches))
        epoll_forget(f);
    if (f->inode && !list_empty(&f->inode->locks))
        locks_release_file(f);
    dnotify_close(f, NULL);
    if (lease_any())
        lease_release(f);
    if (f->ops->release)
        f->ops->release(f);
    if (f->dentry) {
        struct inode *i = f->dentry->inode;
        open_count(i, f->flags, -1);
        if (!__atomic_sub_fetch(&i->opens, 1, __ATOMIC_SEQ_CST) && unlikely(i->nameless))
            notify_closed_last(i);
        dentry_put(f->dentry);
    }
    if (f->inode)
        inode_put(f->inode);
    if (f->owner)
        async_free(f);
    kfree(f);
    __atomic_fetch_sub(&nfiles, 1, __ATOMIC_RELAXED);
}

int file_close(struct file *f, const struct fdtable *t)
{
    int ret = 0;
    if (f->inode && !list_empty(&f->inode->locks))
        locks_release_table(f, t);
    dnotify_close(f, t);
    if (f->ops->flush)
        ret = f->ops->flush(f);
    file_put(f);
    return ret;
}

void file_wake(struct file *f, uint32_t events)
{
    waitq_wake(&f->waitq, events);
    if (unlikely(__atomic_load_n(&f->owner, __ATOMIC_RELAXED) != NULL))
        async_tell(f, events);
}

int64_t vfs_lseek_default(struct file *f, int64_t off, int whence, int64_t size)
{
    int64_t pos = off;
    switch (whence) {
    case SEEK_SET: break;
    case SEEK_CUR:
        if (__builtin_add_overflow(f->pos, off, &pos))
            return -EOVERFLOW;
        break;
    case SEEK_END:
        if (__builtin_add_overflow(size, off, &pos))
            return -EOVERFLOW;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (off < 0 || off >= size)
            return -ENXIO;
        pos = whence == SEEK_DATA ? off : size;
        break;
    default: return -EINVAL;
    }
    if (pos < 0)
        return -EINVAL;
    f->pos = pos;
    return pos;
}

int64_t vfs_lseek_dir(struct file *f, int64_t off, int whence)
{
    return whence > SEEK_CUR ? -EINVAL : vfs_lseek_default(f, off, whence, 0);
}

/* Files without an inode are all alike to stat: what Linux shows for its anonymous inode. */
static int anon_getattr(struct file *f, struct statx *st)
{
    (void)f;
    st->stx_mask = STATX_BASIC_STATS;
    st->stx_mode = 0600;
    st->stx_nlink = 1;
    st->stx_blksize = 4096;
    st->stx_ino = 1;
    st->stx_dev_minor = 14;
    return 0;
}

int file_stat(struct file *f, struct statx *st)
{
    memset(st, 0, sizeof(*st));
    if (f->ops->getattr)
        return f->ops->getattr(f, st);
    if (f->inode)
        return inode_getattr(f->inode, st);
    return anon_getattr(f, st);
}
