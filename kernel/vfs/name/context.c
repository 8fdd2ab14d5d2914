/* SPDX-License-Identifier: Apache-2.0 */
/* A process's place in the tree of names: current directory, root, umask. */
#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

struct fs_context *fs_context_new(void)
{
    struct fs_context *f = kzalloc(sizeof(*f));
    if (!f)
        return NULL;
    ref_init(&f->ref);
    spin_init(&f->lock);
    f->umask = 022;
    if (mount_first()) {
        f->cwd = dentry_get(mount_first()->root);
        f->root = dentry_get(mount_first()->root);
    }
    return f;
}

struct fs_context *fs_context_clone(struct fs_context *f)
{
    struct fs_context *copy = kzalloc(sizeof(*copy));
    if (!copy)
        return NULL;
    ref_init(&copy->ref);
    spin_init(&copy->lock);
    spin_lock(&f->lock);
    copy->cwd = dentry_get(f->cwd);
    copy->root = dentry_get(f->root);
    copy->umask = f->umask;
    spin_unlock(&f->lock);
    return copy;
}

struct fs_context *fs_context_get(struct fs_context *f)
{
    ref_get(&f->ref);
    return f;
}

void fs_context_put(struct fs_context *f)
{
    if (!ref_put(&f->ref))
        return;
    if (f->cwd)
        dentry_put(f->cwd);
    if (f->root)
        dentry_put(f->root);
    kfree(f);
}

struct dentry *fs_context_cwd(struct fs_context *f)
{
    spin_lock(&f->lock);
    struct dentry *d = dentry_get(f->cwd);
    spin_unlock(&f->lock);
    return d;
}

struct dentry *fs_context_root(struct fs_context *f)
{
    spin_lock(&f->lock);
    struct dentry *d = dentry_get(f->root);
    spin_unlock(&f->lock);
    return d;
}

void fs_context_set_umask(struct fs_context *f, uint32_t mask)
{
    __atomic_store_n(&f->umask, mask & 0777, __ATOMIC_RELAXED);
}

uint32_t fs_context_umask(struct fs_context *f)
{
    return __atomic_load_n(&f->umask, __ATOMIC_RELAXED);
}

/* Puts d (consumed) in *slot. */
static void context_set(struct fs_context *f, struct dentry **slot, struct dentry *d)
{
    spin_lock(&f->lock);
    struct dentry *old = *slot;
    *slot = d;
    spin_unlock(&f->lock);
    dentry_put(old);
}

/* Moves to directory d (consumed). */
static int context_move(struct dentry **slot, struct dentry *d)
{
    int err = S_ISDIR(d->inode->mode) ? inode_permission(d->inode, MAY_EXEC) : -ENOTDIR;
    if (err)
        dentry_put(d);
    else
        context_set(current_process()->fs, slot, d);
    return err;
}

int vfs_chdir(const char *path)
{
    struct dentry *d;
    int err = path_lookup(AT_FDCWD, path, 0, &d);
    return err ? err : context_move(&current_process()->fs->cwd, d);
}

long sys_chdir(uaddr_t path)
{
    struct path_arg p;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = vfs_chdir(p.s);
    path_done(&p);
    return err;
}

long sys_fchdir(int fd)
{
    struct fd_ref r;
    int err = fd_get_path(fd, &r);
    if (err)
        return err;
    if (r.file->dentry)
        err = context_move(&current_process()->fs->cwd, dentry_get(r.file->dentry));
    else
        err = -ENOTDIR;
    fd_put(&r);
    return err;
}

long sys_chroot(uaddr_t path)
{
    struct path_arg p;
    struct dentry *d;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = path_lookup(AT_FDCWD, p.s, 0, &d);
    path_done(&p);
    if (err)
        return err;
    if (!capable(CAP_SYS_CHROOT)) {
        dentry_put(d);
        return reject(-EPERM, "needs CAP_SYS_CHROOT");
    }
    return context_move(&current_process()->fs->root, d);
}

long sys_umask(unsigned mask)
{
    return __atomic_exchange_n(&current_process()->fs->umask, mask & 0777, __ATOMIC_RELAXED);
}

long sys_getcwd(uaddr_t buf, unsigned long size)
{
    struct dentry *d = fs_context_cwd(current_process()->fs);
    char *path = kmalloc(PATH_MAX);
    long ret = -ENOMEM;
    if (path)
        ret = d->deleted ? -ENOENT : dentry_path(d, path, PATH_MAX);
    dentry_put(d);
    if (ret >= 0) {
        ret++; /* with the NUL */
        if ((unsigned long)ret > size)
            ret = -ERANGE;
        else if (copy_out(buf, path, (size_t)ret))
            ret = -EFAULT;
    }
    kfree(path);
    return ret;
}
