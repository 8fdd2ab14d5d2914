/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/<pid>/fd and fdinfo.  A link in fd is magic: following it reaches the open file itself, not
 * what its name would lead to.
 */
#include "kernel/fs/proc/proc_impl.h"

/* The table of descriptors (a reference): 0, -ESRCH, -ENOENT when the process has ended. */
static int table_of(const struct pseudo_inode *i, struct fdtable **out)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    *out = process_fds_get(p);
    process_put(p);
    return *out ? 0 : -ENOENT;
}

/* The open file behind a descriptor of the process: a reference. */
static int file_at(const struct pseudo_inode *i, int fd, struct file **out)
{
    struct fdtable *t;
    int err = table_of(i, &t);
    if (err)
        return err;
    err = fdtable_lookup(t, fd, out);
    fdtable_put(t);
    return err ? -ENOENT : 0;
}

static int fd_follow(const struct pseudo_inode *i, struct dentry **out)
{
    struct file *f;
    int err = proc_look(i);
    if (!err)
        err = file_at(i, i->key.fd, &f);
    if (err)
        return err;
    err = dentry_of_file(f, out);
    file_put(f);
    return err;
}

static int64_t fd_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    struct file *f;
    int64_t n = proc_look(i);
    if (!n)
        n = file_at(i, i->key.fd, &f);
    if (n)
        return n;
    if (f->dentry) {
        n = proc_dentry_link(f->dentry, buf, size);
    } else {
        const char *name = f->name ? f->name : "anon_inode:[unknown]";
        n = (int64_t)MIN(strlen(name), size);
        memcpy(buf, name, (size_t)n);
    }
    file_put(f);
    return n;
}

static int fdinfo_show(struct seq *s, const struct pseudo_inode *i)
{
    struct fdtable *t;
    struct file *f;
    int err = table_of(i, &t);
    if (err)
        return err;
    err = fdtable_lookup(t, i->key.fd, &f) ? -ENOENT : 0;
    unsigned cloexec = !err && fdtable_cloexec(t, i->key.fd) ? O_CLOEXEC : 0;
    if (err) {
        fdtable_put(t);
        return err;
    }
    seq_printf(s, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t1\nino:\t%lu\n", (long long)f->pos,
               f->flags | cloexec, f->inode ? (unsigned long)f->inode->ino : 0UL);
    if (f->ops->info)
        f->ops->info(f, s);
    proc_file_locks_show(s, f, t);
    fdtable_put(t);
    file_put(f);
    return 0;
}

static const struct pseudo_entry fd_entry = {
    .name = "", .mode = S_IFLNK, .link = fd_link, .link_size = 64, .follow = fd_follow};
static const struct pseudo_entry fdinfo_entry = {
    .name = "", .mode = S_IFREG | 0444, .show = fdinfo_show, .allowed = proc_allowed_look};

/* What a link in fd is allowed to is how its file is open. */
static uint32_t link_mode(const struct file *f)
{
    if (f->flags & O_PATH)
        return 0;
    return (FMODE_READ(f) ? 0500 : 0) | (FMODE_WRITE(f) ? 0300 : 0);
}

static int find(struct pseudo_inode *dir, const char *name, const struct pseudo_entry *e,
                struct inode **out)
{
    struct pseudo_key key = dir->key;
    struct file *f;
    key.fd = pseudo_number(name);
    int err = key.fd < 0 ? -ENOENT : file_at(dir, key.fd, &f);
    if (err)
        return -ENOENT;
    uint32_t mode = link_mode(f);
    file_put(f);
    err = pseudo_inode_new(dir->inode.super, e, key, out);
    if (!err && S_ISLNK(e->mode))
        (*out)->mode |= mode;
    return err;
}

int proc_fd_find(struct pseudo_inode *dir, const char *name, struct inode **out)
{
    return find(dir, name, &fd_entry, out);
}

int proc_fdinfo_find(struct pseudo_inode *dir, const char *name, struct inode **out)
{
    return find(dir, name, &fdinfo_entry, out);
}

bool proc_fd_next(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX])
{
    struct fdtable *t;
    if (table_of(dir, &t))
        return false;
    int fd = fdtable_next(t, *n);
    fdtable_put(t);
    if (fd < 0)
        return false;
    *n = fd;
    snprintf(name, PSEUDO_NAME_MAX, "%d", fd);
    return true;
}
