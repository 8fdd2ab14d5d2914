/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes, and the engine behind FIFOs.
 *
 * A pipe is a byte queue with ends: each open file is one end, reader, writer or (a FIFO opened for
 * both) both.  Readers see the end of file when no writer is left, writers EPIPE when no reader is.
 * A write of up to PIPE_BUF bytes goes in whole or not at all.
 *
 * Locks: lock (mutex) guards the queue; held across the copy from and to the program, which is safe
 * since serving a page fault never needs a pipe.  ends_lock (spin) guards the list of ends and the
 * counts; the order is lock, ends_lock, the files' wait queues.
 */
#include <asm/ioctls.h>

#include "kernel/ipc/byteq.h"
#include "kernel/vfs/vfs_impl.h"
#include "lib/format.h"
#include "kernel/sys/syscalls.h"

#define PIPE_IN (EPOLLIN | EPOLLRDNORM)
#define PIPE_OUT (EPOLLOUT | EPOLLWRNORM)

struct pipe {
    struct ref ref;
    struct mutex lock;
    struct byteq q; /* [lock] */
    struct spinlock ends_lock;
    struct list ends;                    /* [e] */
    unsigned readers, writers;           /* [e] */
    unsigned reader_opens, writer_opens; /* [e] ever */
    struct waitq opening;                /* openers of a FIFO that wait for the other side */
    uint64_t ino;                        /* [I] */
    ktime_t created;                     /* [I] CLOCK_REALTIME */
    char name[32];                       /* [I] */
};

struct pipe_end {
    struct file file; /* first */
    struct pipe *pipe;
    struct list link;      /* [e] */
    unsigned writers_seen; /* [I] writer_opens when this end was opened */
};

static const struct file_ops pipe_ops;
static struct mutex fifo_mutex = {.waitq = {.waiters = LIST_INIT(fifo_mutex.waitq.waiters)}};
static uint64_t pipe_next_ino = 1; /* [a] */

static struct pipe *pipe_of(struct file *f)
{
    return container_of(f, struct pipe_end, file)->pipe;
}

static struct pipe *pipe_new(void)
{
    struct pipe *p = kzalloc(sizeof(*p));
    if (!p)
        return NULL;
    if (byteq_init(&p->q, BYTEQ_DEFAULT)) {
        kfree(p);
        return NULL;
    }
    ref_init(&p->ref);
    mutex_init(&p->lock);
    spin_init(&p->ends_lock);
    list_init(&p->ends);
    waitq_init(&p->opening);
    p->ino = __atomic_fetch_add(&pipe_next_ino, 1, __ATOMIC_RELAXED);
    p->created = clock_real();
    snprintf(p->name, sizeof(p->name), "pipe:[%lu]", p->ino);
    return p;
}

static void pipe_put(struct pipe *p)
{
    if (!ref_put(&p->ref))
        return;
    byteq_fini(&p->q);
    kfree(p);
}

/* Adds an end; the pipe's reference is the end's. */
static int end_new(struct pipe *p, uint32_t flags, struct pipe_end **out)
{
    struct pipe_end *e = kzalloc(sizeof(*e));
    if (!e)
        return -ENOMEM;
    file_init(&e->file, &pipe_ops, flags);
    e->file.name = p->name;
    e->pipe = p;
    ref_get(&p->ref);
    spin_lock(&p->ends_lock);
    list_add_tail(&p->ends, &e->link);
    e->writers_seen = p->writer_opens;
    if (FMODE_READ(&e->file)) {
        p->readers++;
        p->reader_opens++;
    }
    if (FMODE_WRITE(&e->file)) {
        p->writers++;
        p->writer_opens++;
    }
    spin_unlock(&p->ends_lock);
    *out = e;
    return 0;
}

/* Wakes whoever waits at ends with the given access. */
static void pipe_wake(struct pipe *p, bool readers, uint32_t events)
{
    spin_lock(&p->ends_lock);
    list_for_each(it, &p->ends) {
        struct file *f = &list_entry(it, struct pipe_end, link)->file;
        if (readers ? FMODE_READ(f) : FMODE_WRITE(f))
            file_wake(f, events);
    }
    spin_unlock(&p->ends_lock);
}

static int pipe_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct pipe *p = pipe_of(f);
    size_t room_before;
    int err = 0;
    (void)pos;
    if (!u->left)
        return 0;
    mutex_lock(&p->lock);
    room_before = byteq_room(&p->q);
    if (p->q.len)
        err = byteq_get(&p->q, u, false);
    else if (p->writers)
        err = -EAGAIN;
    bool wake = room_before < PIPE_BUF && byteq_room(&p->q) >= PIPE_BUF;
    mutex_unlock(&p->lock);
    if (wake)
        pipe_wake(p, false, PIPE_OUT);
    return err;
}

static int pipe_write(struct file *f, struct uio *u, int64_t *pos)
{
    struct pipe *p = pipe_of(f);
    size_t before = u->done;
    int err = 0;
    (void)pos;
    if (!u->left && !u->done)
        return 0;
    mutex_lock(&p->lock);
    size_t room = byteq_room(&p->q);
    bool whole = !u->done && u->left <= PIPE_BUF;
    if (!p->readers)
        err = -EPIPE;
    else if (room < (whole ? u->left : 1))
        err = -EAGAIN;
    else
        err = byteq_put(&p->q, u);
    mutex_unlock(&p->lock);
    if (u->done != before)
        pipe_wake(p, true, PIPE_IN);
    return err;
}

static uint32_t pipe_poll(struct file *f)
{
    struct pipe_end *e = container_of(f, struct pipe_end, file);
    struct pipe *p = e->pipe;
    uint32_t events = 0;
    if (FMODE_READ(f)) {
        if (p->q.len)
            events |= PIPE_IN;
        /* A FIFO's reader that no writer has met yet has not seen the end. */
        if (!p->writers && p->writer_opens != e->writers_seen)
            events |= EPOLLHUP;
    }
    if (FMODE_WRITE(f)) {
        if (byteq_room(&p->q) >= PIPE_BUF)
            events |= PIPE_OUT;
        if (!p->readers)
            events |= EPOLLERR;
    }
    return events;
}

static long pipe_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    if (cmd != FIONREAD)
        return -ENOTTY;
    int n = (int)pipe_of(f)->q.len;
    return copy_out(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static int pipe_getattr(struct file *f, struct statx *st)
{
    struct pipe *p = pipe_of(f);
    if (f->inode)
        return inode_getattr(f->inode, st);
    const struct creds *c = &current_process()->creds;
    st->stx_mask = STATX_BASIC_STATS;
    st->stx_mode = S_IFIFO | 0600;
    st->stx_ino = p->ino;
    st->stx_nlink = 1;
    st->stx_uid = c->fsuid;
    st->stx_gid = c->fsgid;
    st->stx_blksize = 4096;
    st->stx_dev_minor = 13;
    st->stx_mtime.tv_sec = p->created / 1000000000;
    st->stx_mtime.tv_nsec = (uint32_t)(p->created % 1000000000);
    st->stx_atime = st->stx_ctime = st->stx_mtime;
    return 0;
}

static void pipe_release(struct file *f)
{
    struct pipe_end *e = container_of(f, struct pipe_end, file);
    struct pipe *p = e->pipe;
    spin_lock(&p->ends_lock);
    list_del(&e->link);
    bool last_reader = FMODE_READ(f) && !--p->readers;
    bool last_writer = FMODE_WRITE(f) && !--p->writers;
    spin_unlock(&p->ends_lock);
    if (last_reader)
        pipe_wake(p, false, EPOLLERR | PIPE_OUT);
    if (last_writer)
        pipe_wake(p, true, EPOLLHUP | PIPE_IN);
    pipe_put(p);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .getattr = pipe_getattr,
    .release = pipe_release,
};

bool file_is_pipe(const struct file *f)
{
    return f->ops == &pipe_ops;
}

long pipe_get_size(struct file *f)
{
    return (long)pipe_of(f)->q.size;
}

long pipe_set_size(struct file *f, unsigned long size)
{
    struct pipe *p = pipe_of(f);
    if (size > BYTEQ_MAX)
        return current_process()->creds.euid ? -EPERM : -EINVAL;
    size_t rounded = PAGE_SIZE;
    while (rounded < size)
        rounded *= 2;
    mutex_lock(&p->lock);
    int err = byteq_resize(&p->q, rounded);
    mutex_unlock(&p->lock);
    return err ? err : (long)rounded;
}

/* FIFOs. */

/* The inode's pipe (a reference), made at the first open. */
static struct pipe *fifo_pipe(struct inode *i)
{
    mutex_lock(&fifo_mutex);
    if (!i->pipe)
        i->pipe = pipe_new();
    struct pipe *p = i->pipe;
    if (p)
        ref_get(&p->ref);
    mutex_unlock(&fifo_mutex);
    return p;
}

void pipe_free_fifo(struct inode *i)
{
    pipe_put(i->pipe);
}

/* The rendezvous of open(2): one side waits until the other has been opened. */
static int fifo_meet(struct pipe *p, uint32_t flags)
{
    unsigned mode = flags & O_ACCMODE;
    waitq_wake(&p->opening, 0);
    if (mode == O_RDWR)
        return 0;
    unsigned *others = mode == O_RDONLY ? &p->writers : &p->readers;
    unsigned *opens = mode == O_RDONLY ? &p->writer_opens : &p->reader_opens;
    if (*others)
        return 0;
    if (flags & O_NONBLOCK)
        return mode == O_RDONLY ? 0 : -ENXIO;
    unsigned seen = *opens;
    return wait_event(&p->opening, __atomic_load_n(opens, __ATOMIC_ACQUIRE) != seen, KTIME_NEVER);
}

int pipe_open_fifo(struct inode *i, uint32_t flags, struct file **out)
{
    struct pipe_end *e;
    struct pipe *p = fifo_pipe(i);
    if (!p)
        return -ENOMEM;
    int err = end_new(p, flags, &e);
    if (!err) {
        e->file.inode = inode_get(i);
        e->file.name = NULL;
        err = fifo_meet(p, flags);
        if (err)
            file_put(&e->file);
        else
            *out = &e->file;
    }
    pipe_put(p);
    return err;
}

/* pipe(2). */

static int pipe_ends(uint32_t flags, struct file *ends[2])
{
    struct pipe_end *r, *w;
    struct pipe *p = pipe_new();
    if (!p)
        return -ENOMEM;
    int err = end_new(p, O_RDONLY | (flags & O_NONBLOCK), &r);
    if (err)
        goto out;
    err = end_new(p, O_WRONLY | (flags & O_NONBLOCK), &w);
    if (err) {
        file_put(&r->file);
        goto out;
    }
    ends[0] = &r->file;
    ends[1] = &w->file;
out:
    pipe_put(p);
    return err;
}

long sys_pipe2(uaddr_t fds, int flags)
{
    struct file *ends[2];
    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return flags & O_DIRECT ? reject(-EINVAL, "packet mode") : -EINVAL;
    int err = pipe_ends((uint32_t)flags, ends);
    return err ? err : fd_install_pair(ends, flags & O_CLOEXEC, fds);
}

long sys_pipe(uaddr_t fds)
{
    return sys_pipe2(fds, 0);
}
