/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount table, built at boot from the configuration and never changed after.
 *
 * A mount point that the file system below does not have is made up: a directory that exists only
 * as a pinned dentry, is listed by getdents, and holds nothing of its own.
 */
#include "kernel/vfs/vfs_impl.h"

static struct {
    struct fs_type *types;
    struct mount *first, *last;
    uint64_t next_ino;
} mounts;

void fs_type_register(struct fs_type *t)
{
    t->next = mounts.types;
    mounts.types = t;
}

int fs_types_for_each(int (*fn)(const struct fs_type *t, void *arg), void *arg)
{
    int ret = 0;
    for (const struct fs_type *t = mounts.types; t && !ret; t = t->next)
        ret = fn(t, arg);
    return ret;
}

static struct fs_type *type_find(const char *name)
{
    struct fs_type *t = mounts.types;
    while (t && strcmp(t->name, name) != 0)
        t = t->next;
    return t;
}

struct mount *mount_first(void)
{
    return mounts.first;
}

void vfs_top_forget(struct super *sb, const char *name)
{
    for (struct mount *m = mounts.first; m; m = m->next)
        if (m->super == sb)
            dcache_forget(m->root, name, strlen(name), true);
}

int vfs_for_each_mount(int (*fn)(const char *, const char *, const char *, unsigned, void *),
                       void *arg)
{
    for (struct mount *m = mounts.first; m; m = m->next) {
        int ret = fn(m->super->type, m->source, m->target, m->flags | m->super->flags, arg);
        if (ret)
            return ret;
    }
    return 0;
}

/* Made-up directories. */

static int made_up_lookup(struct inode *dir, const char *name, struct inode **out)
{
    (void)dir;
    (void)name;
    *out = NULL;
    return -ENOENT;
}

static int made_up_iterate(struct file *f, struct dir_sink *sink)
{
    static const char *const dots[] = {".", ".."};
    while (f->pos < 2) {
        const char *name = dots[f->pos];
        if (!sink->emit(sink, name, strlen(name), f->inode->ino, 4 /* DT_DIR */, f->pos + 1))
            break;
        f->pos++;
    }
    return 0;
}

static int64_t made_up_lseek(struct file *f, int64_t off, int whence)
{
    return vfs_lseek_default(f, off, whence, 2);
}

static const struct file_ops made_up_file_ops = {
    .iterate = made_up_iterate,
    .lseek = made_up_lseek,
};

static int made_up_open(struct inode *ino, uint32_t flags, struct file **out)
{
    (void)ino;
    *out = file_new(&made_up_file_ops, flags, NULL);
    return *out ? 0 : -ENOMEM;
}

static void made_up_free(struct inode *i)
{
    kfree(i);
}

static const struct inode_ops made_up_ops = {
    .lookup = made_up_lookup,
    .open = made_up_open,
    .free = made_up_free,
};

static const struct super_ops made_up_super_ops;
static struct super made_up_super = {
    .type = "none",
    .ops = &made_up_super_ops,
    .flags = SUPER_RDONLY,
    .dev = 15,
};

static int made_up_new(struct dentry *parent, const char *name, size_t len, struct dentry **out)
{
    struct inode *i = kzalloc(sizeof(*i));
    if (!i)
        return -ENOMEM;
    inode_init(i, &made_up_super, &made_up_ops, S_IFDIR | 0755, ++mounts.next_ino);
    int err = dentry_new(parent, name, len, i, DENTRY_CACHED, out);
    if (err)
        return err;
    (*out)->made_up = true;
    dentry_get(*out); /* pinned for ever */
    return 0;
}

int mount_emit_made_up(struct dentry *dir, struct dir_sink *sink, int64_t *pos)
{
    int64_t n = 0;
    for (struct mount *m = mounts.first; m; m = m->next) {
        struct dentry *d = m->covered;
        while (d && d->made_up && d->parent != dir)
            d = d->parent;
        if (!d || !d->made_up || n++ < *pos)
            continue;
        if (!sink->emit(sink, d->name, d->name_len, d->inode->ino, 4, *pos + 1))
            break;
        ++*pos;
    }
    return 0;
}

/*
 * The directory to mount on (a reference), made up where it is missing (or hidden by a policy).  At
 * boot there is no process yet, so the walk starts by hand.
 */
static int mountpoint_find(const char *target, struct dentry **out)
{
    struct walk w;
    int err = 0;
    walk_init(&w, target, 0);
    w.root = dentry_get(mounts.first->root);
    w.at = dentry_get(w.root);
    while (!err) {
        err = walk_parent(&w);
        if (err != -ENOENT && err != -EACCES)
            break;
        /* w.at lacks w.name: make it up and walk on. */
        struct dentry *d;
        err = made_up_new(w.at, w.name, w.name_len, &d);
        if (!err) {
            dentry_put(w.at);
            w.at = d;
        }
    }
    if (!err)
        err = walk_last(&w, true, out);
    if (err == -ENOENT || err == -EACCES)
        err = made_up_new(w.at, w.name, w.name_len, out);
    walk_end(&w);
    return err;
}

static int mount_attach(struct mount *m, const char *target)
{
    if (!mounts.first)
        return strcmp(target, "/") == 0 ? 0 : -EINVAL;
    if (*target != '/')
        return -EINVAL;
    int err = mountpoint_find(target, &m->covered);
    if (err)
        return err;
    if (S_ISDIR(m->covered->inode->mode) != S_ISDIR(m->super->root->mode))
        err = -ENOTDIR;
    else if (m->covered->mounted)
        err = -EBUSY;
    if (err) {
        dentry_put(m->covered);
        return err;
    }
    /* The name must stay findable: pinned in the cache, with the reference in m->covered. */
    m->covered->mounted = m;
    return 0;
}

static int mount_fill(struct mount *m, const char *source, const char *target, unsigned flags)
{
    m->flags = flags;
    m->source = kstrdup(source ? source : m->super->type);
    m->target = kstrdup(target);
    if (!m->source || !m->target)
        return -ENOMEM;
    int err = dentry_new(NULL, "", 0, inode_get(m->super->root), DENTRY_OUT, &m->root);
    if (!err) {
        m->root->mount = m;
        m->super->mount = m;
    }
    return err;
}

static void mount_free(struct mount *m)
{
    kfree(m->source);
    kfree(m->target);
    if (m->root)
        dentry_put(m->root);
    kfree(m);
}

/* A mount that is nowhere yet. */
static int mount_new(const char *type, const char *source, const char *target, unsigned flags,
                     struct mount **out)
{
    struct fs_type *t = type_find(type);
    if (!t)
        return -ENODEV;
    struct mount *m = kzalloc(sizeof(*m));
    if (!m)
        return -ENOMEM;
    int err = t->mount(source, flags, &m->super);
    if (!err)
        err = mount_fill(m, source, target, flags);
    if (err)
        mount_free(m); /* a super stays: boot ends on an error here */
    else
        *out = m;
    return err;
}

int vfs_mount(const char *type, const char *source, const char *target, unsigned flags)
{
    struct mount *m;
    int err = mount_new(type, source, target, flags, &m);
    if (err)
        return err;
    err = mount_attach(m, target);
    if (err) {
        mount_free(m);
        return err;
    }
    if (mounts.last)
        mounts.last->next = m;
    else
        mounts.first = m;
    mounts.last = m;
    return 0;
}

int vfs_mount_hidden(const char *type)
{
    struct mount *m;
    return mount_new(type, NULL, "/", 0, &m);
}

int vfs_init(void)
{
    namei_init();
    return dcache_init();
}
