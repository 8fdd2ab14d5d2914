/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing tmpfs files, in two ways: as long as nobody has mapped the file shared, with its pages
 * held by `io` while they are copied; then with the lock held (tmpfs_impl.h says why).
 */
#include "kernel/fs/tmpfs/tmpfs_impl.h"
#include "kernel/mm/mm.h"

#define BATCH 16U /* pages copied for one taking of the lock */
#define TRIES 16U /* at a page that the program's memory does not let in */

/* Bytes at pos that one step of at most `pages` pages reads. */
static size_t readable_locked(const struct tmpfs_inode *ti, const struct uio *u, int64_t pos,
                              size_t pages)
{
    size_t bytes = pos < ti->size ? (size_t)(ti->size - pos) : 0;
    return MIN(MIN(bytes, u->left), pages * PAGE_SIZE - (size_t)pos % PAGE_SIZE);
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

/* With the lock, which it gives up. */
static int read_held(struct tmpfs_inode *ti, struct uio *u, int64_t pos) RELEASE(ti->shm.lock)
{
    char *page[BATCH] = {NULL};
    size_t from = (size_t)pos % PAGE_SIZE, bytes = readable_locked(ti, u, pos, BATCH);
    int err = 0;
    for (size_t i = 0; i * PAGE_SIZE < from + bytes; i++)
        page[i] = pagetree_get(&ti->pages, ((pgoff_t)pos >> PAGE_SHIFT) + i);
    __atomic_add_fetch(&ti->io, 1, __ATOMIC_ACQUIRE);
    mutex_unlock(&ti->shm.lock);
    if (bytes)
        err = read_pages(u, page, from, bytes);
    tmpfs_io_end(ti);
    return err;
}

/* With the lock, which it gives up: -EFAULT when the program's page must be brought in. */
static int read_locked(struct tmpfs_inode *ti, struct uio *u, int64_t pos) RELEASE(ti->shm.lock)
{
    size_t from = (size_t)pos % PAGE_SIZE, bytes = readable_locked(ti, u, pos, 1);
    pgoff_t index = (pgoff_t)pos >> PAGE_SHIFT;
    char *page = tmpfs_page_locked(ti, index, MM_READ);
    u->locked = true;
    int err = page ? uio_put(u, page + from, bytes) : uio_zero(u, bytes);
    u->locked = false;
    tmpfs_page_done_locked(ti, index);
    mutex_unlock(&ti->shm.lock);
    return err;
}

int tmpfs_data_read(struct tmpfs_inode *ti, struct uio *u, int64_t *pos)
{
    unsigned tries = 0;
    int err = 0;
    while (u->left && !err) {
        size_t before = u->done;
        mutex_lock(&ti->shm.lock);
        bool shared = ti->shared;
        err = shared ? read_locked(ti, u, *pos) : read_held(ti, u, *pos);
        *pos += (int64_t)(u->done - before);
        tries = u->done > before ? 0 : tries + 1;
        if (shared && err && tries < TRIES)
            err = uio_fault_in(u, true);
        else if (u->done == before)
            break;
    }
    return err;
}

static void grow_locked(struct tmpfs_inode *ti, int64_t end)
{
    if (end > ti->size)
        ti->size = end;
}

/* With the lock, which it gives up: n bytes to a page that is there. */
static int write_held(struct tmpfs_inode *ti, struct uio *u, char *to, size_t n)
    RELEASE(ti->shm.lock)
{
    __atomic_add_fetch(&ti->io, 1, __ATOMIC_ACQUIRE);
    mutex_unlock(&ti->shm.lock);
    return uio_get(u, to, n);
}

/* One page's worth at *pos; *again: what the program writes must be brought in first. */
static int write_page(struct tmpfs_inode *ti, struct uio *u, int64_t *pos, bool *again)
{
    size_t from = (size_t)*pos % PAGE_SIZE, n = MIN(PAGE_SIZE - from, u->left), before = u->done;
    pgoff_t index = (pgoff_t)*pos >> PAGE_SHIFT;
    mutex_lock(&ti->shm.lock);
    bool shared = ti->shared;
    int err = tmpfs_sealed_write_locked(ti, *pos + (int64_t)n);
    char *page = err ? NULL : tmpfs_page_get_locked(ti, index, &err);
    if (page && shared) {
        u->locked = true;
        err = uio_get(u, page + from, n);
        u->locked = false;
        tmpfs_page_done_locked(ti, index);
        *again = err != 0;
    } else if (page) {
        err = write_held(ti, u, page + from, n);
        mutex_lock(&ti->shm.lock);
    }
    *pos += (int64_t)(u->done - before);
    if (u->done > before)
        grow_locked(ti, *pos);
    mutex_unlock(&ti->shm.lock);
    if (page && !shared)
        tmpfs_io_end(ti);
    return err;
}

int tmpfs_data_write(struct tmpfs_inode *ti, struct uio *u, int64_t *pos, bool append)
{
    size_t start = u->done;
    unsigned tries = 0;
    int err = 0;
    if (append)
        *pos = tmpfs_data_size(ti);
    while (u->left && !err) {
        size_t before = u->done;
        bool again = false;
        if (*pos > TMPFS_FILE_MAX - (int64_t)PAGE_SIZE)
            err = -EFBIG;
        else
            err = write_page(ti, u, pos, &again);
        tries = u->done > before ? 0 : tries + 1;
        if (again && tries < TRIES)
            err = uio_fault_in(u, false);
    }
    if (u->done > start)
        tmpfs_touch(ti);
    return u->done > start ? 0 : err;
}
