/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of the host: terminals, pipes, sockets and character devices behind a descriptor.
 *
 * Reads and writes are ocalls that return -EAGAIN rather than wait.  Whoever wants to wait calls poll,
 * which asks the host for the state now and leaves a watch for each direction that is not ready: a
 * one-shot poll request on the ring, whose completion wakes the file.
 *
 *   watch: IDLE --arm--> ARMED --completion--> IDLE (file_wake)
 *
 * A completion may come after the file has gone, so the watches live in a counted object of their own.
 */
#include <linux/eventpoll.h>
#include <linux/poll.h>

#include "kernel/fs/host/host_impl.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/ocall/ring.h"

#define EV_IN (POLLIN | POLLPRI | POLLRDHUP)
#define EV_OUT POLLOUT
#define EV_END (POLLERR | POLLHUP | POLLNVAL)

enum direction { DIR_IN, DIR_OUT, DIR_COUNT };

struct watch {
    struct ring_request req;
    struct watches *all; /* [I] */
    bool armed;          /* [l] */
};

struct watches {
    struct ref ref; /* the file's, and one for each armed watch */
    struct spinlock lock;
    struct file *file; /* [l] NULL: the file is gone */
    struct watch dir[DIR_COUNT];
};

struct host_stream {
    struct host_file hf; /* first */
    struct watches *watches;
    struct tty *tty;       /* [I] a reference, if it is a terminal */
    struct file *original; /* [I] a reference: whose descriptor of the host it is; NULL: its own */
};

static struct host_stream *stream_of(struct file *f)
{
    return container_of(host_file_of(f), struct host_stream, hf);
}

static void watches_put(struct watches *all)
{
    if (ref_put(&all->ref))
        kfree(all);
}

static void watch_done(struct ring_request *r, int32_t result)
{
    struct watch *w = container_of(r, struct watch, req);
    struct watches *all = w->all;
    uint32_t events = result < 0 ? EPOLLERR : (uint32_t)result & 0xffff;
    spin_lock(&all->lock);
    w->armed = false;
    if (all->file)
        file_wake(all->file, events | EPOLLRDNORM | EPOLLWRNORM);
    spin_unlock(&all->lock);
    watches_put(all);
}

static void watch_arm(struct watches *all, enum direction dir, int fd, uint32_t events)
{
    struct watch *w = &all->dir[dir];
    spin_lock(&all->lock);
    bool arm = !w->armed;
    w->armed = true;
    spin_unlock(&all->lock);
    if (!arm)
        return;
    ref_get(&all->ref);
    ring_poll_add(&w->req, fd, events);
}

static uint32_t stream_poll(struct file *f)
{
    struct host_stream *s = stream_of(f);
    uint32_t accmode = f->flags & O_ACCMODE;
    long now = ocall_poll_now(s->hf.fd, EV_IN | EV_OUT);
    if (now < 0)
        return EPOLLERR;
    if (!(now & EV_END)) {
        if (!(now & POLLIN) && accmode != O_WRONLY)
            watch_arm(s->watches, DIR_IN, s->hf.fd, EV_IN);
        if (!(now & POLLOUT) && accmode != O_RDONLY)
            watch_arm(s->watches, DIR_OUT, s->hf.fd, EV_OUT);
    }
    uint32_t events = (uint32_t)now & 0xffff;
    if (events & POLLIN)
        events |= EPOLLRDNORM;
    if (events & POLLOUT)
        events |= EPOLLWRNORM;
    return events;
}

static int stream_read(struct file *f, struct uio *u, int64_t *pos)
{
    (void)pos;
    if (!u->left)
        return 0; /* the host would be asked whether there is something */
    return ocall_read_uio(host_file_of(f)->fd, u);
}

static int stream_write(struct file *f, struct uio *u, int64_t *pos)
{
    (void)pos;
    if (!u->left)
        return 0;
    return ocall_write_uio(host_file_of(f)->fd, u);
}

static long stream_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    return host_tty_ioctl(stream_of(f)->tty, f, cmd, arg);
}

/* Terminals ask for the process's place in its session first. */

static int tty_stream_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct tty *t = stream_of(f)->tty;
    size_t before = u->done;
    int err = tty_check_read(t);
    if (err)
        return err;
    err = stream_read(f, u, pos);
    bool moved = u->done != before;
    return err == -EAGAIN || (!err && moved) ? host_tty_enough(t, u, moved) : err;
}

static int tty_stream_write(struct file *f, struct uio *u, int64_t *pos)
{
    int err = tty_check_write(stream_of(f)->tty);
    return err ? err : stream_write(f, u, pos);
}

static ktime_t tty_stream_patience(struct file *f, const struct uio *u)
{
    return host_tty_patience(stream_of(f)->tty, u);
}

static void stream_release(struct file *f)
{
    struct watches *all = stream_of(f)->watches;
    bool armed[DIR_COUNT];
    spin_lock(&all->lock);
    all->file = NULL;
    for (unsigned i = 0; i < DIR_COUNT; i++)
        armed[i] = all->dir[i].armed;
    spin_unlock(&all->lock);
    for (unsigned i = 0; i < DIR_COUNT; i++)
        if (armed[i])
            ring_cancel(&all->dir[i].req);
    watches_put(all);
    tty_put(stream_of(f)->tty);
    if (stream_of(f)->original)
        file_put(stream_of(f)->original);
    else
        host_file_release(f);
}

/* The host's descriptor never waits, whatever the flags: so one does for several descriptions. */
static int stream_again(struct file *f, uint32_t flags, struct file **out)
{
    struct file *original = stream_of(f)->original ? stream_of(f)->original : f;
    struct host_file *hf;
    int err = host_stream_new(stream_of(f)->hf.fd, flags, f->inode, &hf);
    if (err)
        return err;
    stream_of(&hf->file)->original = file_get(original);
    hf->file.inode = inode_get(f->inode);
    hf->file.name = original->name;
    *out = &hf->file;
    return 0;
}

static const struct file_ops host_stream_ops = {
    .async = ASYNC_YES,
    .read = stream_read,
    .write = stream_write,
    .poll = stream_poll,
    .ioctl = stream_ioctl,
    .getattr = host_file_getattr,
    .again = stream_again,
    .release = stream_release,
};

static const struct file_ops tty_stream_ops = {
    .read = tty_stream_read,
    .write = tty_stream_write,
    .patience = tty_stream_patience,
    .poll = stream_poll,
    .ioctl = stream_ioctl,
    .getattr = host_file_getattr,
    .again = stream_again,
    .release = stream_release,
};

struct tty *host_stream_tty(struct file *f)
{
    return f->ops == &tty_stream_ops ? stream_of(f)->tty : NULL;
}

static struct watches *watches_new(struct file *f)
{
    struct watches *all = kzalloc(sizeof(*all));
    if (!all)
        return NULL;
    ref_init(&all->ref);
    spin_init(&all->lock);
    all->file = f;
    for (unsigned i = 0; i < DIR_COUNT; i++) {
        all->dir[i].all = all;
        all->dir[i].req.done = watch_done;
    }
    return all;
}

int host_stream_new(int fd, uint32_t flags, const struct inode *i, struct host_file **out)
{
    struct host_stream *s = kzalloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->watches = watches_new(&s->hf.file);
    if (!s->watches) {
        kfree(s);
        return -ENOMEM;
    }
    if (S_ISCHR(i->mode))
        s->tty = host_tty_lookup(fd, i->rdev);
    file_init(&s->hf.file, s->tty ? &tty_stream_ops : &host_stream_ops, flags);
    s->hf.fd = fd;
    if (s->tty)
        tty_opened(s->tty, flags);
    *out = &s->hf;
    return 0;
}
