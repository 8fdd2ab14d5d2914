/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes of the node table: directories, trusted files and links.  Changes of names are refused
 * unless the name is an allowed one; then they happen on the host.
 */
#include "kernel/fs/trusted/trusted_impl.h"

/* Regular files' inodes by node number; the table holds a reference for ever. */
static struct {
    struct mutex lock;
    struct pagetree tree; /* [l] one for all mounts: a node is in one mount only */
} files;

void trusted_table_init(void)
{
    mutex_init(&files.lock);
    pagetree_init(&files.tree);
}

static uint32_t type_of(const struct config_node *n)
{
    switch (n->kind) {
    case CONFIG_NODE_REG: return S_IFREG;
    case CONFIG_NODE_LNK: return S_IFLNK;
    default: return S_IFDIR;
    }
}

static struct trusted_inode *inode_alloc(struct trusted_super *ts, uint32_t node)
{
    struct trusted_inode *ti = kzalloc(sizeof(*ti));
    if (!ti)
        return NULL;
    uint32_t mode = S_IFDIR | 0555;
    if (node != CONFIG_NO_NODE)
        mode = type_of(trusted_node(ts, node)) | trusted_node(ts, node)->mode;
    inode_init(&ti->inode, &ts->sb, &trusted_inode_ops, mode, (uint64_t)node + 2);
    ti->node = node;
    ti->fd = -1;
    list_init(&ti->fd_link);
    if (S_ISREG(mode))
        pagecache_init(&ti->cache, trusted_fill, trusted_node(ts, node)->size);
    return ti;
}

/* The inode of a regular file, made when it is first asked for. */
static int file_inode_get(struct trusted_super *ts, uint32_t node, struct inode **out)
{
    int err = 0;
    mutex_lock(&files.lock);
    struct trusted_inode *ti = pagetree_get(&files.tree, node);
    if (!ti) {
        ti = inode_alloc(ts, node);
        err = ti ? pagetree_set(&files.tree, node, ti) : -ENOMEM;
    }
    mutex_unlock(&files.lock);
    if (err) {
        kfree(ti);
        return err;
    }
    *out = inode_get(&ti->inode);
    return 0;
}

int trusted_inode_get(struct trusted_super *ts, uint32_t node, struct inode **out)
{
    if (node != CONFIG_NO_NODE && trusted_node(ts, node)->kind == CONFIG_NODE_REG)
        return file_inode_get(ts, node, out);
    struct trusted_inode *ti = inode_alloc(ts, node);
    if (!ti)
        return -ENOMEM;
    *out = &ti->inode;
    return 0;
}

int trusted_node_lookup(struct trusted_super *ts, uint32_t node, struct inode **out)
{
    if (trusted_node(ts, node)->kind == CONFIG_NODE_HOST)
        return allowed_lookup(ts, node, out);
    return trusted_inode_get(ts, node, out);
}

static int node_lookup(struct inode *dir, const char *name, struct inode **out)
{
    struct trusted_super *ts = trusted_super_of(dir->super);
    uint32_t node = trusted_inode_of(dir)->node;
    if (node == CONFIG_NO_NODE)
        return -ENOENT;
    uint32_t child = config_node_child(ts->config, node, name, strlen(name));
    if (child != CONFIG_NO_NODE)
        return trusted_node_lookup(ts, child, out);
    return allowed_unlisted(ts, node, name, out);
}

static int node_getattr(struct inode *i, struct statx *st)
{
    struct trusted_super *ts = trusted_super_of(i->super);
    uint32_t node = trusted_inode_of(i)->node;
    const struct config_node *n = node == CONFIG_NO_NODE ? NULL : trusted_node(ts, node);
    int64_t size = !n || S_ISDIR(i->mode) ? 4096 : (int64_t)n->size;
    fs_stat_fill(st, i, S_ISDIR(i->mode) ? 2 : 1, size);
    st->stx_uid = ts->uid;
    st->stx_gid = ts->gid;
    if (n)
        st->stx_atime.tv_sec = st->stx_mtime.tv_sec = st->stx_ctime.tv_sec = n->mtime;
    return 0;
}

static int64_t node_readlink(struct inode *i, char *buf, size_t size)
{
    struct trusted_super *ts = trusted_super_of(i->super);
    uint32_t node = trusted_inode_of(i)->node;
    size_t n = MIN((size_t)trusted_node(ts, node)->size, size);
    memcpy(buf, config_node_target(ts->config, node), n);
    return (int64_t)n;
}

static int node_setattr(struct inode *i, const struct setattr *a)
{
    (void)i;
    (void)a;
    return (int)reject(-EACCES, "a trusted file cannot be changed");
}

static int node_truncate(struct inode *i, int64_t size)
{
    (void)i;
    (void)size;
    return (int)reject(-EACCES, "a trusted file cannot be changed");
}

/* Changes of names: on the host, where the name is an allowed one. */

/* The host's path for a name below dir, in a buffer that the caller frees; NULL with *err. */
static char *change_path(struct inode *dir, const char *name, int *err)
{
    struct trusted_super *ts = trusted_super_of(dir->super);
    char *path = kmalloc(PATH_MAX);
    *err = path ? allowed_change(ts, trusted_inode_of(dir)->node, name, path, PATH_MAX) : -ENOMEM;
    if (!*err)
        return path;
    kfree(path);
    return NULL;
}

static struct inode *host_dir(struct inode *dir)
{
    return host_super_dir(trusted_super_of(dir->super)->host);
}

static int node_create(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    int err;
    char *path = change_path(dir, name, &err);
    if (!path)
        return err;
    err = host_inode_ops.create(host_dir(dir), path, mode, out);
    kfree(path);
    return err;
}

static int node_mkdir(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    int err;
    char *path = change_path(dir, name, &err);
    if (!path)
        return err;
    err = host_inode_ops.mkdir(host_dir(dir), path, mode, out);
    kfree(path);
    return err;
}

static int node_mknod(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                      struct inode **out)
{
    int err;
    char *path = change_path(dir, name, &err);
    if (!path)
        return err;
    err = host_inode_ops.mknod(host_dir(dir), path, mode, rdev, out);
    kfree(path);
    return err;
}

static int node_symlink(struct inode *dir, const char *name, const char *target, struct inode **out)
{
    int err;
    char *path = change_path(dir, name, &err);
    if (!path)
        return err;
    err = host_inode_ops.symlink(host_dir(dir), path, target, out);
    kfree(path);
    return err;
}

static int node_unlink(struct inode *dir, const char *name, struct inode *victim)
{
    int err;
    char *path = change_path(dir, name, &err);
    if (!path)
        return err;
    err = host_inode_ops.unlink(host_dir(dir), path, victim);
    kfree(path);
    return err;
}

static int node_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
    int err;
    char *path = change_path(dir, name, &err);
    if (!path)
        return err;
    err = host_inode_ops.rmdir(host_dir(dir), path, victim);
    kfree(path);
    return err;
}

static int node_rename(struct inode *olddir, const char *oldname, struct inode *newdir,
                       const char *newname, unsigned flags)
{
    int err;
    if (olddir->super != newdir->super)
        return -EXDEV;
    char *from = change_path(olddir, oldname, &err);
    if (!from)
        return err;
    char *to = change_path(newdir, newname, &err);
    if (to)
        err = host_inode_ops.rename(host_dir(olddir), from, host_dir(newdir), to, flags);
    kfree(from);
    kfree(to);
    return err;
}

static void node_free(struct inode *i)
{
    /* A regular file's inode never gets here: the table holds a reference. */
    kfree(trusted_inode_of(i));
}

const struct inode_ops trusted_inode_ops = {
    .verified = true,
    .lookup = node_lookup,
    .create = node_create,
    .mkdir = node_mkdir,
    .mknod = node_mknod,
    .symlink = node_symlink,
    .unlink = node_unlink,
    .rmdir = node_rmdir,
    .rename = node_rename,
    .open = trusted_open,
    .getattr = node_getattr,
    .setattr = node_setattr,
    .truncate = node_truncate,
    .readlink = node_readlink,
    .free = node_free,
};
