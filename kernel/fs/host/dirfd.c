/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of host directories, and handles: descriptors to act on any inode with.
 *
 *   CLOSED --pin--> OPEN, pinned --unpin--> OPEN, on the LRU list --too many open--> CLOSED
 *
 * A closed directory is opened again by its name in its parent, from the nearest ancestor that is open,
 * downwards; a mount's root is never closed.  What is opened must be the directory that the
 * inode stands for (device and number), or it is gone: -ENOENT.
 */
#include "kernel/fs/host/host_impl.h"
#include "kernel/fs/host/table.h"

#define OPEN_DIR (O_PATH | O_DIRECTORY | O_NOFOLLOW)

static bool try_pin(struct host_inode *dir)
{
    bool ok = false;
    spin_lock(&host_table.lock);
    if (dir->fd >= 0) {
        dir->pins++;
        list_del(&dir->lru_link);
        ok = true;
    }
    spin_unlock(&host_table.lock);
    return ok;
}

void host_dir_unpin(struct host_inode *dir)
{
    spin_lock(&host_table.lock);
    if (--dir->pins == 0 && dir->parent)
        list_add_tail(&host_table.lru, &dir->lru_link);
    spin_unlock(&host_table.lock);
}

/* With the lock held: the descriptor of the oldest directory, to be closed by the caller; or -1. */
static int evict_locked(void)
{
    if (host_table.open <= HOST_DIRS_MAX)
        return -1;
    struct list *l = list_pop(&host_table.lru);
    if (!l)
        return -1;
    struct host_inode *old = list_entry(l, struct host_inode, lru_link);
    int fd = old->fd;
    old->fd = -1;
    host_table.open--;
    return fd;
}

void host_dir_offer(struct host_inode *dir, int fd)
{
    int drop = fd;
    spin_lock(&host_table.lock);
    if (dir->fd < 0) {
        dir->fd = fd;
        host_table.open++;
        drop = evict_locked();
        if (dir->parent && !dir->pins && list_empty(&dir->lru_link))
            list_add_tail(&host_table.lru, &dir->lru_link);
    }
    spin_unlock(&host_table.lock);
    if (drop >= 0)
        ocall_close(drop);
}

static bool same_file(const struct host_inode *hi, const struct statx *st)
{
    return st->stx_ino == hi->id.ino && (st->stx_mode & S_IFMT) == hi->id.type &&
           ((uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor) == hi->id.dev;
}

/* Opens dir, whose parent is open; with names held. */
static int open_in_parent(struct host_inode *dir)
{
    struct statx st;
    if (!dir->parent || !try_pin(dir->parent))
        return -ENOENT;
    long fd = ocall_open(dir->parent->fd, dir->name, OPEN_DIR, 0, &st);
    host_dir_unpin(dir->parent);
    if (fd < 0)
        return (int)fd;
    if (host_stat_check(&st) || !same_file(dir, &st)) {
        ocall_close((int)fd);
        return -ENOENT;
    }
    host_dir_offer(dir, (int)fd);
    return 0;
}

static int pin_locked(struct host_inode *dir, int *fd)
{
    while (!try_pin(dir)) {
        struct host_inode *top = dir;
        while (top->parent && top->parent->fd < 0)
            top = top->parent;
        int err = open_in_parent(top);
        if (err)
            return err;
    }
    *fd = dir->fd;
    return 0;
}

int host_dir_pin(struct host_inode *dir, int *fd)
{
    if (likely(try_pin(dir))) {
        *fd = dir->fd;
        return 0;
    }
    mutex_lock(&host_table.names);
    int err = pin_locked(dir, fd);
    mutex_unlock(&host_table.names);
    return err;
}

long host_open_by_name(struct host_inode *hi, uint32_t flags, struct statx *st)
{
    int dirfd;
    mutex_lock(&host_table.names);
    struct host_inode *parent = hi->parent;
    long fd = -ENOENT;
    if (parent) {
        fd = pin_locked(parent, &dirfd);
        if (!fd) {
            fd = ocall_open(dirfd, hi->name, flags | O_NOFOLLOW, 0, st);
            host_dir_unpin(parent);
        }
    }
    mutex_unlock(&host_table.names);
    if (fd < 0)
        return fd;
    int err = host_stat_check(st);
    if (err) {
        ocall_close((int)fd);
        return err;
    }
    return fd;
}

int host_handle_get(struct host_inode *hi, struct host_handle *h)
{
    struct statx st;
    *h = (struct host_handle){.fd = -1};
    if (S_ISDIR(hi->inode.mode)) {
        int err = host_dir_pin(hi, &h->fd);
        if (!err)
            h->dir = hi;
        return err;
    }
    if (hi->ours) {
        h->fd = hi->fd;
        return 0;
    }
    struct host_file *hf = host_inode_open_file(hi);
    if (hf) {
        h->file = &hf->file;
        h->fd = hf->fd;
        return 0;
    }
    long fd = host_open_by_name(hi, O_PATH, &st);
    if (fd < 0)
        return (int)fd;
    h->fd = (int)fd;
    h->own = true;
    if (same_file(hi, &st))
        return 0;
    host_handle_put(h);
    return -ENOENT;
}

void host_handle_put(struct host_handle *h)
{
    if (h->dir)
        host_dir_unpin(h->dir);
    if (h->file)
        file_put(h->file);
    if (h->own)
        ocall_close(h->fd);
}
