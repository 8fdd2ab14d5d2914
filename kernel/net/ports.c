/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: see ports.h.  The rules are Linux's.
 *
 * Two sockets may not have the same port on addresses that overlap (the same one, or one is "any";
 * :: overlaps IPv4 unless IPV6_V6ONLY), unless both have SO_REUSEADDR and, for TCP, none listens;
 * or both have SO_REUSEPORT and the same owner.  An ephemeral port is one that nobody overlaps.
 */
#include "kernel/net/ports.h"

#include "kernel/proc/id/cred.h"
#include "kernel/sgx/random.h"
#include "kernel/vfs/vfs_impl.h"

#define EPHEMERAL_FIRST 32768U
#define EPHEMERAL_LAST 60999U
#define EPHEMERAL_COUNT (EPHEMERAL_LAST - EPHEMERAL_FIRST + 1)
#define PORT_RESERVED 1024U

struct port_table tcp_ports, udp_ports, udplite_ports;

static struct list *bucket(struct port_table *t, uint16_t port) REQUIRES(t->lock)
{
    struct list *l = &t->bucket[port % PORT_BUCKETS];
    if (!l->next)
        list_init(l);
    return l;
}

void port_init(struct port_entry *e, struct socket *s)
{
    list_init(&e->link);
    e->sock = s;
    inet_any(s->family, &e->local);
    inet_any(s->family, &e->peer);
}

static bool is_v6only(const struct port_entry *e)
{
    return e->sock->family == AF_INET6 && socket_flag(e->sock, SOCKET_V6ONLY);
}

/* An address that takes what comes for a: itself, or a wildcard that covers it. */
static bool covers(const struct port_entry *e, const struct inet_addr *a)
{
    if (inet_ip_equal(&e->local, a))
        return true;
    if (!inet_is_any(&e->local))
        return false;
    return inet_is_v4(a) ? inet_is_v4(&e->local) || !is_v6only(e) : !inet_is_v4(&e->local);
}

static bool overlap(const struct port_entry *a, const struct port_entry *b)
{
    return covers(a, &b->local) || covers(b, &a->local);
}

static bool conflict(const struct port_table *t, const struct port_entry *e,
                     const struct port_entry *o)
{
    if (o == e || o->local.port != e->local.port || !overlap(e, o))
        return false;
    bool reuse = socket_flag(e->sock, SOCKET_REUSEADDR) && socket_flag(o->sock, SOCKET_REUSEADDR);
    bool share = socket_flag(e->sock, SOCKET_REUSEPORT) && socket_flag(o->sock, SOCKET_REUSEPORT) &&
                 e->sock->uid == o->sock->uid;
    if (t == &tcp_ports && (o->listening || e->listening))
        reuse = false;
    return !reuse && !share;
}

static bool port_taken(struct port_table *t, const struct port_entry *e, uint16_t port)
    REQUIRES(t->lock)
{
    list_for_each(it, bucket(t, port))
        if (conflict(t, e, list_entry(it, struct port_entry, link)))
            return true;
    return false;
}

/* An ephemeral port for e->local; reuse does not count. */
static int port_pick(struct port_table *t, struct port_entry *e) REQUIRES(t->lock)
{
    if (!t->next)
        t->next = (uint16_t)(random_u64() % EPHEMERAL_COUNT);
    uint32_t flags = e->sock->flags;
    socket_set_flag(e->sock, SOCKET_REUSEADDR | SOCKET_REUSEPORT, false);
    int err = -EADDRINUSE;
    for (unsigned i = 0; i < EPHEMERAL_COUNT && err; i++) {
        t->next = (uint16_t)((t->next + 1U) % EPHEMERAL_COUNT);
        e->local.port = (uint16_t)(EPHEMERAL_FIRST + t->next);
        if (!port_taken(t, e, e->local.port))
            err = 0;
    }
    socket_set_flag(e->sock, flags & (SOCKET_REUSEADDR | SOCKET_REUSEPORT), true);
    return err;
}

int port_bind(struct port_table *t, struct port_entry *e, const struct inet_addr *local)
{
    if (local->port && local->port < PORT_RESERVED && !capable(CAP_NET_BIND_SERVICE))
        return reject(-EACCES, "a port below 1024");
    if (!inet_is_any(local) && !inet_is_loopback(local))
        return reject(-EADDRNOTAVAIL, "only loopback addresses are here");
    if (port_bound(e))
        return reject(-EINVAL, "bound already");
    int err = 0;
    spin_lock(&t->lock);
    e->local = *local;
    if (!local->port)
        err = port_pick(t, e);
    else if (port_taken(t, e, local->port))
        err = -EADDRINUSE;
    if (!err) {
        list_add_head(bucket(t, e->local.port), &e->link);
        e->fixed = local->port != 0;
    } else {
        inet_any(e->sock->family, &e->local);
    }
    spin_unlock(&t->lock);
    return err;
}

int port_listen(struct port_entry *e)
{
    int err = 0;
    spin_lock(&tcp_ports.lock);
    bool before = e->listening;
    e->listening = true;
    list_for_each(it, bucket(&tcp_ports, e->local.port)) {
        struct port_entry *o = list_entry(it, struct port_entry, link);
        if (o->listening && conflict(&tcp_ports, e, o))
            err = -EADDRINUSE;
    }
    if (err)
        e->listening = before;
    spin_unlock(&tcp_ports.lock);
    return err;
}

void port_connect(struct port_table *t, struct port_entry *e, const struct inet_addr *peer)
{
    spin_lock(&t->lock);
    e->peer = *peer;
    if (inet_is_any(&e->local))
        inet_source_for(peer, &e->local);
    spin_unlock(&t->lock);
}

void port_disconnect(struct port_table *t, struct port_entry *e, int family)
{
    spin_lock(&t->lock);
    inet_any(family, &e->peer);
    if (!e->fixed) {
        inet_any(family, &e->local);
        list_del(&e->link);
    }
    spin_unlock(&t->lock);
}

void port_share(struct port_table *t, struct port_entry *e, const struct inet_addr *local,
                const struct inet_addr *peer)
{
    spin_lock(&t->lock);
    e->local = *local;
    e->peer = *peer;
    e->shared = true;
    list_add_head(bucket(t, local->port), &e->link);
    spin_unlock(&t->lock);
}

void port_unbind(struct port_table *t, struct port_entry *e)
{
    spin_lock(&t->lock);
    list_del(&e->link);
    e->listening = false;
    spin_unlock(&t->lock);
}

/* How well e fits: 0 not at all. */
static unsigned score(const struct port_entry *e, const struct inet_addr *dst,
                      const struct inet_addr *src)
{
    if (e->local.port != dst->port || !covers(e, dst))
        return 0;
    unsigned n = 1 + (inet_is_any(&e->local) ? 0 : 4) + (inet_is_v4(&e->local) == inet_is_v4(dst));
    if (!src || !e->peer.port)
        return n;
    if (e->peer.port != src->port || !inet_ip_equal(&e->peer, src))
        return 0;
    return n + 8;
}

/* Of several equally good ones with SO_REUSEPORT, which one is by turns. */
static struct socket *find_best(struct port_table *t, const struct inet_addr *dst,
                                const struct inet_addr *src)
{
    static unsigned turn; /* [t] */
    struct port_entry *best = NULL;
    unsigned points = 0, equals = 0;
    spin_lock(&t->lock);
    list_for_each(it, bucket(t, dst->port)) {
        struct port_entry *e = list_entry(it, struct port_entry, link);
        unsigned n = !src && !e->listening ? 0 : score(e, dst, src);
        if (!n || n < points)
            continue;
        if (n > points)
            equals = 0;
        else if (!socket_flag(e->sock, SOCKET_REUSEPORT) || turn++ % ++equals)
            continue;
        points = n;
        best = e;
    }
    struct socket *s = best && socket_tryget(best->sock) ? best->sock : NULL;
    spin_unlock(&t->lock);
    return s;
}

struct socket *port_listener(const struct inet_addr *dst)
{
    return find_best(&tcp_ports, dst, NULL);
}

struct socket *port_receiver(struct port_table *t, const struct inet_addr *dst,
                             const struct inet_addr *src)
{
    return find_best(t, dst, src);
}

void port_each(struct port_table *t, void (*fn)(const struct port_entry *e, void *arg), void *arg)
{
    spin_lock(&t->lock);
    for (unsigned i = 0; i < PORT_BUCKETS; i++) {
        if (!t->bucket[i].next)
            continue;
        list_for_each(it, &t->bucket[i])
            fn(list_entry(it, struct port_entry, link), arg);
    }
    spin_unlock(&t->lock);
}
