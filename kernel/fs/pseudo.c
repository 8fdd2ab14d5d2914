/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes and files of the file systems that are made up; see pseudo.h.
 */
#include "kernel/fs/pseudo.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>

#include "kernel/fs/fs.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "lib/hash.h"
#include "lib/string.h"

#define DYNAMIC_POS 100000 /* positions from here on are numbers of `next` */

struct pseudo_super {
    struct super sb; /* first */
    const struct pseudo_fs *fs;
};

static const struct inode_ops pseudo_ops, pseudo_magic_ops;
static const struct file_ops pseudo_dir_ops;

int pseudo_number(const char *name)
{
    int n = 0;
    if (!name[0] || (name[0] == '0' && name[1]))
        return -1;
    for (; *name; name++) {
        if (*name < '0' || *name > '9' || n > (INT32_MAX - 9) / 10)
            return -1;
        n = n * 10 + (*name - '0');
    }
    return n;
}

static const struct pseudo_fs *fs_of(const struct pseudo_inode *pi)
{
    return container_of(pi->inode.super, struct pseudo_super, sb)->fs;
}

static bool alive(const struct pseudo_inode *pi)
{
    const struct pseudo_fs *fs = fs_of(pi);
    return !fs->alive || fs->alive(pi);
}

static uint64_t number_of(const struct pseudo_entry *e, struct pseudo_key key)
{
    uint64_t who = hash_u64((uint64_t)(uint32_t)key.pid << 32 | (uint32_t)key.tid);
    return (hash_u64(who ^ (uintptr_t)e ^ (uint64_t)(uint32_t)key.fd << 40) >> 16) | 1;
}

int pseudo_inode_new(struct super *sb, const struct pseudo_entry *e, struct pseudo_key key,
                     struct inode **out)
{
    struct pseudo_inode *pi = kzalloc(sizeof(*pi));
    if (!pi)
        return -ENOMEM;
    inode_init(&pi->inode, sb, e->follow ? &pseudo_magic_ops : &pseudo_ops, e->mode,
               number_of(e, key));
    pi->entry = e;
    pi->key = key;
    pi->made = clock_real();
    *out = &pi->inode;
    return 0;
}

static int pseudo_lookup(struct inode *dir, const char *name, struct inode **out)
{
    struct pseudo_inode *pi = pseudo_inode_of(dir);
    if (!alive(pi))
        return -ENOENT;
    for (const struct pseudo_entry *e = pi->entry->children; e && e->name; e++)
        if (!strcmp(e->name, name))
            return pseudo_inode_new(dir->super, e, pi->key, out);
    return pi->entry->find ? pi->entry->find(pi, name, out) : -ENOENT;
}

static uint32_t links_of(const struct pseudo_inode *pi)
{
    uint32_t n = 2;
    if (!S_ISDIR(pi->inode.mode))
        return 1;
    for (const struct pseudo_entry *e = pi->entry->children; e && e->name; e++)
        n += S_ISDIR(e->mode);
    return n + (pi->entry->count ? pi->entry->count(pi) : 0);
}

static int pseudo_getattr(struct inode *i, struct statx *st)
{
    const struct pseudo_inode *pi = pseudo_inode_of(i);
    const struct pseudo_fs *fs = fs_of(pi);
    fs_stat_fill(st, i, links_of(pi), S_ISLNK(i->mode) ? pi->entry->link_size : 0);
    if (fs->owner)
        fs->owner(pi, &st->stx_uid, &st->stx_gid);
    struct statx_timestamp t = {.tv_sec = pi->made / 1000000000,
                                .tv_nsec = (uint32_t)(pi->made % 1000000000)};
    st->stx_atime = st->stx_mtime = st->stx_ctime = t;
    return 0;
}

int pseudo_allowed_strictly(const struct pseudo_inode *i, unsigned mask, int said)
{
    return (i->inode.mode >> 6 & mask) == mask ? said : -EACCES;
}

static int pseudo_permission(struct inode *i, unsigned mask)
{
    const struct pseudo_inode *pi = pseudo_inode_of(i);
    const struct pseudo_fs *fs = fs_of(pi);
    int said = inode_mode_permission(i, mask);
    if (pi->entry->allowed)
        return pi->entry->allowed(pi, mask, said);
    return fs->allowed ? fs->allowed(pi, mask, said) : said;
}

static bool pseudo_valid(struct inode *i)
{
    return alive(pseudo_inode_of(i));
}

static int pseudo_setattr(struct inode *i, const struct setattr *a)
{
    (void)i;
    return a->mask & (SETATTR_MODE | SETATTR_UID | SETATTR_GID) ? -EPERM : 0;
}

static int64_t pseudo_readlink(struct inode *i, char *buf, size_t size)
{
    struct pseudo_inode *pi = pseudo_inode_of(i);
    return pi->entry->link ? pi->entry->link(pi, buf, size) : -EINVAL;
}

static int pseudo_follow(struct inode *i, struct dentry **out)
{
    struct pseudo_inode *pi = pseudo_inode_of(i);
    return pi->entry->follow(pi, out);
}

static int pseudo_open(struct inode *i, uint32_t flags, struct file **out)
{
    if (!S_ISDIR(i->mode))
        return pseudo_text_open(pseudo_inode_of(i), flags, out);
    *out = file_new(&pseudo_dir_ops, flags, NULL);
    if (!*out)
        return -ENOMEM;
    (*out)->inode = inode_get(i);
    return 0;
}

/* `> file` on something like oom_score_adj. */
static int pseudo_truncate(struct inode *i, int64_t size)
{
    (void)i;
    (void)size;
    return 0;
}

static void pseudo_free(struct inode *i)
{
    kfree(pseudo_inode_of(i));
}

static const struct inode_ops pseudo_ops = {
    .lookup = pseudo_lookup,
    .open = pseudo_open,
    .permission = pseudo_permission,
    .valid = pseudo_valid,
    .getattr = pseudo_getattr,
    .setattr = pseudo_setattr,
    .truncate = pseudo_truncate,
    .readlink = pseudo_readlink,
    .free = pseudo_free,
};

/* Those of magic links: `follow` is there only when the entry has one. */
static const struct inode_ops pseudo_magic_ops = {
    .permission = pseudo_permission,
    .getattr = pseudo_getattr,
    .setattr = pseudo_setattr,
    .readlink = pseudo_readlink,
    .follow = pseudo_follow,
    .free = pseudo_free,
};

/* Directories: ".", "..", the table, then what comes and goes. */

static bool emit_dots(struct file *f, struct dir_sink *sink)
{
    for (; f->pos < 2; f->pos++)
        if (!sink->emit(sink, "..", (size_t)f->pos + 1, f->inode->ino, 4, f->pos + 1))
            return false;
    return true;
}

static bool emit_table(struct file *f, struct dir_sink *sink, const struct pseudo_inode *pi)
{
    const struct pseudo_entry *e = pi->entry->children;
    for (int64_t at = 2; e && e->name; e++, at++) {
        if (at < f->pos)
            continue;
        uint64_t ino = number_of(e, pi->key);
        if (!sink->emit(sink, e->name, strlen(e->name), ino, (e->mode & S_IFMT) >> 12, at + 1))
            return false;
        f->pos = at + 1;
    }
    return true;
}

static void emit_dynamic(struct file *f, struct dir_sink *sink, const struct pseudo_inode *pi)
{
    char name[PSEUDO_NAME_MAX];
    int n = f->pos >= DYNAMIC_POS ? (int)(f->pos - DYNAMIC_POS) : 0;
    while (pi->entry->next(pi, &n, name)) {
        int64_t next = DYNAMIC_POS + (int64_t)n + 1;
        if (!sink->emit(sink, name, strlen(name), (uint64_t)n + 1, pi->entry->next_type, next))
            return;
        f->pos = next;
        n++;
    }
}

static int pseudo_iterate(struct file *f, struct dir_sink *sink)
{
    const struct pseudo_inode *pi = pseudo_inode_of(f->inode);
    if (!alive(pi))
        return -ENOENT;
    if (emit_dots(f, sink) && emit_table(f, sink, pi) && pi->entry->next)
        emit_dynamic(f, sink, pi);
    return 0;
}

static const struct file_ops pseudo_dir_ops = {
    .iterate = pseudo_iterate,
    .lseek = vfs_lseek_dir,
};

static int pseudo_statfs(struct super *sb, struct statfs_info *out)
{
    struct pseudo_super *ps = container_of(sb, struct pseudo_super, sb);
    *out = (struct statfs_info){.type = ps->fs->magic, .bsize = 4096, .namelen = NAME_MAX};
    return 0;
}

static const struct super_ops pseudo_super_ops = {
    .statfs = pseudo_statfs,
};

int pseudo_super_new(const struct pseudo_fs *fs, unsigned flags, struct super **out)
{
    struct pseudo_super *ps = kzalloc(sizeof(*ps));
    if (!ps)
        return -ENOMEM;
    ps->sb = (struct super){.type = fs->type,
                            .ops = &pseudo_super_ops,
                            .flags = flags | SUPER_VOLATILE,
                            .dev = fs_dev_new()};
    ps->fs = fs;
    int err = pseudo_inode_new(&ps->sb, fs->root, (struct pseudo_key){0}, &ps->sb.root);
    if (err) {
        kfree(ps);
        return err;
    }
    ps->sb.root->ino = 1;
    *out = &ps->sb;
    return 0;
}
