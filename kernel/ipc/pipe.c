/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes: see pipe.h.
 *
 * As in Linux the capacity is counted in pages, and a page is taken by every write that does not
 * fit behind what the last one left.  So a write of up to PIPE_BUF bytes, which needs one page at
 * most, goes in whole or not at all.  With O_DIRECT every page of a write is a packet of its own.
 * Readers see the end of file when no writer is left, writers EPIPE when no reader is.
 *
 * The lock is held across the copy from and to the program, which is safe since serving a page
 * fault never needs a pipe.
 */
#include "kernel/ipc/pipe.h"

#include <asm/ioctls.h>

#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"
#include "lib/format.h"
#include "kernel/sys/syscalls.h"

static const struct file_ops pipe_ops;
static uint64_t pipe_next_ino = 1; /* [a] */

static struct pipe *pipe_of(struct file *f)
{
    return container_of(f, struct pipe_end, file)->pipe;
}

bool file_is_pipe(const struct file *f)
{
    return f->ops == &pipe_ops;
}

struct pipe *pipe_of_file(struct file *f)
{
    return file_is_pipe(f) ? pipe_of(f) : NULL;
}

/* Pages and buffers. */

static void page_free(struct pipe_page *page)
{
    kpages_free(page->data, 1);
    kfree(page);
}

struct pipe_page *pipe_page_new(struct pipe *p)
{
    struct pipe_page *page = p->spare;
    p->spare = NULL;
    if (likely(page != NULL))
        return page;
    page = kmalloc(sizeof(*page));
    if (!page)
        return NULL;
    ref_init(&page->ref);
    page->data = kpages_alloc(1);
    if (page->data)
        return page;
    kfree(page);
    return NULL;
}

void pipe_page_put(struct pipe *p, struct pipe_page *page)
{
    /* Only who has a reference can make another: 1 is this one. */
    if (__atomic_load_n(&page->ref.count, __ATOMIC_ACQUIRE) == 1 && !p->spare)
        p->spare = page;
    else if (ref_put(&page->ref))
        page_free(page);
}

static void used_set(struct pipe *p, unsigned used)
{
    __atomic_store_n(&p->used, used, __ATOMIC_RELAXED);
}

void pipe_push(struct pipe *p, const struct pipe_buf *b)
{
    *pipe_slot(p, p->used) = *b;
    used_set(p, p->used + 1);
}

void pipe_push_front(struct pipe *p, const struct pipe_buf *b)
{
    p->head--;
    *pipe_slot(p, 0) = *b;
    used_set(p, p->used + 1);
}

struct pipe_buf pipe_pop(struct pipe *p)
{
    struct pipe_buf b = *pipe_slot(p, 0);
    p->head++;
    used_set(p, p->used - 1);
    return b;
}

void pipe_consume(struct pipe *p, size_t n)
{
    struct pipe_buf *b = pipe_slot(p, 0);
    b->off += (uint32_t)n;
    b->len -= (uint32_t)n;
    if (!b->len)
        pipe_page_put(p, pipe_pop(p).page);
}

/* Pipes and ends. */

struct pipe *pipe_new(void)
{
    struct pipe *p = kzalloc(sizeof(*p));
    if (!p)
        return NULL;
    p->ring = kzalloc(PIPE_SLOTS * sizeof(*p->ring));
    if (!p->ring) {
        kfree(p);
        return NULL;
    }
    p->slots = PIPE_SLOTS;
    ref_init(&p->ref);
    mutex_init(&p->lock);
    spin_init(&p->ends_lock);
    list_init(&p->reader_ends);
    list_init(&p->writer_ends);
    waitq_init(&p->opening);
    p->ino = __atomic_fetch_add(&pipe_next_ino, 1, __ATOMIC_RELAXED);
    p->created = clock_real();
    snprintf(p->name, sizeof(p->name), "pipe:[%lu]", p->ino);
    return p;
}

void pipe_put(struct pipe *p) NO_TSA
{
    if (!ref_put(&p->ref))
        return;
    while (p->used)
        pipe_page_put(p, pipe_pop(p).page);
    if (p->spare)
        page_free(p->spare);
    kfree(p->ring);
    kfree(p);
}

int pipe_end_new(struct pipe *p, uint32_t flags, struct pipe_end **out)
{
    struct pipe_end *e = kzalloc(sizeof(*e));
    if (!e)
        return -ENOMEM;
    file_init(&e->file, &pipe_ops, flags);
    e->file.name = p->name;
    e->pipe = p;
    list_init(&e->reader_link);
    list_init(&e->writer_link);
    ref_get(&p->ref);
    spin_lock(&p->ends_lock);
    if (FMODE_READ(&e->file)) {
        list_add_tail(&p->reader_ends, &e->reader_link);
        p->readers++;
        __atomic_store_n(&p->reader_opens, p->reader_opens + 1, __ATOMIC_RELEASE);
        e->writers_seen = p->writers ? 0 : p->writer_opens;
    }
    if (FMODE_WRITE(&e->file)) {
        list_add_tail(&p->writer_ends, &e->writer_link);
        p->writers++;
        __atomic_store_n(&p->writer_opens, p->writer_opens + 1, __ATOMIC_RELEASE);
    }
    spin_unlock(&p->ends_lock);
    *out = e;
    return 0;
}

void pipe_wake_readers(struct pipe *p, uint32_t events)
{
    spin_lock(&p->ends_lock);
    list_for_each(it, &p->reader_ends)
        file_wake(&list_entry(it, struct pipe_end, reader_link)->file, events);
    spin_unlock(&p->ends_lock);
}

void pipe_wake_writers(struct pipe *p, uint32_t events)
{
    spin_lock(&p->ends_lock);
    list_for_each(it, &p->writer_ends)
        file_wake(&list_entry(it, struct pipe_end, writer_link)->file, events);
    spin_unlock(&p->ends_lock);
}

static void pipe_release(struct file *f)
{
    struct pipe_end *e = container_of(f, struct pipe_end, file);
    struct pipe *p = e->pipe;
    spin_lock(&p->ends_lock);
    list_del(&e->reader_link);
    list_del(&e->writer_link);
    bool last_reader = FMODE_READ(f) && !--p->readers;
    bool last_writer = FMODE_WRITE(f) && !--p->writers;
    spin_unlock(&p->ends_lock);
    if (last_reader)
        pipe_wake_writers(p, EPOLLERR | EPOLLHUP | PIPE_OUT);
    if (last_writer)
        pipe_wake_readers(p, EPOLLERR | EPOLLHUP | PIPE_IN);
    if (f->inode)
        pipe_close_fifo(f->inode, p);
    pipe_put(p);
}

/* Reading and writing. */

static int take(struct pipe *p, struct uio *u) REQUIRES(p->lock)
{
    int err = 0;
    while (u->left && p->used && !err) {
        struct pipe_buf *b = pipe_slot(p, 0);
        size_t before = u->done;
        bool packet = b->flags & PIPE_BUF_PACKET;
        err = uio_put(u, b->page->data + b->off, b->len);
        pipe_consume(p, packet && !err ? b->len : u->done - before);
        if (packet)
            break;
    }
    return err;
}

static int pipe_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct pipe *p = pipe_of(f);
    int err = 0;
    (void)pos;
    if (!u->left)
        return 0;
    mutex_lock(&p->lock);
    bool was_full = pipe_full(p);
    if (p->used && !p->draining)
        err = take(p, u);
    else if (p->draining || __atomic_load_n(&p->writers, __ATOMIC_ACQUIRE))
        err = -EAGAIN;
    bool wake = was_full && !pipe_full(p);
    mutex_unlock(&p->lock);
    if (wake)
        pipe_wake_writers(p, PIPE_OUT);
    return err;
}

/* What a write has beyond whole pages goes behind what the last write left, if all of it fits. */
static int merge(struct pipe *p, struct uio *u) REQUIRES(p->lock)
{
    size_t n = u->left % PAGE_SIZE;
    if (!n || !p->used)
        return 0;
    struct pipe_buf *b = pipe_slot(p, p->used - 1);
    if (!(b->flags & PIPE_BUF_MERGE) || b->off + b->len + n > PAGE_SIZE)
        return 0;
    size_t before = u->done;
    int err = uio_get(u, b->page->data + b->off + b->len, n);
    b->len += (uint32_t)(u->done - before);
    return err;
}

static int append(struct pipe *p, struct uio *u, uint32_t flags) REQUIRES(p->lock)
{
    struct pipe_buf b = {.page = pipe_page_new(p), .flags = flags};
    size_t before = u->done;
    if (!b.page)
        return -ENOMEM;
    int err = uio_get(u, b.page->data, PAGE_SIZE);
    b.len = (uint32_t)(u->done - before);
    if (b.len)
        pipe_push(p, &b);
    else
        pipe_page_put(p, b.page);
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
    if (!__atomic_load_n(&p->readers, __ATOMIC_ACQUIRE))
        err = -EPIPE;
    else if (!u->done)
        err = merge(p, u);
    uint32_t flags = f->flags & O_DIRECT ? PIPE_BUF_PACKET : PIPE_BUF_MERGE;
    while (!err && u->left && !pipe_full(p))
        err = append(p, u, flags);
    mutex_unlock(&p->lock);
    if (u->done != before)
        pipe_wake_readers(p, PIPE_IN);
    else if (!err && u->left)
        err = -EAGAIN;
    return err;
}

static uint32_t pipe_poll(struct file *f)
{
    struct pipe_end *e = container_of(f, struct pipe_end, file);
    struct pipe *p = e->pipe;
    uint32_t events = 0;
    if (FMODE_READ(f)) {
        if (__atomic_load_n(&p->used, __ATOMIC_ACQUIRE) && !p->draining)
            events |= PIPE_IN;
        if (!p->writers && p->writer_opens != e->writers_seen)
            events |= EPOLLHUP;
    }
    if (FMODE_WRITE(f)) {
        if (!pipe_full(p))
            events |= PIPE_OUT;
        if (!p->readers)
            events |= EPOLLERR;
    }
    return events;
}

static long pipe_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    struct pipe *p = pipe_of(f);
    int n = 0;
    if (cmd != FIONREAD)
        return -ENOTTY;
    mutex_lock(&p->lock);
    for (unsigned i = 0; i < p->used; i++)
        n += (int)pipe_slot(p, i)->len;
    mutex_unlock(&p->lock);
    return copy_out(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static int pipe_getattr(struct file *f, struct statx *st)
{
    struct pipe *p = pipe_of(f);
    if (f->inode)
        return inode_getattr(f->inode, st);
    const struct cred *c = current_cred();
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

static const struct file_ops pipe_ops = {
    .async = ASYNC_YES,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .getattr = pipe_getattr,
    .release = pipe_release,
};

/* fcntl(F_SETPIPE_SZ, F_GETPIPE_SZ). */

long pipe_get_size(struct file *f)
{
    return (long)pipe_of(f)->slots * (long)PAGE_SIZE;
}

static int resize_locked(struct pipe *p, unsigned slots) REQUIRES(p->lock)
{
    if (p->used + p->reserved > slots)
        return -EBUSY;
    struct pipe_buf *ring = kzalloc(slots * sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    for (unsigned i = 0; i < p->used; i++)
        ring[i] = *pipe_slot(p, i);
    kfree(p->ring);
    p->ring = ring;
    p->head = 0;
    __atomic_store_n(&p->slots, slots, __ATOMIC_RELAXED);
    return 0;
}

long pipe_set_size(struct file *f, unsigned long size)
{
    struct pipe *p = pipe_of(f);
    unsigned slots = 1;
    if (size > 1UL << 31)
        return -EINVAL;
    while (slots * PAGE_SIZE < size)
        slots *= 2;
    if (slots > p->slots && slots > PIPE_SLOTS_MAX && !capable(CAP_SYS_RESOURCE))
        return reject(-EPERM, "beyond pipe-max-size");
    if (slots > PIPE_SLOTS_LIMIT)
        return -ENOMEM;
    mutex_lock(&p->lock);
    bool was_full = pipe_full(p);
    int err = resize_locked(p, slots);
    bool wake = was_full && !pipe_full(p);
    mutex_unlock(&p->lock);
    if (wake)
        pipe_wake_writers(p, PIPE_OUT);
    return err ? err : (long)slots * (long)PAGE_SIZE;
}

/* pipe(2). */

static int pipe_ends(uint32_t flags, struct file *ends[2])
{
    struct pipe_end *r, *w;
    struct pipe *p = pipe_new();
    if (!p)
        return -ENOMEM;
    int err = pipe_end_new(p, O_RDONLY | (flags & O_NONBLOCK), &r);
    if (err)
        goto out;
    err = pipe_end_new(p, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), &w);
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
    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return flags & O_EXCL ? reject(-EINVAL, "notification pipe") : -EINVAL;
    int err = pipe_ends((uint32_t)flags, ends);
    return err ? err : fd_install_pair(ends, flags & O_CLOEXEC, fds);
}

long sys_pipe(uaddr_t fds)
{
    return sys_pipe2(fds, 0);
}
