/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File locks: see lock.h.
 *
 * An inode lists its locks, those of one owner together and in the order of their ranges; flock and
 * fcntl do not see each other.  A waiter stands in the list of one lock that is in its way.  It is
 * woken when that lock goes or changes in any way, and tries again; so it always waits for a lock
 * that exists, and the deadlock check can follow from waiter to owner to waiter.
 */
#include "kernel/vfs/lock/lock.h"

#include "kernel/vfs/vfs_impl.h"

#define DEADLOCK_STEPS 10 /* Linux: longer chains are not followed */

struct lock_wait {
    struct list link;     /* [locks_lock] in blocker->waiters */
    struct list all_link; /* [locks_lock] in `waiting`, if it is a process's */
    struct file_lock want;
    struct file_lock *blocker; /* [locks_lock] NULL: woken */
    struct thread *thread;
};

static struct spinlock locks_lock;
static struct list all_locks = LIST_INIT(all_locks); /* [locks_lock] in order of their making */
static struct list waiting = LIST_INIT(waiting);     /* [locks_lock] processes that wait */
static size_t nlines;                                /* [locks_lock] locks and waiters */

static struct file_lock *lock_of(struct list *l)
{
    return list_entry(l, struct file_lock, link);
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
    return a->kind == b->kind && a->owner == b->owner;
}

static bool overlaps(const struct file_lock *a, const struct file_lock *b)
{
    return a->start <= b->end && b->start <= a->end;
}

/* Or lies right beside it. */
static bool touches(const struct file_lock *a, const struct file_lock *b)
{
    return (b->end == INT64_MAX || a->start <= b->end + 1) &&
           (a->end == INT64_MAX || b->start <= a->end + 1);
}

static bool conflicts(const struct file_lock *held, const struct file_lock *want)
{
    if ((held->kind == LOCK_FLOCK) != (want->kind == LOCK_FLOCK) || same_owner(held, want))
        return false;
    if (held->type != F_WRLCK && want->type != F_WRLCK)
        return false;
    return overlaps(held, want);
}

static struct file_lock *conflict_locked(struct inode *i, const struct file_lock *want)
    REQUIRES(locks_lock)
{
    if (want->type == F_UNLCK)
        return NULL;
    list_for_each(it, &i->locks) {
        if (conflicts(lock_of(it), want))
            return lock_of(it);
    }
    return NULL;
}

/* Waiting. */

static void wait_end_locked(struct lock_wait *w) REQUIRES(locks_lock)
{
    list_del(&w->link);
    list_del(&w->all_link);
    w->blocker = NULL;
    nlines--;
}

static void wake_locked(struct file_lock *l) REQUIRES(locks_lock)
{
    list_for_each_safe(it, &l->waiters) {
        struct lock_wait *w = list_entry(it, struct lock_wait, link);
        struct thread *t = w->thread;
        wait_end_locked(w);
        thread_wake(t);
    }
}

/* What stands in the way of l's owner, if it waits. */
static const struct file_lock *owner_waits_for(const struct file_lock *l) REQUIRES(locks_lock)
{
    list_for_each(it, &waiting) {
        const struct lock_wait *w = list_entry(it, struct lock_wait, all_link);
        if (same_owner(&w->want, l))
            return w->blocker;
    }
    return NULL;
}

/* Would the owner of `want` wait for itself in the end?  A file may be many processes': it has no say. */
static bool deadlock_locked(const struct file_lock *want, const struct file_lock *blocker)
    REQUIRES(locks_lock)
{
    if (want->kind != LOCK_PROCESS)
        return false;
    for (int i = 0; i <= DEADLOCK_STEPS && (blocker = owner_waits_for(blocker)); i++)
        if (same_owner(blocker, want))
            return true;
    return false;
}

static int wait_begin_locked(struct lock_wait *w, struct file_lock *blocker) REQUIRES(locks_lock)
{
    if (deadlock_locked(&w->want, blocker))
        return -EDEADLK;
    w->blocker = blocker;
    list_add_tail(&blocker->waiters, &w->link);
    if (w->want.kind == LOCK_PROCESS)
        list_add_tail(&waiting, &w->all_link);
    nlines++;
    return -EAGAIN;
}

/* Until the blocker is gone: 0, or -ERESTARTSYS. */
static int wait_sleep(struct lock_wait *w)
{
    int err = 0;
    spin_lock(&locks_lock);
    while (w->blocker && !err) {
        spin_unlock(&locks_lock);
        err = thread_block(KTIME_NEVER, true);
        spin_lock(&locks_lock);
    }
    if (w->blocker)
        wait_end_locked(w);
    else
        err = 0;
    spin_unlock(&locks_lock);
    return err;
}

/* Setting and clearing. */

static void add_locked(struct inode *i, struct file_lock *l) REQUIRES(locks_lock)
{
    struct list *before = &i->locks;
    bool own = false;
    list_for_each(it, &i->locks) {
        bool same = same_owner(lock_of(it), l);
        if ((own && !same) || (same && lock_of(it)->start > l->start)) {
            before = it;
            break;
        }
        own = same;
    }
    l->inode = i;
    list_init(&l->waiters);
    list_add_tail(before, &l->link);
    list_add_tail(&all_locks, &l->all_link);
    nlines++;
}

static void remove_locked(struct file_lock *l, struct list *dead) REQUIRES(locks_lock)
{
    wake_locked(l);
    list_del(&l->link);
    list_del(&l->all_link);
    list_add_tail(dead, &l->link);
    nlines--;
}

/* Takes what lies in both out of l, of which it may leave two parts (with *spare). */
static void cut_locked(struct inode *i, struct file_lock *l, const struct file_lock *out,
                       struct file_lock **spare, struct list *dead) REQUIRES(locks_lock)
{
    bool left = l->start<out->start, right = l->end> out->end;
    if (!left && !right) {
        remove_locked(l, dead);
        return;
    }
    struct file_lock *rest = *spare;
    wake_locked(l);
    if (left && right && rest) { /* an owner's locks do not overlap: one at most is cut in two */
        *spare = NULL;
        *rest = *l;
        rest->start = out->end + 1;
        l->end = out->start - 1;
        add_locked(i, rest);
    } else if (left) {
        l->end = out->start - 1;
    } else {
        l->start = out->end + 1;
    }
}

/* Makes room for `want` among its owner's locks; it swallows those of its own type. */
static void owner_cut_locked(struct inode *i, struct file_lock *want, struct file_lock **spare,
                             struct list *dead) REQUIRES(locks_lock)
{
    list_for_each_safe(it, &i->locks) {
        struct file_lock *l = lock_of(it);
        if (!same_owner(l, want))
            continue;
        if (l->type == want->type && touches(l, want)) {
            want->start = MIN(want->start, l->start);
            want->end = MAX(want->end, l->end);
            remove_locked(l, dead);
        } else if (overlaps(l, want)) {
            cut_locked(i, l, want, spare, dead);
        }
    }
}

static void free_all(struct list *dead)
{
    struct list *it;
    while ((it = list_pop(dead)))
        kfree(lock_of(it));
}

/* Sets or clears: 0, -ENOLCK, -EAGAIN (w, if there is one, waits then), -EDEADLK. */
static int lock_try(struct inode *i, const struct file_lock *request, struct lock_wait *w)
{
    struct list dead = LIST_INIT(dead);
    struct file_lock *want = kmalloc(sizeof(*want));
    struct file_lock *spare = kmalloc(sizeof(*spare));
    int err = want && spare ? 0 : -ENOLCK;
    if (err)
        goto out;
    *want = *request;
    spin_lock(&locks_lock);
    /* flock gives the old lock up before it asks for the new one, and has none if it fails. */
    if (want->kind == LOCK_FLOCK)
        owner_cut_locked(i, want, &spare, &dead);
    struct file_lock *blocker = conflict_locked(i, want);
    if (blocker) {
        err = w ? wait_begin_locked(w, blocker) : -EAGAIN;
    } else {
        if (want->kind != LOCK_FLOCK)
            owner_cut_locked(i, want, &spare, &dead);
        if (want->type != F_UNLCK) {
            add_locked(i, want);
            want = NULL;
        }
    }
    spin_unlock(&locks_lock);
    free_all(&dead);
out:
    kfree(want);
    kfree(spare);
    return err;
}

int lock_set(struct inode *i, const struct file_lock *request, bool wait)
{
    struct lock_wait w;
    if (request->type == F_UNLCK && list_empty(&i->locks))
        return 0;
    w.want = *request;
    w.want.inode = i;
    w.thread = current;
    w.blocker = NULL;
    list_init(&w.link);
    list_init(&w.all_link);
    for (;;) {
        int err = lock_try(i, request, wait ? &w : NULL);
        if (err != -EAGAIN || !wait)
            return err;
        err = wait_sleep(&w);
        if (err)
            return err;
    }
}

bool lock_find(struct inode *i, const struct file_lock *want, struct file_lock *held)
{
    spin_lock(&locks_lock);
    const struct file_lock *l = conflict_locked(i, want);
    if (l)
        *held = *l;
    spin_unlock(&locks_lock);
    return l != NULL;
}

static void release(struct inode *i, const void *owner)
{
    struct list dead = LIST_INIT(dead);
    spin_lock(&locks_lock);
    list_for_each_safe(it, &i->locks) {
        if (lock_of(it)->owner == owner)
            remove_locked(lock_of(it), &dead);
    }
    spin_unlock(&locks_lock);
    free_all(&dead);
}

void locks_release_table(struct file *f, const struct fdtable *t)
{
    release(f->inode, t);
}

void locks_release_file(struct file *f)
{
    release(f->inode, f);
}

/* For /proc. */

static void line_add_locked(struct lock_line *line, const struct file_lock *l, unsigned number,
                            bool waits) REQUIRES(locks_lock)
{
    *line = (struct lock_line){.lock = *l, .number = number, .waits = waits};
    inode_get(l->inode);
}

static size_t lines_fill_locked(struct lock_line *lines) REQUIRES(locks_lock)
{
    unsigned number = 0;
    size_t n = 0;
    list_for_each(it, &all_locks) {
        struct file_lock *l = list_entry(it, struct file_lock, all_link);
        line_add_locked(&lines[n++], l, ++number, false);
        list_for_each(wt, &l->waiters)
            line_add_locked(&lines[n++], &list_entry(wt, struct lock_wait, link)->want, number,
                            true);
    }
    return n;
}

struct lock_line *locks_list(size_t *n)
{
    struct lock_line *lines = NULL;
    size_t room = 0;
    *n = 0;
    for (;;) {
        spin_lock(&locks_lock);
        if (nlines == 0 || (lines && nlines <= room))
            break;
        room = nlines;
        spin_unlock(&locks_lock);
        kfree(lines);
        lines = kmalloc(room * sizeof(*lines));
        if (!lines)
            return NULL;
    }
    if (lines)
        *n = lines_fill_locked(lines);
    spin_unlock(&locks_lock);
    return lines;
}
