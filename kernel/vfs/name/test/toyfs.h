/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small file system in memory for the tests of the path walk: a tree of nodes, each an inode.
 * With SUPER_VOLATILE it offers open_at and stat_at and counts calls, as the host kind would exit
 * for each.
 */
#ifndef KERNEL_VFS_NAME_TEST_TOYFS_H
#define KERNEL_VFS_NAME_TEST_TOYFS_H

#include "kernel/vfs/vfs_impl.h"

struct toy {
    struct inode inode; /* first */
    struct toy *parent, *child, *next;
    char name[256];
    char target[64];
    struct toy *goes_to; /* of a magic link */
};

static struct super toy_super[2];
static unsigned toy_calls; /* lookups, opens and stats: what would be exits */
static unsigned toy_reads; /* of symlinks */
static uint64_t toy_ino;
static const struct inode_ops toy_ops, toy_once_ops, toy_magic_ops;
static struct dentry *toy_magic_end;

static struct toy *toy_of(struct inode *i)
{
    return container_of(i, struct toy, inode);
}

static struct toy *toy_find(struct toy *dir, const char *name)
{
    struct toy *t = dir->child;
    while (t && strcmp(t->name, name) != 0)
        t = t->next;
    return t;
}

static struct toy *toy_make(struct super *sb, struct toy *dir, const char *name, uint32_t mode)
{
    struct toy *t = calloc(1, sizeof(*t));
    inode_init(&t->inode, sb, sb->flags & SUPER_VOLATILE ? &toy_once_ops : &toy_ops, mode,
               ++toy_ino);
    strcpy(t->name, name);
    t->parent = dir;
    if (dir) {
        t->next = dir->child;
        dir->child = t;
    }
    return t;
}

static struct toy *toy_link(struct toy *dir, const char *name, const char *target)
{
    struct toy *t = toy_make(dir->inode.super, dir, name, S_IFLNK | 0777);
    strcpy(t->target, target);
    return t;
}

static void toy_detach(struct toy *t)
{
    struct toy **p = &t->parent->child;
    while (*p != t)
        p = &(*p)->next;
    *p = t->next;
    t->parent = NULL;
}

static int toy_lookup(struct inode *dir, const char *name, struct inode **out)
{
    struct toy *t = toy_find(toy_of(dir), name);
    toy_calls++;
    if (!t)
        return -ENOENT;
    *out = inode_get(&t->inode);
    return 0;
}

static int toy_node(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    if (toy_find(toy_of(dir), name))
        return -EEXIST;
    *out = inode_get(&toy_make(dir->super, toy_of(dir), name, mode)->inode);
    return 0;
}

static int toy_create(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    return toy_node(dir, name, S_IFREG | mode, out);
}

static int toy_mkdir(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    return toy_node(dir, name, S_IFDIR | mode, out);
}

static int toy_symlink(struct inode *dir, const char *name, const char *target, struct inode **out)
{
    int err = toy_node(dir, name, S_IFLNK | 0777, out);
    if (!err)
        strcpy(toy_of(*out)->target, target);
    return err;
}

static int toy_remove(struct inode *dir, const char *name, struct inode *victim)
{
    struct toy *t = toy_find(toy_of(dir), name);
    if (!t)
        return -ENOENT;
    if (victim)
        assert_ptr_equal(victim, &t->inode);
    if (t->child)
        return -ENOTEMPTY;
    toy_detach(t);
    inode_put(&t->inode);
    return 0;
}

static int toy_rename(struct inode *od, const char *on, struct inode *nd, const char *nn,
                      unsigned flags)
{
    struct toy *t = toy_find(toy_of(od), on), *over = toy_find(toy_of(nd), nn);
    if (!t)
        return -ENOENT;
    if (flags & RENAME_EXCHANGE) {
        strcpy(t->name, "?");
        strcpy(over->name, on);
        strcpy(t->name, nn);
        toy_detach(t);
        toy_detach(over);
        t->parent = toy_of(nd);
        t->next = t->parent->child;
        t->parent->child = t;
        over->parent = toy_of(od);
        over->next = over->parent->child;
        over->parent->child = over;
        return 0;
    }
    if (over) {
        toy_detach(over);
        inode_put(&over->inode);
    }
    toy_detach(t);
    strcpy(t->name, nn);
    t->parent = toy_of(nd);
    t->next = t->parent->child;
    t->parent->child = t;
    return 0;
}

static int64_t toy_readlink(struct inode *i, char *buf, size_t size)
{
    size_t n = strlen(toy_of(i)->target);
    toy_reads++;
    n = MIN(n, size);
    memcpy(buf, toy_of(i)->target, n);
    return (int64_t)n;
}

static int toy_follow(struct inode *i, struct dentry **out)
{
    (void)i;
    *out = dentry_get(toy_magic_end);
    return 0;
}

static const struct file_ops toy_file_ops;

static int toy_open(struct inode *i, uint32_t flags, struct file **out)
{
    (void)i;
    *out = file_new(&toy_file_ops, flags, NULL);
    return *out ? 0 : -ENOMEM;
}

static int toy_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                       struct inode **out_ino, struct file **out)
{
    struct toy *t = toy_find(toy_of(dir), name);
    toy_calls++;
    if (t && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (!t && !(flags & O_CREAT))
        return -ENOENT;
    if (!t)
        t = toy_make(dir->super, toy_of(dir), name, S_IFREG | mode);
    if (S_ISLNK(t->inode.mode))
        return -ELOOP;
    if (flags & O_DIRECTORY && !S_ISDIR(t->inode.mode))
        return -ENOTDIR;
    *out_ino = inode_get(&t->inode);
    return toy_open(&t->inode, flags, out);
}

static int toy_stat_at(struct inode *dir, const char *name, struct statx *st)
{
    struct toy *t = toy_find(toy_of(dir), name);
    toy_calls++;
    if (!t)
        return -ENOENT;
    st->stx_mode = (uint16_t)t->inode.mode;
    st->stx_ino = t->inode.ino;
    return 0;
}

static void toy_free(struct inode *i)
{
    free(toy_of(i));
}

#define TOY_COMMON                                                                             \
    .lookup = toy_lookup, .create = toy_create, .mkdir = toy_mkdir, .symlink = toy_symlink,    \
    .unlink = toy_remove, .rmdir = toy_remove, .rename = toy_rename, .readlink = toy_readlink, \
    .open = toy_open, .free = toy_free
static const struct inode_ops toy_ops = {TOY_COMMON};
static const struct inode_ops toy_once_ops = {TOY_COMMON, .open_at = toy_open_at,
                                              .stat_at = toy_stat_at};
static const struct inode_ops toy_magic_ops = {TOY_COMMON, .follow = toy_follow};

static int toy_mount(const char *source, unsigned flags, struct super **out)
{
    struct super *sb = &toy_super[flags & SUPER_VOLATILE ? 1 : 0];
    (void)source;
    sb->type = "toy";
    sb->flags = flags;
    sb->dev = flags + 1;
    sb->root = &toy_make(sb, NULL, "", S_IFDIR | 0755)->inode;
    *out = sb;
    return 0;
}

static struct fs_type toy_type = {.name = "toy", .mount = toy_mount};

static void toy_free_tree(struct toy *t)
{
    while (t->child) {
        struct toy *c = t->child;
        t->child = c->next;
        toy_free_tree(c);
    }
    inode_put(&t->inode);
}

#endif
