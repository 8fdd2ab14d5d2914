/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux AIO: io_setup and its family.
 *
 * Reads, writes and syncs are served when they are submitted, as Linux does for buffered files; their
 * events are in the queue when io_submit returns.  Only IOCB_CMD_POLL waits: its request is a waiter with
 * a callback on the file's queue.  The callback has that queue's lock, so it only sets off a timer, whose
 * function delivers the event with no lock held; the request is freed by the next call on the context,
 * since dropping a file may sleep.
 *
 *   poll request: WAITING --claimed by the callback or a cancel--> CLAIMED --delivered--> on `spent` --> freed
 *
 * Once a context is dead, requests stay where they are for context_end, which makes sure of each that its
 * callback and its timer are through before it frees it.
 *
 * A context's number is an address where the program finds a page of zeros: libaio looks there for a
 * ring it knows, and asks the kernel when it finds none.
 *
 * Locks: poll_lock (mutex: coming and going of poll requests; a file's poll is asked under it) -> a context's
 * lock (spin); aio_lock (spin: the list of contexts).  Wake-ups outside.
 */
#include "kernel/vfs/aio.h"

#include <linux/aio_abi.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/time_types.h>

#include "kernel/mm/mm.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define EVENTS_MIN 32U
#define EVENT_BATCH 16U
#define USER_TOP (1UL << 47)
#define WRITE_FLAGS ((uint32_t)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))

struct aio_context {
    struct ref ref;
    struct list link; /* [aio_lock] */
    struct mm *mm;    /* [I] whose it is; not dereferenced after the end */
    uaddr_t id;       /* [I] */
    unsigned asked;   /* [I] what io_setup was told */
    unsigned room;    /* [I] of events */
    struct spinlock lock;
    struct waitq waitq;      /* io_getevents */
    unsigned taken;          /* [l] requests under way, and events queued; <= room */
    struct io_event *events; /* [l] a ring of `room` */
    unsigned head, count;    /* [l] */
    struct mutex poll_lock;
    struct list polls; /* [l] WAITING and CLAIMED */
    struct list spent; /* [l] delivered, to be freed */
    bool dead;         /* [l] */
};

struct aio_poll {
    struct waiter waiter; /* on the file's queue */
    struct timer timer;
    struct list link; /* [ctx l] */
    struct aio_context *ctx;
    struct file *file, *notify; /* [I] references; notify: an eventfd, or NULL */
    uint32_t wanted;            /* [I] */
    uint32_t found;             /* [whoever claimed it] */
    bool claimed;               /* [a] */
    uint64_t data, obj;         /* [I] */
};

static struct spinlock aio_lock;
static struct list contexts = LIST_INIT(contexts); /* [aio_lock] */
static unsigned asked_sum;                         /* [aio_lock] */

unsigned aio_nr(void)
{
    return __atomic_load_n(&asked_sum, __ATOMIC_RELAXED);
}

static void context_put(struct aio_context *c)
{
    if (!ref_put(&c->ref))
        return;
    kfree(c->events);
    kfree(c);
}

/* A reference, or NULL. */
static struct aio_context *context_get(uaddr_t id)
{
    struct aio_context *found = NULL;
    spin_lock(&aio_lock);
    list_for_each(l, &contexts) {
        struct aio_context *c = list_entry(l, struct aio_context, link);
        if (c->id == id && c->mm == current_process()->mm) {
            ref_get(&c->ref);
            found = c;
            break;
        }
    }
    spin_unlock(&aio_lock);
    return found;
}

/* A place for a request and its event. */
static bool room_take(struct aio_context *c)
{
    spin_lock(&c->lock);
    bool ok = c->taken < c->room && !c->dead;
    c->taken += ok;
    spin_unlock(&c->lock);
    return ok;
}

static void room_give(struct aio_context *c)
{
    spin_lock(&c->lock);
    c->taken--;
    spin_unlock(&c->lock);
}

/* The event of a request that took its place.  Any context; no lock held. */
static void deliver(struct aio_context *c, struct file *notify, const struct io_event *e)
{
    spin_lock(&c->lock);
    c->events[(c->head + c->count++) % c->room] = *e;
    spin_unlock(&c->lock);
    waitq_wake(&c->waitq, 0);
    if (notify)
        eventfd_signal(notify, 1);
}

/* Poll requests. */

static bool poll_claim(struct aio_poll *p)
{
    return !__atomic_exchange_n(&p->claimed, true, __ATOMIC_ACQ_REL);
}

static bool poll_notify(struct waiter *w, uint32_t events)
{
    struct aio_poll *p = container_of(w, struct aio_poll, waiter);
    if ((events && !(events & p->wanted)) || !poll_claim(p))
        return false;
    p->found = events ? events & p->wanted : p->wanted & ~EPOLL_ALWAYS;
    timer_set(&p->timer, 0);
    return true;
}

/* Claimed, and the timer is not armed. */
static void poll_deliver(struct aio_poll *p)
{
    struct aio_context *c = p->ctx;
    struct io_event e = {.data = p->data, .obj = p->obj, .res = (int64_t)p->found};
    waitq_del(&p->file->waitq, &p->waiter);
    deliver(c, p->notify, &e);
    spin_lock(&c->lock);
    if (!c->dead) {
        list_del(&p->link);
        list_add_tail(&c->spent, &p->link);
    }
    spin_unlock(&c->lock);
}

static void poll_timer(struct timer *t)
{
    poll_deliver(container_of(t, struct aio_poll, timer));
}

static void poll_free(struct aio_poll *p)
{
    timer_cancel(&p->timer); /* its function may still be on its way out */
    file_put(p->file);
    if (p->notify)
        file_put(p->notify);
    kfree(p);
}

static void free_spent(struct aio_context *c)
{
    struct list *l;
    if (list_empty(&c->spent))
        return;
    do {
        spin_lock(&c->lock);
        l = list_pop(&c->spent);
        spin_unlock(&c->lock);
        if (l)
            poll_free(list_entry(l, struct aio_poll, link));
    } while (l);
}

/* Under the context's poll_lock. */
static int poll_start(struct aio_context *c, struct aio_poll *p)
{
    if (c->dead)
        return -EINVAL;
    spin_lock(&c->lock);
    list_add_tail(&c->polls, &p->link);
    spin_unlock(&c->lock);
    waitq_add_notify(&p->file->waitq, &p->waiter, poll_notify);
    uint32_t events = file_poll(p->file) & p->wanted;
    if (events && poll_claim(p)) {
        p->found = events;
        poll_deliver(p);
    }
    return 0;
}

/* Takes over both references on success. */
static int poll_submit(struct aio_context *c, const struct iocb *cb, uint64_t obj, struct file *f,
                       struct file *notify)
{
    if ((uint16_t)cb->aio_buf != cb->aio_buf || cb->aio_offset || cb->aio_nbytes ||
        cb->aio_rw_flags)
        return -EINVAL;
    if (!f->ops->poll)
        return -EINVAL;
    struct aio_poll *p = kzalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->ctx = c;
    p->file = f;
    p->notify = notify;
    p->wanted = (uint32_t)cb->aio_buf | EPOLL_ALWAYS;
    p->data = cb->aio_data;
    p->obj = obj;
    timer_init(&p->timer, poll_timer);
    mutex_lock(&c->poll_lock);
    int err = poll_start(c, p);
    mutex_unlock(&c->poll_lock);
    if (err)
        kfree(p);
    return err;
}

/* Submission. */

static int64_t result_of(int64_t ret)
{
    bool restart = ret == -ERESTARTSYS || ret == -ERESTARTNOHAND || ret == -ERESTART_RESTARTBLOCK;
    return restart ? -EINTR : ret;
}

static int rw_check(const struct iocb *cb, struct file *f, bool write)
{
    if (cb->aio_rw_flags & ~(write ? WRITE_FLAGS : RWF_HIPRI))
        return reject(-EOPNOTSUPP, "RWF_* flag");
    if (write ? !FMODE_WRITE(f) : !FMODE_READ(f))
        return -EBADF;
    if (write ? !f->ops->write : !f->ops->read)
        return -EINVAL;
    return f->ops->lseek && cb->aio_offset < 0 ? -EINVAL : 0;
}

static int rw_submit(const struct iocb *cb, struct file *f, bool write, int64_t *res)
{
    bool vector = cb->aio_lio_opcode == IOCB_CMD_PREADV || cb->aio_lio_opcode == IOCB_CMD_PWRITEV;
    int64_t pos = cb->aio_offset;
    struct segs s = {.seg = s.small, .n = 1};
    struct uio u;
    int err = rw_check(cb, f, write);
    if (err)
        return err;
    size_t n = MIN(cb->aio_nbytes, 0x7ffff000UL);
    if (vector) {
        err = segs_in(&s, cb->aio_buf, cb->aio_nbytes);
    } else if (n && !user_range_ok(cb->aio_buf, n)) {
        /* Linux finds an address that could be a program's only as it copies. */
        *res = -EFAULT;
        return cb->aio_buf < USER_TOP ? 0 : -EFAULT;
    }
    if (err)
        return err;
    if (!vector)
        s.small[0] = (struct uio_seg){cb->aio_buf, n};
    uio_init_user(&u, s.seg, s.n);
    *res = result_of(write ? file_write(f, &u, &pos) : file_read(f, &u, &pos));
    if (write && *res > 0 && cb->aio_rw_flags & (RWF_DSYNC | RWF_SYNC) && f->ops->fsync) {
        err = f->ops->fsync(f, !(cb->aio_rw_flags & RWF_SYNC));
        *res = err ? err : *res;
    }
    segs_free(&s);
    return 0;
}

static int sync_submit(const struct iocb *cb, struct file *f, int64_t *res)
{
    if (cb->aio_buf || cb->aio_offset || cb->aio_nbytes || cb->aio_rw_flags || !f->ops->fsync)
        return -EINVAL;
    *res = f->ops->fsync(f, cb->aio_lio_opcode == IOCB_CMD_FDSYNC);
    return 0;
}

/* 1: the request keeps file and notify; 0: done, with its result; or the reason why it was refused. */
static int file_submit(struct aio_context *c, const struct iocb *cb, uint64_t obj, struct file *f,
                       struct file *notify, int64_t *res)
{
    int err;
    switch (cb->aio_lio_opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV: return rw_submit(cb, f, false, res);
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV: return rw_submit(cb, f, true, res);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC: return sync_submit(cb, f, res);
    case IOCB_CMD_POLL: err = poll_submit(c, cb, obj, f, notify); return err ? err : 1;
    default: return reject(-EINVAL, "aio operation");
    }
}

static int notify_get(const struct iocb *cb, struct file **out)
{
    *out = NULL;
    if (!(cb->aio_flags & IOCB_FLAG_RESFD))
        return 0;
    int err = fd_lookup((int)cb->aio_resfd, false, out);
    if (err || file_is_eventfd(*out))
        return err;
    file_put(*out);
    return -EINVAL;
}

static int one_submit(struct aio_context *c, uaddr_t obj)
{
    struct iocb cb;
    struct file *f, *notify;
    uint32_t key = 0;
    int64_t res = 0;
    if (copy_in(&cb, obj, sizeof(cb)))
        return -EFAULT;
    if (cb.aio_reserved2 || (int64_t)cb.aio_nbytes < 0)
        return -EINVAL;
    if (!room_take(c))
        return -EAGAIN;
    int err = fd_lookup((int)cb.aio_fildes, false, &f);
    if (err)
        goto undo_room;
    err = notify_get(&cb, &notify);
    if (err)
        goto undo_file;
    err = copy_out(obj + offsetof(struct iocb, aio_key), &key, sizeof(key)) ? -EFAULT : 0;
    if (!err)
        err = file_submit(c, &cb, obj, f, notify, &res);
    if (err == 1)
        return 0;
    if (!err)
        deliver(c, notify, &(struct io_event){.data = cb.aio_data, .obj = obj, .res = res});
    if (notify)
        file_put(notify);
undo_file:
    file_put(f);
undo_room:
    if (err)
        room_give(c);
    return err;
}

long sys_io_submit(unsigned long id, long nr, uaddr_t iocbs)
{
    struct aio_context *c = nr < 0 ? NULL : context_get(id);
    long done = 0;
    int err = 0;
    if (!c)
        return -EINVAL;
    free_spent(c);
    nr = MIN(nr, (long)c->room);
    while (done < nr && !err) {
        uaddr_t obj;
        err = copy_in(&obj, iocbs + (size_t)done * sizeof(obj), sizeof(obj)) ? -EFAULT
                                                                             : one_submit(c, obj);
        done += !err;
    }
    context_put(c);
    return done ? done : err;
}

/* io_cancel: requests that wait for readiness; the event comes all the same. */
long sys_io_cancel(unsigned long id, uaddr_t iocb, uaddr_t result)
{
    uint32_t key;
    struct aio_poll *found = NULL;
    (void)result;
    if (copy_in(&key, iocb + offsetof(struct iocb, aio_key), sizeof(key)))
        return -EFAULT;
    struct aio_context *c = key ? NULL : context_get(id);
    if (!c)
        return -EINVAL;
    mutex_lock(&c->poll_lock);
    spin_lock(&c->lock);
    list_for_each(l, &c->polls) {
        struct aio_poll *p = list_entry(l, struct aio_poll, link);
        if (p->obj == iocb && !found && poll_claim(p))
            found = p;
    }
    spin_unlock(&c->lock);
    if (found)
        poll_deliver(found);
    mutex_unlock(&c->poll_lock);
    free_spent(c);
    context_put(c);
    return found ? -EINPROGRESS : -EINVAL;
}

/* Events. */

/* Moves up to nr events to the program: how many, or -EFAULT if the first could not be. */
static long events_out(struct aio_context *c, uaddr_t events, long nr)
{
    struct io_event batch[EVENT_BATCH];
    long done = 0;
    while (done < nr) {
        unsigned n = 0;
        spin_lock(&c->lock);
        for (; c->count && n < MIN(EVENT_BATCH, (unsigned long)(nr - done)); c->count--, n++) {
            batch[n] = c->events[c->head];
            c->head = (c->head + 1) % c->room;
            c->taken--;
        }
        spin_unlock(&c->lock);
        if (!n)
            break;
        if (copy_out(events + (size_t)done * sizeof(batch[0]), batch, n * sizeof(batch[0])))
            return done ? done : -EFAULT;
        done += n;
    }
    return done;
}

static bool has_news(struct aio_context *c)
{
    spin_lock(&c->lock);
    bool news = c->count || c->dead;
    spin_unlock(&c->lock);
    return news;
}

static long events_wait(struct aio_context *c, long min, long nr, uaddr_t events, ktime_t deadline)
{
    long done = 0;
    int err = 0;
    for (;;) {
        long n = events_out(c, events + (size_t)done * sizeof(struct io_event), nr - done);
        if (n < 0)
            return done ? done : n;
        done += n;
        if (done >= min || deadline == 0 || err)
            break;
        if (c->dead)
            return done ? done : -EINVAL;
        err = wait_event(&c->waitq, has_news(c), deadline);
    }
    return done || err == -ETIMEDOUT ? done : err;
}

static int timeout_in(uaddr_t addr, ktime_t *deadline)
{
    struct __kernel_timespec ts;
    *deadline = KTIME_NEVER;
    if (!addr)
        return 0;
    if (copy_in(&ts, addr, sizeof(ts)))
        return -EFAULT;
    *deadline = ts.tv_sec < 0 || ts.tv_nsec < 0 ? 0 : deadline_after(ts.tv_sec, ts.tv_nsec);
    return 0;
}

static long getevents(unsigned long id, long min, long nr, uaddr_t events, ktime_t deadline)
{
    struct aio_context *c = context_get(id);
    long ret = -EINVAL;
    if (!c)
        return ret;
    free_spent(c);
    if (min >= 0 && min <= nr)
        ret = events_wait(c, min, nr, events, deadline);
    context_put(c);
    return ret;
}

long sys_io_getevents(unsigned long id, long min_nr, long nr, uaddr_t events, uaddr_t timeout)
{
    ktime_t deadline;
    int err = timeout_in(timeout, &deadline);
    long ret = err ? err : getevents(id, min_nr, nr, events, deadline);
    return ret == -ERESTARTSYS ? -EINTR : ret;
}

long sys_io_pgetevents(unsigned long id, long min_nr, long nr, uaddr_t events, uaddr_t timeout,
                       uaddr_t sig)
{
    struct {
        uint64_t mask, size;
    } m = {0, 0};
    ktime_t deadline;
    int err = timeout_in(timeout, &deadline);
    if (!err && sig && copy_in(&m, sig, sizeof(m)))
        err = -EFAULT;
    if (!err)
        err = wait_mask_set(m.mask, m.size);
    long ret = err ? err : getevents(id, min_nr, nr, events, deadline);
    return ret == -ERESTARTSYS ? -ERESTARTNOHAND : ret;
}

/* Contexts. */

static int context_count(unsigned nr)
{
    spin_lock(&aio_lock);
    bool fits = nr <= AIO_MAX_NR - asked_sum;
    if (fits)
        asked_sum += nr;
    spin_unlock(&aio_lock);
    return fits ? 0 : reject(-EAGAIN, "aio-max-nr");
}

static void context_uncount(unsigned nr)
{
    spin_lock(&aio_lock);
    asked_sum -= nr;
    spin_unlock(&aio_lock);
}

static struct aio_context *context_new(unsigned nr)
{
    struct aio_context *c = kzalloc(sizeof(*c));
    if (!c)
        return NULL;
    ref_init(&c->ref);
    list_init(&c->link);
    spin_init(&c->lock);
    waitq_init(&c->waitq);
    mutex_init(&c->poll_lock);
    list_init(&c->polls);
    list_init(&c->spent);
    c->mm = current_process()->mm;
    c->asked = nr;
    c->room = 2 * MAX(nr, EVENTS_MIN);
    c->events = kmalloc(c->room * sizeof(*c->events));
    if (c->events)
        return c;
    kfree(c);
    return NULL;
}

long sys_io_setup(unsigned nr, uaddr_t ctxp)
{
    uint64_t id;
    if (copy_in(&id, ctxp, sizeof(id)))
        return -EFAULT;
    if (id || !nr || nr > 0x10000000U / (2 * sizeof(struct io_event)))
        return -EINVAL;
    int err = context_count(nr);
    if (err)
        return err;
    err = -ENOMEM;
    struct aio_context *c = context_new(nr);
    if (!c)
        goto undo_count;
    int64_t at = mm_map(c->mm, 0, PAGE_SIZE, MM_READ | MM_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, NULL,
                        0, "/[aio] (deleted)");
    if (at < 0) {
        err = (int)at;
        goto undo_context;
    }
    c->id = (uaddr_t)at;
    if (copy_out(ctxp, &c->id, sizeof(c->id))) {
        err = -EFAULT;
        goto undo_map;
    }
    spin_lock(&aio_lock);
    list_add_tail(&contexts, &c->link);
    spin_unlock(&aio_lock);
    return 0;
undo_map:
    (void)!mm_unmap(c->mm, c->id, PAGE_SIZE);
undo_context:
    context_put(c);
undo_count:
    context_uncount(nr);
    return err;
}

/* Off the list already: nobody finds it any more.  The reference of the list goes. */
static void context_end(struct aio_context *c)
{
    struct list *l;
    spin_lock(&c->lock);
    c->dead = true;
    spin_unlock(&c->lock);
    waitq_wake(&c->waitq, 0);
    mutex_lock(&c->poll_lock);
    do {
        spin_lock(&c->lock);
        l = list_pop(&c->polls);
        spin_unlock(&c->lock);
        if (l) {
            struct aio_poll *p = list_entry(l, struct aio_poll, link);
            waitq_del(&p->file->waitq, &p->waiter); /* the last callback is through */
            poll_free(p);
        }
    } while (l);
    mutex_unlock(&c->poll_lock);
    free_spent(c);
    context_uncount(c->asked);
    context_put(c);
}

static struct aio_context *context_take(const struct mm *mm, uaddr_t id)
{
    struct aio_context *found = NULL;
    spin_lock(&aio_lock);
    list_for_each(l, &contexts) {
        struct aio_context *c = list_entry(l, struct aio_context, link);
        if (c->mm == mm && (!id || c->id == id)) {
            list_del(&c->link);
            found = c;
            break;
        }
    }
    spin_unlock(&aio_lock);
    return found;
}

long sys_io_destroy(unsigned long id)
{
    struct aio_context *c = id ? context_take(current_process()->mm, id) : NULL;
    if (!c)
        return -EINVAL;
    (void)!mm_unmap(c->mm, id, PAGE_SIZE);
    context_end(c);
    return 0;
}

void aio_end(struct mm *mm)
{
    struct aio_context *c;
    while ((c = context_take(mm, 0)))
        context_end(c);
}
