/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of a tmpfs file: a sparse array; a missing page is a hole and reads as zeros.
 *
 * Invariant: bytes of a page at or beyond the file's size are zero, so that growing needs no
 * clearing.  Locking: tmpfs_impl.h.
 */
#include <linux/falloc.h>

#include "kernel/fs/tmpfs/tmpfs_impl.h"

#define BATCH 16U /* pages copied for one taking of the lock */

static void io_end(struct tmpfs_inode *ti)
{
    if (__atomic_sub_fetch(&ti->io, 1, __ATOMIC_ACQ_REL) == 0)
        waitq_wake(&ti->io_waitq, 0);
}

/* Takes the lock at a moment when nobody copies from or to the pages. */
static void lock_quiet(struct tmpfs_inode *ti) ACQUIRE(ti->inode.lock)
{
    struct waiter w;
    mutex_lock(&ti->inode.lock);
    while (__atomic_load_n(&ti->io, __ATOMIC_ACQUIRE)) {
        mutex_unlock(&ti->inode.lock);
        waitq_add(&ti->io_waitq, &w);
        if (__atomic_load_n(&ti->io, __ATOMIC_ACQUIRE))
            (void)thread_block(KTIME_NEVER, false);
        waitq_del(&ti->io_waitq, &w);
        mutex_lock(&ti->inode.lock);
    }
}

/* The page at index, which is added if missing; NULL: no room. With inode.lock held. */
static void *page_get_locked(struct tmpfs_inode *ti, pgoff_t index, int *err)
{
    struct tmpfs_super *ts = tmpfs_super_of(&ti->inode);
    void *page = pagetree_get(&ti->pages, index);
    if (page)
        return page;
    if (__atomic_add_fetch(&ts->pages, 1, __ATOMIC_RELAXED) > ts->max_pages) {
        *err = -ENOSPC;
        goto undo_count;
    }
    page = kpages_alloc(1);
    *err = page ? pagetree_set(&ti->pages, index, page) : -ENOSPC;
    if (!*err) {
        ti->npages++;
        return page;
    }
    if (page)
        kpages_free(page, 1);
undo_count:
    __atomic_sub_fetch(&ts->pages, 1, __ATOMIC_RELAXED);
    return NULL;
}

/* Frees the pages [from, to). With inode.lock held and io 0. */
static void pages_free_locked(struct tmpfs_inode *ti, pgoff_t from, pgoff_t to)
{
    uint64_t index = from, freed = 0;
    while (pagetree_next(&ti->pages, &index) && index < to) {
        kpages_free(pagetree_remove(&ti->pages, index), 1);
        freed++;
    }
    ti->npages -= freed;
    __atomic_sub_fetch(&tmpfs_super_of(&ti->inode)->pages, freed, __ATOMIC_RELAXED);
}

/* Zeroes [from, to) without adding pages; whole pages are freed. With inode.lock held and io 0. */
static void range_clear_locked(struct tmpfs_inode *ti, int64_t from, int64_t to)
{
    pgoff_t first = (pgoff_t)(from + (int64_t)PAGE_SIZE - 1) >> PAGE_SHIFT;
    pgoff_t last = (pgoff_t)to >> PAGE_SHIFT;
    size_t head = (size_t)from % PAGE_SIZE, tail = (size_t)to % PAGE_SIZE;
    char *page;
    if (head && (page = pagetree_get(&ti->pages, first - 1)))
        memset(page + head, 0, first - 1 == last ? tail - head : PAGE_SIZE - head);
    if (tail && (!head || last != first - 1) && (page = pagetree_get(&ti->pages, last)))
        memset(page, 0, tail);
    if (first < last)
        pages_free_locked(ti, first, last);
}

static int read_pages(struct uio *u, char *const page[], size_t from, size_t bytes)
{
    int err = 0;
    for (unsigned i = 0; bytes && !err; i++, from = 0) {
        size_t n = MIN(PAGE_SIZE - from, bytes);
        err = page[i] ? uio_put(u, page[i] + from, n) : uio_zero(u, n);
        bytes -= n;
    }
    return err;
}

int tmpfs_data_read(struct tmpfs_inode *ti, struct uio *u, int64_t *pos)
{
    int err = 0;
    while (u->left && !err) {
        char *page[BATCH] = {NULL};
        size_t from = (size_t)*pos % PAGE_SIZE, before = u->done;
        mutex_lock(&ti->inode.lock);
        size_t bytes = *pos < ti->size ? (size_t)(ti->size - *pos) : 0;
        bytes = MIN(MIN(bytes, u->left), BATCH * PAGE_SIZE - from);
        for (size_t i = 0; i * PAGE_SIZE < from + bytes; i++)
            page[i] = pagetree_get(&ti->pages, ((pgoff_t)*pos >> PAGE_SHIFT) + i);
        __atomic_add_fetch(&ti->io, 1, __ATOMIC_ACQUIRE);
        mutex_unlock(&ti->inode.lock);
        if (bytes)
            err = read_pages(u, page, from, bytes);
        io_end(ti);
        *pos += (int64_t)(u->done - before);
        if (!bytes)
            break;
    }
    return err;
}

/* One page's worth at *pos. */
static int write_page(struct tmpfs_inode *ti, struct uio *u, int64_t *pos)
{
    size_t from = (size_t)*pos % PAGE_SIZE, n = MIN(PAGE_SIZE - from, u->left), before = u->done;
    int err = 0;
    mutex_lock(&ti->inode.lock);
    char *page = page_get_locked(ti, (pgoff_t)*pos >> PAGE_SHIFT, &err);
    if (page)
        __atomic_add_fetch(&ti->io, 1, __ATOMIC_ACQUIRE);
    mutex_unlock(&ti->inode.lock);
    if (!page)
        return err;
    err = uio_get(u, page + from, n);
    *pos += (int64_t)(u->done - before);
    mutex_lock(&ti->inode.lock);
    if (u->done > before && *pos > ti->size)
        ti->size = *pos;
    mutex_unlock(&ti->inode.lock);
    io_end(ti);
    return err;
}

int tmpfs_data_write(struct tmpfs_inode *ti, struct uio *u, int64_t *pos, bool append)
{
    size_t before = u->done;
    int err = 0;
    if (append)
        *pos = tmpfs_data_size(ti);
    while (u->left && !err) {
        if (*pos > TMPFS_FILE_MAX - (int64_t)PAGE_SIZE)
            err = -EFBIG;
        else
            err = write_page(ti, u, pos);
    }
    if (u->done > before)
        tmpfs_touch(ti);
    return u->done > before ? 0 : err;
}

int tmpfs_data_truncate(struct tmpfs_inode *ti, int64_t size)
{
    if (size < 0)
        return -EINVAL;
    if (size > TMPFS_FILE_MAX)
        return -EFBIG;
    lock_quiet(ti);
    if (size < ti->size)
        range_clear_locked(ti, size, ALIGN_UP(ti->size, (int64_t)PAGE_SIZE));
    ti->size = size;
    mutex_unlock(&ti->inode.lock);
    tmpfs_touch(ti);
    return 0;
}

/* Adds the pages of [off, end); on failure those that were added stay, as Linux allows. */
static int reserve_locked(struct tmpfs_inode *ti, int64_t off, int64_t end)
{
    struct tmpfs_super *ts = tmpfs_super_of(&ti->inode);
    uint64_t last = (uint64_t)(end - 1) >> PAGE_SHIFT;
    int err = 0;
    if (last - ((uint64_t)off >> PAGE_SHIFT) > ts->max_pages)
        return -ENOSPC;
    for (uint64_t i = (uint64_t)off >> PAGE_SHIFT; i <= last && !err; i++)
        (void)page_get_locked(ti, i, &err);
    return err;
}

int tmpfs_data_fallocate(struct tmpfs_inode *ti, int mode, int64_t off, int64_t len)
{
    int64_t end;
    int err = 0;
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if (mode & FALLOC_FL_PUNCH_HOLE && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
        return -EOPNOTSUPP;
    if (__builtin_add_overflow(off, len, &end) || end > TMPFS_FILE_MAX)
        return -EFBIG;
    lock_quiet(ti);
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        range_clear_locked(ti, off, end);
    if (!(mode & FALLOC_FL_PUNCH_HOLE))
        err = reserve_locked(ti, off, end);
    if (!err && !(mode & FALLOC_FL_KEEP_SIZE))
        ti->size = MAX(ti->size, end);
    mutex_unlock(&ti->inode.lock);
    if (!err)
        tmpfs_touch(ti);
    return err;
}

/* The first offset at or after off that is in a hole; the end of the file is one. */
static int64_t hole_from(struct tmpfs_inode *ti, int64_t off)
{
    while (off < ti->size && pagetree_get(&ti->pages, (pgoff_t)off >> PAGE_SHIFT))
        off = ALIGN_DOWN(off, (int64_t)PAGE_SIZE) + (int64_t)PAGE_SIZE;
    return MIN(off, ti->size);
}

static int64_t data_from(struct tmpfs_inode *ti, int64_t off)
{
    uint64_t index = (uint64_t)off >> PAGE_SHIFT;
    if (!pagetree_next(&ti->pages, &index))
        return -ENXIO;
    int64_t at = MAX(off, (int64_t)(index << PAGE_SHIFT));
    return at < ti->size ? at : -ENXIO;
}

int64_t tmpfs_data_seek(struct tmpfs_inode *ti, int64_t off, int whence)
{
    int64_t ret = -ENXIO;
    mutex_lock(&ti->inode.lock);
    if (off >= 0 && off < ti->size)
        ret = whence == SEEK_DATA ? data_from(ti, off) : hole_from(ti, off);
    mutex_unlock(&ti->inode.lock);
    return ret;
}

int64_t tmpfs_data_size(struct tmpfs_inode *ti)
{
    return __atomic_load_n(&ti->size, __ATOMIC_RELAXED);
}

void tmpfs_data_free(struct tmpfs_inode *ti)
{
    pages_free_locked(ti, 0, UINT64_MAX);
}
