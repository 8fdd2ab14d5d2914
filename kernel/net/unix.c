/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX: connected pairs of stream sockets.
 *
 * A pair has two byte queues; queue i holds what side i will receive.  A direction ends when its
 * sender shuts down writing, its receiver shuts down reading, or either is closed.
 *
 * Locks: lock (mutex) guards queues and shutdown; held across user copies (serving a page fault
 * never needs a socket).  ends_lock (spin) keeps the sides in place while they are woken.
 */
#include <asm/ioctls.h>

#include "kernel/ipc/byteq.h"
#include "kernel/net/socket.h"
#include "kernel/vfs/vfs_impl.h"

#define UNIX_QUEUE (256UL * 1024)
#define UNIX_LOW (4UL * 1024) /* room from which on the sender counts as writable */

struct unix_sock;

struct unix_pair {
    struct ref ref;
    struct mutex lock;
    struct byteq q[2]; /* [l] */
    bool no_recv[2];   /* [l] side i has shut down reading, or is closed */
    bool no_send[2];   /* [l] side i has shut down writing, or is closed */
    struct spinlock ends_lock;
    struct unix_sock *end[2]; /* [e] NULL: closed */
};

struct unix_sock {
    struct socket sock; /* first */
    struct unix_pair *pair;
    int side;
};

static const struct file_ops unix_file_ops;

static struct unix_sock *unix_of(struct file *f)
{
    return container_of(f, struct unix_sock, sock.file);
}

static void unix_wake(struct unix_pair *p, int side, uint32_t events)
{
    spin_lock(&p->ends_lock);
    if (p->end[side])
        file_wake(&p->end[side]->sock.file, events);
    spin_unlock(&p->ends_lock);
}

static int unix_recv(struct socket *s, struct uio *u, unsigned flags)
{
    struct unix_sock *us = container_of(s, struct unix_sock, sock);
    struct unix_pair *p = us->pair;
    struct byteq *q = &p->q[us->side];
    int err = 0;
    if (!u->left)
        return 0;
    mutex_lock(&p->lock);
    size_t before = byteq_room(q);
    if (q->len)
        err = byteq_get(q, u, flags & MSG_PEEK);
    else if (!p->no_recv[us->side] && !p->no_send[!us->side])
        err = -EAGAIN;
    bool wake = before < UNIX_LOW && byteq_room(q) >= UNIX_LOW;
    mutex_unlock(&p->lock);
    if (wake)
        unix_wake(p, !us->side, EPOLLOUT | EPOLLWRNORM);
    return err;
}

static int unix_send(struct socket *s, struct uio *u, unsigned flags)
{
    struct unix_sock *us = container_of(s, struct unix_sock, sock);
    struct unix_pair *p = us->pair;
    struct byteq *q = &p->q[!us->side];
    size_t before = u->done;
    int err = 0;
    (void)flags;
    mutex_lock(&p->lock);
    if (p->no_send[us->side] || p->no_recv[!us->side])
        err = -EPIPE;
    else if (u->left && !byteq_room(q))
        err = -EAGAIN;
    else
        err = byteq_put(q, u);
    mutex_unlock(&p->lock);
    if (u->done != before)
        unix_wake(p, !us->side, EPOLLIN | EPOLLRDNORM);
    return err;
}

static uint32_t unix_poll(struct file *f)
{
    struct unix_sock *us = unix_of(f);
    struct unix_pair *p = us->pair;
    bool end_in = p->no_recv[us->side] || p->no_send[!us->side];
    bool end_out = p->no_send[us->side] || p->no_recv[!us->side];
    uint32_t events = 0;
    if (p->q[us->side].len || end_in)
        events |= EPOLLIN | EPOLLRDNORM;
    if (end_in)
        events |= EPOLLRDHUP;
    if (end_in && end_out)
        events |= EPOLLHUP;
    if (end_out || byteq_room(&p->q[!us->side]) >= UNIX_LOW)
        events |= EPOLLOUT | EPOLLWRNORM;
    return events;
}

static void unix_close_ways(struct unix_sock *us, bool in, bool out)
{
    struct unix_pair *p = us->pair;
    mutex_lock(&p->lock);
    p->no_recv[us->side] |= in;
    p->no_send[us->side] |= out;
    mutex_unlock(&p->lock);
    /* Both sides: the shutting one may have threads that wait. */
    for (int side = 0; side < 2; side++)
        unix_wake(p, side, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
}

static int unix_shutdown(struct socket *s, int how)
{
    unix_close_ways(container_of(s, struct unix_sock, sock), how != SHUT_WR, how != SHUT_RD);
    return 0;
}

/* Pairs have no names: the family alone. */
static int unix_getname(struct socket *s, bool peer, void *addr, size_t size)
{
    uint16_t family = AF_UNIX;
    (void)s;
    (void)peer;
    memcpy(addr, &family, MIN(size, sizeof(family)));
    return sizeof(family);
}

static long unix_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    struct unix_sock *us = unix_of(f);
    int n;
    if (cmd == FIONREAD)
        n = (int)us->pair->q[us->side].len;
    else if (cmd == TIOCOUTQ) /* = SIOCOUTQ */
        n = (int)us->pair->q[!us->side].len;
    else
        return -ENOTTY;
    return copy_out(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static void pair_put(struct unix_pair *p)
{
    if (!ref_put(&p->ref))
        return;
    byteq_fini(&p->q[0]);
    byteq_fini(&p->q[1]);
    kfree(p);
}

static void unix_release(struct file *f)
{
    struct unix_sock *us = unix_of(f);
    struct unix_pair *p = us->pair;
    spin_lock(&p->ends_lock);
    p->end[us->side] = NULL;
    spin_unlock(&p->ends_lock);
    unix_close_ways(us, true, true);
    pair_put(p);
}

static const struct socket_ops unix_ops = {
    .recv = unix_recv,
    .send = unix_send,
    .shutdown = unix_shutdown,
    .getname = unix_getname,
};

static const struct file_ops unix_file_ops = {
    .read = socket_file_read,
    .write = socket_file_write,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .getattr = socket_file_getattr,
    .release = unix_release,
};

static struct unix_pair *pair_new(void)
{
    struct unix_pair *p = kzalloc(sizeof(*p));
    if (!p)
        return NULL;
    if (byteq_init(&p->q[0], UNIX_QUEUE))
        goto undo_pair;
    if (byteq_init(&p->q[1], UNIX_QUEUE))
        goto undo_queue;
    ref_init(&p->ref);
    mutex_init(&p->lock);
    spin_init(&p->ends_lock);
    return p;
undo_queue:
    byteq_fini(&p->q[0]);
undo_pair:
    kfree(p);
    return NULL;
}

int unix_pair_new(uint32_t flags, struct file *out[2])
{
    struct unix_sock *us[2] = {kzalloc(sizeof(*us[0])), kzalloc(sizeof(*us[1]))};
    struct unix_pair *p = pair_new();
    if (!p || !us[0] || !us[1]) {
        if (p)
            pair_put(p);
        kfree(us[0]);
        kfree(us[1]);
        return -ENOMEM;
    }
    ref_get(&p->ref); /* one for each side */
    for (int side = 0; side < 2; side++) {
        socket_init(&us[side]->sock, &unix_ops, &unix_file_ops, AF_UNIX, SOCK_STREAM, flags);
        us[side]->pair = p;
        us[side]->side = side;
        p->end[side] = us[side];
        out[side] = &us[side]->sock.file;
    }
    return 0;
}
