/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted files and directories of the node table, opened. */
#include "kernel/fs/trusted/trusted_impl.h"

#define DT_REG_ 8
#define DT_DIR_ 4

struct trusted_file {
    struct file file; /* first */
    struct readahead ra;
};

static struct trusted_file *trusted_file_of(struct file *f)
{
    return container_of(f, struct trusted_file, file);
}

/* Regular files. */

static int reg_read(struct file *f, struct uio *u, int64_t *pos)
{
    return pagecache_read(&trusted_inode_of(f->inode)->cache, u, pos, &trusted_file_of(f)->ra);
}

static int64_t reg_lseek(struct file *f, int64_t off, int whence)
{
    return vfs_lseek_default(f, off, whence, (int64_t)trusted_inode_of(f->inode)->cache.size);
}

static int reg_fsync(struct file *f, bool data_only)
{
    (void)f;
    (void)data_only;
    return 0;
}

static const struct file_ops reg_ops = {
    .read = reg_read,
    .lseek = reg_lseek,
    .fsync = reg_fsync,
    .mmap = fs_mmap_check,
};

/* Directories: the table's children; allowed ones only when the host has them. */

static struct config_node const *child_at(struct trusted_super *ts, uint32_t node, int64_t n,
                                          uint32_t *child)
{
    if (node == CONFIG_NO_NODE || n >= (int64_t)trusted_node(ts, node)->count)
        return NULL;
    *child = trusted_node(ts, node)->first + (uint32_t)n;
    return trusted_node(ts, *child);
}

/* The type for getdents, -1: the host does not have it. */
static int child_type(struct trusted_super *ts, uint32_t child, uint64_t *ino)
{
    const struct config_node *n = trusted_node(ts, child);
    struct statx st;
    *ino = (uint64_t)child + 2;
    if (n->kind == CONFIG_NODE_REG)
        return DT_REG_;
    if (n->kind != CONFIG_NODE_HOST)
        return n->kind == CONFIG_NODE_DIR ? DT_DIR_ : 10 /* DT_LNK */;
    char *path = kmalloc(PATH_MAX);
    int type = -1;
    if (path && !trusted_host_path(ts, child, NULL, path, PATH_MAX) &&
        ocall_statx(host_super_fd(ts->host), path, AT_SYMLINK_NOFOLLOW, &st) >= 0 &&
        !host_stat_check(&st)) {
        type = S_ISLNK(st.stx_mode) ? 0 /* what it leads to */ : (st.stx_mode & S_IFMT) >> 12;
        *ino = st.stx_ino;
    }
    kfree(path);
    return type;
}

static int dir_iterate(struct file *f, struct dir_sink *sink)
{
    struct trusted_super *ts = trusted_super_of(f->inode->super);
    uint32_t node = trusted_inode_of(f->inode)->node, child;
    uint64_t ino;
    for (; f->pos < 2; f->pos++)
        if (!sink->emit(sink, "..", (size_t)f->pos + 1, f->inode->ino, DT_DIR_, f->pos + 1))
            return 0;
    const struct config_node *n;
    while ((n = child_at(ts, node, f->pos - 2, &child))) {
        int type = child_type(ts, child, &ino);
        if (type >= 0 && !sink->emit(sink, config_node_name(ts->config, child), n->name.len, ino,
                                     (unsigned)type, f->pos + 1))
            break;
        f->pos++;
    }
    return 0;
}

static const struct file_ops dir_ops = {
    .iterate = dir_iterate,
    .lseek = vfs_lseek_dir,
    .fsync = reg_fsync,
};

int trusted_open(struct inode *i, uint32_t flags, struct file **out)
{
    if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC)
        return (int)reject(-EACCES, "a trusted file cannot be written");
    if (S_ISREG(i->mode)) {
        int err = trusted_verify_begin(trusted_inode_of(i));
        if (err)
            return err;
    }
    struct trusted_file *tf = kzalloc(sizeof(*tf));
    if (!tf)
        return -ENOMEM;
    file_init(&tf->file, S_ISREG(i->mode) ? &reg_ops : &dir_ops, flags);
    tf->file.inode = inode_get(i);
    *out = &tf->file;
    return 0;
}
