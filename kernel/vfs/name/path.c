/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path walk.  A walk stands at a directory (`at`) with the rest of a text before it:
 *
 *   walk_start -> walk_parent ... the last component's name is in the walk, its directory is `at`
 *     -> the caller acts on (at, name), e.g. creates or opens it in one step
 *     -> or walk_last: its dentry; symlinks are followed when asked
 *     -> or, having found a symlink itself, walk_link: follows it, up to the new last component
 *   walk_end
 *
 * A symlink's target is put before the rest, so there is no recursion; SYMLINKS_MAX of them end a
 * walk with -ELOOP.  A trailing slash means that the last component must be a directory and is
 * followed.
 *
 * What a volatile file system said about a directory or a symlink (and its target) is believed for
 * a second, or as long as its `valid` says; the last component's other kinds are asked for every time.
 */
#include <linux/openat2.h>

#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"

#define SYMLINKS_MAX 40

static int walk_base(struct walk *w, int dirfd)
{
    if (dirfd == AT_FDCWD) {
        w->at = fs_context_cwd(current_process()->fs);
        return 0;
    }
    struct fd_ref r;
    int err = fd_get_path(dirfd, &r);
    if (err)
        return err;
    if (r.file->dentry && S_ISDIR(r.file->dentry->inode->mode))
        w->at = dentry_get(r.file->dentry);
    else
        err = -ENOTDIR;
    fd_put(&r);
    return err;
}

static void walk_move(struct walk *w, struct dentry *to)
{
    struct dentry *from = w->at;
    w->at = to;
    if (from)
        dentry_put(from);
}

/* Back to "/", as an absolute path or link says. */
static int walk_to_root(struct walk *w)
{
    if (w->resolve & RESOLVE_BENEATH)
        return -EXDEV;
    walk_move(w, dentry_get(w->root));
    return 0;
}

/*
 * The usual case: no conditions, and a process of one thread, whose root and directory cannot
 * change in the middle, so that they need no references.
 */
static void walk_start_fast(struct walk *w, const struct process *p)
{
    const struct cred *c = current_cred();
    unsigned pass = search_permitted(c) ? DESCEND_ALL : is_host_user(c) ? DESCEND_VOLATILE : 0;
    w->root = p->fs->root;
    w->at = dcache_descend(*w->rest == '/' ? w->root : p->fs->cwd, pass, w);
}

void walk_init(struct walk *w, const char *path, uint64_t resolve)
{
    w->at = w->root = w->leaf = NULL;
    w->root_held = true;
    w->leaf_known = false;
    w->rest = path;
    w->text = NULL;
    w->now = 0;
    w->links = 0;
    w->resolve = resolve;
}

int walk_start(struct walk *w, int dirfd, const char *path, uint64_t resolve)
{
    const struct process *p = current_process();
    walk_init(w, path, resolve);
    if (!*path)
        return -ENOENT;
    if (resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH)) {
        int err = walk_base(w, dirfd);
        if (err)
            return err;
        w->root = dentry_get(w->at);
        return *path == '/' ? walk_to_root(w) : 0;
    }
    w->root_held = p->nthreads != 1 || p->fs->ref.count != 1;
    if (!resolve && !w->root_held && (*path == '/' || dirfd == AT_FDCWD)) {
        walk_start_fast(w, p);
        return 0;
    }
    w->root = w->root_held ? fs_context_root(p->fs) : p->fs->root;
    if (*path == '/') {
        w->at = dentry_get(w->root);
        return 0;
    }
    return walk_base(w, dirfd);
}

static void leaf_drop(struct walk *w)
{
    if (w->leaf_known && w->leaf)
        dentry_put(w->leaf);
    w->leaf_known = false;
}

void walk_end(struct walk *w)
{
    leaf_drop(w);
    if (w->at)
        dentry_put(w->at);
    if (w->root && w->root_held)
        dentry_put(w->root);
    kfree(w->text);
}

/* d (consumed), or what is mounted on it. */
static struct dentry *cross_mounts(struct dentry *d)
{
    while (unlikely(d->mounted != NULL)) {
        struct dentry *root = dentry_get(d->mounted->root);
        dentry_put(d);
        d = root;
    }
    return d;
}

static int walk_up(struct walk *w)
{
    if (w->at == w->root)
        return w->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
    struct dentry *up = dentry_up(w->at);
    if (!up)
        return 0;
    if (w->resolve & RESOLVE_NO_XDEV && up->mount != w->at->mount) {
        dentry_put(up);
        return -EXDEV;
    }
    /* `up` itself may be covered by what w->at's mount lies on: parents are never covered twice. */
    walk_move(w, up);
    return 0;
}

ktime_t walk_now(struct walk *w)
{
    if (!w->now)
        w->now = clock_mono();
    return w->now;
}

struct dentry *walk_child_cached(struct walk *w)
{
    struct dentry *d;
    if (w->leaf_known) {
        w->leaf_known = false;
        d = w->leaf;
    } else {
        d = dcache_lookup(w->at, w->name, w->name_len);
    }
    if (d && !dentry_fresh(d, &w->now)) {
        if (d->inode->ops->valid)
            dcache_drop(d);
        dentry_put(d);
        return NULL;
    }
    return d;
}

/* Whether a name may be believed for a while: directories, and links that are texts. */
static bool inode_cacheable(const struct inode *i)
{
    return S_ISDIR(i->mode) || (S_ISLNK(i->mode) && !i->ops->follow);
}

int walk_adopt(struct walk *w, struct inode *i, struct dentry **out)
{
    struct dentry *old, *d;
    if (!dentry_volatile(w->at))
        return dentry_new(w->at, w->name, w->name_len, i, DENTRY_CACHED, out);
    if (!inode_cacheable(i))
        return dentry_new(w->at, w->name, w->name_len, i, DENTRY_WEAK, out);
    old = dcache_lookup(w->at, w->name, w->name_len);
    if (old && old->inode == i && S_ISDIR(i->mode)) {
        inode_put(i);
        __atomic_store_n(&old->checked, walk_now(w), __ATOMIC_RELAXED);
        *out = old;
        return 0;
    }
    if (old) {
        dcache_drop(old);
        dentry_put(old);
    }
    int err = dentry_new(w->at, w->name, w->name_len, i, DENTRY_CACHED, &d);
    if (!err) {
        d->checked = walk_now(w);
        *out = d;
    }
    return err;
}

static int child_ask(struct walk *w, struct dentry **out)
{
    struct inode *dir = w->at->inode, *i;
    if (!dir->ops->lookup)
        return -ENOENT;
    int err = dir->ops->lookup(dir, w->name, &i);
    return err ? err : walk_adopt(w, i, out);
}

int walk_child_locked(struct walk *w, struct dentry **out)
{
    leaf_drop(w); /* was looked up before the lock */
    struct dentry *d = walk_child_cached(w);
    if (!d)
        return child_ask(w, out);
    *out = cross_mounts(d);
    return 0;
}

int walk_child(struct walk *w, struct dentry **out)
{
    struct dentry *d = walk_child_cached(w);
    if (d) {
        *out = cross_mounts(d);
        return 0;
    }
    if (dentry_volatile(w->at))
        return child_ask(w, out);
    mutex_lock(&w->at->inode->names);
    int err = walk_child_locked(w, out);
    mutex_unlock(&w->at->inode->names);
    return err;
}

/* Puts the target (len bytes in buf, from the heap, consumed) before the rest. */
static int text_splice(struct walk *w, char *target, size_t len, bool slash)
{
    size_t rest = strlen(w->rest);
    if (len + rest + 2 > 2 * PATH_MAX) {
        kfree(target);
        return -ENAMETOOLONG;
    }
    char *text = krealloc(target, len + rest + 2);
    if (!text) {
        kfree(target);
        return -ENOMEM;
    }
    if (slash)
        text[len++] = '/';
    memcpy(text + len, w->rest, rest + 1);
    kfree(w->text);
    w->text = text;
    w->rest = text;
    return text[0] == '/' ? walk_to_root(w) : 0;
}

static int link_read(struct walk *w, struct dentry *d, bool slash)
{
    if (!d->inode->ops->readlink)
        return -EINVAL;
    size_t kept;
    char *target = dentry_target(d, &kept);
    if (target)
        return text_splice(w, target, kept, slash);
    target = kmalloc(PATH_MAX);
    if (!target)
        return -ENOMEM;
    int64_t len = d->inode->ops->readlink(d->inode, target, PATH_MAX - 1);
    /* Not those of /proc, which say something else to everyone. */
    if (len > 0 && d->state == DENTRY_CACHED && w->at->inode->ops->open_at && dentry_volatile(d))
        dentry_keep_target(d, target, (size_t)len);
    if (len <= 0) {
        kfree(target);
        return len ? (int)len : -ENOENT;
    }
    return text_splice(w, target, (size_t)len, slash);
}

/* Follows d (consumed) by one step: a text goes before the rest, a magic link's end to *out. */
static int link_step(struct walk *w, struct dentry *d, bool slash, struct dentry **out)
{
    int err;
    *out = NULL;
    if (++w->links > SYMLINKS_MAX || w->resolve & RESOLVE_NO_SYMLINKS)
        err = -ELOOP;
    else if (!d->inode->ops->follow)
        err = link_read(w, d, slash);
    else if (w->resolve & (RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT))
        err = w->resolve & RESOLVE_NO_MAGICLINKS ? -ELOOP : -EXDEV;
    else
        err = d->inode->ops->follow(d->inode, out);
    dentry_put(d);
    return err;
}

/* Goes down by the component in w->name. */
static int walk_down(struct walk *w)
{
    struct dentry *d;
    int err = walk_child(w, &d);
    if (err)
        return err;
    if (S_ISLNK(d->inode->mode)) {
        struct dentry *end;
        err = link_step(w, d, true, &end);
        if (err || !end)
            return err;
        d = end;
    }
    if (!S_ISDIR(d->inode->mode))
        err = -ENOTDIR;
    else if (w->resolve & RESOLVE_NO_XDEV && d->mount != w->at->mount)
        err = -EXDEV;
    if (err)
        dentry_put(d);
    else
        walk_move(w, d);
    return err;
}

/* Cuts the next component off the rest into w->name; w->last says what it is. */
static int walk_cut(struct walk *w)
{
    const char *s = w->rest;
    while (*s == '/')
        s++;
    const char *e = s;
    while (*e && *e != '/')
        e++;
    size_t len = (size_t)(e - s);
    w->trailing = *e == '/';
    while (*e == '/')
        e++;
    w->rest = e;
    w->last = LAST_NORM;
    w->name_len = (unsigned)len;
    if (len == 0)
        w->last = LAST_ROOT;
    else if (s[0] == '.' && len == 1)
        w->last = LAST_DOT;
    else if (s[0] == '.' && s[1] == '.' && len == 2)
        w->last = LAST_DOTDOT;
    else if (len > NAME_MAX)
        return -ENAMETOOLONG;
    else
        memcpy(w->name, s, len);
    w->name[len <= NAME_MAX ? len : 0] = '\0';
    return 0;
}

int walk_parent(struct walk *w)
{
    for (;;) {
        if (!S_ISDIR(w->at->inode->mode))
            return -ENOTDIR;
        int err = inode_permission(w->at->inode, MAY_EXEC);
        if (err)
            return err;
        err = walk_cut(w);
        if (err || !*w->rest)
            return err;
        leaf_drop(w);
        if (w->last == LAST_DOTDOT)
            err = walk_up(w);
        else if (w->last == LAST_NORM)
            err = walk_down(w);
        if (err)
            return err;
    }
}

/* Linux's protected_symlinks: in a sticky directory for all nobody follows a stranger's link. */
static int may_follow(struct walk *w, struct dentry *d)
{
    const uint32_t shared = S_ISVTX | S_IWOTH;
    struct statx dir, link;
    if ((w->at->inode->mode & shared) != shared || judged_elsewhere(w->at->inode))
        return 0;
    int err = inode_getattr(w->at->inode, &dir);
    if (!err)
        err = inode_getattr(d->inode, &link);
    if (err || link.stx_uid == current_cred()->fsuid || link.stx_uid == dir.stx_uid)
        return err;
    return (dir.stx_mode & shared) == shared ? reject(-EACCES, "a link in a sticky directory") : 0;
}

int walk_link(struct walk *w, struct dentry *d, struct dentry **out)
{
    int err = may_follow(w, d);
    if (err) {
        dentry_put(d);
        return err;
    }
    err = link_step(w, d, w->trailing, out);
    if (err || *out)
        return err;
    return walk_parent(w);
}

/* The dentry of the last component without following it. */
static int walk_last_here(struct walk *w, struct dentry **out)
{
    int err = 0;
    if (w->last == LAST_NORM)
        return walk_child(w, out);
    if (w->last == LAST_DOTDOT)
        err = walk_up(w);
    if (!err)
        *out = dentry_get(w->at);
    return err;
}

int walk_last(struct walk *w, bool follow, struct dentry **out)
{
    struct dentry *d, *end;
    for (;;) {
        int err = walk_last_here(w, &d);
        if (err)
            return err;
        if (!S_ISLNK(d->inode->mode) || !(follow || w->trailing))
            break;
        err = walk_link(w, d, &end);
        if (err)
            return err;
        if (end) {
            d = end;
            break;
        }
    }
    if (w->trailing && !S_ISDIR(d->inode->mode)) {
        dentry_put(d);
        return -ENOTDIR;
    }
    if (w->resolve & RESOLVE_NO_XDEV && d->mount != w->at->mount) {
        dentry_put(d);
        return -EXDEV;
    }
    *out = d;
    return 0;
}

/* What AT_EMPTY_PATH with "" means. */
static int dentry_of_fd(int fd, struct dentry **out)
{
    if (fd == AT_FDCWD) {
        *out = fs_context_cwd(current_process()->fs);
        return 0;
    }
    struct fd_ref r;
    int err = fd_get_path(fd, &r);
    if (err)
        return err;
    err = dentry_of_file(r.file, out);
    fd_put(&r);
    return err;
}

int path_lookup(int dirfd, const char *path, unsigned flags, struct dentry **out)
{
    struct walk w;
    if (!*path && flags & AT_EMPTY_PATH)
        return dentry_of_fd(dirfd, out);
    int err = walk_start(&w, dirfd, path, 0);
    if (!err)
        err = walk_parent(&w);
    if (!err)
        err = walk_last(&w, !(flags & AT_SYMLINK_NOFOLLOW), out);
    walk_end(&w);
    return err;
}

int path_in(struct path_arg *p, uaddr_t addr)
{
    p->s = p->small;
    long len = copy_in_str(p->small, addr, sizeof(p->small));
    if (len != -ENAMETOOLONG)
        return len < 0 ? (int)len : 0;
    char *big = kmalloc(PATH_MAX);
    if (!big)
        return -ENOMEM;
    len = copy_in_str(big, addr, PATH_MAX);
    if (len < 0) {
        kfree(big);
        return (int)len;
    }
    p->s = big;
    return 0;
}
