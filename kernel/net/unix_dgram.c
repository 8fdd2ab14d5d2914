/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX datagram sockets.  What others hold of a socket is its mailbox (packet.h): the peer's
 * for a connected one, the sender's for a packet, so that files end when they are closed.
 *
 * A sender waits while its packets hold more than its SO_SNDBUF, or the receiver, unless connected
 * to the sender, has more than QUEUE_MAX packets.  Locks: socket.h.
 */
#include "kernel/net/packet.h"
#include "kernel/net/unix_name.h"
#include "kernel/vfs/vfs_impl.h"

#define QUEUE_MAX 11U /* net.unix.max_dgram_qlen + 1 */
#define PACKET_OVERHEAD 768U
#define EV_IN (EPOLLIN | EPOLLRDNORM)
#define EV_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

struct unix_dgram {
    struct socket sock; /* first */
    struct unix_name name;
    struct mailbox *box;  /* [I] */
    struct mailbox *peer; /* [p] a reference; NULL: not connected */
    struct spinlock peer_lock;
    bool mute;             /* [a] shut down for writing */
    struct peer_cred cred; /* [I once it has a number] a pair's: who made it */
};

static struct unix_dgram *dgram_of(struct socket *s)
{
    return container_of(s, struct unix_dgram, sock);
}

static int dgram_bind(struct socket *s, const struct addr *a)
{
    return unix_name_bind(&dgram_of(s)->name, a);
}

/* Sets the peer (its reference is taken over; NULL: none). */
static void peer_set(struct unix_dgram *d, struct mailbox *peer)
{
    spin_lock(&d->peer_lock);
    struct mailbox *old = d->peer;
    d->peer = peer;
    __atomic_store_n(&d->box->to, peer, __ATOMIC_RELEASE);
    spin_unlock(&d->peer_lock);
    if (old)
        mailbox_put(old);
}

/* A reference, or NULL. */
static struct mailbox *peer_get(struct unix_dgram *d)
{
    spin_lock(&d->peer_lock);
    struct mailbox *b = d->peer ? mailbox_get(d->peer) : NULL;
    spin_unlock(&d->peer_lock);
    return b;
}

static bool may_send(const struct mailbox *from, const struct mailbox *to)
{
    const struct mailbox *its = __atomic_load_n(&to->to, __ATOMIC_ACQUIRE);
    return !its || its == from;
}

/* The mailbox that an address means. */
static int box_find(const struct addr *a, struct mailbox **out)
{
    struct socket *to;
    int err = unix_name_find(a, SOCK_DGRAM, &to);
    if (err)
        return err;
    *out = mailbox_get(dgram_of(to)->box);
    socket_put(to);
    return 0;
}

static int dgram_connect(struct socket *s, const struct addr *a)
{
    struct unix_dgram *d = dgram_of(s);
    struct mailbox *to;
    int err = 0;
    if (a->len < sizeof(a->family))
        return -EINVAL;
    if (a->family == AF_UNSPEC) {
        peer_set(d, NULL);
        file_wake(&s->file, EV_OUT);
        return 0;
    }
    if (socket_flag(s, SOCKET_PASSCRED))
        err = unix_name_auto(&d->name);
    if (!err)
        err = box_find(a, &to);
    if (err)
        return err;
    if (!may_send(d->box, to)) {
        mailbox_put(to);
        return -EPERM;
    }
    peer_set(d, to);
    file_wake(&s->file, EV_OUT);
    return 0;
}

static bool sndbuf_full(const struct unix_dgram *d)
{
    return __atomic_load_n(&d->box->charged, __ATOMIC_ACQUIRE) >= d->sock.sndbuf;
}

/* Queues; both mailboxes stay. */
static int dgram_deliver(struct unix_dgram *d, struct mailbox *to, struct packet *p)
{
    bool free = to == d->box || __atomic_load_n(&to->to, __ATOMIC_ACQUIRE) == d->box;
    unsigned max = free ? UINT32_MAX : QUEUE_MAX;
    int err;
    do {
        err = packet_queue_add(&to->queue, p, max, SIZE_MAX);
    } while (err == -EAGAIN && !mailbox_wait_room(d->box, to, max));
    if (!err)
        mailbox_wake(to, EV_IN);
    return err;
}

/* Who sends is recorded if one of the two wants to know. */
static void writer_of(struct unix_dgram *d, struct mailbox *to, struct peer_cred *out)
{
    bool known = socket_flag(&d->sock, SOCKET_PASSCRED);
    if (!known) {
        spin_lock(&to->lock);
        known = to->end && socket_flag(to->end, SOCKET_PASSCRED);
        spin_unlock(&to->lock);
    }
    if (known)
        cred_of_sender(out);
    else
        *out = CRED_NOBODY;
}

static int dgram_send_to(struct unix_dgram *d, struct mailbox *to, struct msg *m)
{
    struct packet *p;
    if (!may_send(d->box, to))
        return -EPERM;
    if (to->deaf)
        return -EPIPE;
    if (m->u->left > d->sock.sndbuf - 32U)
        return -EMSGSIZE;
    if (sndbuf_full(d))
        return -EAGAIN;
    struct uio before = *m->u;
    int err = packet_new(m, SIZE_MAX, &p);
    if (err)
        return err;
    unix_name_get(&d->name, &p->from);
    if (p->from.len <= 2)
        p->from.len = 0;
    if (!p->scm.has_cred)
        writer_of(d, to, &p->scm.cred);
    p->scm.stamp = clock_real();
    p->scm.has_stamp = true;
    p->charge = PACKET_OVERHEAD + (uint32_t)p->len;
    p->payer = mailbox_get(d->box);
    __atomic_fetch_add(&d->box->charged, p->charge, __ATOMIC_ACQ_REL);
    err = dgram_deliver(d, to, p);
    if (!err)
        return 0;
    *m->u = before; /* nothing was sent; the next try copies again */
    if (m->scm && !m->scm->rights) {
        m->scm->rights = p->scm.rights;
        p->scm.rights = NULL;
    }
    packet_put(p);
    return err;
}

static int dgram_send(struct socket *s, struct msg *m)
{
    struct unix_dgram *d = dgram_of(s);
    struct mailbox *to;
    int err = socket_take_error(&s->err);
    if (err)
        return err;
    if (d->mute)
        return -EPIPE;
    if (socket_flag(s, SOCKET_PASSCRED) && !unix_name_bound(&d->name)) {
        mutex_lock(&s->lock);
        err = unix_name_auto(&d->name);
        mutex_unlock(&s->lock);
        if (err)
            return err;
    }
    if (m->addr) {
        err = box_find(m->addr, &to);
        if (err)
            return err;
    } else {
        to = peer_get(d);
        if (!to)
            return -ENOTCONN;
    }
    err = dgram_send_to(d, to, m);
    mailbox_put(to);
    if (err == -ECONNREFUSED && !m->addr)
        peer_set(d, NULL);
    return err;
}

static int dgram_recv(struct socket *s, struct msg *m)
{
    struct unix_dgram *d = dgram_of(s);
    int err = socket_take_error(&s->err);
    if (err)
        return err;
    struct packet *p = packet_queue_take(&d->box->queue, m->flags & MSG_PEEK);
    if (!p)
        return d->box->deaf ? 0 : -EAGAIN;
    err = packet_deliver(p, m);
    packet_put(p);
    mailbox_room(d->box);
    return err;
}

static int dgram_shutdown(struct socket *s, int how)
{
    struct unix_dgram *d = dgram_of(s);
    if (how != SHUT_WR)
        d->box->deaf = true;
    if (how != SHUT_RD)
        d->mute = true;
    file_wake(&s->file, 0);
    return 0;
}

static int dgram_getname(struct socket *s, bool peer, struct addr *out)
{
    struct unix_dgram *d = dgram_of(s);
    if (!peer) {
        unix_name_get(&d->name, out);
        return 0;
    }
    struct mailbox *b = peer_get(d);
    if (!b)
        return -ENOTCONN;
    *out = (struct addr){.len = 2, .family = AF_UNIX};
    spin_lock(&b->lock);
    struct socket *end = b->end && socket_tryget(b->end) ? b->end : NULL;
    spin_unlock(&b->lock);
    mailbox_put(b);
    if (end) {
        unix_name_get(&dgram_of(end)->name, out);
        socket_put(end);
    }
    return 0;
}

/* Whether the peer has room; if not, we shall be woken. */
static bool peer_has_room(struct unix_dgram *d)
{
    struct mailbox *to = peer_get(d);
    if (!to)
        return true;
    bool full = to != d->box && __atomic_load_n(&to->to, __ATOMIC_ACQUIRE) != d->box &&
                __atomic_load_n(&to->queue.n, __ATOMIC_ACQUIRE) >= QUEUE_MAX &&
                mailbox_wait_room(d->box, to, QUEUE_MAX);
    mailbox_put(to);
    return !full;
}

static uint32_t dgram_poll(struct socket *s)
{
    struct unix_dgram *d = dgram_of(s);
    uint32_t events = 0;
    if (d->box->queue.n)
        events |= EV_IN;
    if (d->box->deaf)
        events |= EV_IN | EPOLLRDHUP;
    if (d->box->deaf && d->mute)
        events |= EPOLLHUP;
    if (s->err)
        events |= EPOLLERR;
    if (d->box->charged * 4UL <= s->sndbuf && peer_has_room(d))
        events |= EV_OUT;
    return events;
}

static int dgram_peercred(struct socket *s, struct peer_cred *out)
{
    *out = dgram_of(s)->cred;
    return 0;
}

static int dgram_inq(struct socket *s)
{
    return packet_queue_first_len(&dgram_of(s)->box->queue);
}

static int dgram_outq(struct socket *s)
{
    return (int)dgram_of(s)->box->charged;
}

static void dgram_each_rights(struct socket *s, void (*fn)(struct rights *r, void *arg), void *arg)
{
    packet_queue_each_rights(&dgram_of(s)->box->queue, fn, arg, false);
}

static void dgram_take_rights(struct socket *s, void (*fn)(struct rights *r, void *arg), void *arg)
{
    packet_queue_each_rights(&dgram_of(s)->box->queue, fn, arg, true);
}

static void dgram_release(struct socket *s)
{
    struct unix_dgram *d = dgram_of(s);
    unix_name_release(&d->name);
    peer_set(d, NULL);
    mailbox_close(d->box);
    rights_collect();
}

static const struct socket_ops dgram_ops = {
    .bind = dgram_bind,
    .connect = dgram_connect,
    .recv = dgram_recv,
    .send = dgram_send,
    .shutdown = dgram_shutdown,
    .getname = dgram_getname,
    .poll = dgram_poll,
    .peercred = dgram_peercred,
    .inq = dgram_inq,
    .outq = dgram_outq,
    .release = dgram_release,
    .each_rights = dgram_each_rights,
    .take_rights = dgram_take_rights,
};

int unix_dgram_new(uint32_t flags, struct socket **out)
{
    struct unix_dgram *d = kzalloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->box = mailbox_new(&d->sock);
    if (!d->box) {
        kfree(d);
        return -ENOMEM;
    }
    socket_init(&d->sock, &dgram_ops, AF_UNIX, SOCK_DGRAM, flags);
    unix_name_init(&d->name, &d->sock);
    spin_init(&d->peer_lock);
    d->cred = (struct peer_cred){0, UINT32_MAX, UINT32_MAX};
    *out = &d->sock;
    return 0;
}

int unix_dgram_pair(struct socket *a, struct socket *b)
{
    peer_set(dgram_of(a), mailbox_get(dgram_of(b)->box));
    peer_set(dgram_of(b), mailbox_get(dgram_of(a)->box));
    cred_of_current(&dgram_of(a)->cred);
    dgram_of(b)->cred = dgram_of(a)->cred;
    return 0;
}
