/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared mappings of tmpfs files (mm/shmem.h), and the files without a name that are made for sharing
 * only: anonymous shared memory, memfd_create, System V segments.
 *
 * A page moves to the mappings' place when it is first touched there, and back when it loses the place.
 */
#include "kernel/fs/tmpfs/tmpfs_impl.h"
#include "kernel/mm/pagemap.h"

static struct tmpfs_inode *shared_of(struct shmem *s)
{
    return container_of(s, struct tmpfs_inode, shm);
}

int tmpfs_share(struct file *f, struct shmem **out)
{
    struct tmpfs_inode *ti = tmpfs_inode_of(f->inode);
    tmpfs_lock_quiet(ti);
    ti->shared = true;
    mutex_unlock(&ti->shm.lock);
    *out = &ti->shm;
    return 0;
}

/* n pages of nothing. */
static int fill_hole(struct tmpfs_inode *ti, struct mm *mm, pgoff_t index, size_t n)
{
    if (tmpfs_count_locked(ti, n))
        return -EIO; /* a full file system is SIGBUS */
    int err = shmem_add_zero(&ti->shm, mm, index, n, PAGE_HOLE);
    if (err)
        tmpfs_uncount_locked(ti, n);
    return err;
}

static int fill_page(struct tmpfs_inode *ti, struct mm *mm, pgoff_t index)
{
    int err = shmem_add_copy(&ti->shm, mm, index, 1, pagetree_get(&ti->pages, index));
    if (!err)
        kpages_free(pagetree_remove(&ti->pages, index), 1);
    return err;
}

/* The absent pages [first, end), which share one state, come in. */
static int fill_absent(struct tmpfs_inode *ti, struct mm *mm, pgoff_t first, pgoff_t end)
{
    int err = 0;
    while (first < end && !err) {
        pgoff_t page = first;
        if (!pagetree_next(&ti->pages, &page) || page > end)
            page = end;
        if (page > first)
            err = fill_hole(ti, mm, first, page - first);
        if (!err && page < end)
            err = fill_page(ti, mm, page++);
        first = page;
    }
    return err;
}

static int tmpfs_fill(struct shmem *s, const struct shmem_fill *f)
{
    struct tmpfs_inode *ti = shared_of(s);
    pgoff_t size = ((uint64_t)ti->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
    pgoff_t index = f->first, end = MIN(f->first + f->n, size);
    int err = 0;
    if (f->need >= size)
        return -EIO;
    while (index < end && !err) {
        unsigned state;
        pgoff_t next = index + shmem_run(s, index, end - index, &state);
        if (!(state & PAGE_PRESENT))
            err = fill_absent(ti, f->mm, index, next);
        index = next;
    }
    return err;
}

static int tmpfs_keep(struct shmem *s, pgoff_t index, const void *page)
{
    struct tmpfs_inode *ti = shared_of(s);
    void *copy = kpages_alloc(1);
    if (!copy || pagetree_set(&ti->pages, index, copy)) {
        kpages_free(copy, 1);
        return -ENOMEM;
    }
    memcpy(copy, page, PAGE_SIZE);
    return 0;
}

static void tmpfs_forgot(struct shmem *s, size_t n)
{
    tmpfs_uncount_locked(shared_of(s), n);
}

const struct shmem_ops tmpfs_shmem_ops = {
    .fill = tmpfs_fill,
    .keep = tmpfs_keep,
    .forgot = tmpfs_forgot,
};

struct tmpfs_inode *tmpfs_nameless(char *label, uint64_t size, unsigned flags)
{
    struct tmpfs_inode *ti = tmpfs_inode_new(tmpfs_nameless_super(), S_IFREG | 0777);
    if (!ti) {
        kfree(label);
        return NULL;
    }
    ti->label = label;
    ti->size = (int64_t)size;
    ti->shm.flags = flags;
    return ti;
}

static int file_of(struct tmpfs_inode *ti, struct file **out)
{
    if (!ti)
        return -ENOMEM;
    int err = tmpfs_open(&ti->inode, O_RDWR, out);
    inode_put(&ti->inode);
    return err;
}

int tmpfs_anon_file(const char *name, uint64_t size, struct file **out)
{
    int err = file_of(tmpfs_nameless(NULL, size, SHMEM_EXACT | SHMEM_FORGET), out);
    if (!err)
        (*out)->name = name;
    return err;
}

int tmpfs_segment_file(char *name, uint64_t size, struct file **out)
{
    return file_of(tmpfs_nameless(name, size, SHMEM_EXACT), out);
}
