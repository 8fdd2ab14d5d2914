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
#include "kernel/proc/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "lib/hash.h"
#include "lib/string.h"

#define STORE_MAX 4096U
#define DYNAMIC_POS 100000 /* positions from here on are numbers of `next` */

struct pseudo_super {
    struct super sb; /* first */
    uint64_t magic;
};

struct pseudo_file {
    struct file file; /* first */
    struct mutex lock;
    struct seq text; /* [lock] */
    bool made;       /* [lock] */
};

static const struct inode_ops pseudo_ops, pseudo_magic_ops;
static const struct file_ops pseudo_file_ops;
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
    *out = &pi->inode;
    return 0;
}

static int pseudo_lookup(struct inode *dir, const char *name, struct inode **out)
{
    struct pseudo_inode *pi = pseudo_inode_of(dir);
    for (const struct pseudo_entry *e = pi->entry->children; e && e->name; e++)
        if (!strcmp(e->name, name))
            return pseudo_inode_new(dir->super, e, pi->key, out);
    return pi->entry->find ? pi->entry->find(pi, name, out) : -ENOENT;
}

static int pseudo_getattr(struct inode *i, struct statx *st)
{
    const struct cred *c = current_cred();
    fs_stat_fill(st, i, S_ISDIR(i->mode) ? 2 : 1, 0);
    st->stx_uid = c->euid;
    st->stx_gid = c->egid;
    ktime_t now = clock_real();
    struct statx_timestamp t = {.tv_sec = now / 1000000000,
                                .tv_nsec = (uint32_t)(now % 1000000000)};
    st->stx_atime = st->stx_mtime = st->stx_ctime = t;
    return 0;
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
    bool dir = S_ISDIR(i->mode);
    if (!dir && (flags & O_ACCMODE) != O_RDONLY && !pseudo_inode_of(i)->entry->store)
        return -EACCES;
    struct pseudo_file *pf = kzalloc(sizeof(*pf));
    if (!pf)
        return -ENOMEM;
    file_init(&pf->file, dir ? &pseudo_dir_ops : &pseudo_file_ops, flags);
    mutex_init(&pf->lock);
    seq_init(&pf->text);
    pf->file.inode = inode_get(i);
    *out = &pf->file;
    return 0;
}

/* `> file` on something like oom_score_adj. */
static int pseudo_truncate(struct inode *i, int64_t size)
{
    (void)size;
    return pseudo_inode_of(i)->entry->store ? 0 : -EACCES;
}

static void pseudo_free(struct inode *i)
{
    kfree(pseudo_inode_of(i));
}

static const struct inode_ops pseudo_ops = {
    .lookup = pseudo_lookup,
    .open = pseudo_open,
    .getattr = pseudo_getattr,
    .setattr = pseudo_setattr,
    .truncate = pseudo_truncate,
    .readlink = pseudo_readlink,
    .free = pseudo_free,
};

/* Those of magic links: `follow` is there only when the entry has one. */
static const struct inode_ops pseudo_magic_ops = {
    .getattr = pseudo_getattr,
    .setattr = pseudo_setattr,
    .readlink = pseudo_readlink,
    .follow = pseudo_follow,
    .free = pseudo_free,
};

/* Regular files. */

static struct pseudo_file *pseudo_file_of(struct file *f)
{
    return container_of(f, struct pseudo_file, file);
}

static int text_make(struct pseudo_file *pf)
{
    struct pseudo_inode *pi = pseudo_inode_of(pf->file.inode);
    seq_fini(&pf->text);
    int err = pi->entry->show ? pi->entry->show(&pf->text, pi) : 0;
    if (!err)
        err = pf->text.err;
    if (err)
        seq_fini(&pf->text);
    pf->made = !err;
    return err;
}

/* A piece of the text at pos, copied out of the lock's reach: the uio may fault. */
static int text_piece(struct pseudo_file *pf, int64_t pos, char *piece, size_t size, size_t *n)
{
    int err = 0;
    mutex_lock(&pf->lock);
    if (!pf->made || pos == 0)
        err = text_make(pf);
    *n = 0;
    if (!err && pos >= 0 && (uint64_t)pos < pf->text.len) {
        *n = MIN(size, pf->text.len - (size_t)pos);
        memcpy(piece, pf->text.buf + pos, *n);
    }
    mutex_unlock(&pf->lock);
    return err;
}

static int pseudo_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct pseudo_file *pf = pseudo_file_of(f);
    char piece[1024];
    size_t n;
    while (u->left) {
        int err = text_piece(pf, *pos, piece, MIN(sizeof(piece), u->left), &n);
        if (err || !n)
            return err;
        size_t before = u->done;
        err = uio_put(u, piece, n);
        *pos += (int64_t)(u->done - before);
        if (err)
            return err;
    }
    return 0;
}

static int pseudo_write(struct file *f, struct uio *u, int64_t *pos)
{
    struct pseudo_inode *pi = pseudo_inode_of(f->inode);
    size_t n = MIN(u->left, (size_t)STORE_MAX);
    if (!pi->entry->store)
        return -EPERM;
    char *text = kmalloc(n + 1);
    if (!text)
        return -ENOMEM;
    int err = uio_get(u, text, n);
    if (!err)
        err = pi->entry->store(pi, text, n);
    kfree(text);
    if (!err)
        *pos += (int64_t)n;
    else
        u->done = 0;
    return err;
}

static int64_t pseudo_lseek(struct file *f, int64_t off, int whence)
{
    if (whence == SEEK_END || whence > SEEK_END)
        return -EINVAL;
    return vfs_lseek_default(f, off, whence, 0);
}

static void pseudo_release(struct file *f)
{
    seq_fini(&pseudo_file_of(f)->text);
}

static const struct file_ops pseudo_file_ops = {
    .read = pseudo_read,
    .write = pseudo_write,
    .lseek = pseudo_lseek,
    .release = pseudo_release,
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
    if (emit_dots(f, sink) && emit_table(f, sink, pi) && pi->entry->next)
        emit_dynamic(f, sink, pi);
    return 0;
}

static int64_t pseudo_dir_lseek(struct file *f, int64_t off, int whence)
{
    return whence > SEEK_CUR ? -EINVAL : vfs_lseek_default(f, off, whence, 0);
}

static const struct file_ops pseudo_dir_ops = {
    .iterate = pseudo_iterate,
    .lseek = pseudo_dir_lseek,
    .release = pseudo_release,
};

static int pseudo_statfs(struct super *sb, struct statfs_info *out)
{
    struct pseudo_super *ps = container_of(sb, struct pseudo_super, sb);
    *out = (struct statfs_info){.type = ps->magic, .bsize = 4096, .namelen = NAME_MAX};
    return 0;
}

static const struct super_ops pseudo_super_ops = {
    .statfs = pseudo_statfs,
};

int pseudo_super_new(const char *type, uint64_t magic, const struct pseudo_entry *root,
                     unsigned flags, struct super **out)
{
    struct pseudo_super *ps = kzalloc(sizeof(*ps));
    if (!ps)
        return -ENOMEM;
    ps->sb = (struct super){.type = type,
                            .ops = &pseudo_super_ops,
                            .flags = flags | SUPER_VOLATILE,
                            .dev = fs_dev_new()};
    ps->magic = magic;
    int err = pseudo_inode_new(&ps->sb, root, (struct pseudo_key){0}, &ps->sb.root);
    if (err) {
        kfree(ps);
        return err;
    }
    ps->sb.root->ino = 1;
    *out = &ps->sb;
    return 0;
}
