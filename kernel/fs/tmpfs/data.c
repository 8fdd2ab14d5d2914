/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of a tmpfs file: a sparse array; a missing page is a hole and reads as zeros.  A page that a
 * shared mapping has touched is where the mapping has it (mm/shmem.h), all others are the kernel's.
 *
 * Invariant: bytes of a page at or beyond the file's size are zero, so that growing needs no
 * clearing.  Locking: tmpfs_impl.h.
 */
#include <linux/falloc.h>

#include "kernel/fs/tmpfs/tmpfs_impl.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagemap.h"

void tmpfs_io_end(struct tmpfs_inode *ti)
{
    if (__atomic_sub_fetch(&ti->io, 1, __ATOMIC_ACQ_REL) == 0)
        waitq_wake(&ti->io_waitq, 0);
}

void tmpfs_lock_quiet(struct tmpfs_inode *ti)
{
    struct waiter w;
    mutex_lock(&ti->shm.lock);
    while (__atomic_load_n(&ti->io, __ATOMIC_ACQUIRE)) {
        mutex_unlock(&ti->shm.lock);
        waitq_add(&ti->io_waitq, &w);
        if (__atomic_load_n(&ti->io, __ATOMIC_ACQUIRE))
            (void)thread_block(KTIME_NEVER, false);
        waitq_del(&ti->io_waitq, &w);
        mutex_lock(&ti->shm.lock);
    }
}

static size_t all_pages; /* [a] of all file systems */

size_t tmpfs_pages(void)
{
    return __atomic_load_n(&all_pages, __ATOMIC_RELAXED);
}

int tmpfs_count_locked(struct tmpfs_inode *ti, uint64_t n)
{
    struct tmpfs_super *ts = tmpfs_super_of(&ti->inode);
    if (__atomic_add_fetch(&ts->pages, n, __ATOMIC_RELAXED) > ts->max_pages) {
        __atomic_sub_fetch(&ts->pages, n, __ATOMIC_RELAXED);
        return -ENOSPC;
    }
    __atomic_add_fetch(&all_pages, n, __ATOMIC_RELAXED);
    ti->npages += n;
    return 0;
}

void tmpfs_uncount_locked(struct tmpfs_inode *ti, uint64_t n)
{
    ti->npages -= n;
    __atomic_sub_fetch(&all_pages, n, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&tmpfs_super_of(&ti->inode)->pages, n, __ATOMIC_RELAXED);
}

void *tmpfs_page_locked(struct tmpfs_inode *ti, pgoff_t index, unsigned access)
{
    void *page = shmem_has_windows(&ti->shm) ? shmem_open(&ti->shm, index, access) : NULL;
    return page ? page : pagetree_get(&ti->pages, index);
}

void tmpfs_page_done_locked(struct tmpfs_inode *ti, pgoff_t index)
{
    if (shmem_has_windows(&ti->shm))
        shmem_close(&ti->shm, index);
}

void *tmpfs_page_get_locked(struct tmpfs_inode *ti, pgoff_t index, int *err)
{
    void *page = tmpfs_page_locked(ti, index, MM_WRITE);
    if (page)
        return page;
    *err = tmpfs_count_locked(ti, 1);
    if (*err)
        return NULL;
    page = kpages_alloc(1);
    *err = page ? pagetree_set(&ti->pages, index, page) : -ENOSPC;
    if (!*err)
        return page;
    if (page)
        kpages_free(page, 1);
    tmpfs_uncount_locked(ti, 1);
    return NULL;
}

/* Frees the pages [from, to). With io 0. */
static void pages_free_locked(struct tmpfs_inode *ti, pgoff_t from, pgoff_t to)
{
    uint64_t index = from, freed = shmem_drop(&ti->shm, from, to);
    while (pagetree_next(&ti->pages, &index) && index < to) {
        kpages_free(pagetree_remove(&ti->pages, index), 1);
        freed++;
    }
    tmpfs_uncount_locked(ti, freed);
}

/* Zeroes bytes [from, to) of a page, if it is there. */
static void page_clear_locked(struct tmpfs_inode *ti, pgoff_t index, size_t from, size_t to)
{
    char *page = tmpfs_page_locked(ti, index, MM_WRITE);
    if (!page)
        return;
    memset(page + from, 0, to - from);
    tmpfs_page_done_locked(ti, index);
}

/* Zeroes [from, to) without adding pages; whole pages are freed. With io 0. */
static void range_clear_locked(struct tmpfs_inode *ti, int64_t from, int64_t to)
{
    pgoff_t first = (pgoff_t)(from + (int64_t)PAGE_SIZE - 1) >> PAGE_SHIFT;
    pgoff_t last = (pgoff_t)to >> PAGE_SHIFT;
    size_t head = (size_t)from % PAGE_SIZE, tail = (size_t)to % PAGE_SIZE;
    if (head)
        page_clear_locked(ti, first - 1, head, first - 1 == last ? tail : PAGE_SIZE);
    if (tail && (!head || last != first - 1))
        page_clear_locked(ti, last, 0, tail);
    if (first < last)
        pages_free_locked(ti, first, last);
}

int tmpfs_data_truncate(struct tmpfs_inode *ti, int64_t size)
{
    if (size < 0)
        return -EINVAL;
    if (size > TMPFS_FILE_MAX)
        return -EFBIG;
    tmpfs_lock_quiet(ti);
    int err = tmpfs_sealed_size_locked(ti, size);
    if (!err) {
        if (size < ti->size)
            range_clear_locked(ti, size, ALIGN_UP(ti->size, (int64_t)PAGE_SIZE));
        ti->size = size;
    }
    mutex_unlock(&ti->shm.lock);
    if (!err)
        tmpfs_touch(ti);
    return err;
}

/* Adds the pages of [off, end); on failure those that were added stay, as Linux allows. */
static int reserve_locked(struct tmpfs_inode *ti, int64_t off, int64_t end)
{
    struct tmpfs_super *ts = tmpfs_super_of(&ti->inode);
    uint64_t last = (uint64_t)(end - 1) >> PAGE_SHIFT;
    int err = 0;
    if (last - ((uint64_t)off >> PAGE_SHIFT) > ts->max_pages)
        return -ENOSPC;
    for (uint64_t i = (uint64_t)off >> PAGE_SHIFT; i <= last && !err; i++) {
        unsigned state;
        shmem_run(&ti->shm, i, 1, &state);
        if (!(state & PAGE_PRESENT))
            (void)tmpfs_page_get_locked(ti, i, &err);
    }
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
    tmpfs_lock_quiet(ti);
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        err = tmpfs_sealed_hole_locked(ti);
    if (!err && !(mode & FALLOC_FL_PUNCH_HOLE) && end > ti->size)
        err = tmpfs_sealed_size_locked(ti, end);
    if (!err && mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        range_clear_locked(ti, off, end);
    if (!err && !(mode & FALLOC_FL_PUNCH_HOLE))
        err = reserve_locked(ti, off, end);
    if (!err && !(mode & FALLOC_FL_KEEP_SIZE))
        ti->size = MAX(ti->size, end);
    mutex_unlock(&ti->shm.lock);
    if (!err)
        tmpfs_touch(ti);
    return err;
}

static bool is_zero(const void *page)
{
    const uint64_t *word = page;
    for (size_t i = 0; i < PAGE_SIZE / sizeof(*word); i++)
        if (word[i])
            return false;
    return true;
}

/* A page that came in because a hole near it was touched is one as long as nobody has written to it. */
static bool has_data(struct tmpfs_inode *ti, pgoff_t index)
{
    unsigned state;
    shmem_run(&ti->shm, index, 1, &state);
    if (state & PAGE_HOLE) {
        bool zero = is_zero(shmem_open(&ti->shm, index, MM_READ));
        shmem_close(&ti->shm, index);
        return !zero;
    }
    return (state & PAGE_PRESENT) || pagetree_get(&ti->pages, index);
}

/* The first offset at or after off that is in a hole; the end of the file is one. */
static int64_t hole_from(struct tmpfs_inode *ti, int64_t off)
{
    while (off < ti->size && has_data(ti, (pgoff_t)off >> PAGE_SHIFT))
        off = ALIGN_DOWN(off, (int64_t)PAGE_SIZE) + (int64_t)PAGE_SIZE;
    return MIN(off, ti->size);
}

/* The first page at or above *index that may have data. */
static bool page_next(struct tmpfs_inode *ti, pgoff_t *index)
{
    pgoff_t placed = *index;
    bool found = shmem_next(&ti->shm, &placed);
    if (!pagetree_next(&ti->pages, index))
        *index = found ? placed : *index;
    else if (!found)
        return true;
    else
        *index = MIN(*index, placed);
    return found;
}

static int64_t data_from(struct tmpfs_inode *ti, int64_t off)
{
    pgoff_t index = (uint64_t)off >> PAGE_SHIFT;
    bool found;
    while ((found = page_next(ti, &index)) && !has_data(ti, index))
        index++;
    if (!found)
        return -ENXIO;
    int64_t at = MAX(off, (int64_t)(index << PAGE_SHIFT));
    return at < ti->size ? at : -ENXIO;
}

int64_t tmpfs_data_seek(struct tmpfs_inode *ti, int64_t off, int whence)
{
    int64_t ret = -ENXIO;
    mutex_lock(&ti->shm.lock);
    if (off >= 0 && off < ti->size)
        ret = whence == SEEK_DATA ? data_from(ti, off) : hole_from(ti, off);
    mutex_unlock(&ti->shm.lock);
    return ret;
}

int64_t tmpfs_data_size(struct tmpfs_inode *ti)
{
    return __atomic_load_n(&ti->size, __ATOMIC_RELAXED);
}

void tmpfs_data_free(struct tmpfs_inode *ti)
{
    pages_free_locked(ti, 0, UINT64_MAX);
    shmem_fini(&ti->shm);
}
