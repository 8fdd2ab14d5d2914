/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of tmpfs: each a tree of entries by name and another by the order of their making,
 * whose numbers are the positions of getdents, so that a listing survives changes in between.
 * All under super->names.
 */
#include "kernel/fs/tmpfs/tmpfs_impl.h"

struct name_key {
    const char *name;
    size_t len;
};

static int name_cmp(const char *a, size_t alen, const char *b, size_t blen)
{
    int order = memcmp(a, b, MIN(alen, blen));
    return order ? order : (alen > blen) - (alen < blen);
}

static int by_name_cmp(const struct tree_node *a, const struct tree_node *b)
{
    const struct tmpfs_entry *x = tree_entry(a, struct tmpfs_entry, by_name);
    const struct tmpfs_entry *y = tree_entry(b, struct tmpfs_entry, by_name);
    return name_cmp(x->name, x->len, y->name, y->len);
}

static int by_seq_cmp(const struct tree_node *a, const struct tree_node *b)
{
    uint64_t x = tree_entry(a, struct tmpfs_entry, by_seq)->seq;
    uint64_t y = tree_entry(b, struct tmpfs_entry, by_seq)->seq;
    return (x > y) - (x < y);
}

static int name_key_cmp(const void *key, const struct tree_node *n)
{
    const struct name_key *k = key;
    const struct tmpfs_entry *e = tree_entry(n, struct tmpfs_entry, by_name);
    return name_cmp(k->name, k->len, e->name, e->len);
}

static int seq_key_cmp(const void *key, const struct tree_node *n)
{
    uint64_t k = *(const uint64_t *)key, seq = tree_entry(n, struct tmpfs_entry, by_seq)->seq;
    return (k > seq) - (k < seq);
}

void tmpfs_dir_init(struct tmpfs_inode *dir)
{
    tree_init(&dir->by_name, by_name_cmp);
    tree_init(&dir->by_seq, by_seq_cmp);
    dir->last_seq = 2; /* 0 and 1 are "." and ".." */
}

static struct tmpfs_entry *entry_find(struct tmpfs_inode *dir, const char *name)
{
    struct name_key key = {name, strlen(name)};
    struct tree_node *n = tree_find(&dir->by_name, &key, name_key_cmp);
    return n ? tree_entry(n, struct tmpfs_entry, by_name) : NULL;
}

static struct tmpfs_entry *entry_new(const char *name)
{
    size_t len = strlen(name);
    struct tmpfs_entry *e = kzalloc(sizeof(*e) + len + 1);
    if (!e)
        return NULL;
    e->len = len;
    memcpy(e->name, name, len + 1);
    return e;
}

/* e takes over the caller's reference on inode. */
static void entry_add(struct tmpfs_inode *dir, struct tmpfs_entry *e, struct tmpfs_inode *inode)
{
    e->inode = inode;
    e->seq = dir->last_seq++;
    (void)tree_insert(&dir->by_name, &e->by_name);
    (void)tree_insert(&dir->by_seq, &e->by_seq);
    tmpfs_touch(dir);
}

/* Takes e out and frees it; the reference on its inode is the caller's. */
static struct tmpfs_inode *entry_remove(struct tmpfs_inode *dir, struct tmpfs_entry *e)
{
    struct tmpfs_inode *ti = e->inode;
    tree_remove(&dir->by_name, &e->by_name);
    tree_remove(&dir->by_seq, &e->by_seq);
    kfree(e);
    tmpfs_touch(dir);
    return ti;
}

static bool is_dir(const struct tmpfs_inode *ti)
{
    return S_ISDIR(ti->inode.mode);
}

int tmpfs_lookup(struct inode *dir, const char *name, struct inode **out)
{
    struct tmpfs_super *ts = tmpfs_super_of(dir);
    mutex_lock(&ts->names);
    struct tmpfs_entry *e = entry_find(tmpfs_inode_of(dir), name);
    if (e)
        *out = inode_get(&e->inode->inode);
    mutex_unlock(&ts->names);
    return e ? 0 : -ENOENT;
}

/* Gives the new inode (reference consumed) a name; *out gets a reference of its own. */
static int name_new(struct inode *dir, const char *name, struct tmpfs_inode *ti, struct inode **out)
{
    struct tmpfs_super *ts = tmpfs_super_of(dir);
    struct tmpfs_inode *d = tmpfs_inode_of(dir);
    struct tmpfs_entry *e = entry_new(name);
    int err = e ? 0 : -ENOMEM;
    mutex_lock(&ts->names);
    if (!err && entry_find(d, name))
        err = -EEXIST;
    else if (!err && !d->nlink)
        err = -ENOENT; /* the directory has been removed */
    if (!err) {
        ti->nlink = 1;
        if (is_dir(ti)) {
            ti->nlink = 2;
            ti->parent = d;
            d->nlink++;
        }
        entry_add(d, e, ti);
        *out = inode_get(&ti->inode);
    }
    mutex_unlock(&ts->names);
    if (err) {
        kfree(e);
        inode_put(&ti->inode);
    }
    return err;
}

static int node_new(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                    const char *target, struct inode **out)
{
    struct tmpfs_inode *d = tmpfs_inode_of(dir), *ti = tmpfs_inode_new(dir->super, mode);
    if (!ti)
        return -ENOMEM;
    ti->inode.rdev = rdev;
    tmpfs_group_of_dir(ti, d);
    if (target) {
        ti->target = kstrdup(target);
        if (!ti->target) {
            inode_put(&ti->inode);
            return -ENOMEM;
        }
    }
    return name_new(dir, name, ti, out);
}

int tmpfs_create(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    return node_new(dir, name, S_IFREG | (mode & 07777), 0, NULL, out);
}

int tmpfs_mkdir(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    return node_new(dir, name, S_IFDIR | (mode & 07777), 0, NULL, out);
}

int tmpfs_mknod(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                struct inode **out)
{
    uint32_t type = mode & S_IFMT;
    if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK && type != 0)
        return -EPERM; /* device nodes would lead nowhere */
    return node_new(dir, name, (type ? type : S_IFREG) | (mode & 07777), rdev, NULL, out);
}

int tmpfs_symlink(struct inode *dir, const char *name, const char *target, struct inode **out)
{
    return node_new(dir, name, S_IFLNK | 0777, 0, target, out);
}

int tmpfs_link(struct inode *dir, const char *name, struct inode *target)
{
    struct tmpfs_super *ts = tmpfs_super_of(dir);
    struct tmpfs_inode *d = tmpfs_inode_of(dir), *ti = tmpfs_inode_of(target);
    struct tmpfs_entry *e = entry_new(name);
    if (!e)
        return -ENOMEM;
    int err = 0;
    mutex_lock(&ts->names);
    if (entry_find(d, name))
        err = -EEXIST;
    else if (is_dir(ti))
        err = -EPERM;
    else if (!d->nlink)
        err = -ENOENT;
    if (!err) {
        ti->nlink++;
        ti->ctime = clock_real();
        (void)inode_get(target);
        entry_add(d, e, ti);
    }
    mutex_unlock(&ts->names);
    if (err)
        kfree(e);
    return err;
}

/* Why e may not be replaced or removed as (or by) a directory; 0: it may. */
static int removable(const struct tmpfs_entry *e, bool as_dir)
{
    if (!as_dir)
        return is_dir(e->inode) ? -EISDIR : 0;
    if (!is_dir(e->inode))
        return -ENOTDIR;
    return tree_empty(&e->inode->by_name) ? 0 : -ENOTEMPTY;
}

/* With names held: removes e, which removable() has passed; the caller puts the result afterwards. */
static struct tmpfs_inode *remove_locked(struct tmpfs_inode *dir, struct tmpfs_entry *e)
{
    struct tmpfs_inode *ti = entry_remove(dir, e);
    if (is_dir(ti)) {
        ti->nlink = 0;
        ti->parent = NULL;
        dir->nlink--;
    } else {
        ti->nlink--;
    }
    ti->ctime = clock_real();
    return ti;
}

static int name_remove(struct inode *dir, const char *name, bool as_dir)
{
    struct tmpfs_super *ts = tmpfs_super_of(dir);
    struct tmpfs_inode *ti = NULL;
    mutex_lock(&ts->names);
    struct tmpfs_entry *e = entry_find(tmpfs_inode_of(dir), name);
    int err = e ? removable(e, as_dir) : -ENOENT;
    if (!err)
        ti = remove_locked(tmpfs_inode_of(dir), e);
    mutex_unlock(&ts->names);
    if (ti)
        inode_put(&ti->inode);
    return err;
}

int tmpfs_unlink(struct inode *dir, const char *name, struct inode *victim)
{
    (void)victim;
    return name_remove(dir, name, false);
}

int tmpfs_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
    (void)victim;
    return name_remove(dir, name, true);
}

/* A directory's ".." and the link counts follow it. */
static void reparent(struct tmpfs_inode *ti, struct tmpfs_inode *from, struct tmpfs_inode *to)
{
    ti->ctime = clock_real();
    if (!is_dir(ti) || from == to)
        return;
    from->nlink--;
    to->nlink++;
    ti->parent = to;
}

static void exchange_locked(struct tmpfs_inode *olddir, struct tmpfs_entry *a,
                            struct tmpfs_inode *newdir, struct tmpfs_entry *b)
{
    struct tmpfs_inode *ti = a->inode;
    a->inode = b->inode;
    b->inode = ti;
    reparent(b->inode, olddir, newdir);
    reparent(a->inode, newdir, olddir);
    tmpfs_touch(olddir);
    tmpfs_touch(newdir);
}

/* The entry `fresh` (consumed on success) takes the place of src, over dst if there is one. */
static int move_locked(struct tmpfs_inode *olddir, struct tmpfs_entry *src,
                       struct tmpfs_inode *newdir, struct tmpfs_entry *dst,
                       struct tmpfs_entry *fresh, struct tmpfs_inode **replaced)
{
    if (!newdir->nlink)
        return -ENOENT;
    if (dst) {
        int err = removable(dst, is_dir(src->inode));
        if (err)
            return err;
        *replaced = remove_locked(newdir, dst);
    }
    struct tmpfs_inode *ti = entry_remove(olddir, src);
    entry_add(newdir, fresh, ti);
    reparent(ti, olddir, newdir);
    return 0;
}

int tmpfs_rename(struct inode *olddir, const char *oldname, struct inode *newdir,
                 const char *newname, unsigned flags)
{
    struct tmpfs_super *ts = tmpfs_super_of(olddir);
    struct tmpfs_inode *od = tmpfs_inode_of(olddir), *nd = tmpfs_inode_of(newdir);
    struct tmpfs_inode *replaced = NULL;
    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    struct tmpfs_entry *fresh = entry_new(newname);
    if (!fresh)
        return -ENOMEM;
    mutex_lock(&ts->names);
    struct tmpfs_entry *src = entry_find(od, oldname), *dst = entry_find(nd, newname);
    int err = 0;
    bool moved = false;
    if (!src || (flags & RENAME_EXCHANGE && !dst))
        err = -ENOENT;
    else if (dst && flags & RENAME_NOREPLACE)
        err = -EEXIST;
    else if (flags & RENAME_EXCHANGE)
        exchange_locked(od, src, nd, dst);
    else if (!dst || dst->inode != src->inode) {
        err = move_locked(od, src, nd, dst, fresh, &replaced);
        moved = !err;
    }
    mutex_unlock(&ts->names);
    if (!moved)
        kfree(fresh);
    if (replaced)
        inode_put(&replaced->inode);
    return err;
}

/* Listing. */

struct listed {
    uint64_t ino;
    unsigned type;
    size_t len;
    int64_t next;
    char name[TMPFS_NAME_MAX + 1];
};

static unsigned dt_of(const struct tmpfs_inode *ti)
{
    return (ti->inode.mode & S_IFMT) >> 12;
}

/* A copy of the entry at or after pos: the sink may fault, and nothing may be locked then. */
static bool entry_at(struct tmpfs_inode *dir, int64_t pos, struct listed *out)
{
    struct tmpfs_super *ts = tmpfs_super_of(&dir->inode);
    struct tmpfs_inode *ti = dir;
    uint64_t seq = (uint64_t)pos;
    struct tmpfs_entry *e = NULL;
    mutex_lock(&ts->names);
    if (pos < 2) {
        ti = pos && dir->parent ? dir->parent : dir;
        out->len = (size_t)pos + 1;
        out->next = pos + 1;
        memcpy(out->name, "..", out->len);
    } else {
        struct tree_node *n = tree_ceil(&dir->by_seq, &seq, seq_key_cmp);
        e = n ? tree_entry(n, struct tmpfs_entry, by_seq) : NULL;
    }
    if (e) {
        ti = e->inode;
        out->len = e->len;
        out->next = (int64_t)e->seq + 1;
        memcpy(out->name, e->name, e->len);
    }
    out->name[out->len] = '\0';
    out->ino = ti->inode.ino;
    out->type = dt_of(ti);
    mutex_unlock(&ts->names);
    return pos < 2 || e;
}

static int dir_iterate(struct file *f, struct dir_sink *sink)
{
    struct listed l = {0};
    while (entry_at(tmpfs_inode_of(f->inode), f->pos, &l)) {
        if (!sink->emit(sink, l.name, l.len, l.ino, l.type, l.next))
            break;
        f->pos = l.next;
    }
    return 0;
}

static int dir_fsync(struct file *f, bool data_only)
{
    (void)f;
    (void)data_only;
    return 0;
}

const struct file_ops tmpfs_dir_ops = {
    .iterate = dir_iterate,
    .lseek = vfs_lseek_dir,
    .fsync = dir_fsync,
};
