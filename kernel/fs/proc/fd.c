/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/<pid>/fd and fdinfo.  A link in fd is magic: following it reaches the open file itself, not
 * what its name would lead to.
 */
#include "kernel/fs/proc/proc_impl.h"

/* The open file that an inode stands for: a reference. */
static int file_of(const struct pseudo_inode *i, struct file **out)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    struct fdtable *t = process_fds_get(p);
    int err = t ? fdtable_lookup(t, i->key.fd, out) : -EBADF;
    if (t)
        fdtable_put(t);
    process_put(p);
    return err ? -ENOENT : 0;
}

static int fd_follow(const struct pseudo_inode *i, struct dentry **out)
{
    struct file *f;
    int err = file_of(i, &f);
    if (err)
        return err;
    err = dentry_of_file(f, out);
    file_put(f);
    return err;
}

static int64_t fd_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    struct file *f;
    int64_t n = file_of(i, &f);
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
    struct file *f;
    int err = file_of(i, &f);
    if (err)
        return err;
    seq_printf(s, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t1\nino:\t%lu\n", (long long)f->pos, f->flags,
               f->inode ? (unsigned long)f->inode->ino : 0UL);
    if (f->ops->info)
        f->ops->info(f, s);
    file_put(f);
    return 0;
}

static const struct pseudo_entry fd_entry = {
    .name = "", .mode = S_IFLNK | 0700, .link = fd_link, .follow = fd_follow};
static const struct pseudo_entry fdinfo_entry = {
    .name = "", .mode = S_IFREG | 0400, .show = fdinfo_show};

static int find(struct pseudo_inode *dir, const char *name, const struct pseudo_entry *e,
                struct inode **out)
{
    struct file *f;
    struct pseudo_inode probe = {.key = {.pid = dir->key.pid, .fd = pseudo_number(name)}};
    if (probe.key.fd < 0 || file_of(&probe, &f))
        return -ENOENT;
    file_put(f);
    struct pseudo_key key = {.pid = dir->key.pid, .tid = dir->key.tid, .fd = probe.key.fd};
    return pseudo_inode_new(dir->inode.super, e, key, out);
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
    struct process *p = proc_process(dir);
    if (!p)
        return false;
    struct fdtable *t = process_fds_get(p);
    int fd = t ? fdtable_next(t, *n) : -1;
    if (t)
        fdtable_put(t);
    process_put(p);
    if (fd < 0)
        return false;
    *n = fd;
    snprintf(name, PSEUDO_NAME_MAX, "%d", fd);
    return true;
}
