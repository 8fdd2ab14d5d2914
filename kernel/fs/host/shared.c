/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared mappings of host files (mm/shmem.h): one object an inode, whose pages are filled from the file.
 *
 *   absent --touched--> clean --written--> dirty --msync, fsync, last mapping that can write--> clean
 *
 * Who reads or writes the file by read(2) and write(2) in the same enclave must see the same bytes: a read takes
 * dirty pages from the object and all else from the host; a write goes to the host and into the pages that
 * are here, dirty or not, and a new size likewise, both under the lock: else a page that is written
 * back meanwhile would bring old bytes, or the old size, back.  The host's own processes see what was
 * written back.
 *
 * Any open file of the inode serves for reading and writing: while it is mapped there is one for reading,
 * while pages can be dirty one for writing (the mappings have them).
 *
 * Lock: the object's; host_table.lock for the list of objects that reclaim and sync(2) go round.
 */
#include <linux/falloc.h>

#include "kernel/fs/host/host_impl.h"
#include "kernel/fs/host/table.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/reclaim.h"
#include "kernel/mm/shmem.h"

#define WRITE_PIECE (64UL * 1024) /* of a write: what goes under one hold of the lock */
#define TRIES 16U                 /* at a page that the program's memory does not let in */
#define CLEAN_KEPT \
    64UL /* pages of an object that reclaim leaves, so that an instruction finds all its */

struct host_shared {
    struct shmem shm;
    struct host_inode *hi; /* [I] that has it */
    struct list link;      /* [host lock] */
    pgoff_t hand;          /* [shm] where reclaim goes on */
};

static struct list objects = LIST_INIT(objects); /* [host lock] */

static struct host_shared *shared_of(struct shmem *s)
{
    return container_of(s, struct host_shared, shm);
}

static pgoff_t index_of(int64_t off)
{
    return (pgoff_t)off >> PAGE_SHIFT;
}

/* An open file (a reference) that data can be read from, or written to. */
static struct host_file *opened(struct host_shared *hs, bool write)
{
    return host_inode_open_for(hs->hi, write);
}

/* --- reclaim -------------------------------------------------------------------------------- */

/* Drops clean pages of one object from its hand on: how many, at most n. */
static size_t shrink_locked(struct host_shared *hs, size_t n)
{
    size_t clean = shmem_clean(&hs->shm), gone = 0;
    pgoff_t at = hs->hand;
    if (clean <= CLEAN_KEPT)
        return 0;
    n = MIN(n, clean - CLEAN_KEPT);
    for (unsigned round = 0; gone < n && round < 2;) {
        unsigned state;
        if (!shmem_next(&hs->shm, &at)) {
            at = 0;
            round++;
            continue;
        }
        size_t run = shmem_run(&hs->shm, at, n - gone, &state);
        if (!(state & PAGE_DIRTY))
            gone += shmem_drop(&hs->shm, at, at + run);
        at += run;
    }
    hs->hand = at;
    return gone;
}

/* --- pages come in and are written back ----------------------------------------------------- */

/* n absent pages. */
static int fill_run(struct shmem *s, const struct shmem_fill *f, pgoff_t index, size_t n,
                    int64_t size)
{
    struct host_file *hf = host_file_of(f->file);
    int64_t off = (int64_t)(index << PAGE_SHIFT);
    size_t bytes = MIN(n * PAGE_SIZE, (size_t)(size - off));
    char *staging = shmem_staging(f);
    struct uio_seg seg;
    struct uio u;
    if (!staging)
        return -ENOMEM;
    uio_init_kernel(&u, &seg, staging, bytes);
    int err = ocall_pread_uio(hf->fd, &u, off);
    if (err || u.done < bytes)
        return -EIO; /* it cannot be read, or was cut just now */
    memset(staging + bytes, 0, n * PAGE_SIZE - bytes);
    err = shmem_add_copy(s, f->mm, index, n, staging);
    /* Reclaim has passed this object over, whose lock we hold. */
    if (err == -ENOMEM && shrink_locked(shared_of(s), n + SHMEM_STAGING))
        err = shmem_add_copy(s, f->mm, index, n, staging);
    return err;
}

static int host_fill(struct shmem *s, const struct shmem_fill *f)
{
    int64_t size = host_size_now(host_file_of(f->file));
    pgoff_t pages = size > 0 ? index_of(size - 1) + 1 : 0;
    pgoff_t index = f->first, end = MIN(f->first + f->n, pages);
    int err = 0;
    if (f->need >= pages)
        return -EIO;
    while (index < end && !err) {
        unsigned state;
        size_t n = shmem_run(s, index, MIN(end - index, SHMEM_STAGING), &state);
        if (!(state & PAGE_PRESENT))
            err = fill_run(s, f, index, n, size);
        index += n;
    }
    return err;
}

static int write_out(int fd, void *pages, size_t bytes, int64_t off)
{
    struct uio_seg seg;
    struct uio u;
    uio_init_kernel(&u, &seg, pages, bytes);
    int err = ocall_pwrite_uio(fd, &u, off);
    return err || u.done == bytes ? err : -EIO;
}

static int host_write_back(struct shmem *s, pgoff_t first, size_t n, void *pages)
{
    struct host_file *hf = opened(shared_of(s), true);
    int64_t off = (int64_t)(first << PAGE_SHIFT);
    if (!hf)
        return -EBADF;
    /* Nothing is written beyond the end: the file does not grow by being mapped. */
    int64_t size = ocall_size(hf->fd);
    int err = size < 0 ? (int)size : 0;
    if (!err && off < size)
        err = write_out(hf->fd, pages, MIN(n * PAGE_SIZE, (size_t)(size - off)), off);
    file_put(&hf->file);
    return err;
}

static const struct shmem_ops host_shmem_ops = {
    .fill = host_fill,
    .write_back = host_write_back,
};

/* --- objects -------------------------------------------------------------------------------- */

static struct host_shared *object_of(const struct host_file *hf)
{
    const struct inode *i = hf->file.inode;
    return i ? __atomic_load_n(&container_of(i, struct host_inode, inode)->shared, __ATOMIC_ACQUIRE)
             : NULL;
}

int host_share(struct file *f, struct shmem **out)
{
    struct host_inode *hi = host_inode_of(f->inode);
    if (!hi->shared) {
        struct host_shared *hs = kzalloc(sizeof(*hs));
        if (!hs)
            return -ENOMEM;
        shmem_init(&hs->shm, &host_shmem_ops, 0);
        hs->hi = hi;
        list_init(&hs->link);
        spin_lock(&host_table.lock);
        bool first = !hi->shared;
        if (first) {
            __atomic_store_n(&hi->shared, hs, __ATOMIC_RELEASE);
            list_add_tail(&objects, &hs->link);
        }
        spin_unlock(&host_table.lock);
        if (!first)
            kfree(hs);
    }
    *out = &hi->shared->shm;
    return 0;
}

void host_shared_free(struct host_inode *hi)
{
    struct host_shared *hs = hi->shared;
    if (!hs)
        return;
    spin_lock(&host_table.lock);
    list_del(&hs->link);
    spin_unlock(&host_table.lock);
    shmem_fini(&hs->shm);
    kfree(hs);
}

/* The next object behind hs (the first: NULL) whose inode lives: with a reference on that. */
static struct host_shared *object_next(struct host_shared *hs)
{
    struct host_shared *found = NULL;
    spin_lock(&host_table.lock);
    for (struct list *l = hs ? hs->link.next : objects.next; l != &objects && !found; l = l->next) {
        struct host_shared *next = list_entry(l, struct host_shared, link);
        if (host_inode_get_live(next->hi))
            found = next;
    }
    spin_unlock(&host_table.lock);
    if (hs)
        inode_put(&hs->hi->inode);
    return found;
}

static int object_sync(struct host_shared *hs)
{
    mutex_lock(&hs->shm.lock);
    int err = shmem_sync(&hs->shm, 0, UINT64_MAX);
    mutex_unlock(&hs->shm.lock);
    return err;
}

int host_shared_sync(struct host_file *hf)
{
    struct host_shared *hs = object_of(hf);
    return hs ? object_sync(hs) : 0;
}

int host_shared_sync_all(struct super *sb)
{
    int err = 0;
    for (struct host_shared *hs = object_next(NULL); hs; hs = object_next(hs)) {
        int err2 = hs->hi->inode.super == sb ? object_sync(hs) : 0;
        err = err ? err : err2;
    }
    return err;
}

/* --- reads ---------------------------------------------------------------------------------- */

/* One page's worth of a dirty page, with the lock. -EFAULT: the program's page must be brought in. */
static int read_page_locked(struct host_shared *hs, struct uio *u, int64_t off, size_t n)
{
    size_t from = (size_t)off % PAGE_SIZE;
    const char *page = shmem_open(&hs->shm, index_of(off), MM_READ);
    u->locked = true;
    int err = uio_put(u, page + from, MIN(n, PAGE_SIZE - from));
    u->locked = false;
    shmem_close(&hs->shm, index_of(off));
    return err;
}

/* How many bytes from off on, at most n, lie in pages that are dirty, or in pages that are not (*dirty). */
static size_t run_locked(struct host_shared *hs, int64_t off, size_t n, bool *dirty)
{
    pgoff_t first = index_of(off), end = index_of(off + (int64_t)n - 1) + 1, at = first;
    *dirty = false;
    while (at < end) {
        unsigned state;
        size_t run = shmem_run(&hs->shm, at, end - at, &state);
        bool is = state & PAGE_DIRTY;
        if (at > first && is != *dirty)
            break;
        *dirty = is;
        at += run;
    }
    return MIN(n, (at << PAGE_SHIFT) - (size_t)off);
}

/* What the host has: n bytes of it, less at the end. */
static int read_host(struct host_file *hf, struct uio *u, int64_t off, size_t n)
{
    size_t rest = u->left - n;
    u->left = n;
    int err = host_plain_read(hf, u, off);
    u->left += rest;
    return err;
}

/* Up to the end of the run at off: bytes moved are u->done; 0 of them: the end of the file. */
static int read_run(struct host_file *hf, struct host_shared *hs, struct uio *u, int64_t off)
{
    int64_t size = host_size_now(hf);
    bool dirty;
    if (off >= size)
        return size < 0 ? (int)size : 0;
    mutex_lock(&hs->shm.lock);
    size_t n = run_locked(hs, off, MIN(u->left, (size_t)(size - off)), &dirty);
    int err = dirty ? read_page_locked(hs, u, off, n) : 0;
    mutex_unlock(&hs->shm.lock);
    return dirty ? err : read_host(hf, u, off, n);
}

bool host_shared_read(struct host_file *hf, struct uio *u, int64_t off, int *err)
{
    struct host_shared *hs = object_of(hf);
    unsigned tries = 0;
    if (likely(!hs) || !shmem_has_windows(&hs->shm))
        return false;
    *err = 0;
    while (u->left && !*err) {
        size_t before = u->done;
        *err = read_run(hf, hs, u, off);
        off += (int64_t)(u->done - before);
        tries = u->done > before ? 0 : tries + 1;
        if (*err == -EFAULT && tries < TRIES)
            *err = uio_fault_in(u, true);
        else if (u->done == before)
            break;
    }
    return true;
}

/* --- writes and sizes ----------------------------------------------------------------------- */

/* Bytes [from, to) of a page that is here are as the host has them, or zero (hf NULL). */
static void refresh_page(struct host_shared *hs, const struct host_file *hf, pgoff_t index,
                         size_t from, size_t to)
{
    char *page = shmem_open(&hs->shm, index, MM_WRITE);
    if (!page)
        return;
    long got = hf ? ocall_pread(hf->fd, page + from, to - from,
                                (int64_t)(index << PAGE_SHIFT) + (int64_t)from)
                  : 0;
    if (got < 0)
        got = 0;
    memset(page + from + got, 0, to - from - (size_t)got);
    shmem_close(&hs->shm, index);
}

static void refresh_locked(struct host_shared *hs, const struct host_file *hf, int64_t off,
                           int64_t end)
{
    pgoff_t index = index_of(off);
    while (shmem_next(&hs->shm, &index) && (int64_t)(index << PAGE_SHIFT) < end) {
        int64_t start = (int64_t)(index << PAGE_SHIFT), stop = start + (int64_t)PAGE_SIZE;
        refresh_page(hs, hf, index, (size_t)(MAX(off, start) - start),
                     (size_t)(MIN(end, stop) - start));
        index++;
    }
}

void host_shared_wrote(struct host_file *hf, int64_t off, size_t n)
{
    struct host_shared *hs = object_of(hf);
    if (likely(!hs) || !n || !shmem_has_windows(&hs->shm))
        return;
    struct host_file *reader = opened(hs, false);
    if (!reader)
        return; /* nobody maps it any more */
    if (off < 0) {
        off = ocall_size(hf->fd) - (int64_t)n; /* it was appended */
        off = MAX(off, 0);
    }
    mutex_lock(&hs->shm.lock);
    refresh_locked(hs, reader, off, off + (int64_t)n);
    mutex_unlock(&hs->shm.lock);
    file_put(&reader->file);
}

/* n bytes, less than fit in a page, of src are what the file has at off now. */
static void page_write_locked(struct host_shared *hs, int64_t off, const char *src, size_t n)
{
    char *page = shmem_open(&hs->shm, index_of(off), MM_WRITE);
    if (!page)
        return;
    memcpy(page + (size_t)off % PAGE_SIZE, src, n);
    shmem_close(&hs->shm, index_of(off));
}

/* To the host and into the pages: bytes, or -errno. */
static int64_t write_locked(struct host_file *hf, struct host_shared *hs, char *buf, size_t n,
                            int64_t off)
{
    struct uio_seg seg;
    struct uio u;
    uio_init_kernel(&u, &seg, buf, n);
    int err = ocall_pwrite_uio(hf->fd, &u, off);
    if (err)
        return err;
    if (off < 0)
        off = MAX(ocall_size(hf->fd) - (int64_t)u.done, 0); /* it was appended */
    for (size_t at = 0, part; at < u.done; at += part) {
        int64_t to = off + (int64_t)at;
        part = MIN(u.done - at, PAGE_SIZE - (size_t)to % PAGE_SIZE);
        page_write_locked(hs, to, buf + at, part);
    }
    return (int64_t)u.done;
}

/* One piece of a write; it has been copied first, since a copy may fault, which wants the lock. */
static int64_t write_piece(struct host_file *hf, struct host_shared *hs, struct uio *u, char *buf,
                           int64_t off)
{
    struct uio ahead = *u;
    int err = uio_get(&ahead, buf, MIN(u->left, WRITE_PIECE));
    size_t n = ahead.done - u->done;
    if (!n && err)
        return err;
    mutex_lock(&hs->shm.lock);
    int64_t done = write_locked(hf, hs, buf, n, off);
    mutex_unlock(&hs->shm.lock);
    if (done > 0)
        uio_skip(u, (size_t)done);
    return done;
}

bool host_shared_write(struct host_file *hf, struct uio *u, int64_t off, int *err)
{
    struct host_shared *hs = object_of(hf);
    if (likely(!hs) || !u->left)
        return false;
    char *buf = kmalloc(MIN(u->left, WRITE_PIECE));
    size_t start = u->done;
    int64_t done = buf ? 0 : -ENOMEM;
    while (buf && u->left) {
        size_t want = MIN(u->left, WRITE_PIECE);
        done = write_piece(hf, hs, u, buf, off < 0 ? off : off + (int64_t)(u->done - start));
        if (done < (int64_t)want)
            break;
    }
    kfree(buf);
    *err = done < 0 && u->done == start ? (int)done : 0;
    return true;
}

/* Pages wholly in [off, end) go, of others these bytes become zero. */
static void clear_locked(struct host_shared *hs, int64_t off, int64_t end)
{
    pgoff_t first = index_of(off + (int64_t)PAGE_SIZE - 1), last = index_of(end);
    if (first < last)
        shmem_drop(&hs->shm, first, last);
    refresh_locked(hs, NULL, off, end);
}

static void cut_locked(struct host_shared *hs, int64_t size)
{
    if (shmem_has_windows(&hs->shm))
        clear_locked(hs, size, INT64_MAX - (int64_t)PAGE_SIZE);
}

void host_shared_cut(struct inode *i, int64_t size)
{
    struct host_shared *hs = __atomic_load_n(&host_inode_of(i)->shared, __ATOMIC_ACQUIRE);
    if (likely(!hs))
        return;
    mutex_lock(&hs->shm.lock);
    cut_locked(hs, size);
    mutex_unlock(&hs->shm.lock);
}

int host_shared_truncate(struct inode *i, int fd, int64_t size)
{
    struct host_shared *hs = __atomic_load_n(&host_inode_of(i)->shared, __ATOMIC_ACQUIRE);
    if (likely(!hs)) {
        int plain = ocall_ftruncate(fd, size);
        if (!plain)
            host_shared_cut(i, size); /* it may have been mapped just now */
        return plain;
    }
    mutex_lock(&hs->shm.lock);
    int err = ocall_ftruncate(fd, size);
    if (!err)
        cut_locked(hs, size);
    mutex_unlock(&hs->shm.lock);
    return err;
}

int host_shared_fallocate(struct host_file *hf, int mode, int64_t off, int64_t len)
{
    struct host_shared *hs = object_of(hf);
    bool moves = mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE);
    if (!hs)
        return ocall_fallocate(hf->fd, mode, off, len);
    mutex_lock(&hs->shm.lock);
    int err = moves ? shmem_sync(&hs->shm, 0, UINT64_MAX) : 0;
    if (!err)
        err = ocall_fallocate(hf->fd, mode, off, len);
    if (!err && (mode & ~FALLOC_FL_KEEP_SIZE))
        clear_locked(hs, off, moves ? INT64_MAX - (int64_t)PAGE_SIZE : off + len);
    mutex_unlock(&hs->shm.lock);
    return err;
}

/* --- as a shrinker -------------------------------------------------------------------------- */

static size_t shrink(size_t n)
{
    size_t gone = 0;
    struct host_shared *hs = object_next(NULL);
    for (; hs; hs = object_next(hs)) {
        if (gone >= n || !mutex_trylock(&hs->shm.lock))
            continue;
        gone += shrink_locked(hs, n - gone);
        mutex_unlock(&hs->shm.lock);
    }
    return gone;
}

void host_shared_init(void)
{
    static struct shrinker shrinker = {.shrink = shrink};
    shrinker_register(&shrinker);
}
