/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification: pages come from the host, are hashed in enclave memory, and are compared with leaf hashes
 * that have themselves been compared with the measured root.  Nothing is shown before that.
 *
 * What does not match is -EIO for the program (-EACCES for who wants to execute it) and one line for the user, once a
 * file, that says where and what to do.  The host can at any time make reads fail; it cannot make them succeed with
 * other bytes.
 */
#include "kernel/boot/args.h"
#include "kernel/fs/trusted/trusted_impl.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/vfs/uio.h"
#include "lib/format.h"

static struct {
    struct spinlock lock;
    struct list lru; /* [l] inodes with an open descriptor, oldest use first */
    unsigned open;   /* [l] */
} fds = {.lru = LIST_INIT(fds.lru)};

static struct trusted_super *super_of(const struct trusted_inode *ti)
{
    return trusted_super_of(ti->inode.super);
}

static const struct config_node *node_of(const struct trusted_inode *ti)
{
    return trusted_node(super_of(ti), ti->node);
}

/* The one line about a file that is not what was signed: what is wrong, what to do. */
static int complain(struct trusted_inode *ti, const char *what, const char *remedy)
{
    char *path = kmalloc(PATH_MAX);
    const char *name = config_node_name(super_of(ti)->config, ti->node);
    if (path && trusted_table_path(super_of(ti), ti->node, path, PATH_MAX))
        name = path;
    if (!ti->reported)
        log_warn("trusted file %s: %s; %s", name, what, remedy);
    ti->reported = true;
    fs_complain_once();
    kfree(path);
    return -EIO;
}

static int complain_lost(struct trusted_inode *ti, const char *what)
{
    return complain(ti, what, "restore the file, or sign the manifest again");
}

static int complain_at(struct trusted_inode *ti, const char *what, uint64_t off)
{
    char text[80];
    snprintf(text, sizeof(text), "%s (at byte %lu)", what, (unsigned long)off);
    return complain_lost(ti, text);
}

static int complain_size(struct trusted_inode *ti, uint64_t size)
{
    char text[80];
    snprintf(text, sizeof(text), "has %lu bytes, %lu when it was signed", (unsigned long)size,
             (unsigned long)node_of(ti)->size);
    return complain_lost(ti, text);
}

/* The host does not open it.  What it is short of is not said of the file. */
static int complain_open(struct trusted_inode *ti, int err)
{
    char text[40];
    switch (err) {
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE: return err;
    case -ENOENT:
    case -ENOTDIR: complain_lost(ti, "is missing"); return -ENOENT;
    case -EACCES:
    case -EPERM:
        complain(ti, "the host does not let us read it", "give whom cella runs as the right to");
        return -EACCES;
    default:
        snprintf(text, sizeof(text), "cannot be opened (error %d)", -err);
        return complain_lost(ti, text);
    }
}

/* Host descriptors. */

/* Closes the descriptors that are too many; those in use (their cache locked) stay. `mine` is locked by the caller.
 * NO_TSA: the lock of the one that is found is dropped after the search. */
static void fds_trim(struct trusted_inode *mine) NO_TSA
{
    int close_fd = -1;
    struct trusted_inode *old = NULL;
    spin_lock(&fds.lock);
    if (fds.open > TRUSTED_FDS_MAX) {
        list_for_each(it, &fds.lru) {
            struct trusted_inode *ti = list_entry(it, struct trusted_inode, fd_link);
            if (ti == mine || !mutex_trylock(&ti->cache.lock))
                continue;
            old = ti;
            break;
        }
    }
    if (old) {
        close_fd = old->fd;
        old->fd = -1;
        list_del(&old->fd_link);
        fds.open--;
    }
    spin_unlock(&fds.lock);
    if (!old)
        return;
    mutex_unlock(&old->cache.lock);
    ocall_close(close_fd);
}

static void fd_used(struct trusted_inode *ti)
{
    spin_lock(&fds.lock);
    list_del(&ti->fd_link);
    list_add_tail(&fds.lru, &ti->fd_link);
    spin_unlock(&fds.lock);
}

/* Opens the host's file, through links if it is one. */
static long open_following(struct trusted_inode *ti, struct statx *st)
{
    struct trusted_super *ts = super_of(ti);
    char *path = kmalloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    long fd = trusted_host_path(ts, ti->node, NULL, path, PATH_MAX);
    for (int i = 0; !fd && i <= TRUSTED_LINKS_MAX; i++) {
        fd = ocall_open(host_super_fd(ts->host), path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0, st);
        if (fd != -ELOOP)
            break;
        fd = trusted_host_follow(ts, path, PATH_MAX);
        if (!fd && i == TRUSTED_LINKS_MAX)
            fd = -ELOOP;
    }
    kfree(path);
    return fd;
}

static int fd_open(struct trusted_inode *ti)
{
    struct statx st;
    if (ti->fd >= 0) {
        fd_used(ti);
        return 0;
    }
    long fd = open_following(ti, &st);
    if (fd < 0)
        return complain_open(ti, (int)fd);
    bool regular = !host_stat_check(&st) && S_ISREG(st.stx_mode);
    if (!regular || st.stx_size != node_of(ti)->size) {
        ocall_close((int)fd);
        return regular ? complain_size(ti, st.stx_size)
                       : complain_lost(ti, "is no regular file any more");
    }
    ti->fd = (int)fd;
    spin_lock(&fds.lock);
    list_add_tail(&fds.lru, &ti->fd_link);
    fds.open++;
    spin_unlock(&fds.lock);
    fds_trim(ti);
    return 0;
}

/* Leaf hashes. */

static int leaves_load(struct trusted_inode *ti)
{
    const struct config_node *n = node_of(ti);
    const struct boot_args *a = kernel.boot_args;
    uint8_t root[SHA256_HASH_SIZE];
    size_t bytes = config_leaf_count(n->size) * CONFIG_HASH_SIZE;
    if (ti->leaves || !n->size)
        return 0;
    if (bytes > a->side_len || n->data > a->side_len - bytes)
        return complain_lost(ti, "has no leaf hashes in the bundle");
    void *leaves = kmalloc(bytes);
    if (!leaves)
        return -ENOMEM;
    host_in(leaves, a->side + n->data, bytes);
    sha256_hash(leaves, bytes, root);
    if (!crypto_equal(root, n->root, sizeof(root))) {
        kfree(leaves);
        return complain_lost(ti, "has damaged leaf hashes in the bundle");
    }
    ti->leaves = leaves;
    return 0;
}

int trusted_verify_begin(struct trusted_inode *ti)
{
    mutex_lock(&ti->cache.lock);
    int err = leaves_load(ti);
    if (!err)
        err = fd_open(ti);
    mutex_unlock(&ti->cache.lock);
    return err;
}

/* Reading. */

/* The file's bytes for n pages from index on, zeros behind the end; not verified yet. */
static int pages_read(struct trusted_inode *ti, pgoff_t index, void *const page[], size_t n)
{
    struct uio_seg seg[EXTENT_PAGES];
    uint64_t start = index << PAGE_SHIFT;
    size_t want = (size_t)MIN(ti->cache.size - start, (uint64_t)n * PAGE_SIZE);
    for (size_t i = 0; i < n; i++)
        seg[i] = (struct uio_seg){.base = (uintptr_t)page[i], .len = PAGE_SIZE};
    struct uio u = {.seg = seg, .nseg = n, .left = want, .kernel = true};
    while (u.left) {
        size_t before = u.done;
        int err = ocall_pread_uio(ti->fd, &u, (int64_t)(start + u.done));
        if (err)
            return complain_at(ti, "cannot be read", start + u.done);
        if (u.done == before)
            return complain_at(ti, "is shorter than when it was signed", start + u.done);
    }
    if (want % PAGE_SIZE)
        memset((char *)page[want / PAGE_SIZE] + want % PAGE_SIZE, 0, PAGE_SIZE - want % PAGE_SIZE);
    return 0;
}

int trusted_fill(struct pagecache *c, pgoff_t index, void *const page[], size_t n)
{
    struct trusted_inode *ti = container_of(c, struct trusted_inode, cache);
    uint8_t hash[EXTENT_PAGES][SHA256_HASH_SIZE];
    int err = leaves_load(ti);
    if (!err)
        err = fd_open(ti);
    if (!err)
        err = pages_read(ti, index, page, n);
    if (err)
        return err;
    uint64_t last = c->size - ((index + n - 1) << PAGE_SHIFT);
    sha256_hash_pages(page, n, PAGE_SIZE, (size_t)MIN(last, PAGE_SIZE), hash);
    for (size_t i = 0; i < n; i++)
        if (!crypto_equal(hash[i], ti->leaves[index + i], sizeof(hash[i])))
            return complain_at(ti, "has changed since it was signed", (index + i) << PAGE_SHIFT);
    return 0;
}
