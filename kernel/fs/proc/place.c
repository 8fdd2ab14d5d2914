/* SPDX-License-Identifier: Apache-2.0 */
/* exe, cwd, root: magic links to where a process is.  Who may not look into it may not follow them. */
#include "kernel/fs/proc/proc_impl.h"

int64_t proc_dentry_link(struct dentry *d, char *buf, size_t size)
{
    static const char lost[] = "(unreachable)";
    char *path = kmalloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    int64_t n = dentry_path(d, path, PATH_MAX);
    const char *text = n < 0 ? lost : path;
    size_t len = MIN(n < 0 ? sizeof(lost) - 1 : (size_t)n, size);
    memcpy(buf, text, len);
    kfree(path);
    return (int64_t)len;
}

/* The program file's place: a reference, or NULL. */
static struct dentry *exe_get(struct process *p)
{
    spin_lock(&p->lock);
    struct file *f = p->exe ? file_get(p->exe) : NULL;
    spin_unlock(&p->lock);
    if (!f)
        return NULL;
    struct dentry *d = f->dentry ? dentry_get(f->dentry) : NULL;
    file_put(f);
    return d;
}

static struct dentry *cwd_get(struct process *p)
{
    struct fs_context *fs = process_fs_get(p);
    struct dentry *d = fs ? fs_context_cwd(fs) : NULL;
    if (fs)
        fs_context_put(fs);
    return d;
}

static struct dentry *root_get(struct process *p)
{
    struct fs_context *fs = process_fs_get(p);
    struct dentry *d = fs ? fs_context_root(fs) : NULL;
    if (fs)
        fs_context_put(fs);
    return d;
}

static int place(const struct pseudo_inode *i, struct dentry *(*get)(struct process *),
                 struct dentry **out)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    bool may = proc_may_look(p);
    *out = may ? get(p) : NULL;
    process_put(p);
    return !may ? -EACCES : *out ? 0 : -ENOENT;
}

static int64_t place_link(const struct pseudo_inode *i, struct dentry *(*get)(struct process *),
                          char *buf, size_t size)
{
    struct dentry *d;
    int err = place(i, get, &d);
    if (err)
        return err;
    int64_t n = proc_dentry_link(d, buf, size);
    dentry_put(d);
    return n;
}

int proc_exe_follow(const struct pseudo_inode *i, struct dentry **out)
{
    return place(i, exe_get, out);
}

int64_t proc_exe_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    return place_link(i, exe_get, buf, size);
}

int proc_cwd_follow(const struct pseudo_inode *i, struct dentry **out)
{
    return place(i, cwd_get, out);
}

int64_t proc_cwd_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    return place_link(i, cwd_get, buf, size);
}

int proc_root_follow(const struct pseudo_inode *i, struct dentry **out)
{
    return place(i, root_get, out);
}

int64_t proc_root_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    return place_link(i, root_get, buf, size);
}
