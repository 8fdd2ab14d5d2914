/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice, tee, vmsplice: moving a pipe's buffers without the program.
 *
 * Between two pipes buffers change hands, or (tee) their pages are counted twice.  Between a pipe and
 * another file the data is read into fresh pages, or written out of the pipe's, with no lock of the
 * pipe held: slots are reserved before, and a buffer that is under way is taken out of the ring and
 * its rest put back in front (`draining`; see ipc/pipe.h).  What a program gives with vmsplice is
 * copied at once, which it can only tell by changing its memory too early.
 *
 * A pipe of the host's is a stream like any other here; what makes it a pipe is that Linux lets it
 * stand for one.  Its data goes through a buffer.
 */
#include "kernel/ipc/pipe.h"
#include "kernel/net/socket.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define SPLICE_MAX 0x7ffff000UL
#define SPLICE_F_NONBLOCK 2U
#define SPLICE_F_ALL 0xfU
#define BATCH 16U /* buffers that are under way together */
#define HOST_CHUNK (16UL * 1024)

/* Waiting for a pipe. */

static bool has_data(const struct pipe *p)
{
    return __atomic_load_n(&p->used, __ATOMIC_ACQUIRE) && !p->draining;
}

static bool has_end(const struct pipe *p)
{
    return !p->draining && !__atomic_load_n(&p->writers, __ATOMIC_ACQUIRE);
}

/* f is an end for reading.  1: there is data; 0: the end. */
static int wait_data(struct file *f, struct pipe *p, bool nonblock)
{
    int err = 0;
    if (!has_data(p) && !has_end(p))
        err = nonblock ? -EAGAIN : wait_event(&f->waitq, has_data(p) || has_end(p), KTIME_NEVER);
    return err ? err : has_data(p);
}

static bool no_reader(const struct pipe *p)
{
    return !__atomic_load_n(&p->readers, __ATOMIC_ACQUIRE);
}

/* f is an end for writing. */
static int wait_room(struct file *f, struct pipe *p, bool nonblock)
{
    int err = 0;
    if (pipe_full(p) && !no_reader(p))
        err =
            nonblock ? -EAGAIN : wait_event(&f->waitq, !pipe_full(p) || no_reader(p), KTIME_NEVER);
    if (!no_reader(p))
        return err;
    signal_to_self(SIGPIPE);
    return -EPIPE;
}

/* Pipe to pipe. */

static void lock_two(struct pipe *a, struct pipe *b) NO_TSA
{
    mutex_lock(a < b ? &a->lock : &b->lock);
    mutex_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct pipe *a, struct pipe *b) NO_TSA
{
    mutex_unlock(&a->lock);
    mutex_unlock(&b->lock);
}

/* Whole buffers change hands; of the last perhaps a part does, whose page both then have. */
static size_t move_buffers(struct pipe *in, struct pipe *out, size_t len) REQUIRES(in->lock)
    REQUIRES(out->lock)
{
    size_t done = 0;
    while (done < len && in->used && !in->draining && !pipe_full(out)) {
        struct pipe_buf b = *pipe_slot(in, 0);
        if (b.len <= len - done) {
            (void)pipe_pop(in);
        } else {
            b.len = (uint32_t)(len - done);
            b.flags &= ~PIPE_BUF_MERGE;
            ref_get(&b.page->ref);
            pipe_consume(in, b.len);
        }
        pipe_push(out, &b);
        done += b.len;
    }
    return done;
}

static size_t share_buffers(struct pipe *in, struct pipe *out, size_t len) REQUIRES(in->lock)
    REQUIRES(out->lock)
{
    size_t done = 0;
    for (unsigned i = 0; done < len && i < in->used && !in->draining && !pipe_full(out); i++) {
        struct pipe_buf b = *pipe_slot(in, i);
        b.len = (uint32_t)MIN((size_t)b.len, len - done);
        b.flags &= ~PIPE_BUF_MERGE;
        ref_get(&b.page->ref);
        pipe_push(out, &b);
        done += b.len;
    }
    return done;
}

static int64_t pipe_to_pipe(struct file *in, struct file *out, size_t len, bool nonblock,
                            bool tee) NO_TSA
{
    struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);
    size_t done = 0;
    nonblock |= ((in->flags | out->flags) & O_NONBLOCK) != 0;
    while (!done) {
        int err = wait_data(in, from, nonblock);
        if (err <= 0)
            return err;
        err = wait_room(out, to, nonblock);
        if (err)
            return err;
        lock_two(from, to);
        bool was_full = pipe_full(from);
        done = tee ? share_buffers(from, to, len) : move_buffers(from, to, len);
        bool wake = was_full && !pipe_full(from);
        unlock_two(from, to);
        if (wake)
            pipe_wake_writers(from, PIPE_OUT);
    }
    pipe_wake_readers(to, PIPE_IN);
    return (int64_t)done;
}

/* Pipe to file. */

struct batch {
    unsigned n;
    struct pipe_buf buf[BATCH];
    struct uio_seg seg[BATCH];
};

/* Takes up to len bytes of buffers out of the ring.  Not none, unless somebody else was faster. */
static void batch_take(struct batch *b, struct pipe *p, size_t len)
{
    b->n = 0;
    mutex_lock(&p->lock);
    while (len && b->n < BATCH && p->used && (!p->draining || b->n)) {
        struct pipe_buf *buf = &b->buf[b->n];
        *buf = pipe_pop(p);
        p->reserved++;
        p->draining = true;
        b->seg[b->n].base = (uintptr_t)buf->page->data + buf->off;
        b->seg[b->n].len = MIN((size_t)buf->len, len);
        len -= b->seg[b->n++].len;
    }
    mutex_unlock(&p->lock);
}

/* `done` bytes have gone; what is left goes back in front. */
static void batch_return(struct batch *b, struct pipe *p, size_t done)
{
    mutex_lock(&p->lock);
    bool was_full = pipe_full(p);
    p->draining = false;
    p->reserved -= b->n;
    for (unsigned i = 0; i < b->n; i++) {
        uint32_t n = (uint32_t)MIN((size_t)b->buf[i].len, done);
        done -= n;
        b->buf[i].off += n;
        b->buf[i].len -= n;
    }
    while (b->n--) {
        if (b->buf[b->n].len)
            pipe_push_front(p, &b->buf[b->n]);
        else
            pipe_page_put(p, b->buf[b->n].page);
    }
    bool wake = was_full && !pipe_full(p);
    mutex_unlock(&p->lock);
    if (wake)
        pipe_wake_writers(p, PIPE_OUT);
    if (has_data(p) || has_end(p))
        pipe_wake_readers(p, has_data(p) ? PIPE_IN : EPOLLHUP);
}

static void uio_init_segs(struct uio *u, const struct uio_seg *seg, unsigned n)
{
    uio_init_user(u, seg, n);
    u->kernel = true;
}

/* Reads or writes; nonblock: even if the file itself would wait. */
static int64_t file_write_some(struct file *f, struct uio *u, int64_t *pos, bool nonblock)
{
    int64_t ret;
    if (nonblock && f->ops->poll) {
        int err = f->ops->write(f, u, pos ? pos : &f->pos);
        ret = u->done ? (int64_t)u->done : err;
    } else {
        ret = file_write(f, u, pos);
    }
    if (ret == -EPIPE)
        signal_to_self(SIGPIPE);
    return ret;
}

static int64_t file_read_some(struct file *f, struct uio *u, int64_t *pos, bool nonblock)
{
    if (!nonblock || !f->ops->poll)
        return file_read(f, u, pos);
    int err = f->ops->read(f, u, pos ? pos : &f->pos);
    return u->done ? (int64_t)u->done : err;
}

static int64_t pipe_to_file(struct file *in, struct file *out, int64_t *pos, size_t len,
                            bool nonblock)
{
    struct pipe *p = pipe_of_file(in);
    struct batch b;
    struct uio u;
    size_t done = 0;
    int64_t ret = 0;
    while (done < len) {
        ret = wait_data(in, p, nonblock || in->flags & O_NONBLOCK || done);
        if (ret <= 0)
            break;
        batch_take(&b, p, len - done);
        if (!b.n)
            continue;
        uio_init_segs(&u, b.seg, b.n);
        size_t want = u.left;
        ret = file_write_some(out, &u, pos, nonblock);
        batch_return(&b, p, ret > 0 ? (size_t)ret : 0);
        if (ret <= 0)
            break;
        done += (size_t)ret;
        if ((size_t)ret < want)
            break;
    }
    return done ? (int64_t)done : ret;
}

/* File to pipe. */

/* Reserves slots with fresh pages for up to len bytes: how many bytes there is room for, or -ENOMEM. */
static int64_t batch_reserve(struct batch *b, struct pipe *p, size_t len)
{
    size_t room = 0;
    b->n = 0;
    mutex_lock(&p->lock);
    while (room < len && b->n < BATCH && !pipe_full(p)) {
        struct pipe_page *page = pipe_page_new(p);
        if (!page)
            break;
        b->buf[b->n] = (struct pipe_buf){.page = page};
        b->seg[b->n] = (struct uio_seg){(uintptr_t)page->data, MIN(PAGE_SIZE, len - room)};
        room += b->seg[b->n++].len;
        p->reserved++;
    }
    bool full = pipe_full(p);
    mutex_unlock(&p->lock);
    return room || full ? (int64_t)room : -ENOMEM;
}

static void batch_fill(struct batch *b, struct pipe *p, size_t got)
{
    bool any = got != 0;
    mutex_lock(&p->lock);
    for (unsigned i = 0; i < b->n; i++) {
        p->reserved--;
        b->buf[i].len = (uint32_t)MIN(b->seg[i].len, got);
        got -= b->buf[i].len;
        if (b->buf[i].len)
            pipe_push(p, &b->buf[i]);
        else
            pipe_page_put(p, b->buf[i].page);
    }
    mutex_unlock(&p->lock);
    if (any)
        pipe_wake_readers(p, PIPE_IN);
    else
        pipe_wake_writers(p, PIPE_OUT);
}

int64_t splice_file_to_pipe(struct file *in, int64_t *pos, struct file *out, size_t len,
                            bool nonblock)
{
    struct pipe *p = pipe_of_file(out);
    struct batch b = {.n = 0};
    struct uio u;
    size_t done = 0;
    int64_t ret = 0;
    nonblock |= (out->flags & O_NONBLOCK) != 0;
    while (done < len) {
        ret = wait_room(out, p, nonblock || done);
        if (ret >= 0)
            ret = batch_reserve(&b, p, len - done);
        if (ret < 0)
            break;
        if (!ret)
            continue; /* somebody else was faster */
        uio_init_segs(&u, b.seg, b.n);
        int64_t got = file_read_some(in, &u, pos, nonblock || done);
        batch_fill(&b, p, got > 0 ? (size_t)got : 0);
        done += got > 0 ? (size_t)got : 0;
        if (got < ret) {
            ret = got;
            break;
        }
    }
    return done ? (int64_t)done : ret;
}

/* Two files of which one is the host's pipe: all that was read is written, whatever that takes. */

static int64_t write_all(struct file *out, void *buf, size_t n, int64_t *pos)
{
    struct uio_seg seg;
    struct uio u;
    uio_init_kernel(&u, &seg, buf, n);
    while (u.left) {
        int64_t ret = file_write_some(out, &u, pos, false);
        if (ret == -EAGAIN)
            ret = wait_event(&out->waitq, file_poll(out) & (PIPE_OUT | EPOLL_ALWAYS), KTIME_NEVER);
        if (ret < 0)
            return u.done ? (int64_t)u.done : ret;
    }
    return (int64_t)n;
}

static int64_t through_buffer(struct file *in, int64_t *in_pos, struct file *out, int64_t *out_pos,
                              size_t len, bool nonblock)
{
    struct uio_seg seg;
    struct uio u;
    char *buf = kmalloc(HOST_CHUNK);
    if (!buf)
        return -ENOMEM;
    uio_init_kernel(&u, &seg, buf, MIN(len, HOST_CHUNK));
    int64_t ret = file_read_some(in, &u, in_pos, nonblock);
    if (ret > 0)
        ret = write_all(out, buf, (size_t)ret, out_pos);
    kfree(buf);
    return ret;
}

/* splice(2). */

/* What can stand beside a pipe: Linux asks for the kind's splice operations. */
static bool can_splice(const struct file *f)
{
    if (file_is_socket(f))
        return true;
    return f->inode && !S_ISDIR(f->inode->mode);
}

static bool is_host_pipe(const struct file *f)
{
    return f->inode && S_ISFIFO(f->inode->mode) && !file_is_pipe(f);
}

static bool is_pipe(const struct file *f)
{
    return file_is_pipe(f) || is_host_pipe(f);
}

/* An offset for a file that is not a pipe. */
static int offset_check(const struct file *f, const int64_t *pos)
{
    return pos && (!f->ops->lseek || *pos < 0) ? -EINVAL : 0;
}

static int64_t splice_files(struct file *in, int64_t *in_pos, struct file *out, int64_t *out_pos,
                            size_t len, unsigned flags)
{
    bool nonblock = flags & SPLICE_F_NONBLOCK;
    if (!FMODE_READ(in) || !FMODE_WRITE(out))
        return -EBADF;
    if (file_is_pipe(in) && file_is_pipe(out)) {
        if (pipe_of_file(in) == pipe_of_file(out))
            return reject(-EINVAL, "one pipe");
        return pipe_to_pipe(in, out, len, nonblock, false);
    }
    if (!is_pipe(in) && !is_pipe(out))
        return reject(-EINVAL, "neither is a pipe");
    int err = offset_check(in, in_pos);
    if (!err)
        err = offset_check(out, out_pos);
    if (err)
        return err;
    if (!is_pipe(out) && (out->flags & O_APPEND || !can_splice(out) || !out->ops->write))
        return reject(-EINVAL, "the target is not for splicing");
    if (!is_pipe(in) && (!can_splice(in) || !in->ops->read))
        return reject(-EINVAL, "the source is not for splicing");
    if (file_is_pipe(in))
        return pipe_to_file(in, out, out_pos, len, nonblock);
    if (file_is_pipe(out))
        return splice_file_to_pipe(in, in_pos, out, len, nonblock);
    return through_buffer(in, in_pos, out, out_pos, len, nonblock);
}

static int64_t splice_at(struct file *in, uaddr_t off_in, struct file *out, uaddr_t off_out,
                         size_t len, unsigned flags)
{
    int64_t in_pos, out_pos;
    if ((is_pipe(in) && off_in) || (is_pipe(out) && off_out))
        return -ESPIPE;
    if ((off_in && copy_in(&in_pos, off_in, sizeof(in_pos))) ||
        (off_out && copy_in(&out_pos, off_out, sizeof(out_pos))))
        return -EFAULT;
    int64_t ret = splice_files(in, off_in ? &in_pos : NULL, out, off_out ? &out_pos : NULL,
                               MIN(len, SPLICE_MAX), flags);
    if (ret < 0)
        return ret;
    if ((off_in && copy_out(off_in, &in_pos, sizeof(in_pos))) ||
        (off_out && copy_out(off_out, &out_pos, sizeof(out_pos))))
        return -EFAULT;
    return ret;
}

long sys_splice(int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out, size_t len, unsigned flags)
{
    struct fd_ref in, out;
    if (!len)
        return 0;
    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    int64_t ret = fd_get_two(fd_in, &in, fd_out, &out);
    if (ret)
        return ret;
    ret = splice_at(in.file, off_in, out.file, off_out, len, flags);
    fd_put(&out);
    fd_put(&in);
    return ret;
}

static int64_t tee_files(struct file *in, struct file *out, size_t len, unsigned flags)
{
    if (!FMODE_READ(in) || !FMODE_WRITE(out))
        return -EBADF;
    struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);
    if (!from || !to || from == to)
        return reject(-EINVAL, "not two pipes of this enclave");
    return pipe_to_pipe(in, out, len, flags & SPLICE_F_NONBLOCK, true);
}

long sys_tee(int fd_in, int fd_out, size_t len, unsigned flags)
{
    struct fd_ref in, out;
    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    if (!len)
        return 0;
    int64_t ret = fd_get_two(fd_in, &in, fd_out, &out);
    if (ret)
        return ret;
    ret = tee_files(in.file, out.file, MIN(len, SPLICE_MAX), flags);
    fd_put(&out);
    fd_put(&in);
    return ret;
}

/* vmsplice(2). */

/* As Linux, one buffer for each page of the program's that is touched. */
static int64_t memory_to_pipe(struct file *f, struct pipe *p, struct uio *u, bool nonblock)
{
    int err = wait_room(f, p, nonblock);
    if (err)
        return err;
    mutex_lock(&p->lock);
    while (!err && u->left && !pipe_full(p)) {
        struct pipe_buf b = {.page = pipe_page_new(p)};
        size_t before = u->done, at = (u->seg->base + u->seg_off) % PAGE_SIZE;
        if (!b.page) {
            err = -ENOMEM;
            break;
        }
        err = uio_get(u, b.page->data, MIN(PAGE_SIZE - at, u->seg->len - u->seg_off));
        b.len = (uint32_t)(u->done - before);
        if (b.len)
            pipe_push(p, &b);
        else
            pipe_page_put(p, b.page);
    }
    mutex_unlock(&p->lock);
    if (u->done)
        pipe_wake_readers(p, PIPE_IN);
    return u->done ? (int64_t)u->done : err;
}

static int64_t pipe_to_memory(struct file *f, struct pipe *p, struct uio *u, bool nonblock)
{
    int64_t ret = 0;
    while (u->left) {
        ret = wait_data(f, p, nonblock || u->done);
        if (ret <= 0)
            break;
        ret = f->ops->read(f, u, &f->pos);
        if (ret && ret != -EAGAIN)
            break;
    }
    return u->done ? (int64_t)u->done : ret;
}

static int64_t vmsplice_file(struct file *f, uaddr_t iov, unsigned long n, unsigned flags)
{
    struct segs s;
    struct uio u;
    struct pipe *p = pipe_of_file(f);
    bool nonblock = flags & SPLICE_F_NONBLOCK;
    int64_t ret = segs_in(&s, iov, n);
    if (ret)
        return ret;
    uio_init_user(&u, s.seg, s.n);
    while (u.nseg && !u.seg->len) { /* the movers begin at bytes */
        u.seg++;
        u.nseg--;
    }
    if (u.left && !p)
        ret = -EBADF;
    else if (u.left)
        ret = FMODE_WRITE(f) ? memory_to_pipe(f, p, &u, nonblock)
                             : pipe_to_memory(f, p, &u, nonblock);
    segs_free(&s);
    return ret;
}

long sys_vmsplice(int fd, uaddr_t iov, unsigned long nr_segs, unsigned flags)
{
    struct fd_ref r;
    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    int64_t ret = fd_get(fd, &r);
    if (ret)
        return ret;
    ret = vmsplice_file(r.file, iov, nr_segs, flags);
    fd_put(&r);
    return ret;
}
