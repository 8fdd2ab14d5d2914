/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX sockets with connections: streams and seqpackets, over conn.c, found by name.  Locks:
 * socket.h.
 */
#include "kernel/net/conn.h"
#include "kernel/net/unix_name.h"
#include "kernel/vfs/vfs_impl.h"

struct unix_sock {
    struct stream_sock stream; /* first */
    struct unix_name name;
    struct peer_cred cred;  /* [I after listen] who listens */
    struct socket *offered; /* [sock.lock] a reference: the listener in whose queue it waits */
};

static const struct socket_ops unix_stream_ops, unix_packet_ops;

static struct unix_sock *unix_of(struct socket *s)
{
    return container_of(s, struct unix_sock, stream.sock);
}

static int unix_bind(struct socket *s, const struct addr *a)
{
    return unix_name_bind(&unix_of(s)->name, a);
}

static int unix_listen(struct socket *s, int backlog)
{
    struct unix_sock *us = unix_of(s);
    if (!unix_name_bound(&us->name) || us->stream.conn)
        return reject(-EINVAL, "no name, or connected");
    cred_of_current(&us->cred);
    listener_open(&us->stream, backlog);
    return 0;
}

static struct unix_sock *unix_alloc(int type, uint32_t flags)
{
    struct unix_sock *us = kzalloc(sizeof(*us));
    if (!us)
        return NULL;
    socket_init(&us->stream.sock, type == SOCK_STREAM ? &unix_stream_ops : &unix_packet_ops,
                AF_UNIX, type, flags);
    stream_init(&us->stream);
    unix_name_init(&us->name, &us->stream.sock);
    return us;
}

int unix_stream_new(int type, uint32_t flags, struct socket **out)
{
    struct unix_sock *us = unix_alloc(type, flags);
    if (!us)
        return -ENOMEM;
    *out = &us->stream.sock;
    return 0;
}

static int unix_accept(struct socket *s, uint32_t flags, struct socket **out, struct addr *peer)
{
    if (!socket_flag(s, SOCKET_LISTENING))
        return reject(-EINVAL, "not listening");
    struct conn *c = listener_take(stream_of(s));
    if (!c)
        return stream_of(s)->failed ? -EINVAL : -EAGAIN;
    struct unix_sock *us = unix_alloc(s->type, flags);
    if (!us) {
        conn_close(c, 1, true);
        return -ENOMEM;
    }
    socket_inherit(&us->stream.sock, s);
    conn_attach(c, 1, &us->stream);
    *peer = c->name[0];
    *out = &us->stream.sock;
    return 0;
}

/* A stream that nobody limits gets a window in which both ends find work while one is woken. */
static size_t unix_window(const struct socket *s)
{
    return s->type == SOCK_STREAM && s->sndbuf == SOCKET_BUF ? CONN_WINDOW : s->sndbuf;
}

static struct conn *unix_conn_new(int type, size_t sndbuf)
{
    struct conn *c;
    int err = conn_new(type == SOCK_STREAM ? CONN_UNIX : CONN_PACKET, sndbuf, &c);
    return err ? NULL : c;
}

/* Makes the connection and offers it to the listener. */
static int unix_offer(struct unix_sock *us, struct socket *l)
{
    struct socket *s = &us->stream.sock;
    bool wait = !(s->file.flags & O_NONBLOCK);
    struct conn *c = unix_conn_new(s->type, unix_window(s));
    if (!c)
        return -ENOMEM;
    conn_set_limit(c, 0, unix_window(l));
    unix_name_get(&us->name, &c->name[0]);
    unix_name_get(&unix_of(l)->name, &c->name[1]);
    cred_of_current(&c->cred[0]);
    c->cred[1] = unix_of(l)->cred;
    int err = listener_offer(stream_of(l), c, wait);
    if (!err || (err == -EAGAIN && wait)) {
        us->stream.failed = false;
        conn_attach(c, 0, &us->stream);
        return err ? -EINPROGRESS : 0;
    }
    conn_close(c, 1, false);
    conn_close(c, 0, false);
    return err;
}

static int unix_connect_result(struct unix_sock *us)
{
    struct conn *c = us->stream.conn;
    int err = socket_take_error(&c->err[0]);
    if (!err && !c->established)
        return -EALREADY;
    us->stream.connecting = false;
    us->stream.failed = err != 0;
    socket_put(us->offered);
    us->offered = NULL;
    return err;
}

static int unix_connect(struct socket *s, const struct addr *a)
{
    struct unix_sock *us = unix_of(s);
    struct socket *l;
    if (us->stream.connecting)
        return unix_connect_result(us);
    int err = unix_name_find(a, s->type, &l);
    if (err)
        return err;
    if (us->stream.conn && !us->stream.failed)
        err = -EISCONN;
    else if (socket_flag(s, SOCKET_LISTENING))
        err = -EINVAL;
    else if (!socket_flag(l, SOCKET_LISTENING))
        err = -ECONNREFUSED;
    else if (socket_flag(s, SOCKET_PASSCRED))
        err = unix_name_auto(&us->name);
    if (!err)
        err = unix_offer(us, l);
    if (err == -EINPROGRESS) {
        us->stream.connecting = true;
        us->offered = l;
        return err;
    }
    socket_put(l);
    return err;
}

static void unix_connect_cancel(struct socket *s)
{
    struct unix_sock *us = unix_of(s);
    if (!us->stream.connecting)
        return;
    if (listener_withdraw(stream_of(us->offered), us->stream.conn)) {
        conn_close(us->stream.conn, 1, false);
        us->stream.failed = true;
        us->stream.connecting = false;
        socket_put(us->offered);
        us->offered = NULL;
    } else {
        (void)!unix_connect_result(us);
    }
}

static int unix_send(struct socket *s, struct msg *m)
{
    struct conn *c = stream_conn(s);
    if (unlikely(!c || stream_of(s)->failed))
        return m->addr && s->type == SOCK_STREAM ? -EOPNOTSUPP : -ENOTCONN;
    if (unlikely(m->addr && s->type == SOCK_STREAM))
        return -EISCONN;
    return conn_send(c, stream_of(s)->side, m);
}

static int unix_recv(struct socket *s, struct msg *m)
{
    struct conn *c = stream_conn(s);
    int side = stream_of(s)->side;
    if (unlikely(!c || stream_of(s)->failed))
        return s->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
    if (m->addr) {
        *m->addr = c->name[!side];
        if (m->addr->len <= 2)
            m->addr->len = 0;
    }
    if (s->type == SOCK_STREAM)
        m->flags &= ~MSG_TRUNC; /* TCP's meaning */
    return conn_recv(c, side, m);
}

static int unix_shutdown(struct socket *s, int how)
{
    struct conn *c = stream_conn(s);
    if (c) {
        conn_shutdown(c, stream_of(s)->side, how);
    } else if (socket_flag(s, SOCKET_LISTENING) && how != SHUT_WR) {
        stream_of(s)->failed = true;
        listener_shut(stream_of(s));
        file_wake(&s->file, 0);
    }
    return 0;
}

static int unix_getname(struct socket *s, bool peer, struct addr *out)
{
    struct unix_sock *us = unix_of(s);
    struct conn *c = us->stream.conn;
    if (peer && (!c || us->stream.failed || !c->established))
        return -ENOTCONN;
    if (peer)
        *out = c->name[!us->stream.side];
    else if (c && us->stream.side == 1 && !unix_name_bound(&us->name))
        *out = c->name[1];
    else
        unix_name_get(&us->name, out);
    return 0;
}

static uint32_t unix_poll(struct socket *s)
{
    struct conn *c = stream_conn(s);
    if (c && !stream_of(s)->failed)
        return conn_poll(c, stream_of(s)->side, 1);
    if (socket_flag(s, SOCKET_LISTENING)) {
        uint32_t shut = EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
        return listener_poll(stream_of(s)) | (stream_of(s)->failed ? shut : 0);
    }
    return EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLHUP;
}

static int unix_peercred(struct socket *s, struct peer_cred *out)
{
    struct unix_sock *us = unix_of(s);
    struct conn *c = us->stream.conn;
    if (c)
        *out = c->cred[!us->stream.side];
    else if (socket_flag(s, SOCKET_LISTENING))
        *out = us->cred;
    else
        *out = (struct peer_cred){0, UINT32_MAX, UINT32_MAX};
    return 0;
}

static void unix_changed(struct socket *s)
{
    struct conn *c = stream_conn(s);
    if (!c)
        return;
    conn_set_limit(c, !stream_of(s)->side, unix_window(s));
    conn_set_passcred(c, stream_of(s)->side, socket_flag(s, SOCKET_PASSCRED));
}

static void unix_release(struct socket *s)
{
    unix_connect_cancel(s);
    unix_name_release(&unix_of(s)->name);
    stream_release(stream_of(s), false);
    rights_collect();
}

#define UNIX_OPS                                                                                  \
    .bind = unix_bind, .listen = unix_listen, .accept = unix_accept, .connect = unix_connect,     \
    .connect_cancel = unix_connect_cancel, .recv = unix_recv, .send = unix_send,                  \
    .shutdown = unix_shutdown, .getname = unix_getname, .poll = unix_poll,                        \
    .peercred = unix_peercred, .changed = unix_changed, .error = stream_error, .inq = stream_inq, \
    .outq = stream_outq, .release = unix_release, .each_rights = stream_each_rights,              \
    .take_rights = stream_take_rights

static const struct socket_ops unix_stream_ops = {UNIX_OPS, .stream = true, .sigpipe = true};
static const struct socket_ops unix_packet_ops = {UNIX_OPS};

int unix_stream_pair(struct socket *a, struct socket *b)
{
    struct conn *c = unix_conn_new(a->type, unix_window(a));
    if (!c)
        return -ENOMEM;
    unix_name_get(&unix_of(a)->name, &c->name[0]);
    unix_name_get(&unix_of(b)->name, &c->name[1]);
    cred_of_current(&c->cred[0]);
    c->cred[1] = c->cred[0];
    c->established = true;
    conn_attach(c, 0, stream_of(a));
    conn_attach(c, 1, stream_of(b));
    return 0;
}
