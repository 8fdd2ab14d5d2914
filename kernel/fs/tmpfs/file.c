/* SPDX-License-Identifier: Apache-2.0 */
/* Open tmpfs files. */
#include "kernel/fs/tmpfs/tmpfs_impl.h"

static int data_read(struct file *f, struct uio *u, int64_t *pos)
{
    return tmpfs_data_read(tmpfs_inode_of(f->inode), u, pos);
}

static int data_write(struct file *f, struct uio *u, int64_t *pos)
{
    return tmpfs_data_write(tmpfs_inode_of(f->inode), u, pos, f->flags & O_APPEND);
}

static int64_t data_lseek(struct file *f, int64_t off, int whence)
{
    struct tmpfs_inode *ti = tmpfs_inode_of(f->inode);
    if (whence == SEEK_DATA || whence == SEEK_HOLE) {
        off = tmpfs_data_seek(ti, off, whence);
        if (off < 0)
            return off;
        whence = SEEK_SET;
    }
    return vfs_lseek_default(f, off, whence, tmpfs_data_size(ti));
}

static int data_truncate(struct file *f, int64_t size)
{
    return tmpfs_data_truncate(tmpfs_inode_of(f->inode), size);
}

static int data_fsync(struct file *f, bool data_only)
{
    (void)f;
    (void)data_only;
    return 0;
}

static int data_fallocate(struct file *f, int mode, int64_t off, int64_t len)
{
    return tmpfs_data_fallocate(tmpfs_inode_of(f->inode), mode, off, len);
}

static const struct file_ops tmpfs_file_ops = {
    .read = data_read,
    .write = data_write,
    .lseek = data_lseek,
    .truncate = data_truncate,
    .fsync = data_fsync,
    .fallocate = data_fallocate,
    .mmap = tmpfs_mmap,
    .share = tmpfs_share,
    .add_seals = tmpfs_add_seals,
    .get_seals = tmpfs_get_seals,
};

static int file_make(struct inode *i, uint32_t flags, struct file **out)
{
    *out = file_new(S_ISDIR(i->mode) ? &tmpfs_dir_ops : &tmpfs_file_ops, flags, NULL);
    if (!*out)
        return -ENOMEM;
    (*out)->inode = inode_get(i);
    (*out)->name = tmpfs_inode_of(i)->label;
    return 0;
}

int tmpfs_open(struct inode *i, uint32_t flags, struct file **out)
{
    if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
        return -ENXIO;
    if (flags & O_TRUNC && S_ISREG(i->mode)) {
        int err = tmpfs_data_truncate(tmpfs_inode_of(i), 0);
        if (err)
            return err;
    }
    return file_make(i, flags, out);
}

/* Only for O_TMPFILE: a file without a name. */
int tmpfs_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                  struct inode **out_ino, struct file **out)
{
    (void)name;
    if ((flags & O_TMPFILE) != O_TMPFILE)
        return -EINVAL;
    struct tmpfs_inode *ti = tmpfs_inode_new(dir->super, S_IFREG | (mode & 07777));
    if (!ti)
        return -ENOMEM;
    tmpfs_group_of_dir(ti, tmpfs_inode_of(dir));
    int err = file_make(&ti->inode, flags, out);
    if (err)
        inode_put(&ti->inode);
    else
        *out_ino = &ti->inode;
    return err;
}
