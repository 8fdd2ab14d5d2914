/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP over the loopback: a send puts the packet into the queue of whoever is bound to the port.  If
 * nobody is, a connected sender gets ECONNREFUSED at its next call, as from an ICMP message; if the
 * queue is full the packet is lost, as in Linux.  UDP-Lite is the same with ports of its own.
 * Locks: socket.h.
 */
#include "kernel/net/inet_opt.h"
#include "kernel/net/packet.h"
#include "kernel/net/ports.h"
#include "kernel/vfs/vfs_impl.h"

#define UDP_MAX 65507U
#define UDP_MAX6 65487U /* 65535 less both headers, as Linux for the largest packet */
#define UDP_QUEUE 65536U
#define EV_IN (EPOLLIN | EPOLLRDNORM)
#define OPT_CORK 1
#define OPT_SEGMENT 103
#define OPT_GRO 104
#define OPT_SEND_COVER 10
#define OPT_RECV_COVER 11

struct udp_sock {
    struct socket sock;       /* first */
    struct port_table *ports; /* [I] */
    struct port_entry port;
    struct packet_queue queue;
    int32_t coverage[2];        /* [a] UDP-Lite: bytes that a checksum would cover */
    bool deaf, mute;            /* [a] shut down */
    struct inet_opts inet_opts; /* [a] */
};

static struct udp_sock *udp_of(struct socket *s)
{
    return container_of(s, struct udp_sock, sock);
}

static int udp_bind(struct socket *s, const struct addr *a)
{
    struct inet_addr local;
    struct udp_sock *us = udp_of(s);
    int err = inet_decode(a, s->family, socket_flag(s, SOCKET_V6ONLY), &local);
    if (err)
        return err == -ENETUNREACH ? -EINVAL : err;
    return port_bind(us->ports, &us->port, &local);
}

/* Gives the socket a port if it has none. */
static int udp_autobind(struct udp_sock *us)
{
    struct inet_addr any;
    int err = 0;
    if (port_bound(&us->port))
        return 0;
    mutex_lock(&us->sock.lock);
    inet_any(us->sock.family, &any);
    if (!port_bound(&us->port))
        err = port_bind(us->ports, &us->port, &any);
    mutex_unlock(&us->sock.lock);
    return err == -EADDRINUSE ? -EAGAIN : err;
}

/* A destination that can be reached. */
static int udp_dest(struct udp_sock *us, const struct addr *a, struct inet_addr *dst)
{
    struct socket *s = &us->sock;
    int err = inet_decode(a, s->family, socket_flag(s, SOCKET_V6ONLY), dst);
    if (err)
        return err;
    inet_loopback_of(dst);
    if (inet_is_v4(dst) && dst->ip[12] == 255 && !socket_flag(s, SOCKET_BROADCAST))
        return reject(-EACCES, "broadcast without SO_BROADCAST");
    if (!inet_is_loopback(dst))
        return reject(-ENETUNREACH, "only the loopback is reached");
    if (port_bound(&us->port) && !inet_is_any(&us->port.local) &&
        inet_is_v4(&us->port.local) != inet_is_v4(dst))
        return -ENETUNREACH;
    return 0;
}

static int udp_connect(struct socket *s, const struct addr *a)
{
    struct udp_sock *us = udp_of(s);
    struct inet_addr dst, any;
    if (a->len < sizeof(a->family))
        return -EINVAL;
    if (a->family == AF_UNSPEC) {
        port_disconnect(us->ports, &us->port, s->family);
        return 0;
    }
    int err = udp_dest(us, a, &dst);
    if (!err && !port_bound(&us->port)) {
        inet_any(s->family, &any);
        err = port_bind(us->ports, &us->port, &any);
    }
    if (!err)
        port_connect(us->ports, &us->port, &dst);
    return err;
}

/* To whoever has the port. */
static int udp_transmit(struct udp_sock *us, struct packet *p, const struct inet_addr *dst,
                        const struct inet_addr *src)
{
    struct socket *to = dst->port ? port_receiver(us->ports, dst, src) : NULL;
    if (!to)
        return -ECONNREFUSED;
    struct udp_sock *ut = udp_of(to);
    inet_encode(src, to->family, &p->from);
    p->scm.to = *dst;
    p->scm.has_inet = true;
    p->scm.stamp = clock_real();
    p->scm.has_stamp = true;
    int32_t ttl = inet_is_v4(dst) ? us->inet_opts.ttl : us->inet_opts.hops;
    int32_t tos = inet_is_v4(dst) ? us->inet_opts.tos : us->inet_opts.tclass;
    if (!p->scm.has_ttl)
        p->scm.ttl = ttl < 0 ? 64 : (uint8_t)ttl;
    if (!p->scm.has_tos)
        p->scm.tos = tos < 0 ? 0 : (uint8_t)tos;
    int err = packet_queue_add(&ut->queue, p, UDP_QUEUE, to->rcvbuf);
    if (!err)
        file_wake(&to->file, EV_IN);
    else
        packet_put(p); /* the queue is full: lost */
    socket_put(to);
    return 0;
}

static int udp_send(struct socket *s, struct msg *m)
{
    struct udp_sock *us = udp_of(s);
    struct inet_addr dst, src;
    struct packet *p;
    int err = socket_take_error(&s->err);
    if (err)
        return err;
    if (us->mute)
        return -EPIPE;
    if (m->addr) {
        err = udp_dest(us, m->addr, &dst);
        if (!err && !dst.port)
            err = -EINVAL;
    } else {
        dst = us->port.peer;
        err = dst.port ? 0 : -EDESTADDRREQ;
    }
    if (!err)
        err = udp_autobind(us);
    if (!err)
        err = packet_new(m, inet_is_v4(&dst) ? UDP_MAX : UDP_MAX6, &p);
    if (err)
        return err;
    src = us->port.local;
    if (inet_is_any(&src))
        inet_source_for(&dst, &src);
    err = udp_transmit(us, p, &dst, &src);
    if (!err)
        return 0;
    packet_put(p);
    if (us->port.peer.port) {
        __atomic_store_n(&s->err, ECONNREFUSED, __ATOMIC_RELEASE);
        file_wake(&s->file, EPOLLERR | EV_IN | EPOLLOUT);
    }
    return 0;
}

static int udp_recv(struct socket *s, struct msg *m)
{
    struct udp_sock *us = udp_of(s);
    int err = socket_take_error(&s->err);
    if (err)
        return err;
    struct packet *p = packet_queue_take(&us->queue, m->flags & MSG_PEEK);
    if (!p)
        return us->deaf ? 0 : -EAGAIN;
    err = packet_deliver(p, m);
    packet_put(p);
    return err;
}

static int udp_shutdown(struct socket *s, int how)
{
    struct udp_sock *us = udp_of(s);
    if (!us->port.peer.port)
        return -ENOTCONN;
    if (how != SHUT_WR)
        us->deaf = true;
    if (how != SHUT_RD)
        us->mute = true;
    file_wake(&s->file, 0);
    return 0;
}

static int udp_getname(struct socket *s, bool peer, struct addr *out)
{
    struct udp_sock *us = udp_of(s);
    if (peer && !us->port.peer.port)
        return -ENOTCONN;
    inet_encode(peer ? &us->port.peer : &us->port.local, s->family, out);
    return 0;
}

static uint32_t udp_poll(struct socket *s)
{
    struct udp_sock *us = udp_of(s);
    uint32_t events = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    if (us->queue.n)
        events |= EV_IN;
    if (us->deaf)
        events |= EV_IN | EPOLLRDHUP;
    if (us->deaf && us->mute)
        events |= EPOLLHUP;
    if (s->err)
        events |= EPOLLERR;
    return events;
}

static int udp_setopt(struct socket *s, int level, int opt, const void *val, int len)
{
    if (level == IPPROTO_IP_LEVEL || level == IPPROTO_IPV6_LEVEL)
        return inet_setopt(s, &udp_of(s)->inet_opts, level, opt, val, len);
    if (level == IPPROTO_UDPLITE_LEVEL && (opt == OPT_SEND_COVER || opt == OPT_RECV_COVER)) {
        if (len < (int)sizeof(int32_t) || s->protocol != level)
            return s->protocol != level ? -ENOPROTOOPT : -EINVAL;
        memcpy(&udp_of(s)->coverage[opt - OPT_SEND_COVER], val, sizeof(int32_t));
        return 0;
    }
    if (level == IPPROTO_UDP_LEVEL && opt == OPT_CORK && len >= 4)
        return *(const int32_t *)val ? (int)reject(-ENOPROTOOPT, "UDP_CORK") : 0;
    return (int)reject(-ENOPROTOOPT, "UDP option");
}

static int udp_getopt(struct socket *s, int level, int opt, void *val, int len)
{
    if (level == IPPROTO_IP_LEVEL || level == IPPROTO_IPV6_LEVEL)
        return inet_getopt(s, &udp_of(s)->inet_opts, level, opt, val, len);
    if (level == IPPROTO_UDPLITE_LEVEL && s->protocol == level &&
        (opt == OPT_SEND_COVER || opt == OPT_RECV_COVER)) {
        len = MIN(len, (int)sizeof(int32_t));
        memcpy(val, &udp_of(s)->coverage[opt - OPT_SEND_COVER], (size_t)len);
        return len;
    }
    if (level != IPPROTO_UDP_LEVEL)
        return -EOPNOTSUPP;
    if (opt != OPT_CORK && opt != OPT_SEGMENT && opt != OPT_GRO)
        return (int)reject(-ENOPROTOOPT, "UDP option");
    len = MIN(len, 4);
    memset(val, 0, (size_t)len);
    return len;
}

static int udp_inq(struct socket *s)
{
    return packet_queue_first_len(&udp_of(s)->queue);
}

static void udp_release(struct socket *s)
{
    port_unbind(udp_of(s)->ports, &udp_of(s)->port);
    packet_queue_close(&udp_of(s)->queue);
}

static const struct socket_ops udp_ops = {
    .bind = udp_bind,
    .connect = udp_connect,
    .recv = udp_recv,
    .send = udp_send,
    .shutdown = udp_shutdown,
    .getname = udp_getname,
    .poll = udp_poll,
    .setopt = udp_setopt,
    .getopt = udp_getopt,
    .inq = udp_inq,
    .release = udp_release,
};

int udp_new(int family, int protocol, uint32_t flags, struct socket **out)
{
    struct udp_sock *us = kzalloc(sizeof(*us));
    if (!us)
        return -ENOMEM;
    socket_init(&us->sock, &udp_ops, family, SOCK_DGRAM, flags);
    us->sock.protocol = protocol;
    us->ports = protocol == IPPROTO_UDP_LEVEL ? &udp_ports : &udplite_ports;
    packet_queue_init(&us->queue);
    port_init(&us->port, &us->sock);
    inet_opts_init(&us->inet_opts);
    *out = &us->sock;
    return 0;
}
