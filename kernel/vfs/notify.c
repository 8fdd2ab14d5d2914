/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who watches what: the watches of all inotify instances in one hash by inode, and the events of the VFS
 * turned into theirs and F_NOTIFY's.  See notify.h, ipc/inotify.h and dnotify.h.
 *
 * An inode is known by its file system and number.  A file that is removed while it is open is told to
 * be gone when its last open file is closed, as in Linux.
 */
#include "kernel/vfs/notify.h"

#include "kernel/ipc/inotify.h"
#include "kernel/vfs/dnotify.h"
#include "kernel/vfs/vfs_impl.h"

#define BUCKETS 64U

struct spinlock notify_lock;
uint32_t notify_watches;

static struct hash_link *first_buckets[BUCKETS];
static struct hash_table watches = {.buckets = first_buckets, .mask = BUCKETS - 1}; /* [n] */
static uint32_t last_cookie;                                                        /* [a] */

static uint64_t inode_key(const struct inode *i)
{
    return hash_u64((uintptr_t)i->super ^ i->ino << 16);
}

static bool same_inode(const struct inode *a, const struct inode *b)
{
    return a == b || (a->super == b->super && a->ino == b->ino);
}

static void table_grow(void) REQUIRES(notify_lock)
{
    size_t n = (watches.mask + 1) * 4;
    struct hash_table old = watches;
    struct hash_link **buckets = kzalloc(n * sizeof(*buckets));
    if (!buckets)
        return; /* slower, no worse */
    hash_init(&watches, buckets, n);
    for (size_t i = 0; i <= old.mask; i++) {
        for (struct hash_link *l = old.buckets[i], *next; l; l = next) {
            next = l->next;
            hash_add(&watches, l, l->hash);
        }
    }
    if (old.buckets != first_buckets)
        kfree(old.buckets);
}

void notify_count_locked(void) REQUIRES(notify_lock)
{
    __atomic_store_n(&notify_watches, (uint32_t)watches.count + dnotify_count, __ATOMIC_RELAXED);
}

int watch_add_locked(struct watch *w)
{
    if (watches.count >= INOTIFY_WATCHES)
        return -ENOSPC;
    if (watches.count > 2 * watches.mask)
        table_grow();
    hash_add(&watches, &w->hash, inode_key(w->inode));
    notify_count_locked();
    return 0;
}

void watch_del_locked(struct watch *w)
{
    hash_del(&watches, &w->hash);
    notify_count_locked();
}

static struct watch *first_watch(const struct inode *i) REQUIRES(notify_lock)
{
    struct hash_link *l = hash_first(&watches, inode_key(i));
    return l ? hash_entry(l, struct watch, hash) : NULL;
}

static struct watch *next_watch(const struct watch *w) REQUIRES(notify_lock)
{
    struct hash_link *l = hash_next(&w->hash);
    return l ? hash_entry(l, struct watch, hash) : NULL;
}

struct watch *watch_find_locked(struct inotify *owner, const struct inode *i)
{
    struct watch *w = first_watch(i);
    while (w && (w->owner != owner || !same_inode(w->inode, i)))
        w = next_watch(w);
    return w;
}

struct event {
    uint32_t mask, cookie;
    const char *name;
    bool unlinked; /* the name is gone: not for those who asked for IN_EXCL_UNLINK */
};

static void tell_locked(const struct inode *i, const struct event *e, struct list *dead)
    REQUIRES(notify_lock)
{
    for (struct watch *w = first_watch(i), *next; w; w = next) {
        next = next_watch(w);
        if (!same_inode(w->inode, i) || !(w->mask & e->mask & IN_ALL_EVENTS))
            continue;
        if (!(e->unlinked && w->mask & IN_EXCL_UNLINK))
            inotify_event_locked(w, e->mask, e->cookie, e->name, dead);
    }
}

static void tell(const struct inode *i, const struct event *e)
{
    struct list dead = LIST_INIT(dead), dead_dirs = LIST_INIT(dead_dirs);
    spin_lock(&notify_lock);
    tell_locked(i, e, &dead);
    dnotify_event_locked(i, e->mask, e->name != NULL, &dead_dirs);
    spin_unlock(&notify_lock);
    inotify_free_dead(&dead);
    dnotify_free(&dead_dirs);
}

static uint32_t dir_bit(uint32_t type)
{
    return S_ISDIR(type) ? IN_ISDIR : 0;
}

void notify_inode(struct inode *i, uint32_t mask)
{
    if (!notify_any())
        return;
    if (!(mask & (IN_DELETE_SELF | IN_MOVE_SELF)))
        mask |= dir_bit(i->mode);
    tell(i, &(struct event){.mask = mask});
}

void notify_name(struct inode *dir, const char *name, uint32_t type, uint32_t mask, uint32_t cookie)
{
    if (notify_any())
        tell(dir, &(struct event){.mask = mask | dir_bit(type), .cookie = cookie, .name = name});
}

void notify_dentry(struct dentry *d, uint32_t mask)
{
    char name[NAME_MAX + 1];
    if (!notify_any())
        return;
    bool unlinked = d->deleted;
    struct inode *dir = dentry_place(d, name);
    mask |= dir_bit(d->inode->mode);
    if (dir) {
        tell(dir, &(struct event){.mask = mask, .name = name, .unlinked = unlinked});
        inode_put(dir);
    }
    tell(d->inode, &(struct event){.mask = mask});
}

/* Data that passes through a FIFO is not the file's. */
void notify_file_slow(struct file *f, uint32_t mask)
{
    bool data = mask & (IN_ACCESS | IN_MODIFY);
    if (f->dentry && f->dentry->inode && !(f->flags & O_PATH) &&
        !(data && S_ISFIFO(f->dentry->inode->mode)))
        notify_dentry(f->dentry, mask);
}

void notify_renamed(struct inode *from, struct inode *to)
{
    if (notify_any() && same_inode(from, to))
        dnotify_renamed(from);
}

uint32_t notify_cookie(void)
{
    return __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
}

/* The end of files. */

void notify_victim_look(struct notify_victim *v, struct inode *i)
{
    struct statx st;
    *v = (struct notify_victim){NULL, false};
    if (!notify_any() || !i)
        return;
    v->inode = inode_get(i);
    v->last = S_ISDIR(i->mode) || inode_getattr(i, &st) || st.stx_nlink <= 1;
}

static void forget_all(struct inode *i)
{
    struct list dead = LIST_INIT(dead);
    notify_inode(i, IN_DELETE_SELF);
    spin_lock(&notify_lock);
    for (struct watch *w = first_watch(i), *next; w; w = next) {
        next = next_watch(w);
        if (same_inode(w->inode, i))
            inotify_forget_locked(w, &dead);
    }
    spin_unlock(&notify_lock);
    inotify_free_dead(&dead);
}

void notify_victim_gone(struct notify_victim *v, struct inode *dir, const char *name)
{
    struct inode *i = v->inode;
    if (!i)
        return;
    if (!S_ISDIR(i->mode))
        notify_inode(i, IN_ATTRIB);
    if (v->last) {
        __atomic_store_n(&i->nameless, true, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&i->opens, __ATOMIC_SEQ_CST))
            forget_all(i);
    }
    if (dir)
        notify_name(dir, name, i->mode, IN_DELETE, 0);
}

void notify_victim_put(struct notify_victim *v)
{
    if (v->inode)
        inode_put(v->inode);
    v->inode = NULL;
}

void notify_closed_last(struct inode *i)
{
    if (notify_any())
        forget_all(i);
}
