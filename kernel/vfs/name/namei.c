/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing names: mkdir, mknod, symlink, link, unlink, rmdir, rename.
 *
 * The kind does the change with the directory's names mutex held (rename: both directories', by
 * rising address); then the dentry cache follows.  On volatile file systems the host is the judge
 * of what exists and nothing is looked up first.  Mount points cannot be removed or renamed.
 */
#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

static uint64_t epoch; /* [a] names_epoch */

uint64_t names_epoch(void)
{
    return __atomic_load_n(&epoch, __ATOMIC_SEQ_CST);
}

void names_changed(void)
{
    __atomic_fetch_add(&epoch, 1, __ATOMIC_SEQ_CST);
}

static struct mutex rename_mutex;

void namei_init(void)
{
    mutex_init(&rename_mutex);
}

/* What a name stands for, looked up only when somebody watches.  As walk_child_locked on stable file systems. */
static void name_look(struct notify_victim *v, struct walk *w)
{
    struct dentry *d = NULL;
    if (notify_any() && (dentry_volatile(w->at) ? walk_child(w, &d) : walk_child_locked(w, &d)))
        d = NULL;
    notify_victim_look(v, d ? d->inode : NULL);
    if (d)
        dentry_put(d);
}

static bool is_covered(struct walk *w)
{
    struct dentry *d = dcache_lookup(w->at, w->name, w->name_len);
    bool yes = d && (d->mounted || d->made_up);
    if (d)
        dentry_put(d);
    return yes;
}

/* A walk up to the directory in which a name shall be made. */
static int create_start(struct walk *w, int dirfd, const char *path, bool dir)
{
    int err = walk_start(w, dirfd, path, 0);
    if (!err)
        err = walk_parent(w);
    if (err)
        return err;
    if (w->last != LAST_NORM)
        return -EEXIST;
    struct dentry *d = NULL;
    if (!dentry_volatile(w->at) || is_covered(w) || dentry_rdonly(w->at) || (w->trailing && !dir)) {
        err = walk_child(w, &d);
        if (!err) {
            dentry_put(d);
            return -EEXIST;
        }
        if (err != -ENOENT)
            return err;
    }
    if (w->trailing && !dir)
        return -ENOENT;
    err = may_create(w->at);
    /* What is there already counts for more: that is how programs make all directories of a path. */
    if (err == -EACCES && !walk_child(w, &d)) {
        dentry_put(d);
        err = -EEXIST;
    }
    return err;
}

struct node_request {
    uint32_t mode;      /* type and bits, umask applied */
    uint64_t rdev;      /* encoded as mknod(2) gets it */
    const char *target; /* symlinks */
};

static int node_make(struct inode *dir, const char *name, const struct node_request *r,
                     struct inode **out)
{
    const struct inode_ops *ops = dir->ops;
    switch (r->mode & S_IFMT) {
    case S_IFDIR: return ops->mkdir ? ops->mkdir(dir, name, r->mode & 07777, out) : -EPERM;
    case S_IFREG: return ops->create ? ops->create(dir, name, r->mode & 07777, out) : -EPERM;
    case S_IFLNK: return ops->symlink ? ops->symlink(dir, name, r->target, out) : -EPERM;
    default: return ops->mknod ? ops->mknod(dir, name, r->mode, r->rdev, out) : -EPERM;
    }
}

static int node_create(int dirfd, const char *path, const struct node_request *r)
{
    struct walk w;
    struct inode *i = NULL;
    struct dentry *d;
    int err = create_start(&w, dirfd, path, S_ISDIR(r->mode));
    if (!err) {
        mutex_lock(&w.at->inode->names);
        err = node_make(w.at->inode, w.name, r, &i);
        if (!err && i)
            give_to_user(w.at->inode, i);
        if (!err && i)
            err = walk_adopt(&w, i, &d);
        mutex_unlock(&w.at->inode->names);
        if (!err)
            notify_name(w.at->inode, w.name, r->mode, IN_CREATE, 0);
        if (!err && i)
            dentry_put(d);
    }
    walk_end(&w);
    return err;
}

static long node_call(int dirfd, uaddr_t path, const struct node_request *r)
{
    struct path_arg p;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = node_create(dirfd, p.s, r);
    path_done(&p);
    return err;
}

static uint32_t umask_apply(unsigned mode)
{
    return mode & ~fs_context_umask(current_process()->fs);
}

int vfs_make_socket(const char *path, struct dentry **out)
{
    struct node_request r = {.mode = S_IFSOCK | umask_apply(0777)};
    int err = node_create(AT_FDCWD, path, &r);
    return err ? err : path_lookup(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, out);
}

long sys_mkdirat(int dfd, uaddr_t path, unsigned mode)
{
    struct node_request r = {.mode = S_IFDIR | umask_apply(mode & 01777)};
    return node_call(dfd, path, &r);
}

long sys_mkdir(uaddr_t path, unsigned mode)
{
    return sys_mkdirat(AT_FDCWD, path, mode);
}

long sys_mknodat(int dfd, uaddr_t path, unsigned mode, unsigned dev)
{
    struct node_request r = {.mode = (mode & S_IFMT) | umask_apply(mode & 07777)};
    switch (mode & S_IFMT) {
    case 0: r.mode |= S_IFREG; break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK: break;
    case S_IFCHR:
    case S_IFBLK:
        if (!capable(CAP_MKNOD))
            return reject(-EPERM, "devices need CAP_MKNOD");
        r.rdev = dev;
        break;
    case S_IFDIR: return -EPERM;
    default: return -EINVAL;
    }
    return node_call(dfd, path, &r);
}

long sys_mknod(uaddr_t path, unsigned mode, unsigned dev)
{
    return sys_mknodat(AT_FDCWD, path, mode, dev);
}

long sys_symlinkat(uaddr_t target, int newdfd, uaddr_t linkpath)
{
    struct path_arg t;
    int err = path_in(&t, target);
    if (err)
        return err;
    struct node_request r = {.mode = S_IFLNK | 0777, .target = t.s};
    long ret = *t.s ? node_call(newdfd, linkpath, &r) : -ENOENT;
    path_done(&t);
    return ret;
}

long sys_symlink(uaddr_t target, uaddr_t linkpath)
{
    return sys_symlinkat(target, AT_FDCWD, linkpath);
}

/* Links. */

/*
 * Linux's protected_hardlinks: who does not own a file may link it if he may read and write it, and it
 * has nothing special.
 */
static bool may_link(struct inode *i)
{
    struct statx st;
    if (judged_elsewhere(i) || capable(CAP_FOWNER))
        return true;
    if (inode_getattr(i, &st))
        return false;
    if (st.stx_uid == current_cred()->fsuid)
        return true;
    return S_ISREG(st.stx_mode) && !set_id_bits(st.stx_mode) &&
           !mode_permission(&st, MAY_READ | MAY_WRITE, current_cred());
}

static int link_here(struct walk *w, struct dentry *target)
{
    struct inode *dir = w->at->inode;
    struct dentry *d;
    if (target->inode->super != dir->super || target->mount != w->at->mount)
        return -EXDEV;
    if (S_ISDIR(target->inode->mode))
        return -EPERM;
    if (!dir->ops->link)
        return -EPERM;
    if (!may_link(target->inode))
        return reject(-EPERM, "a link to a stranger's file");
    mutex_lock(&dir->names);
    int err = dir->ops->link(dir, w->name, target->inode);
    if (!err) {
        err = walk_adopt(w, inode_get(target->inode), &d);
        if (!err)
            dentry_put(d);
        err = 0; /* the name exists even when it could not be cached */
        notify_inode(target->inode, IN_ATTRIB);
        notify_name(dir, w->name, target->inode->mode, IN_CREATE, 0);
    }
    mutex_unlock(&dir->names);
    return err;
}

static int link_path(struct dentry *target, int dirfd, const char *path)
{
    struct walk w;
    int err = create_start(&w, dirfd, path, false);
    if (!err)
        err = link_here(&w, target);
    walk_end(&w);
    return err;
}

long sys_linkat(int olddfd, uaddr_t oldname, int newdfd, uaddr_t newname, int flags)
{
    struct path_arg o, n;
    struct dentry *target;
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int err = path_in(&o, oldname);
    if (err)
        return err;
    unsigned walk_flags =
        (flags & AT_SYMLINK_FOLLOW ? 0U : AT_SYMLINK_NOFOLLOW) | ((unsigned)flags & AT_EMPTY_PATH);
    err = path_lookup(olddfd, o.s, walk_flags, &target);
    path_done(&o);
    if (err)
        return err;
    err = path_in(&n, newname);
    if (!err) {
        err = link_path(target, newdfd, n.s);
        path_done(&n);
    }
    dentry_put(target);
    return err;
}

long sys_link(uaddr_t oldname, uaddr_t newname)
{
    return sys_linkat(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

/* Removal. */

/* The walk crosses mounts: a mount point shows as the root of what is mounted there. */
static bool is_fixed(const struct dentry *d)
{
    return d->mounted || d->made_up || !d->parent;
}

static int remove_check(struct dentry *d, bool dir, bool trailing)
{
    if (is_fixed(d))
        return -EBUSY;
    if (dir)
        return S_ISDIR(d->inode->mode) ? 0 : -ENOTDIR;
    if (S_ISDIR(d->inode->mode))
        return -EISDIR;
    return trailing ? -ENOTDIR : 0;
}

int walk_remove_locked(struct walk *w, bool dir)
{
    struct inode *i = w->at->inode;
    struct notify_victim victim;
    struct dentry *d;
    int err = walk_child_locked(w, &d);
    if (err)
        return err;
    err = remove_check(d, dir, w->trailing);
    if (!err)
        err = may_delete(w->at, d->inode);
    notify_victim_look(&victim, err ? NULL : d->inode);
    if (!err && dir)
        err = i->ops->rmdir ? i->ops->rmdir(i, w->name, d->inode) : -EPERM;
    else if (!err)
        err = i->ops->unlink ? i->ops->unlink(i, w->name, d->inode) : -EPERM;
    if (!err) {
        dcache_forget(w->at, w->name, w->name_len, true);
        names_changed();
        notify_victim_gone(&victim, i, w->name);
    }
    notify_victim_put(&victim);
    dentry_put(d);
    return err;
}

/* On the host's file systems, for another user than the host's. */
static int may_delete_child(struct walk *w)
{
    struct dentry *d;
    int err = walk_child(w, &d);
    if (err)
        return err;
    err = may_delete(w->at, d->inode);
    dentry_put(d);
    return err;
}

static int remove_volatile(struct walk *w, bool dir)
{
    struct inode *i = w->at->inode;
    if (is_covered(w))
        return dir ? -EBUSY : -EISDIR;
    if (w->trailing && !dir) {
        struct dentry *d;
        int err = walk_child(w, &d);
        if (err)
            return err;
        err = S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
        dentry_put(d);
        return err;
    }
    struct notify_victim victim;
    int err = judged_elsewhere(i) ? may_create(w->at) : may_delete_child(w);
    if (err)
        return err;
    name_look(&victim, w);
    if (dir)
        err = i->ops->rmdir ? i->ops->rmdir(i, w->name, NULL) : -EPERM;
    else
        err = i->ops->unlink ? i->ops->unlink(i, w->name, NULL) : -EPERM;
    if (!err) {
        dcache_forget(w->at, w->name, w->name_len, true);
        names_changed();
        notify_victim_gone(&victim, i, w->name);
    }
    notify_victim_put(&victim);
    return err;
}

static int remove_path(int dirfd, const char *path, bool dir)
{
    static const int dir_errors[] = {0, -EINVAL, -ENOTEMPTY, -EBUSY}; /* by enum walk_last */
    struct walk w;
    int err = walk_start(&w, dirfd, path, 0);
    if (!err)
        err = walk_parent(&w);
    if (!err && w.last != LAST_NORM)
        err = dir ? dir_errors[w.last] : -EISDIR;
    if (!err && dentry_volatile(w.at)) {
        err = remove_volatile(&w, dir);
    } else if (!err) {
        mutex_lock(&w.at->inode->names);
        err = walk_remove_locked(&w, dir);
        mutex_unlock(&w.at->inode->names);
    }
    walk_end(&w);
    return err;
}

long sys_unlinkat(int dfd, uaddr_t path, int flags)
{
    struct path_arg p;
    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = remove_path(dfd, p.s, flags & AT_REMOVEDIR);
    path_done(&p);
    return err;
}

long sys_unlink(uaddr_t path)
{
    return sys_unlinkat(AT_FDCWD, path, 0);
}

long sys_rmdir(uaddr_t path)
{
    return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* Renaming. */

/* NO_TSA: which of the two is locked first, and whether there are two, depends on their addresses. */
static void names_lock(struct inode *a, struct inode *b) NO_TSA
{
    mutex_lock(&rename_mutex);
    mutex_lock(a < b ? &a->names : &b->names);
    if (a != b)
        mutex_lock(a < b ? &b->names : &a->names);
}

static void names_unlock(struct inode *a, struct inode *b) NO_TSA
{
    mutex_unlock(&a->names);
    if (a != b)
        mutex_unlock(&b->names);
    mutex_unlock(&rename_mutex);
}

/* Both ends are known: what Linux's vfs_rename checks. new may be NULL. */
static int rename_check(struct walk *ow, struct dentry *old, struct walk *nw, struct dentry *new_d,
                        unsigned flags)
{
    bool old_dir = S_ISDIR(old->inode->mode);
    if (is_fixed(old) || (new_d && is_fixed(new_d)))
        return -EBUSY;
    if (dentry_is_ancestor(old, nw->at))
        return -EINVAL;
    if (new_d && dentry_is_ancestor(new_d, ow->at))
        return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    if (!old_dir && (ow->trailing || (!new_d && nw->trailing)))
        return -ENOTDIR;
    if (new_d && !(flags & RENAME_EXCHANGE)) {
        if (old_dir && !S_ISDIR(new_d->inode->mode))
            return -ENOTDIR;
        if (!old_dir && S_ISDIR(new_d->inode->mode))
            return -EISDIR;
        if (nw->trailing && !S_ISDIR(new_d->inode->mode))
            return -ENOTDIR;
    }
    int err = may_delete(ow->at, old->inode);
    if (!err)
        err = new_d ? may_delete(nw->at, new_d->inode) : may_create(nw->at);
    /* A directory that moves gets another "..". */
    if (!err && ow->at != nw->at && old_dir)
        err = inode_permission(old->inode, MAY_WRITE);
    if (!err && ow->at != nw->at && flags & RENAME_EXCHANGE && S_ISDIR(new_d->inode->mode))
        err = inode_permission(new_d->inode, MAY_WRITE);
    return err;
}

/* Looks both names up and checks.  1: nothing to do. */
static int rename_prepare(struct walk *ow, struct walk *nw, unsigned flags)
{
    struct dentry *old, *new_d = NULL;
    int err = walk_child_locked(ow, &old);
    if (err)
        return err;
    err = walk_child_locked(nw, &new_d);
    if (err) {
        new_d = NULL;
        if (err == -ENOENT && !(flags & RENAME_EXCHANGE))
            err = 0;
    } else if (flags & RENAME_NOREPLACE) {
        err = -EEXIST;
    } else if (old->inode == new_d->inode) {
        err = 1;
    }
    if (!err)
        err = rename_check(ow, old, nw, new_d, flags);
    dentry_put(old);
    if (new_d)
        dentry_put(new_d);
    return err;
}

static int rename_volatile_check(struct walk *ow, struct walk *nw)
{
    if (is_covered(ow) || is_covered(nw))
        return -EBUSY;
    if (!judged_elsewhere(ow->at->inode)) {
        int err = may_delete_child(ow);
        if (!err)
            err = may_delete_child(nw);
        return err == -ENOENT ? may_create(nw->at) : err;
    }
    int err = may_create(ow->at);
    return err ? err : may_create(nw->at);
}

/* What a rename moves, and what it replaces or exchanges with. */
struct rename_told {
    struct notify_victim moved, other;
};

static void move_tell(struct walk *from, struct walk *to, const struct inode *i)
{
    uint32_t cookie = notify_cookie();
    notify_name(from->at->inode, from->name, i->mode, IN_MOVED_FROM, cookie);
    notify_name(to->at->inode, to->name, i->mode, IN_MOVED_TO, cookie);
    notify_renamed(from->at->inode, to->at->inode);
}

static void rename_tell(struct walk *ow, struct walk *nw, struct rename_told *t, unsigned flags)
{
    struct inode *moved = t->moved.inode, *other = t->other.inode;
    if (!moved)
        return;
    move_tell(ow, nw, moved);
    if (other && flags & RENAME_EXCHANGE) {
        move_tell(nw, ow, other);
        notify_inode(other, IN_MOVE_SELF);
    } else {
        notify_victim_gone(&t->other, NULL, NULL);
    }
    notify_inode(moved, IN_MOVE_SELF);
}

static int rename_walked(struct walk *ow, struct walk *nw, unsigned flags)
{
    struct inode *od = ow->at->inode, *nd = nw->at->inode;
    if (ow->at->mount != nw->at->mount || od->super != nd->super)
        return -EXDEV;
    if (ow->last != LAST_NORM)
        return -EBUSY;
    if (nw->last != LAST_NORM)
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    struct rename_told told;
    names_lock(od, nd);
    int err =
        dentry_volatile(ow->at) ? rename_volatile_check(ow, nw) : rename_prepare(ow, nw, flags);
    name_look(&told.moved, ow);
    name_look(&told.other, nw);
    if (!err)
        err = od->ops->rename ? od->ops->rename(od, ow->name, nd, nw->name, flags) : -EPERM;
    if (!err)
        names_changed();
    if (!err && flags & RENAME_EXCHANGE)
        dcache_exchange(ow->at, ow->name, nw->at, nw->name);
    else if (!err && (ow->at != nw->at || strcmp(ow->name, nw->name) != 0))
        dcache_move(ow->at, ow->name, nw->at, nw->name);
    if (!err && told.moved.inode != told.other.inode)
        rename_tell(ow, nw, &told, flags);
    names_unlock(od, nd);
    notify_victim_put(&told.moved);
    notify_victim_put(&told.other);
    return err == 1 ? 0 : err;
}

static int rename_paths(int olddfd, const char *old, int newdfd, const char *new_path,
                        unsigned flags)
{
    struct walk *w = kmalloc(2 * sizeof(*w)); /* too large for the stack */
    if (!w)
        return -ENOMEM;
    walk_init(&w[1], new_path, 0);
    int err = walk_start(&w[0], olddfd, old, 0);
    if (!err)
        err = walk_parent(&w[0]);
    if (!err)
        err = walk_start(&w[1], newdfd, new_path, 0);
    if (!err)
        err = walk_parent(&w[1]);
    if (!err)
        err = rename_walked(&w[0], &w[1], flags);
    walk_end(&w[1]);
    walk_end(&w[0]);
    kfree(w);
    return err;
}

long sys_renameat2(int olddfd, uaddr_t oldname, int newdfd, uaddr_t newname, unsigned flags)
{
    struct path_arg o, n;
    if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
        return reject(-EINVAL, "RENAME_* flag");
    if (flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    int err = path_in(&o, oldname);
    if (err)
        return err;
    err = path_in(&n, newname);
    if (!err) {
        err = rename_paths(olddfd, o.s, newdfd, n.s, flags);
        path_done(&n);
    }
    path_done(&o);
    return err;
}

long sys_renameat(int olddfd, uaddr_t oldname, int newdfd, uaddr_t newname)
{
    return sys_renameat2(olddfd, oldname, newdfd, newname, 0);
}

long sys_rename(uaddr_t oldname, uaddr_t newname)
{
    return sys_renameat2(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}
