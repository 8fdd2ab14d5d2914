/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes: birth, end and attributes.  A kind embeds or extends struct inode and frees it itself. */
#include "kernel/vfs/vfs_impl.h"

static unsigned ninodes; /* [a] */

unsigned inodes_count(void)
{
    return __atomic_load_n(&ninodes, __ATOMIC_RELAXED);
}

void inode_init(struct inode *i, struct super *sb, const struct inode_ops *ops, uint32_t mode,
                uint64_t ino)
{
    i->ops = ops;
    i->super = sb;
    ref_init(&i->ref);
    i->mode = mode;
    i->ino = ino;
    i->pipe = NULL;
    i->opens = 0;
    i->nameless = false;
    __atomic_fetch_add(&ninodes, 1, __ATOMIC_RELAXED);
    list_init(&i->locks);
    mutex_init(&i->lock);
    mutex_init(&i->names);
}

void inode_put(struct inode *i)
{
    if (!ref_put(&i->ref))
        return;
    if (i->pipe)
        pipe_free_fifo(i);
    i->ops->free(i);
    __atomic_fetch_sub(&ninodes, 1, __ATOMIC_RELAXED);
}

int inode_getattr(struct inode *i, struct statx *st)
{
    memset(st, 0, sizeof(*st));
    if (i->ops->getattr)
        return i->ops->getattr(i, st);
    st->stx_mask = STATX_TYPE | STATX_MODE | STATX_INO | STATX_NLINK;
    st->stx_mode = (uint16_t)i->mode;
    st->stx_ino = i->ino;
    st->stx_nlink = 1;
    st->stx_blksize = 4096;
    if (i->super) {
        st->stx_dev_major = (uint32_t)(i->super->dev >> 8) & 0xfff;
        st->stx_dev_minor = (uint32_t)i->super->dev & 0xff;
    }
    return 0;
}
