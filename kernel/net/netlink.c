/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NETLINK_ROUTE, as far as listing goes: dumps of links and addresses, which is what getifaddrs()
 * asks for.  A request is answered at once into the socket's own queue; anything else is refused
 * with an error message.  Locks: socket.h.
 */
#include <linux/rtnetlink.h>

#include "kernel/net/netif.h"
#include "kernel/net/netlink.h"
#include "kernel/net/packet.h"
#include "kernel/vfs/vfs_impl.h"

#define REQUEST_MAX 65536U
#define QUEUE_MAX 64U
#define EV_IN (EPOLLIN | EPOLLRDNORM)

struct netlink_sock {
    struct socket sock; /* first */
    struct packet_queue queue;
    struct addr_nl local; /* [sock.lock] */
};

/* An answer under construction. */
struct reply {
    size_t len;
    char buf[512];
};

static struct netlink_sock *netlink_of(struct socket *s)
{
    return container_of(s, struct netlink_sock, sock);
}

static void reply_put(struct reply *r, const void *data, size_t n)
{
    memcpy(r->buf + r->len, data, n);
    r->len += n;
    while (r->len % NLMSG_ALIGNTO)
        r->buf[r->len++] = 0;
}

static size_t msg_begin(struct reply *r, const struct nlmsghdr *ask, uint16_t type, uint32_t pid)
{
    struct nlmsghdr h = {.nlmsg_type = type,
                         .nlmsg_flags = NLM_F_MULTI,
                         .nlmsg_seq = ask->nlmsg_seq,
                         .nlmsg_pid = pid};
    size_t at = r->len;
    reply_put(r, &h, sizeof(h));
    return at;
}

static void msg_end(struct reply *r, size_t at)
{
    uint32_t len = (uint32_t)(r->len - at);
    memcpy(r->buf + at, &len, sizeof(len));
}

static void attr_put(struct reply *r, uint16_t type, const void *data, size_t n)
{
    struct rtattr a = {.rta_len = (uint16_t)(sizeof(a) + n), .rta_type = type};
    memcpy(r->buf + r->len, &a, sizeof(a));
    r->len += sizeof(a);
    reply_put(r, data, n);
}

static void link_put(struct reply *r, const struct nlmsghdr *ask, uint32_t pid)
{
    static const uint8_t mac[6];
    struct ifinfomsg i = {.ifi_type = NETIF_LO_TYPE,
                          .ifi_index = NETIF_LO_INDEX,
                          .ifi_flags = NETIF_LO_FLAGS | NETIF_LO_LOWER};
    uint32_t mtu = NETIF_LO_MTU, txq = 1000;
    uint8_t unknown = 0;
    size_t at = msg_begin(r, ask, RTM_NEWLINK, pid);
    reply_put(r, &i, sizeof(i));
    attr_put(r, IFLA_IFNAME, "lo", 3);
    attr_put(r, IFLA_TXQLEN, &txq, sizeof(txq));
    attr_put(r, IFLA_OPERSTATE, &unknown, 1);
    attr_put(r, IFLA_MTU, &mtu, sizeof(mtu));
    attr_put(r, IFLA_ADDRESS, mac, sizeof(mac));
    attr_put(r, IFLA_BROADCAST, mac, sizeof(mac));
    msg_end(r, at);
}

static void addr_put(struct reply *r, const struct nlmsghdr *ask, uint32_t pid, int family)
{
    static const uint8_t v4[4] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
    bool four = family == AF_INET;
    uint32_t flags = IFA_F_PERMANENT;
    struct ifaddrmsg i = {.ifa_family = (uint8_t)family,
                          .ifa_prefixlen = four ? 8 : 128,
                          .ifa_flags = IFA_F_PERMANENT,
                          .ifa_scope = RT_SCOPE_HOST,
                          .ifa_index = NETIF_LO_INDEX};
    size_t at = msg_begin(r, ask, RTM_NEWADDR, pid);
    reply_put(r, &i, sizeof(i));
    attr_put(r, IFA_ADDRESS, four ? v4 : v6, four ? sizeof(v4) : sizeof(v6));
    if (four) {
        attr_put(r, IFA_LOCAL, v4, sizeof(v4));
        attr_put(r, IFA_LABEL, "lo", 3);
    }
    attr_put(r, IFA_FLAGS, &flags, sizeof(flags));
    msg_end(r, at);
}

static void error_put(struct reply *r, const struct nlmsghdr *ask, uint32_t pid, int err)
{
    struct nlmsgerr e = {.error = err, .msg = *ask};
    size_t at = msg_begin(r, ask, NLMSG_ERROR, pid);
    ((struct nlmsghdr *)(void *)(r->buf + at))->nlmsg_flags = 0;
    reply_put(r, &e, sizeof(e));
    msg_end(r, at);
}

static int reply_send(struct netlink_sock *ns, struct reply *r)
{
    struct uio_seg seg;
    struct uio u;
    struct msg m = {.u = &u};
    struct packet *p;
    uio_init_kernel(&u, &seg, r->buf, r->len);
    int err = packet_new(&m, sizeof(r->buf), &p);
    if (err)
        return err;
    p->from = (struct addr){.len = sizeof(p->from.nl), .family = AF_NETLINK};
    err = packet_queue_add(&ns->queue, p, QUEUE_MAX, ns->sock.rcvbuf);
    if (err) {
        packet_put(p);
        return -ENOBUFS;
    }
    file_wake(&ns->sock.file, EV_IN);
    r->len = 0;
    return 0;
}

static int dump(struct netlink_sock *ns, const struct nlmsghdr *ask, int family)
{
    struct reply r = {.len = 0};
    uint32_t pid = ns->local.pid, zero = 0;
    if (ask->nlmsg_type == RTM_GETLINK) {
        link_put(&r, ask, pid);
    } else {
        if (family != AF_INET6)
            addr_put(&r, ask, pid, AF_INET);
        if (family != AF_INET)
            addr_put(&r, ask, pid, AF_INET6);
    }
    int err = reply_send(ns, &r);
    if (err)
        return err;
    size_t at = msg_begin(&r, ask, NLMSG_DONE, pid);
    reply_put(&r, &zero, sizeof(zero));
    msg_end(&r, at);
    return reply_send(ns, &r);
}

/* One request of n bytes. */
static int request(struct netlink_sock *ns, const struct nlmsghdr *h, const char *body, size_t n)
{
    struct reply r = {.len = 0};
    if (!(h->nlmsg_flags & NLM_F_REQUEST) || h->nlmsg_type < NLMSG_MIN_TYPE)
        return 0;
    bool known = h->nlmsg_type == RTM_GETLINK || h->nlmsg_type == RTM_GETADDR;
    if (known && h->nlmsg_flags & NLM_F_DUMP)
        return dump(ns, h, n ? (unsigned char)body[0] : AF_UNSPEC);
    if (h->nlmsg_type == RTM_GETLINK) {
        link_put(&r, h, ns->local.pid);
        ((struct nlmsghdr *)(void *)r.buf)->nlmsg_flags = 0;
    } else {
        error_put(&r, h, ns->local.pid, (int)reject(-EOPNOTSUPP, "rtnetlink request"));
    }
    return reply_send(ns, &r);
}

static void netlink_autobind(struct netlink_sock *ns)
{
    if (!ns->local.pid)
        ns->local.pid = (uint32_t)ns->sock.ino + (uint32_t)current_process()->pid;
}

static int netlink_bind(struct socket *s, const struct addr *a)
{
    struct netlink_sock *ns = netlink_of(s);
    if (a->len < sizeof(a->nl) || a->family != AF_NETLINK)
        return -EINVAL;
    if (ns->local.pid && a->nl.pid && a->nl.pid != ns->local.pid)
        return -EINVAL;
    if (a->nl.pid)
        ns->local.pid = a->nl.pid;
    netlink_autobind(ns);
    ns->local.groups = a->nl.groups; /* nothing ever changes */
    return 0;
}

static int netlink_connect(struct socket *s, const struct addr *a)
{
    if (a->len < sizeof(a->family) || (a->family != AF_NETLINK && a->family != AF_UNSPEC))
        return -EINVAL;
    if (a->family == AF_NETLINK && a->nl.pid)
        return -ECONNREFUSED;
    netlink_autobind(netlink_of(s));
    return 0;
}

static int netlink_send(struct socket *s, struct msg *m)
{
    struct netlink_sock *ns = netlink_of(s);
    struct packet *p;
    if (m->addr && m->addr->nl.pid)
        return -ECONNREFUSED;
    int err = packet_new(m, REQUEST_MAX, &p);
    if (err)
        return err;
    mutex_lock(&s->lock);
    netlink_autobind(ns);
    for (size_t at = 0; !err && p->len - at >= sizeof(struct nlmsghdr);) {
        struct nlmsghdr h;
        memcpy(&h, p->data + at, sizeof(h));
        if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > p->len - at)
            break;
        err = request(ns, &h, p->data + at + sizeof(h), h.nlmsg_len - sizeof(h));
        at += MIN(NLMSG_ALIGN((size_t)h.nlmsg_len), p->len - at);
    }
    mutex_unlock(&s->lock);
    packet_put(p);
    return err;
}

static int netlink_recv(struct socket *s, struct msg *m)
{
    struct packet *p = packet_queue_take(&netlink_of(s)->queue, m->flags & MSG_PEEK);
    if (!p)
        return -EAGAIN;
    int err = packet_deliver(p, m);
    packet_put(p);
    return err;
}

static int netlink_getname(struct socket *s, bool peer, struct addr *out)
{
    *out = (struct addr){.len = sizeof(out->nl), .family = AF_NETLINK};
    if (!peer)
        out->nl = netlink_of(s)->local;
    out->family = AF_NETLINK;
    return 0;
}

static uint32_t netlink_poll(struct socket *s)
{
    return EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | (netlink_of(s)->queue.n ? EV_IN : 0);
}

/* Groups, acknowledgements and strictness: accepted, since nothing is ever announced. */
static int netlink_setopt(struct socket *s, int level, int opt, const void *val, int len)
{
    (void)s;
    (void)val;
    return level != 270 || opt < 1 || opt > 12 ? -ENOPROTOOPT : len < 4 ? -EINVAL : 0;
}

/* Cookies. */

int netlink_cookie_new(const struct file *f, const void *data, size_t n, struct packet **out)
{
    struct uio_seg seg;
    struct uio u;
    struct msg m = {.u = &u};
    char copy[64];
    if (!file_is_socket(f))
        return -ENOTSOCK;
    if (container_of(f, const struct socket, file)->family != AF_NETLINK || n > sizeof(copy))
        return -EINVAL;
    memcpy(copy, data, n);
    uio_init_kernel(&u, &seg, copy, n);
    int err = packet_new(&m, n, out);
    if (!err)
        (*out)->from = (struct addr){.len = sizeof((*out)->from.nl), .family = AF_NETLINK};
    return err;
}

void netlink_cookie_free(struct packet *p)
{
    packet_put(p);
}

void netlink_cookie_send(struct file *f, struct packet *p, size_t at, char code)
{
    p->data[at] = code;
    if (packet_queue_add(&netlink_of(socket_of(f))->queue, p, UINT32_MAX, SIZE_MAX))
        packet_put(p);
    else
        file_wake(f, EV_IN);
}

static void netlink_release(struct socket *s)
{
    packet_queue_close(&netlink_of(s)->queue);
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .recv = netlink_recv,
    .send = netlink_send,
    .getname = netlink_getname,
    .poll = netlink_poll,
    .setopt = netlink_setopt,
    .release = netlink_release,
};

int netlink_new(int type, uint32_t flags, struct socket **out)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    struct netlink_sock *ns = kzalloc(sizeof(*ns));
    if (!ns)
        return -ENOMEM;
    socket_init(&ns->sock, &netlink_ops, AF_NETLINK, type, flags);
    packet_queue_init(&ns->queue);
    ns->local.family = AF_NETLINK;
    *out = &ns->sock;
    return 0;
}
