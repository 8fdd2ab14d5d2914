/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes of tmpfs: birth, attributes, end; and the mount. */
#include "kernel/fs/tmpfs/tmpfs_impl.h"

#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"

#define TMPFS_MAGIC_ 0x01021994UL

static struct tmpfs_super *nameless; /* [I] where the files are that never had a name */

void tmpfs_touch(struct tmpfs_inode *ti)
{
    ti->mtime = ti->ctime = clock_real();
}

static struct tmpfs_inode *inode_alloc(struct super *sb, uint32_t mode)
{
    struct tmpfs_super *ts = container_of(sb, struct tmpfs_super, sb);
    struct tmpfs_inode *ti = kzalloc(sizeof(*ti));
    if (!ti)
        return NULL;
    uint64_t ino = __atomic_add_fetch(&ts->last_ino, 1, __ATOMIC_RELAXED);
    inode_init(&ti->inode, sb, &tmpfs_inode_ops, mode, ino);
    ti->atime = ti->mtime = ti->ctime = ti->btime = clock_real();
    pagetree_init(&ti->pages);
    shmem_init(&ti->shm, &tmpfs_shmem_ops, 0);
    ti->seals = F_SEAL_SEAL;
    waitq_init(&ti->io_waitq);
    if (S_ISDIR(mode))
        tmpfs_dir_init(ti);
    return ti;
}

struct tmpfs_inode *tmpfs_inode_new(struct super *sb, uint32_t mode)
{
    struct tmpfs_inode *ti = inode_alloc(sb, mode);
    if (!ti)
        return NULL;
    const struct cred *c = current_cred();
    ti->uid = c->fsuid;
    ti->gid = c->fsgid;
    return ti;
}

void tmpfs_group_of_dir(struct tmpfs_inode *ti, const struct tmpfs_inode *dir)
{
    const uint32_t set_id = S_ISGID | S_IXGRP;
    uint32_t *mode = &ti->inode.mode;
    if (!(dir->inode.mode & S_ISGID))
        return;
    ti->gid = dir->gid;
    if (S_ISDIR(*mode))
        *mode |= S_ISGID;
    else if ((*mode & set_id) == set_id && !cred_in_group(current_cred(), ti->gid) &&
             !capable(CAP_FSETID))
        *mode &= ~(uint32_t)S_ISGID;
}

static void tmpfs_free(struct inode *i)
{
    struct tmpfs_inode *ti = tmpfs_inode_of(i);
    tmpfs_data_free(ti);
    kfree(ti->target);
    kfree(ti->label);
    kfree(ti);
}

static struct statx_timestamp stamp(ktime_t t)
{
    return (struct statx_timestamp){.tv_sec = t / 1000000000,
                                    .tv_nsec = (uint32_t)(t % 1000000000)};
}

static int tmpfs_getattr(struct inode *i, struct statx *st)
{
    struct tmpfs_inode *ti = tmpfs_inode_of(i);
    int64_t size = tmpfs_data_size(ti);
    if (ti->target)
        size = (int64_t)strlen(ti->target);
    else if (S_ISDIR(i->mode))
        size = (int64_t)(ti->by_name.count + 2) * 20;
    fs_stat_fill(st, i, ti->nlink, size);
    st->stx_mask |= STATX_BTIME;
    st->stx_blocks = ti->npages * (PAGE_SIZE / 512);
    st->stx_uid = ti->uid;
    st->stx_gid = ti->gid;
    st->stx_atime = stamp(ti->atime);
    st->stx_mtime = stamp(ti->mtime);
    st->stx_ctime = stamp(ti->ctime);
    st->stx_btime = stamp(ti->btime);
    return 0;
}

static ktime_t time_from(int64_t sec, uint32_t nsec)
{
    int64_t t;
    if (__builtin_mul_overflow(sec, 1000000000L, &t) ||
        __builtin_add_overflow(t, (int64_t)nsec, &t))
        return sec < 0 ? INT64_MIN / 1000000000 * 1000000000 : INT64_MAX / 1000000000 * 1000000000;
    return t;
}

static int tmpfs_setattr(struct inode *i, const struct setattr *a)
{
    struct tmpfs_inode *ti = tmpfs_inode_of(i);
    if (a->mask & SETATTR_MODE)
        i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
    if (a->mask & SETATTR_UID)
        ti->uid = a->uid;
    if (a->mask & SETATTR_GID)
        ti->gid = a->gid;
    if (a->mask & SETATTR_ATIME)
        ti->atime = time_from(a->atime.sec, a->atime.nsec);
    if (a->mask & SETATTR_MTIME)
        ti->mtime = time_from(a->mtime.sec, a->mtime.nsec);
    ti->ctime = clock_real();
    return 0;
}

static int tmpfs_truncate(struct inode *i, int64_t size)
{
    return S_ISREG(i->mode) ? tmpfs_data_truncate(tmpfs_inode_of(i), size) : -EINVAL;
}

static int64_t tmpfs_readlink(struct inode *i, char *buf, size_t size)
{
    const char *target = tmpfs_inode_of(i)->target;
    size_t n = MIN(strlen(target), size);
    memcpy(buf, target, n);
    return (int64_t)n;
}

const struct inode_ops tmpfs_inode_ops = {
    .lookup = tmpfs_lookup,
    .create = tmpfs_create,
    .mkdir = tmpfs_mkdir,
    .mknod = tmpfs_mknod,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .open = tmpfs_open,
    .open_at = tmpfs_open_at,
    .getattr = tmpfs_getattr,
    .setattr = tmpfs_setattr,
    .truncate = tmpfs_truncate,
    .readlink = tmpfs_readlink,
    .free = tmpfs_free,
};

static int tmpfs_statfs(struct super *sb, struct statfs_info *out)
{
    struct tmpfs_super *ts = container_of(sb, struct tmpfs_super, sb);
    uint64_t used = MIN(ts->pages, ts->max_pages);
    *out = (struct statfs_info){.type = TMPFS_MAGIC_,
                                .bsize = PAGE_SIZE,
                                .blocks = ts->max_pages,
                                .bfree = ts->max_pages - used,
                                .bavail = ts->max_pages - used,
                                .files = ts->max_pages,
                                .ffree = ts->max_pages - MIN(ts->last_ino, ts->max_pages),
                                .namelen = TMPFS_NAME_MAX};
    return 0;
}

static const struct super_ops tmpfs_super_ops = {
    .statfs = tmpfs_statfs,
};

static struct tmpfs_super *super_new(unsigned flags, uint64_t max_pages)
{
    struct tmpfs_super *ts = kzalloc(sizeof(*ts));
    if (!ts)
        return NULL;
    ts->sb = (struct super){
        .type = "tmpfs", .ops = &tmpfs_super_ops, .flags = flags, .dev = fs_dev_new()};
    mutex_init(&ts->names);
    ts->max_pages = max_pages;
    return ts;
}

/* A new, empty file system; half of the enclave's memory may go into it. Its root is like /tmp's. */
static int tmpfs_mount(const char *source, unsigned flags, struct super **out)
{
    (void)source;
    struct tmpfs_super *ts = super_new(flags, epage_limit() / 2);
    if (!ts)
        return -ENOMEM;
    struct tmpfs_inode *root = inode_alloc(&ts->sb, S_IFDIR | 01777);
    if (!root) {
        kfree(ts);
        return -ENOMEM;
    }
    root->nlink = 2;
    ts->sb.root = &root->inode;
    *out = &ts->sb;
    return 0;
}

/* Memory that is no file is bounded by the enclave's size alone, as private memory is. */
struct super *tmpfs_nameless_super(void)
{
    return &nameless->sb;
}

void tmpfs_fs_init(void)
{
    static struct fs_type type = {.name = "tmpfs", .mount = tmpfs_mount};
    nameless = super_new(0, UINT64_MAX);
    if (!nameless)
        panic("out of memory at start; raise sgx.enclave_size or --memory");
    fs_type_register(&type);
}
