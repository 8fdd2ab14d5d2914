/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in a directory that is known, without a path: for calls that have names of their own, as mq_open
 * has.  What they do is seen by those who come by a path.
 */
#include "kernel/vfs/vfs_impl.h"

static int child_walk(struct walk *w, struct dentry *dir, const char *name)
{
    size_t len = strlen(name);
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    walk_init(w, "", 0);
    w->at = dentry_get(dir);
    w->root = dentry_get(dir);
    w->last = LAST_NORM;
    w->trailing = false;
    w->name_len = (unsigned)len;
    memcpy(w->name, name, len + 1);
    return 0;
}

static int child_make(struct walk *w, const struct child_maker *make, struct dentry **out)
{
    struct inode *dir = w->at->inode, *i;
    int err = may_create(w->at);
    if (!err)
        err = make->fn(dir, w->name, make->arg, &i);
    if (err)
        return err;
    notify_name(dir, w->name, i->mode, IN_CREATE, 0);
    return walk_adopt(w, i, out);
}

int vfs_open_child(struct dentry *dir, const char *name, uint32_t flags,
                   const struct child_maker *make, struct file **out)
{
    struct walk w;
    struct dentry *d;
    bool created = false;
    int err = child_walk(&w, dir, name);
    if (err)
        return err;
    mutex_lock(&dir->inode->names);
    err = walk_child_locked(&w, &d);
    if (err == -ENOENT && flags & O_CREAT) {
        err = child_make(&w, make, &d);
        created = !err;
    }
    mutex_unlock(&dir->inode->names);
    if (!err) {
        err = flags & O_CREAT && flags & O_EXCL && !created ? -EEXIST
                                                            : dentry_open(d, flags, created, out);
        dentry_put(d);
    }
    walk_end(&w);
    return err;
}

int vfs_unlink_child(struct dentry *dir, const char *name)
{
    struct walk w;
    int err = child_walk(&w, dir, name);
    if (err)
        return err;
    mutex_lock(&dir->inode->names);
    err = walk_remove_locked(&w, false);
    mutex_unlock(&dir->inode->names);
    walk_end(&w);
    return err;
}
