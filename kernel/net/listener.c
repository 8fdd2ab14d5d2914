/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets: the queue of connections that wait to be accepted, those that wait for room in
 * it, and what TCP and AF_UNIX stream sockets do alike.
 *
 *   waiting --room--> ready (established: both sides may send) --accept--> a socket of its own
 */
#include "kernel/net/conn.h"
#include "kernel/vfs/vfs_impl.h"

#define SOMAXCONN 4096U
#define EV_IN (EPOLLIN | EPOLLRDNORM)

void stream_init(struct stream_sock *ss)
{
    spin_init(&ss->listener.lock);
    list_init(&ss->listener.ready);
    list_init(&ss->listener.waiting);
}

static void promote_locked(struct listener *l, struct conn *c)
{
    list_del(&c->link);
    list_add_tail(&l->ready, &c->link);
    l->nready++;
    __atomic_store_n(&c->established, true, __ATOMIC_RELEASE);
    conn_wake(c, 0, EPOLLOUT | EPOLLWRNORM);
}

void listener_open(struct stream_sock *ss, int backlog)
{
    struct listener *l = &ss->listener;
    spin_lock(&l->lock);
    l->backlog = MIN((unsigned)backlog, SOMAXCONN);
    l->open = true;
    while (!list_empty(&l->waiting) && l->nready <= l->backlog)
        promote_locked(l, list_entry(l->waiting.next, struct conn, link));
    spin_unlock(&l->lock);
    socket_set_flag(&ss->sock, SOCKET_LISTENING, true);
}

int listener_offer(struct stream_sock *ss, struct conn *c, bool wait)
{
    struct listener *l = &ss->listener;
    int err = 0;
    spin_lock(&l->lock);
    if (!l->open) {
        err = -ECONNREFUSED;
    } else if (l->nready > l->backlog) {
        err = -EAGAIN;
        if (wait)
            list_add_tail(&l->waiting, &c->link);
    } else {
        promote_locked(l, c);
    }
    spin_unlock(&l->lock);
    if (!err)
        file_wake(&ss->sock.file, EV_IN);
    return err;
}

bool listener_withdraw(struct stream_sock *ss, struct conn *c)
{
    struct listener *l = &ss->listener;
    spin_lock(&l->lock);
    bool waits = !c->established && !list_empty(&c->link);
    if (waits)
        list_del(&c->link);
    spin_unlock(&l->lock);
    return waits;
}

struct conn *listener_take(struct stream_sock *ss)
{
    struct listener *l = &ss->listener;
    spin_lock(&l->lock);
    struct list *it = list_pop(&l->ready);
    if (it) {
        l->nready--;
        if (!list_empty(&l->waiting))
            promote_locked(l, list_entry(l->waiting.next, struct conn, link));
    }
    spin_unlock(&l->lock);
    return it ? list_entry(it, struct conn, link) : NULL;
}

/* Connections that were not accepted are reset; those that waited are refused. */
void listener_close(struct stream_sock *ss)
{
    struct listener *l = &ss->listener;
    struct list *it;
    spin_lock(&l->lock);
    l->open = false;
    while ((it = list_pop(&l->ready)) || (it = list_pop(&l->waiting))) {
        struct conn *c = list_entry(it, struct conn, link);
        spin_unlock(&l->lock);
        conn_close(c, 1, true);
        spin_lock(&l->lock);
    }
    l->nready = 0;
    spin_unlock(&l->lock);
    socket_set_flag(&ss->sock, SOCKET_LISTENING, false);
}

void listener_shut(struct stream_sock *ss)
{
    spin_lock(&ss->listener.lock);
    ss->listener.open = false;
    spin_unlock(&ss->listener.lock);
}

uint32_t listener_poll(struct stream_sock *ss)
{
    return list_empty(&ss->listener.ready) ? 0 : EV_IN;
}

/* Shared operations. */

int stream_recv(struct socket *s, struct msg *m)
{
    struct conn *c = stream_conn(s);
    if (unlikely(!c))
        return -ENOTCONN;
    return conn_recv(c, stream_of(s)->side, m);
}

int stream_error(struct socket *s)
{
    struct conn *c = stream_conn(s);
    return c ? socket_take_error(&c->err[stream_of(s)->side]) : 0;
}

int stream_inq(struct socket *s)
{
    struct conn *c = stream_conn(s);
    if (!c)
        return 0;
    return (int)c->way[stream_of(s)->side].q.len;
}

int stream_outq(struct socket *s)
{
    struct conn *c = stream_conn(s);
    return c ? (int)c->way[!stream_of(s)->side].q.len : 0;
}

typedef void rights_fn(struct rights *r, void *arg);

static void way_each(struct way *w, rights_fn *fn, void *arg, bool take)
{
    list_for_each(it, &w->marks) {
        struct mark *k = list_entry(it, struct mark, link);
        struct rights *r = k->rights;
        if (!r)
            continue;
        if (take)
            k->rights = NULL;
        fn(r, arg);
    }
}

static void all_rights(struct socket *s, rights_fn *fn, void *arg, bool take)
{
    struct stream_sock *ss = stream_of(s);
    struct conn *c = stream_conn(s);
    if (c)
        way_each(&c->way[ss->side], fn, arg, take);
    spin_lock(&ss->listener.lock);
    list_for_each(it, &ss->listener.ready)
        way_each(&list_entry(it, struct conn, link)->way[1], fn, arg, take);
    spin_unlock(&ss->listener.lock);
}

void stream_each_rights(struct socket *s, rights_fn *fn, void *arg)
{
    all_rights(s, fn, arg, false);
}

void stream_take_rights(struct socket *s, rights_fn *fn, void *arg)
{
    all_rights(s, fn, arg, true);
}

void stream_release(struct stream_sock *ss, bool reset)
{
    listener_close(ss);
    if (ss->conn)
        conn_close(ss->conn, ss->side, reset);
    while (ss->old) {
        struct conn *c = ss->old;
        ss->old = c->older;
        conn_close(c, 0, false);
    }
}
