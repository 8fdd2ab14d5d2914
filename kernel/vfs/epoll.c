/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll.
 *
 * An item watches one file for one instance.  It stands as a waiter with a callback on the file's
 * wait queue for as long as it exists; an event puts it on the instance's ready list.  epoll_wait
 * takes items off that list and asks each file what is really there: a level-triggered item that
 * has something goes back to the end of the list, an edge-triggered one waits for the next event.
 *
 * Kinds whose watch is one-shot (host streams) start it when `poll` finds nothing; an
 * edge-triggered item that was reported is therefore polled once more before the next sleep
 * (`tired` list).
 *
 * An item holds no reference to its file: the last file_put calls epoll_forget.
 *
 * Locks: epoll_mutex (all changes of what watches what) -> ep->lock (mutex: items, scanning) ->
 * a file's wait queue -> ep->ready_lock (spin), the instance's queues.  Instances may watch
 * instances, five in a row, no cycles.
 */
#include "kernel/fs/seq.h"
#include "kernel/vfs/vfs_impl.h"
#include "lib/hash.h"
#include "kernel/sys/syscalls.h"

#define EPOLL_DEPTH 4  /* instances that an event passes through after its first */
#define EPOLL_BATCH 64 /* events that are copied to the program together */
#define EPOLL_ITEMS_MAX (1U << 20)
#define EPOLL_CONTROL ((uint32_t)(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE))
#define EPOLL_EXCLUSIVE_OK \
    ((uint32_t)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))

struct epoll {
    struct file file; /* first */
    struct mutex lock;
    struct hash_table items; /* [l] by file and descriptor */
    struct list all;         /* [l] */
    struct list tired;       /* [l] edge-triggered items that may need their watch restarted */
    struct spinlock ready_lock;
    struct list ready;     /* [r] */
    unsigned nready;       /* [r] */
    struct waitq sleepers; /* in epoll_wait; exclusive */
    unsigned walk;         /* [epoll_mutex] the last walk that came here … */
    int depth;             /* [epoll_mutex] … and what it found */
};

struct epoll_item {
    struct waiter waiter;
    struct epoll *ep;                 /* [I] */
    struct file *file;                /* [I] borrowed */
    int fd;                           /* [I] */
    struct hash_link hash;            /* [l] */
    struct list all_link, tired_link; /* [l] */
    struct list watch_link;           /* [epoll_mutex] in file->watches */
    struct list ready_link;           /* [r] */
    bool is_ready;                    /* [r] */
    bool fired;                       /* [a] a one-shot that has been reported */
    uint32_t events;                  /* [a] */
    uint64_t data;                    /* [l] */
};

static const struct file_ops epoll_ops;
static unsigned epoll_walks; /* [epoll_mutex] */
static struct mutex epoll_mutex = {.waitq = {.waiters = LIST_INIT(epoll_mutex.waitq.waiters)}};

static struct epoll *epoll_of(struct file *f)
{
    return container_of(f, struct epoll, file);
}

static void ready_add(struct epoll_item *item)
{
    struct epoll *ep = item->ep;
    spin_lock(&ep->ready_lock);
    if (!item->is_ready) {
        item->is_ready = true;
        list_add_tail(&ep->ready, &item->ready_link);
        ep->nready++;
    }
    spin_unlock(&ep->ready_lock);
}

static void ready_del(struct epoll_item *item)
{
    struct epoll *ep = item->ep;
    spin_lock(&ep->ready_lock);
    if (item->is_ready) {
        item->is_ready = false;
        list_del(&item->ready_link);
        ep->nready--;
    }
    spin_unlock(&ep->ready_lock);
}

static struct epoll_item *ready_pop(struct epoll *ep)
{
    spin_lock(&ep->ready_lock);
    struct list *l = list_pop(&ep->ready);
    struct epoll_item *item = l ? list_entry(l, struct epoll_item, ready_link) : NULL;
    if (item) {
        item->is_ready = false;
        ep->nready--;
    }
    spin_unlock(&ep->ready_lock);
    return item;
}

/* An item of ep has become ready: one of those who wait for events, and all who watch the instance. */
static bool epoll_announce(struct epoll *ep)
{
    bool awaited = !list_empty(&ep->sleepers.waiters) || !list_empty(&ep->file.waitq.waiters);
    waitq_wake(&ep->sleepers, EPOLLIN);
    waitq_wake(&ep->file.waitq, EPOLLIN);
    return awaited;
}

/* Something happened to a watched file.  Its wait queue's lock is held. */
static bool item_notify(struct waiter *w, uint32_t events)
{
    struct epoll_item *item = container_of(w, struct epoll_item, waiter);
    uint32_t wanted = __atomic_load_n(&item->events, __ATOMIC_RELAXED);
    if (__atomic_load_n(&item->fired, __ATOMIC_RELAXED))
        return false;
    if (events && !(events & (wanted | EPOLL_ALWAYS)))
        return false;
    ready_add(item);
    return epoll_announce(item->ep);
}

static uint32_t item_poll(struct epoll_item *item)
{
    uint32_t wanted = (item->events & ~EPOLL_CONTROL) | EPOLL_ALWAYS;
    return item->fired ? 0 : file_poll(item->file) & wanted;
}

static uint64_t item_key(const struct file *f, int fd)
{
    return hash_u64((uintptr_t)f ^ (uint64_t)fd << 48);
}

static struct epoll_item *item_find(struct epoll *ep, const struct file *f, int fd)
{
    struct hash_link *l = hash_first(&ep->items, item_key(f, fd));
    for (; l; l = hash_next(l)) {
        struct epoll_item *item = hash_entry(l, struct epoll_item, hash);
        if (item->file == f && item->fd == fd)
            return item;
    }
    return NULL;
}

/* epoll_mutex and ep->lock held. */
static void item_free(struct epoll_item *item)
{
    waitq_del(&item->file->waitq, &item->waiter);
    ready_del(item);
    hash_del(&item->ep->items, &item->hash);
    list_del(&item->all_link);
    list_del(&item->tired_link);
    /* Last: file_put looks at the list without a lock. */
    list_del(&item->watch_link);
    kfree(item);
}

void epoll_forget(struct file *f)
{
    mutex_lock(&epoll_mutex);
    list_for_each_safe(it, &f->watches) {
        struct epoll_item *item = list_entry(it, struct epoll_item, watch_link);
        struct epoll *ep = item->ep;
        mutex_lock(&ep->lock);
        item_free(item);
        mutex_unlock(&ep->lock);
    }
    mutex_unlock(&epoll_mutex);
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = epoll_of(f);
    mutex_lock(&epoll_mutex);
    mutex_lock(&ep->lock);
    list_for_each_safe(it, &ep->all)
        item_free(list_entry(it, struct epoll_item, all_link));
    mutex_unlock(&ep->lock);
    mutex_unlock(&epoll_mutex);
    kfree(ep->items.buckets);
}

/* An instance is readable when an item of its ready list really has something. */
static uint32_t epoll_poll(struct file *f)
{
    struct epoll *ep = epoll_of(f);
    uint32_t events = 0;
    mutex_lock(&ep->lock);
    for (unsigned n = ep->nready; n && !events; n--) {
        struct epoll_item *item = ready_pop(ep);
        if (item && item_poll(item)) {
            ready_add(item);
            events = EPOLLIN | EPOLLRDNORM;
        }
    }
    mutex_unlock(&ep->lock);
    return events;
}

static void epoll_info(struct file *f, struct seq *s)
{
    struct epoll *ep = epoll_of(f);
    mutex_lock(&ep->lock);
    list_for_each(it, &ep->all) {
        const struct epoll_item *item = list_entry(it, struct epoll_item, all_link);
        const struct inode *i = item->file->inode;
        uint32_t events = item->fired ? item->events & EPOLL_CONTROL : item->events | EPOLL_ALWAYS;
        seq_printf(s, "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%lx\n", item->fd,
                   events, item->data, item->file->pos, i ? i->ino : 1,
                   i && i->super ? i->super->dev : 0);
    }
    mutex_unlock(&ep->lock);
}

static const struct file_ops epoll_ops = {
    .poll = epoll_poll,
    .info = epoll_info,
    .release = epoll_release,
};

/* epoll_ctl. */

/* The longest chain of instances below ep, or more than EPOLL_DEPTH if one is too long or leads to `target`. */
static int depth_below(struct epoll *ep, const struct file *target, int level)
{
    if (&ep->file == target || level > EPOLL_DEPTH)
        return EPOLL_DEPTH + 1;
    if (ep->walk == epoll_walks)
        return ep->depth;
    int depth = 0;
    list_for_each(it, &ep->all) {
        struct file *f = list_entry(it, struct epoll_item, all_link)->file;
        if (f->ops == &epoll_ops)
            depth = MAX(depth, 1 + depth_below(epoll_of(f), target, level + 1));
    }
    ep->walk = epoll_walks;
    ep->depth = depth;
    return depth;
}

static int depth_above(struct epoll *ep, int level)
{
    if (level > EPOLL_DEPTH)
        return level;
    if (ep->walk == epoll_walks)
        return ep->depth;
    int depth = 0;
    list_for_each(it, &ep->file.watches) {
        struct epoll *up = list_entry(it, struct epoll_item, watch_link)->ep;
        depth = MAX(depth, 1 + depth_above(up, level + 1));
    }
    ep->walk = epoll_walks;
    ep->depth = depth;
    return depth;
}

/* Would ep watching `below` close a circle, or make a chain too long?  epoll_mutex held. */
static bool nests_badly(struct epoll *ep, struct epoll *below)
{
    epoll_walks++;
    int depth = 1 + depth_below(below, &ep->file, 0);
    epoll_walks++;
    return depth + depth_above(ep, 0) > EPOLL_DEPTH;
}

/* Doubles the table when it is full; failing to is harmless. */
static void items_grow(struct epoll *ep)
{
    size_t n = ep->items.mask + 1;
    if (ep->items.count < 2 * n)
        return;
    struct hash_link **buckets = kzalloc(4 * n * sizeof(*buckets));
    if (!buckets)
        return;
    kfree(ep->items.buckets);
    hash_init(&ep->items, buckets, 4 * n);
    list_for_each(it, &ep->all) {
        struct epoll_item *item = list_entry(it, struct epoll_item, all_link);
        hash_add(&ep->items, &item->hash, item_key(item->file, item->fd));
    }
}

/* Looks at a new or changed item once. */
static void item_check(struct epoll_item *item)
{
    if (!item_poll(item))
        return;
    ready_add(item);
    (void)epoll_announce(item->ep);
}

static int item_add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
    if (ep->items.count >= EPOLL_ITEMS_MAX)
        return -ENOSPC;
    struct epoll_item *item = kzalloc(sizeof(*item));
    if (!item)
        return -ENOMEM;
    item->ep = ep;
    item->file = f;
    item->fd = fd;
    item->events = ev->events;
    item->data = ev->data;
    list_init(&item->ready_link);
    list_init(&item->tired_link);
    list_add_tail(&ep->all, &item->all_link);
    hash_add(&ep->items, &item->hash, item_key(f, fd));
    items_grow(ep);
    list_add_tail(&f->watches, &item->watch_link);
    if (ev->events & EPOLLEXCLUSIVE)
        waitq_add_exclusive(&f->waitq, &item->waiter, item_notify);
    else
        waitq_add_notify(&f->waitq, &item->waiter, item_notify);
    item_check(item);
    return 0;
}

static int item_change(struct epoll_item *item, const struct epoll_event *ev)
{
    if ((item->events | ev->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    __atomic_store_n(&item->events, ev->events, __ATOMIC_RELAXED);
    item->data = ev->data;
    __atomic_store_n(&item->fired, false, __ATOMIC_RELAXED);
    item_check(item);
    return 0;
}

static int ctl_locked(struct epoll *ep, int op, struct file *f, int fd,
                      const struct epoll_event *ev)
{
    struct epoll_item *item = item_find(ep, f, fd);
    switch (op) {
    case EPOLL_CTL_ADD: return item ? -EEXIST : item_add(ep, f, fd, ev);
    case EPOLL_CTL_MOD: return item ? item_change(item, ev) : -ENOENT;
    default:
        if (op != EPOLL_CTL_DEL)
            return -EINVAL;
        if (!item)
            return -ENOENT;
        item_free(item);
        return 0;
    }
}

static int ctl_files(struct file *epf, int op, struct file *f, int fd, const struct epoll_event *ev)
{
    if (!f->ops->poll)
        return reject(-EPERM, "the file cannot be polled");
    if (epf->ops != &epoll_ops || f == epf)
        return -EINVAL;
    bool nested = f->ops == &epoll_ops;
    if (ev->events & EPOLLEXCLUSIVE &&
        (nested || op == EPOLL_CTL_MOD || ev->events & ~EPOLL_EXCLUSIVE_OK))
        return reject(-EINVAL, "EPOLLEXCLUSIVE");
    struct epoll *ep = epoll_of(epf);
    int err = 0;
    mutex_lock(&epoll_mutex);
    if (nested && op == EPOLL_CTL_ADD && nests_badly(ep, epoll_of(f)))
        err = reject(-ELOOP, "the instances would watch each other, or too deep");
    if (!err) {
        mutex_lock(&ep->lock);
        err = ctl_locked(ep, op, f, fd, ev);
        mutex_unlock(&ep->lock);
    }
    mutex_unlock(&epoll_mutex);
    return err;
}

long sys_epoll_ctl(int epfd, int op, int fd, uaddr_t event)
{
    struct epoll_event ev = {0, 0};
    struct fd_ref ep, f;
    if (op != EPOLL_CTL_DEL && copy_in(&ev, event, sizeof(ev)))
        return -EFAULT;
    int err = fd_get(epfd, &ep);
    if (err)
        return err;
    err = fd_get(fd, &f);
    if (!err) {
        err = ctl_files(ep.file, op, f.file, fd, &ev);
        fd_put(&f);
    }
    fd_put(&ep);
    return err;
}

/* kcmp(2). */

int epoll_target(struct file *f, unsigned fd, unsigned skip, const struct file **out)
{
    int err = -ENOENT;
    if (f->ops != &epoll_ops)
        return reject(-EINVAL, "not an epoll instance");
    struct epoll *ep = epoll_of(f);
    mutex_lock(&ep->lock);
    for (struct list *l = ep->all.next; l != &ep->all && err; l = l->next) {
        const struct epoll_item *item = list_entry(l, struct epoll_item, all_link);
        if (item->fd < 0 || (unsigned)item->fd != fd || skip-- > 0)
            continue;
        *out = item->file;
        err = 0;
    }
    mutex_unlock(&ep->lock);
    return err;
}

/* epoll_wait. */

/* Moves up to max events of ready items into out.  *left: how many items are still to be looked at. */
static int epoll_collect(struct epoll *ep, struct epoll_event *out, int max, unsigned *left)
{
    int n = 0;
    mutex_lock(&ep->lock);
    for (; *left && n < max; --*left) {
        struct epoll_item *item = ready_pop(ep);
        uint32_t events = item ? item_poll(item) : 0;
        if (!events)
            continue;
        out[n++] = (struct epoll_event){.events = events, .data = item->data};
        if (item->events & EPOLLONESHOT)
            __atomic_store_n(&item->fired, true, __ATOMIC_RELAXED);
        else if (!(item->events & EPOLLET))
            ready_add(item);
        else if (list_empty(&item->tired_link))
            list_add_tail(&ep->tired, &item->tired_link);
    }
    mutex_unlock(&ep->lock);
    return n;
}

/* Gives the program up to max events: how many, or -EFAULT.  Looks once at each item. */
static int epoll_report(struct epoll *ep, uaddr_t events, int max)
{
    struct epoll_event out[EPOLL_BATCH];
    unsigned left = __atomic_load_n(&ep->nready, __ATOMIC_ACQUIRE);
    int done = 0;
    while (left && done < max) {
        int n = epoll_collect(ep, out, MIN(max - done, EPOLL_BATCH), &left);
        if (n && copy_out(events + (size_t)done * sizeof(*out), out, (size_t)n * sizeof(*out)))
            return done ? done : -EFAULT;
        done += n;
    }
    return done;
}

/* Before a sleep: reported edge-triggered items whose files have run dry get their watch again. */
static void epoll_refresh(struct epoll *ep)
{
    if (list_empty(&ep->tired))
        return;
    mutex_lock(&ep->lock);
    list_for_each_safe(it, &ep->tired) {
        struct epoll_item *item = list_entry(it, struct epoll_item, tired_link);
        if (!item_poll(item))
            list_del(&item->tired_link);
    }
    mutex_unlock(&ep->lock);
}

static int epoll_sleep(struct epoll *ep, uaddr_t events, int max, ktime_t deadline)
{
    struct waiter w;
    int n = 0, err = 0;
    waitq_add_exclusive(&ep->sleepers, &w, NULL);
    while (!err && !n) {
        if (__atomic_load_n(&ep->nready, __ATOMIC_ACQUIRE)) {
            n = epoll_report(ep, events, max);
            continue; /* what was there may be gone; a new event may have come meanwhile */
        }
        epoll_refresh(ep);
        if (!__atomic_load_n(&ep->nready, __ATOMIC_ACQUIRE))
            err = thread_block(deadline, true);
    }
    waitq_del(&ep->sleepers, &w);
    return n ? n : err == -ETIMEDOUT ? 0 : err;
}

static long epoll_wait_file(struct file *f, uaddr_t events, int max, ktime_t deadline)
{
    if (f->ops != &epoll_ops)
        return -EINVAL;
    struct epoll *ep = epoll_of(f);
    int n = ep->nready ? epoll_report(ep, events, max) : 0;
    if (!n && deadline)
        n = epoll_sleep(ep, events, max, deadline);
    /* Whatever this call was woken for, and has not taken, is the next one's. */
    if (__atomic_load_n(&ep->nready, __ATOMIC_ACQUIRE))
        waitq_wake(&ep->sleepers, EPOLLIN);
    return n;
}

static long epoll_wait_fd(int epfd, uaddr_t events, int max, ktime_t deadline)
{
    struct fd_ref r;
    if (max <= 0 || max > (int)(INT32_MAX / sizeof(struct epoll_event)))
        return -EINVAL;
    if (!user_range_ok(events, (size_t)max * sizeof(struct epoll_event)))
        return -EFAULT;
    long ret = fd_get(epfd, &r);
    if (ret)
        return ret;
    ret = epoll_wait_file(r.file, events, max, deadline);
    fd_put(&r);
    /* Linux's epoll_wait is never restarted. */
    return ret == -ERESTARTSYS ? -EINTR : ret;
}

long sys_epoll_wait(int epfd, uaddr_t events, int maxevents, int timeout)
{
    return epoll_wait_fd(epfd, events, maxevents, deadline_ms(timeout));
}

long sys_epoll_pwait(int epfd, uaddr_t events, int maxevents, int timeout, uaddr_t sigmask,
                     size_t sigsetsize)
{
    int err = wait_mask_set(sigmask, sigsetsize);
    return err ? err : epoll_wait_fd(epfd, events, maxevents, deadline_ms(timeout));
}

long sys_epoll_pwait2(int epfd, uaddr_t events, int maxevents, uaddr_t timeout, uaddr_t sigmask,
                      size_t sigsetsize)
{
    ktime_t deadline;
    int err = deadline_timespec(timeout, &deadline);
    if (!err)
        err = wait_mask_set(sigmask, sigsetsize);
    return err ? err : epoll_wait_fd(epfd, events, maxevents, deadline);
}

long sys_epoll_create1(int flags)
{
    if (flags & ~O_CLOEXEC)
        return -EINVAL;
    struct epoll *ep = kzalloc(sizeof(*ep));
    struct hash_link **buckets = kzalloc(16 * sizeof(*buckets));
    if (!ep || !buckets) {
        kfree(ep);
        kfree(buckets);
        return -ENOMEM;
    }
    file_init(&ep->file, &epoll_ops, O_RDWR);
    ep->file.name = "anon_inode:[eventpoll]";
    mutex_init(&ep->lock);
    spin_init(&ep->ready_lock);
    waitq_init(&ep->sleepers);
    list_init(&ep->all);
    list_init(&ep->tired);
    list_init(&ep->ready);
    hash_init(&ep->items, buckets, 16);
    return fd_install(&ep->file, flags & O_CLOEXEC, 0);
}

long sys_epoll_create(int size)
{
    return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}
