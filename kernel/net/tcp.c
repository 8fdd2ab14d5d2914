/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP over the loopback: connections of conn.c between ports.
 *
 *   closed -> bound -> listening
 *                   -> connecting (the listener's queue is full) -> connected
 *
 * A handshake takes no time, but a non-blocking connect says -EINPROGRESS as Linux's does, and the
 * next look finds its result.  Locks: socket.h.
 */
#include <asm/ioctls.h>
#include <linux/tcp.h>

#include "kernel/net/conn.h"
#include "kernel/net/inet_opt.h"
#include "kernel/net/ports.h"
#include "kernel/vfs/vfs_impl.h"

#define TCP_SNDBUF 16384U
#define TCP_RCVBUF 131072U
#define TCP_OPTS 48 /* option numbers that are kept */

enum {
    STATE_ESTABLISHED = 1,
    STATE_SYN_SENT = 2,
    STATE_FIN_WAIT2 = 5,
    STATE_CLOSE = 7,
    STATE_CLOSE_WAIT = 8,
    STATE_LISTEN = 10
};

struct tcp_sock {
    struct stream_sock stream; /* first */
    struct port_entry port;
    int32_t opt[TCP_OPTS];      /* [a] IPPROTO_TCP options as set; 0: default */
    struct inet_opts inet_opts; /* [a] */
};

static struct tcp_sock *tcp_of(struct socket *s)
{
    return container_of(s, struct tcp_sock, stream.sock);
}

static const struct socket_ops tcp_ops;

static size_t tcp_window(const struct socket *s, const struct socket *peer)
{
    size_t n = s->sndbuf == TCP_SNDBUF ? CONN_WINDOW : s->sndbuf;
    if (peer && peer->rcvbuf != TCP_RCVBUF)
        n = MIN(n, (size_t)s->sndbuf + peer->rcvbuf);
    return n;
}

static int tcp_bind(struct socket *s, const struct addr *a)
{
    struct tcp_sock *t = tcp_of(s);
    struct inet_addr local;
    int err = inet_decode(a, s->family, socket_flag(s, SOCKET_V6ONLY), &local);
    if (err)
        return err == -ENETUNREACH ? -EINVAL : err;
    return port_bind(&tcp_ports, &t->port, &local);
}

static int tcp_listen(struct socket *s, int backlog)
{
    struct tcp_sock *t = tcp_of(s);
    struct inet_addr any;
    int err = 0;
    if (t->stream.conn && !conn_closed(t->stream.conn))
        return -EINVAL;
    if (!port_bound(&t->port)) {
        inet_any(s->family, &any);
        err = port_bind(&tcp_ports, &t->port, &any);
    }
    if (!err)
        err = port_listen(&t->port);
    if (!err)
        listener_open(&t->stream, backlog);
    return err;
}

static int tcp_accept(struct socket *s, uint32_t flags, struct socket **out, struct addr *peer)
{
    if (!socket_flag(s, SOCKET_LISTENING))
        return reject(-EINVAL, "not listening");
    struct conn *c = listener_take(stream_of(s));
    if (!c)
        return -EAGAIN;
    int err = tcp_new(s->family, flags, out);
    if (err) {
        conn_close(c, 1, true);
        return err;
    }
    struct tcp_sock *t = tcp_of(*out);
    socket_inherit(*out, s);
    memcpy(t->opt, tcp_of(s)->opt, sizeof(t->opt));
    t->inet_opts = tcp_of(s)->inet_opts;
    port_share(&tcp_ports, &t->port, &c->inet[1], &c->inet[0]);
    conn_attach(c, 1, &t->stream);
    inet_encode(&c->inet[0], s->family, peer);
    return 0;
}

/* Makes the connection and offers it to whoever listens. */
static int tcp_offer(struct tcp_sock *t, const struct inet_addr *dst)
{
    struct conn *c;
    int err = conn_new(CONN_TCP, tcp_window(&t->stream.sock, NULL), &c);
    if (err)
        return err;
    port_connect(&tcp_ports, &t->port, dst);
    c->inet[0] = t->port.local;
    c->inet[1] = *dst;
    struct socket *l = port_listener(dst);
    if (!l) {
        conn_close(c, 1, false);
        conn_close(c, 0, false);
        return -ECONNREFUSED;
    }
    conn_set_limit(c, 1, tcp_window(&t->stream.sock, l));
    conn_set_limit(c, 0, tcp_window(l, &t->stream.sock));
    conn_attach(c, 0, &t->stream);
    err = listener_offer(stream_of(l), c, true);
    socket_put(l);
    if (err == -ECONNREFUSED) {
        conn_close(c, 1, true);
        (void)socket_take_error(&c->err[0]);
    }
    return err == -EAGAIN ? 0 : err;
}

/* The first call. */
static int tcp_connect_start(struct tcp_sock *t, const struct addr *a)
{
    struct socket *s = &t->stream.sock;
    struct inet_addr dst, any;
    int err = inet_decode(a, s->family, socket_flag(s, SOCKET_V6ONLY), &dst);
    if (err)
        return err;
    if (socket_flag(s, SOCKET_LISTENING))
        return -EISCONN;
    if (t->stream.conn && t->stream.conn->established)
        return -EISCONN;
    inet_loopback_of(&dst);
    if (!inet_is_loopback(&dst))
        return reject(-ENETUNREACH, "only the loopback is reached");
    if (s->family == AF_INET6 && port_bound(&t->port) && !inet_is_any(&t->port.local) &&
        inet_is_v4(&t->port.local) != inet_is_v4(&dst))
        return -ENETUNREACH;
    if (!port_bound(&t->port)) {
        inet_any(s->family, &any);
        if (inet_is_v4(&dst))
            inet_any(AF_INET, &any);
        err = port_bind(&tcp_ports, &t->port, &any);
        if (err)
            return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
    }
    t->stream.failed = false;
    err = tcp_offer(t, &dst);
    if (err == -ECONNREFUSED) {
        __atomic_store_n(&s->err, ECONNREFUSED, __ATOMIC_RELEASE);
        t->stream.failed = true;
        err = 0;
    }
    if (err)
        return err;
    t->stream.connecting = true;
    return -EINPROGRESS;
}

/* A later call: what has become of it. */
static int tcp_connect_result(struct tcp_sock *t)
{
    struct socket *s = &t->stream.sock;
    struct conn *c = t->stream.conn;
    int err = socket_take_error(&s->err);
    if (!err && c)
        err = socket_take_error(&c->err[0]);
    if (!err && c && !t->stream.failed && !c->dead && !c->established)
        return -EALREADY;
    t->stream.connecting = false;
    if (!err && (t->stream.failed || !c || (c->dead && !c->established)))
        err = -ECONNABORTED;
    if (err) {
        t->stream.failed = true;
        port_disconnect(&tcp_ports, &t->port, s->family);
    }
    return err;
}

static int tcp_connect(struct socket *s, const struct addr *a)
{
    struct tcp_sock *t = tcp_of(s);
    if (a->len < sizeof(a->family))
        return -EINVAL;
    if (a->family == AF_UNSPEC)
        return t->stream.conn ? (int)reject(-EINVAL, "TCP does not disconnect here") : 0;
    return t->stream.connecting ? tcp_connect_result(t) : tcp_connect_start(t, a);
}

static int tcp_send(struct socket *s, struct msg *m)
{
    struct conn *c = stream_conn(s);
    int err = socket_take_error(&s->err);
    if (unlikely(err))
        return err;
    if (unlikely(!c))
        return -EPIPE;
    return conn_send(c, stream_of(s)->side, m);
}

static int tcp_recv(struct socket *s, struct msg *m)
{
    int err = socket_take_error(&s->err);
    if (unlikely(err))
        return err;
    if (unlikely(stream_of(s)->failed))
        return 0;
    m->addr = NULL; /* as Linux: streams do not say who sent */
    return stream_recv(s, m);
}

static int tcp_recv_urgent(struct socket *s, struct msg *m)
{
    struct conn *c = stream_conn(s);
    return c ? conn_recv_urgent(c, stream_of(s)->side, m) : -EINVAL;
}

static bool tcp_at_mark(struct socket *s)
{
    struct conn *c = stream_conn(s);
    return c && conn_at_mark(c, stream_of(s)->side);
}

static int tcp_shutdown(struct socket *s, int how)
{
    struct conn *c = stream_conn(s);
    if (socket_flag(s, SOCKET_LISTENING)) {
        if (how != SHUT_WR) {
            port_unbind(&tcp_ports, &tcp_of(s)->port);
            listener_close(stream_of(s));
            stream_of(s)->failed = true;
            file_wake(&s->file, 0);
        }
        return 0;
    }
    if (!c || conn_closed(c))
        return -ENOTCONN;
    conn_shutdown(c, stream_of(s)->side, how);
    return 0;
}

static int tcp_getname(struct socket *s, bool peer, struct addr *out)
{
    struct tcp_sock *t = tcp_of(s);
    struct conn *c = t->stream.conn;
    if (peer && (!c || !c->established || conn_closed(c)))
        return -ENOTCONN;
    inet_encode(peer ? &t->port.peer : &t->port.local, s->family, out);
    return 0;
}

static uint32_t tcp_poll(struct socket *s)
{
    struct conn *c = stream_conn(s);
    if (socket_flag(s, SOCKET_LISTENING))
        return listener_poll(stream_of(s));
    uint32_t events = 0;
    if (s->err)
        events |= EPOLLERR;
    if (c && !stream_of(s)->failed)
        return events | conn_poll(c, stream_of(s)->side, s->rcvlowat);
    events |= EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
    if (stream_of(s)->failed)
        events |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    return events;
}

static void tcp_release(struct socket *s)
{
    struct tcp_sock *t = tcp_of(s);
    port_unbind(&tcp_ports, &t->port);
    stream_release(&t->stream, socket_flag(s, SOCKET_LINGER) && !s->linger);
}

/* Options. */

static void tcp_changed(struct socket *s)
{
    struct conn *c = stream_conn(s);
    if (c)
        conn_set_limit(c, !stream_of(s)->side, tcp_window(s, NULL));
}

static uint8_t tcp_state(struct socket *s)
{
    struct conn *c = stream_conn(s);
    int side = stream_of(s)->side;
    if (socket_flag(s, SOCKET_LISTENING))
        return STATE_LISTEN;
    if (!c || conn_closed(c))
        return STATE_CLOSE;
    if (!c->established)
        return STATE_SYN_SENT;
    if (c->way[side].fin)
        return STATE_CLOSE_WAIT;
    return c->way[!side].fin ? STATE_FIN_WAIT2 : STATE_ESTABLISHED;
}

static int tcp_info_get(struct socket *s, void *val, int len)
{
    struct tcp_info i = {0};
    struct conn *c = stream_conn(s);
    int side = stream_of(s)->side;
    i.tcpi_state = tcp_state(s);
    i.tcpi_options = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE;
    i.tcpi_snd_wscale = i.tcpi_rcv_wscale = 7;
    i.tcpi_rto = 201000;
    i.tcpi_ato = 40000;
    i.tcpi_snd_mss = i.tcpi_rcv_mss = i.tcpi_advmss = 32768;
    i.tcpi_pmtu = 65535;
    i.tcpi_rtt = i.tcpi_rttvar = 20;
    i.tcpi_snd_cwnd = 10;
    i.tcpi_snd_ssthresh = INT32_MAX;
    i.tcpi_rcv_space = 65495;
    if (c) {
        i.tcpi_bytes_acked = c->sent[side];
        i.tcpi_bytes_sent = c->sent[side];
        i.tcpi_bytes_received = c->sent[!side];
    }
    if (i.tcpi_state == STATE_LISTEN) {
        i.tcpi_unacked = stream_of(s)->listener.nready;
        i.tcpi_sacked = stream_of(s)->listener.backlog;
    }
    len = MIN(len, (int)sizeof(i));
    memcpy(val, &i, (size_t)len);
    return len;
}

/* The bounds that Linux has for an option; false: there is no such option. */
static bool tcp_opt_range(int opt, int32_t *low, int32_t *high, int32_t *preset)
{
    static const struct {
        int8_t opt;
        int32_t low, high, preset;
    } known[] = {
        {TCP_NODELAY, 0, INT32_MAX, 0},
        {TCP_MAXSEG, 0, 65535, 536},
        {TCP_CORK, 0, INT32_MAX, 0},
        {TCP_KEEPIDLE, 1, 32767, 7200},
        {TCP_KEEPINTVL, 1, 32767, 75},
        {TCP_KEEPCNT, 1, 127, 9},
        {TCP_SYNCNT, 1, 127, 6},
        {TCP_LINGER2, INT32_MIN, INT32_MAX, 60},
        {TCP_DEFER_ACCEPT, INT32_MIN, INT32_MAX, 0},
        {TCP_WINDOW_CLAMP, 0, INT32_MAX, 0},
        {TCP_QUICKACK, INT32_MIN, INT32_MAX, 1},
        {TCP_USER_TIMEOUT, 0, INT32_MAX, 0},
        {TCP_FASTOPEN, 0, INT32_MAX, 0},
        {TCP_FASTOPEN_CONNECT, 0, 1, 0},
        {TCP_NOTSENT_LOWAT, INT32_MIN, INT32_MAX, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].opt != opt)
            continue;
        *low = known[i].low;
        *high = known[i].high;
        *preset = known[i].preset;
        return true;
    }
    return false;
}

/* Congestion control has one name here. */
static int congestion_set(const char *val, int len)
{
    size_t n = strnlen(val, (size_t)len);
    bool known = (n == 5 && !memcmp(val, "cubic", 5)) || (n == 4 && !memcmp(val, "reno", 4));
    return known ? 0 : -ENOENT;
}

static int tcp_setopt(struct socket *s, int level, int opt, const void *val, int len)
{
    struct tcp_sock *t = tcp_of(s);
    int32_t low, high, preset, n;
    if (level == IPPROTO_IP_LEVEL || level == IPPROTO_IPV6_LEVEL)
        return inet_setopt(s, &t->inet_opts, level, opt, val, len);
    if (level != IPPROTO_TCP_LEVEL)
        return -ENOPROTOOPT;
    if (opt == TCP_CONGESTION)
        return len < 1 ? -EINVAL : congestion_set(val, len);
    if (len < (int)sizeof(n))
        return -EINVAL;
    if (!tcp_opt_range(opt, &low, &high, &preset))
        return (int)reject(-ENOPROTOOPT, "TCP option");
    memcpy(&n, val, sizeof(n));
    if (opt != TCP_NODELAY && opt != TCP_CORK && (n < low || n > high))
        return -EINVAL;
    if (opt == TCP_NODELAY || opt == TCP_CORK || opt == TCP_QUICKACK)
        n = n != 0;
    /* Kept so that 0 is "never set". */
    t->opt[opt] = n == preset ? 0 : n ? n : INT32_MIN;
    return 0;
}

static int tcp_getopt(struct socket *s, int level, int opt, void *val, int len)
{
    struct tcp_sock *t = tcp_of(s);
    int32_t low, high, n;
    if (level == IPPROTO_IP_LEVEL || level == IPPROTO_IPV6_LEVEL)
        return inet_getopt(s, &t->inet_opts, level, opt, val, len);
    if (level != IPPROTO_TCP_LEVEL)
        return -EOPNOTSUPP;
    if (opt == TCP_INFO)
        return tcp_info_get(s, val, len);
    if (opt == TCP_CONGESTION) {
        static const char name[16] = "cubic";
        len = MIN(len, (int)sizeof(name));
        memcpy(val, name, (size_t)len);
        return len;
    }
    if (!tcp_opt_range(opt, &low, &high, &n))
        return (int)reject(-ENOPROTOOPT, "TCP option");
    if (t->opt[opt])
        n = t->opt[opt] == INT32_MIN ? 0 : t->opt[opt];
    else if (opt == TCP_MAXSEG && t->stream.conn)
        n = 32768;
    len = MIN(len, (int)sizeof(n));
    memcpy(val, &n, (size_t)len);
    return len;
}

static const struct socket_ops tcp_ops = {
    .bind = tcp_bind,
    .listen = tcp_listen,
    .accept = tcp_accept,
    .connect = tcp_connect,
    .recv = tcp_recv,
    .send = tcp_send,
    .recv_urgent = tcp_recv_urgent,
    .at_mark = tcp_at_mark,
    .shutdown = tcp_shutdown,
    .getname = tcp_getname,
    .poll = tcp_poll,
    .setopt = tcp_setopt,
    .getopt = tcp_getopt,
    .state = tcp_state,
    .inq = stream_inq,
    .outq = stream_outq,
    .release = tcp_release,
    .stream = true,
    .sigpipe = true,
    .changed = tcp_changed,
    .error = stream_error,
};

int tcp_new(int family, uint32_t flags, struct socket **out)
{
    struct tcp_sock *t = kzalloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    struct socket *s = &t->stream.sock;
    socket_init(s, &tcp_ops, family, SOCK_STREAM, flags);
    s->protocol = IPPROTO_TCP_LEVEL;
    s->sndbuf = TCP_SNDBUF;
    s->rcvbuf = TCP_RCVBUF;
    stream_init(&t->stream);
    port_init(&t->port, s);
    inet_opts_init(&t->inet_opts);
    *out = s;
    return 0;
}
