/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify(7): instances, their queues, and the system calls.  What is told to whom is decided in
 * vfs/notify.c; the structures are in inotify.h.
 *
 * An event that is the same as the last one in the queue is not added.  A queue that is full takes one
 * IN_Q_OVERFLOW and no more; an event for which there is no memory counts as overflow too.
 */
#include "kernel/ipc/inotify.h"

#include <asm/ioctls.h>
#include <linux/inotify.h>

#include "kernel/fs/seq.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define OPTIONS ((uint32_t)(IN_EXCL_UNLINK | IN_ONESHOT))
#define ALL_BITS                                                                            \
    ((uint32_t)(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR |      \
                IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | \
                IN_ONESHOT))

/* struct inotify_event without its name. */
struct head {
    int32_t wd;
    uint32_t mask, cookie, len;
};
_Static_assert(sizeof(struct head) == sizeof(struct inotify_event), "struct inotify_event");

struct queued {
    struct head head; /* as the program gets it, with head.len bytes of name */
    struct list link; /* [n] */
    char name[];
};

struct inotify {
    struct file file;        /* first */
    struct list events;      /* [n] */
    unsigned nevents;        /* [n] */
    bool overflowed;         /* [n] the overflow event is queued */
    struct queued *overflow; /* [I] kept for it, so that it never fails */
    struct tree watches;     /* [n] by wd */
    int last_wd;             /* [n] */
};

static const struct file_ops inotify_ops;
static unsigned instances; /* [a] */

static struct inotify *inotify_of(struct file *f)
{
    return container_of(f, struct inotify, file);
}

/* Queues. */

static bool same_event(const struct queued *q, int wd, uint32_t mask, const char *name)
{
    return q->head.wd == wd && q->head.mask == mask && !(mask & IN_IGNORED) &&
           !q->head.len == !name && (!name || !strcmp(q->name, name));
}

static void push_locked(struct inotify *in, struct queued *q) REQUIRES(notify_lock)
{
    list_add_tail(&in->events, &q->link);
    in->nevents++;
    file_wake(&in->file, EPOLLIN | EPOLLRDNORM);
}

static void overflow_locked(struct inotify *in) REQUIRES(notify_lock)
{
    if (in->overflowed)
        return;
    in->overflowed = true;
    push_locked(in, in->overflow);
}

static void queue_locked(struct inotify *in, int wd, uint32_t mask, uint32_t cookie,
                         const char *name) REQUIRES(notify_lock)
{
    size_t len = name ? ALIGN_UP(strlen(name) + 1, sizeof(struct inotify_event)) : 0;
    if (in->nevents >= INOTIFY_EVENTS) {
        overflow_locked(in);
        return;
    }
    if (in->nevents && same_event(list_entry(in->events.prev, struct queued, link), wd, mask, name))
        return;
    struct queued *q = kzalloc(sizeof(*q) + len);
    if (!q) {
        overflow_locked(in);
        return;
    }
    q->head = (struct head){.wd = wd, .mask = mask, .cookie = cookie, .len = (uint32_t)len};
    if (name)
        memcpy(q->name, name, strlen(name));
    push_locked(in, q);
}

void inotify_forget_locked(struct watch *w, struct list *dead)
{
    watch_del_locked(w);
    tree_remove(&w->owner->watches, &w->by_wd);
    list_add_tail(dead, &w->dead_link);
    queue_locked(w->owner, w->wd, IN_IGNORED, 0, NULL);
}

void inotify_event_locked(struct watch *w, uint32_t mask, uint32_t cookie, const char *name,
                          struct list *dead)
{
    queue_locked(w->owner, w->wd, mask, cookie, name);
    if (w->mask & IN_ONESHOT)
        inotify_forget_locked(w, dead);
}

void inotify_free_dead(struct list *dead)
{
    struct list *l;
    while ((l = list_pop(dead))) {
        struct watch *w = list_entry(l, struct watch, dead_link);
        inode_put(w->inode);
        kfree(w);
    }
}

/* Files. */

/* Takes the events off the queue that fit in `room` together: 0, -EAGAIN, or -EINVAL if not even one does. */
static int take_fitting(struct inotify *in, size_t room, struct list *taken)
{
    int err = -EAGAIN;
    spin_lock(&notify_lock);
    while (in->nevents) {
        struct queued *q = list_entry(in->events.next, struct queued, link);
        size_t size = sizeof(q->head) + q->head.len;
        if (size > room) {
            err = err ? -EINVAL : 0;
            break;
        }
        err = 0;
        room -= size;
        list_del(&q->link);
        list_add_tail(taken, &q->link);
        in->nevents--;
    }
    spin_unlock(&notify_lock);
    return err;
}

static void queued_free(struct inotify *in, struct queued *q)
{
    if (q != in->overflow) {
        kfree(q);
        return;
    }
    spin_lock(&notify_lock);
    in->overflowed = false; /* it may be queued again */
    spin_unlock(&notify_lock);
}

/* What follows a fault is lost. */
static int inotify_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct list taken = LIST_INIT(taken), *l;
    struct inotify *in = inotify_of(f);
    (void)pos;
    int err = take_fitting(in, u->left, &taken);
    while ((l = list_pop(&taken))) {
        struct queued *q = list_entry(l, struct queued, link);
        if (!err)
            err = uio_put(u, &q->head, sizeof(q->head));
        if (!err && q->head.len)
            err = uio_put(u, q->name, q->head.len);
        queued_free(in, q);
    }
    return err;
}

static uint32_t inotify_poll(struct file *f)
{
    return __atomic_load_n(&inotify_of(f)->nevents, __ATOMIC_ACQUIRE) ? EPOLLIN | EPOLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    struct inotify *in = inotify_of(f);
    int n = 0;
    if (cmd != FIONREAD)
        return -ENOTTY;
    spin_lock(&notify_lock);
    list_for_each(l, &in->events)
        n += (int)(sizeof(struct inotify_event) + list_entry(l, struct queued, link)->head.len);
    spin_unlock(&notify_lock);
    return copy_out(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static void inotify_info(struct file *f, struct seq *s)
{
    spin_lock(&notify_lock);
    for (struct tree_node *n = tree_first(&inotify_of(f)->watches); n; n = tree_next(n)) {
        const struct watch *w = tree_entry(n, struct watch, by_wd);
        seq_printf(s, "inotify wd:%x ino:%lx sdev:%lx mask:%x ignored_mask:0 \n", (unsigned)w->wd,
                   w->inode->ino, w->inode->super ? w->inode->super->dev : 0,
                   w->mask & ~(uint32_t)IN_ONESHOT);
    }
    spin_unlock(&notify_lock);
}

static void inotify_release(struct file *f)
{
    struct list dead = LIST_INIT(dead), taken = LIST_INIT(taken), *l;
    struct inotify *in = inotify_of(f);
    struct tree_node *n;
    spin_lock(&notify_lock);
    while ((n = tree_first(&in->watches)))
        inotify_forget_locked(tree_entry(n, struct watch, by_wd), &dead);
    spin_unlock(&notify_lock);
    inotify_free_dead(&dead);
    (void)take_fitting(in, SIZE_MAX, &taken); /* nobody adds any more */
    while ((l = list_pop(&taken)))
        queued_free(in, list_entry(l, struct queued, link));
    kfree(in->overflow);
    __atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
}

static const struct file_ops inotify_ops = {
    .async = ASYNC_YES,
    .read = inotify_read,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .info = inotify_info,
    .release = inotify_release,
};

static int wd_cmp(const struct tree_node *a, const struct tree_node *b)
{
    int x = tree_entry(a, const struct watch, by_wd)->wd;
    int y = tree_entry(b, const struct watch, by_wd)->wd;
    return (x > y) - (x < y);
}

static int wd_key_cmp(const void *key, const struct tree_node *n)
{
    int x = *(const int *)key, y = tree_entry(n, const struct watch, by_wd)->wd;
    return (x > y) - (x < y);
}

long sys_inotify_init1(int flags)
{
    if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
        return -EINVAL;
    if (__atomic_add_fetch(&instances, 1, __ATOMIC_RELAXED) > INOTIFY_INSTANCES) {
        __atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
        return reject(-EMFILE, "max_user_instances");
    }
    struct inotify *in = kzalloc(sizeof(*in));
    struct queued *overflow = kzalloc(sizeof(*overflow));
    if (!in || !overflow) {
        kfree(in);
        kfree(overflow);
        __atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
        return -ENOMEM;
    }
    file_init(&in->file, &inotify_ops, O_RDONLY | ((uint32_t)flags & O_NONBLOCK));
    in->file.name = "anon_inode:inotify";
    list_init(&in->events);
    overflow->head = (struct head){.wd = -1, .mask = IN_Q_OVERFLOW};
    in->overflow = overflow;
    tree_init(&in->watches, wd_cmp);
    return fd_install(&in->file, flags & IN_CLOEXEC, 0);
}

long sys_inotify_init(void)
{
    return sys_inotify_init1(0);
}

/* Watches. */

static int watch_change_locked(struct watch *w, uint32_t mask) REQUIRES(notify_lock)
{
    uint32_t kept = mask & IN_MASK_ADD ? w->mask : 0;
    if (mask & IN_MASK_CREATE)
        return -EEXIST;
    w->mask = kept | (mask & (IN_ALL_EVENTS | OPTIONS));
    return w->wd;
}

static int watch_new_locked(struct inotify *in, struct watch *w) REQUIRES(notify_lock)
{
    if (in->last_wd == INT32_MAX)
        return -ENOSPC;
    int err = watch_add_locked(w);
    if (err)
        return err;
    w->wd = ++in->last_wd;
    (void)tree_insert(&in->watches, &w->by_wd);
    return w->wd;
}

static int watch_inode(struct inotify *in, struct inode *i, uint32_t mask)
{
    struct watch *fresh = kzalloc(sizeof(*fresh));
    if (!fresh)
        return -ENOMEM;
    fresh->owner = in;
    fresh->inode = inode_get(i);
    fresh->mask = mask & (IN_ALL_EVENTS | OPTIONS);
    spin_lock(&notify_lock);
    struct watch *known = watch_find_locked(in, i);
    int wd = known ? watch_change_locked(known, mask) : watch_new_locked(in, fresh);
    spin_unlock(&notify_lock);
    if (known || wd < 0) {
        inode_put(fresh->inode);
        kfree(fresh);
    }
    return wd;
}

static int watch_path(struct inotify *in, uaddr_t path, uint32_t mask)
{
    struct path_arg p;
    struct dentry *d;
    int err = path_in(&p, path);
    if (err)
        return err;
    err = path_lookup(AT_FDCWD, p.s, mask & IN_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0, &d);
    path_done(&p);
    if (err)
        return err;
    if (mask & IN_ONLYDIR && !S_ISDIR(d->inode->mode))
        err = -ENOTDIR;
    else
        err = inode_permission(d->inode, MAY_READ);
    if (!err)
        err = watch_inode(in, d->inode, mask);
    dentry_put(d);
    return err;
}

static int inotify_get(int fd, struct fd_ref *r)
{
    int err = fd_get(fd, r);
    if (err || r->file->ops == &inotify_ops)
        return err;
    fd_put(r);
    return reject(-EINVAL, "not an inotify instance");
}

long sys_inotify_add_watch(int fd, uaddr_t path, unsigned mask)
{
    struct fd_ref r;
    if (mask & ~ALL_BITS || !mask)
        return -EINVAL;
    int ret = fd_get(fd, &r);
    if (ret)
        return ret;
    if ((mask & IN_MASK_ADD && mask & IN_MASK_CREATE) || r.file->ops != &inotify_ops)
        ret = -EINVAL;
    else
        ret = watch_path(inotify_of(r.file), path, mask);
    fd_put(&r);
    return ret;
}

long sys_inotify_rm_watch(int fd, int wd)
{
    struct list dead = LIST_INIT(dead);
    struct fd_ref r;
    int err = inotify_get(fd, &r);
    if (err)
        return err;
    spin_lock(&notify_lock);
    struct tree_node *n = tree_find(&inotify_of(r.file)->watches, &wd, wd_key_cmp);
    if (n)
        inotify_forget_locked(tree_entry(n, struct watch, by_wd), &dead);
    spin_unlock(&notify_lock);
    inotify_free_dead(&dead);
    fd_put(&r);
    return n ? 0 : reject(-EINVAL, "no such watch");
}
