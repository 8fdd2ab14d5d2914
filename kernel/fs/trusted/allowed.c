/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allowed files: those that the configuration lets through from the host, unverified, and those it
 * does not know.
 *
 * An allowed file or directory is an inode of the host kind, in a host super of its own that belongs to
 * the trusted mount.  Below an allowed directory everything is the host's, except names that the table
 * knows: such a directory gets operations of its own (mixed_ops), which look into the table first.
 *
 * A link of the host in the place of an allowed name is followed on the host's side, as Gramine does.
 */
#include "kernel/fs/trusted/trusted_impl.h"

static const struct inode_ops mixed_ops;

/* The inode behind a path of the host below the mount's source. */
static int host_inode_at(struct trusted_super *ts, char *path, struct inode **out)
{
    for (int i = 0; i < TRUSTED_LINKS_MAX; i++) {
        int err = host_lookup(host_super_dir(ts->host), path, out);
        if (err || !S_ISLNK((*out)->mode))
            return err;
        inode_put(*out);
        err = trusted_host_follow(ts, path, PATH_MAX);
        if (err)
            return err;
    }
    return -ELOOP;
}

int allowed_lookup(struct trusted_super *ts, uint32_t node, struct inode **out)
{
    char *path = kmalloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    int err = trusted_host_path(ts, node, NULL, path, PATH_MAX);
    if (!err)
        err = host_inode_at(ts, path, out);
    kfree(path);
    if (!err && S_ISDIR((*out)->mode) && trusted_node(ts, node)->count) {
        (*out)->priv = (void *)(uintptr_t)node;
        (*out)->ops = &mixed_ops;
    }
    return err;
}

static bool policy_logs(const struct trusted_super *ts)
{
    return ts->config->head->file_policy == CONFIG_FILES_LOG;
}

int allowed_unlisted(struct trusted_super *ts, uint32_t node, const char *name, struct inode **out)
{
    struct statx st;
    char *path = kmalloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    int err = trusted_host_path(ts, node, name, path, PATH_MAX);
    if (!err && policy_logs(ts)) {
        err = host_inode_at(ts, path, out);
        if (!err)
            log_warn("file %s is neither trusted nor allowed; it is let through unverified", path);
    } else if (!err) {
        err = -ENOENT;
        if (!host_stat_at(host_super_dir(ts->host), path, &st)) {
            err = (int)reject(-EACCES, "not among the manifest's trusted or allowed files");
            log_debug("file %s is neither trusted nor allowed in the manifest: access denied",
                      path);
        }
    }
    kfree(path);
    return err;
}

int allowed_change(struct trusted_super *ts, uint32_t node, const char *name, char *path,
                   size_t size)
{
    uint32_t child = CONFIG_NO_NODE;
    if (node != CONFIG_NO_NODE)
        child = config_node_child(ts->config, node, name, strlen(name));
    bool allowed = child == CONFIG_NO_NODE ? node != CONFIG_NO_NODE && policy_logs(ts)
                                           : trusted_node(ts, child)->kind == CONFIG_NODE_HOST;
    if (!allowed)
        return (int)reject(-EACCES, "not among the manifest's allowed files");
    return trusted_host_path(ts, node, name, path, size);
}

/* Allowed directories with names in the table. */

static uint32_t mixed_child(struct inode *dir, const char *name)
{
    struct trusted_super *ts = trusted_super_of_host(dir->super);
    return config_node_child(ts->config, (uint32_t)(uintptr_t)dir->priv, name, strlen(name));
}

/* True when the table has the name as something that is not the host's to change. */
static bool mixed_fixed(struct inode *dir, const char *name)
{
    uint32_t child = mixed_child(dir, name);
    return child != CONFIG_NO_NODE &&
           trusted_node(trusted_super_of_host(dir->super), child)->kind != CONFIG_NODE_HOST;
}

static int mixed_lookup(struct inode *dir, const char *name, struct inode **out)
{
    uint32_t child = mixed_child(dir, name);
    if (child == CONFIG_NO_NODE)
        return host_lookup(dir, name, out);
    return trusted_node_lookup(trusted_super_of_host(dir->super), child, out);
}

static int mixed_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                         struct inode **out_ino, struct file **out)
{
    if (mixed_child(dir, name) != CONFIG_NO_NODE)
        return -ELOOP; /* the VFS then takes the way through lookup */
    return host_open_at(dir, name, flags, mode, out_ino, out);
}

static int mixed_stat_at(struct inode *dir, const char *name, struct statx *st)
{
    struct inode *i;
    int err = mixed_lookup(dir, name, &i);
    if (err)
        return err;
    err = i->ops->getattr(i, st);
    inode_put(i);
    return err;
}

static int refuse(void)
{
    return (int)reject(-EACCES, "a trusted file cannot be changed");
}

static int mixed_create(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    return mixed_fixed(dir, name) ? refuse() : host_inode_ops.create(dir, name, mode, out);
}

static int mixed_mkdir(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    return mixed_fixed(dir, name) ? refuse() : host_inode_ops.mkdir(dir, name, mode, out);
}

static int mixed_mknod(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                       struct inode **out)
{
    return mixed_fixed(dir, name) ? refuse() : host_inode_ops.mknod(dir, name, mode, rdev, out);
}

static int mixed_symlink(struct inode *dir, const char *name, const char *target,
                         struct inode **out)
{
    return mixed_fixed(dir, name) ? refuse() : host_inode_ops.symlink(dir, name, target, out);
}

static int mixed_link(struct inode *dir, const char *name, struct inode *target)
{
    return mixed_fixed(dir, name) ? refuse() : host_inode_ops.link(dir, name, target);
}

static int mixed_unlink(struct inode *dir, const char *name, struct inode *victim)
{
    return mixed_fixed(dir, name) ? refuse() : host_inode_ops.unlink(dir, name, victim);
}

static int mixed_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
    return mixed_fixed(dir, name) ? refuse() : host_inode_ops.rmdir(dir, name, victim);
}

static bool is_mixed(const struct inode *i)
{
    return i->ops == &mixed_ops;
}

static int mixed_rename(struct inode *olddir, const char *oldname, struct inode *newdir,
                        const char *newname, unsigned flags)
{
    if (mixed_fixed(olddir, oldname) || (is_mixed(newdir) && mixed_fixed(newdir, newname)))
        return refuse();
    return host_inode_ops.rename(olddir, oldname, newdir, newname, flags);
}

static int mixed_open(struct inode *i, uint32_t flags, struct file **out)
{
    return host_inode_ops.open(i, flags, out);
}

static int mixed_getattr(struct inode *i, struct statx *st)
{
    return host_inode_ops.getattr(i, st);
}

static int mixed_setattr(struct inode *i, const struct setattr *a)
{
    return host_inode_ops.setattr(i, a);
}

static void mixed_free(struct inode *i)
{
    host_inode_ops.free(i);
}

static const struct inode_ops mixed_ops = {
    .lookup = mixed_lookup,
    .create = mixed_create,
    .mkdir = mixed_mkdir,
    .mknod = mixed_mknod,
    .symlink = mixed_symlink,
    .link = mixed_link,
    .unlink = mixed_unlink,
    .rmdir = mixed_rmdir,
    .rename = mixed_rename,
    .open = mixed_open,
    .open_at = mixed_open_at,
    .stat_at = mixed_stat_at,
    .getattr = mixed_getattr,
    .setattr = mixed_setattr,
    .free = mixed_free,
};
