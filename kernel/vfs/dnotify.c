/* SPDX-License-Identifier: Apache-2.0 */
/* F_NOTIFY: see dnotify.h.  There are few: a list. */
#include "kernel/vfs/dnotify.h"

#include "kernel/ipc/inotify.h"
#include "kernel/vfs/async.h"
#include "kernel/vfs/vfs_impl.h"

#define DN_EVENTS \
    ((uint32_t)(DN_ACCESS | DN_MODIFY | DN_CREATE | DN_DELETE | DN_RENAME | DN_ATTRIB))

struct dnotify {
    struct list link;            /* [n] */
    struct inode *inode;         /* [I] a reference */
    struct file *file;           /* [I] borrowed: it ends before */
    const struct fdtable *table; /* [I] only compared */
    int fd;                      /* [n] by which it was asked for, for si_fd */
    uint32_t mask;               /* [n] DN_* */
};

uint32_t dnotify_count;
static struct list all = LIST_INIT(all); /* [n] */

static struct dnotify *dnotify_of(struct list *l)
{
    return list_entry(l, struct dnotify, link);
}

static void remove_locked(struct dnotify *d, struct list *dead) REQUIRES(notify_lock)
{
    list_del(&d->link);
    list_add_tail(dead, &d->link);
    __atomic_fetch_sub(&dnotify_count, 1, __ATOMIC_RELAXED);
    notify_count_locked();
}

void dnotify_free(struct list *dead)
{
    struct list *l;
    while ((l = list_pop(dead))) {
        inode_put(dnotify_of(l)->inode);
        kfree(dnotify_of(l));
    }
}

static uint32_t kinds_of(uint32_t mask)
{
    uint32_t dn = 0;
    dn |= mask & IN_ACCESS ? DN_ACCESS : 0;
    dn |= mask & IN_MODIFY ? DN_MODIFY : 0;
    dn |= mask & IN_ATTRIB ? DN_ATTRIB : 0;
    dn |= mask & (IN_CREATE | IN_MOVED_TO) ? DN_CREATE : 0;
    dn |= mask & (IN_DELETE | IN_MOVED_FROM) ? DN_DELETE : 0;
    return dn;
}

static void tell_locked(const struct inode *i, uint32_t kinds, struct list *dead)
    REQUIRES(notify_lock)
{
    list_for_each_safe(l, &all) {
        struct dnotify *d = dnotify_of(l);
        if (!(d->mask & kinds) || d->inode->super != i->super || d->inode->ino != i->ino)
            continue;
        async_message(d->file, d->fd);
        if (!(d->mask & DN_MULTISHOT))
            remove_locked(d, dead);
    }
}

void dnotify_event_locked(const struct inode *i, uint32_t mask, bool named, struct list *dead)
    REQUIRES(notify_lock)
{
    if (named || S_ISDIR(i->mode))
        tell_locked(i, kinds_of(mask), dead);
}

void dnotify_renamed(const struct inode *dir)
{
    struct list dead = LIST_INIT(dead);
    spin_lock(&notify_lock);
    tell_locked(dir, DN_RENAME, &dead);
    spin_unlock(&notify_lock);
    dnotify_free(&dead);
}

void dnotify_close_slow(struct file *f, const struct fdtable *t)
{
    struct list dead = LIST_INIT(dead);
    spin_lock(&notify_lock);
    list_for_each_safe(l, &all) {
        struct dnotify *d = dnotify_of(l);
        if (d->file == f && (!t || d->table == t))
            remove_locked(d, &dead);
    }
    spin_unlock(&notify_lock);
    dnotify_free(&dead);
}

static struct dnotify *find_locked(const struct file *f, const struct fdtable *t)
    REQUIRES(notify_lock)
{
    list_for_each(l, &all)
        if (dnotify_of(l)->file == f && dnotify_of(l)->table == t)
            return dnotify_of(l);
    return NULL;
}

/* Kinds are added to those that were asked for before; none takes all back. */
long dnotify_set(int fd, struct file *f, unsigned long arg)
{
    const struct fdtable *t = current_process()->fds;
    uint32_t mask = (uint32_t)arg & (DN_EVENTS | DN_MULTISHOT);
    if (!(mask & DN_EVENTS)) {
        dnotify_close(f, t);
        return 0;
    }
    if (!f->inode || !S_ISDIR(f->inode->mode))
        return -ENOTDIR;
    struct dnotify *d = kzalloc(sizeof(*d));
    int err = d ? async_owner_default(f) : -ENOMEM;
    if (err) {
        kfree(d);
        return err;
    }
    *d = (struct dnotify){.inode = inode_get(f->inode), .file = f, .table = t, .fd = fd};
    struct list dead = LIST_INIT(dead);
    spin_lock(&notify_lock);
    struct dnotify *old = find_locked(f, t);
    list_add_tail(old ? &dead : &all, &d->link);
    if (!old)
        __atomic_fetch_add(&dnotify_count, 1, __ATOMIC_RELAXED);
    struct dnotify *now = old ? old : d;
    now->fd = fd;
    now->mask |= mask;
    notify_count_locked();
    spin_unlock(&notify_lock);
    dnotify_free(&dead);
    return 0;
}
