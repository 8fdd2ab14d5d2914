/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP_* and IPV6_* options: kept within Linux's bounds and given back.  Those that ask for control
 * messages are flags of the socket.  No lock: each is one word.
 */
#include "kernel/net/inet_opt.h"

#include <linux/errno.h>

#include "kernel/sys/syscall.h"
#include "lib/string.h"

/* Their values are ABI; <linux/in.h> clashes with what hosted tests include. */
enum {
    OPT_TOS = 1,
    OPT_TTL = 2,
    OPT_RECVOPTS = 6,
    OPT_PKTINFO = 8,
    OPT_MTU_DISCOVER = 10,
    OPT_RECVERR = 11,
    OPT_RECVTTL = 12,
    OPT_RECVTOS = 13,
    OPT_MTU = 14,
    OPT_FREEBIND = 15,
    OPT_TRANSPARENT = 19,
    OPT_BIND_NO_PORT = 24,
    OPT_MULTICAST_IF = 32,
    OPT_MULTICAST_TTL = 33,
    OPT_MULTICAST_LOOP = 34,
    OPT_ADD_MEMBERSHIP = 35,
    OPT_DROP_MEMBERSHIP = 36,
};
enum {
    OPT6_UNICAST_HOPS = 16,
    OPT6_MULTICAST_IF = 17,
    OPT6_MULTICAST_HOPS = 18,
    OPT6_MULTICAST_LOOP = 19,
    OPT6_MTU_DISCOVER = 23,
    OPT6_MTU = 24,
    OPT6_RECVERR = 25,
    OPT6_V6ONLY = 26,
    OPT6_RECVPKTINFO = 49,
    OPT6_RECVHOPLIMIT = 51,
    OPT6_RECVRTHDR = 56,
    OPT6_RECVTCLASS = 66,
    OPT6_TCLASS = 67,
    OPT6_FREEBIND = 78,
};

#define DEFAULT_TTL 64
#define LOOPBACK_MTU 65536

void inet_opts_init(struct inet_opts *o)
{
    *o = (struct inet_opts){.ttl = -1,
                            .hops = -1,
                            .mtu_discover = 1,
                            .mtu_discover6 = 1,
                            .multicast_ttl = 1,
                            .multicast_hops = 1,
                            .multicast_loop = 1,
                            .multicast_loop6 = 1};
}

/* A value and its bounds. */
struct slot {
    int32_t *value;
    int32_t low, high;
};

static bool slot_find(struct inet_opts *o, int level, int opt, struct slot *out)
{
    const struct {
        uint8_t level, opt;
        struct slot slot;
    } known[] = {
        {IPPROTO_IP_LEVEL, OPT_TOS, {&o->tos, INT32_MIN, INT32_MAX}},
        {IPPROTO_IP_LEVEL, OPT_TTL, {&o->ttl, -1, 255}},
        {IPPROTO_IP_LEVEL, OPT_MTU_DISCOVER, {&o->mtu_discover, 0, 5}},
        {IPPROTO_IP_LEVEL, OPT_MULTICAST_TTL, {&o->multicast_ttl, -1, 255}},
        {IPPROTO_IP_LEVEL, OPT_MULTICAST_LOOP, {&o->multicast_loop, INT32_MIN, INT32_MAX}},
        {IPPROTO_IPV6_LEVEL, OPT6_UNICAST_HOPS, {&o->hops, -1, 255}},
        {IPPROTO_IPV6_LEVEL, OPT6_TCLASS, {&o->tclass, -1, 255}},
        {IPPROTO_IPV6_LEVEL, OPT6_MTU_DISCOVER, {&o->mtu_discover6, 0, 5}},
        {IPPROTO_IPV6_LEVEL, OPT6_MULTICAST_HOPS, {&o->multicast_hops, -1, 255}},
        {IPPROTO_IPV6_LEVEL, OPT6_MULTICAST_LOOP, {&o->multicast_loop6, 0, 1}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].level == level && known[i].opt == opt) {
            *out = known[i].slot;
            return true;
        }
    }
    return false;
}

/* The socket flag behind an option; 0: none.  *kept: a bit of opts.on instead. */
static uint32_t switch_find(int level, int opt, uint32_t *kept)
{
    static const struct {
        uint8_t level, opt;
        uint32_t flag, kept;
    } known[] = {
        {IPPROTO_IP_LEVEL, OPT_PKTINFO, SOCKET_PKTINFO4, 0},
        {IPPROTO_IP_LEVEL, OPT_RECVTTL, SOCKET_RECVTTL, 0},
        {IPPROTO_IP_LEVEL, OPT_RECVTOS, SOCKET_RECVTOS, 0},
        {IPPROTO_IP_LEVEL, OPT_RECVOPTS, 0, 1},
        {IPPROTO_IP_LEVEL, OPT_RECVERR, 0, 2},
        {IPPROTO_IP_LEVEL, OPT_FREEBIND, 0, 4},
        {IPPROTO_IP_LEVEL, OPT_BIND_NO_PORT, 0, 8},
        {IPPROTO_IP_LEVEL, OPT_TRANSPARENT, 0, 0x10},
        {IPPROTO_IPV6_LEVEL, OPT6_RECVPKTINFO, SOCKET_PKTINFO6, 0},
        {IPPROTO_IPV6_LEVEL, OPT6_RECVHOPLIMIT, SOCKET_RECVHOPS, 0},
        {IPPROTO_IPV6_LEVEL, OPT6_RECVTCLASS, SOCKET_RECVTCLASS, 0},
        {IPPROTO_IPV6_LEVEL, OPT6_RECVERR, 0, 0x20},
        {IPPROTO_IPV6_LEVEL, OPT6_RECVRTHDR, 0, 0x40},
        {IPPROTO_IPV6_LEVEL, OPT6_FREEBIND, 0, 0x80},
    };
    *kept = 0;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].level == level && known[i].opt == opt) {
            *kept = known[i].kept;
            return known[i].flag;
        }
    }
    return 0;
}

static int v6only_set(struct socket *s, int32_t n)
{
    struct addr name;
    if (s->family != AF_INET6)
        return -ENOPROTOOPT;
    if (!s->ops->getname(s, false, &name) && name.in6.port_be)
        return -EINVAL; /* bound already */
    socket_set_flag(s, SOCKET_V6ONLY, n != 0);
    return 0;
}

int inet_setopt(struct socket *s, struct inet_opts *o, int level, int opt, const void *val, int len)
{
    struct slot slot;
    uint32_t kept;
    int32_t n = 0;
    if (level == IPPROTO_IPV6_LEVEL && s->family != AF_INET6)
        return -ENOPROTOOPT;
    if (len >= (int)sizeof(n))
        memcpy(&n, val, sizeof(n));
    else if (len >= 1 && level == IPPROTO_IP_LEVEL)
        n = *(const uint8_t *)val;
    else
        return -EINVAL;
    if (level == IPPROTO_IPV6_LEVEL && opt == OPT6_V6ONLY)
        return v6only_set(s, n);
    if ((level == IPPROTO_IP_LEVEL && opt == OPT_MULTICAST_IF) ||
        (level == IPPROTO_IPV6_LEVEL && opt == OPT6_MULTICAST_IF))
        return 0; /* there is one interface */
    if (level == IPPROTO_IP_LEVEL && (opt == OPT_ADD_MEMBERSHIP || opt == OPT_DROP_MEMBERSHIP))
        return (int)reject(-ENODEV, "the loopback has no multicast");
    if (slot_find(o, level, opt, &slot)) {
        if (n < slot.low || n > slot.high || (opt == OPT_TTL && level == IPPROTO_IP_LEVEL && !n))
            return -EINVAL;
        if (level == IPPROTO_IP_LEVEL && (opt == OPT_TOS || opt == OPT_MULTICAST_LOOP))
            n = opt == OPT_TOS ? n & 0xff : n != 0;
        *slot.value = n;
        return 0;
    }
    uint32_t flag = switch_find(level, opt, &kept);
    if (!flag && !kept)
        return (int)reject(-ENOPROTOOPT, "IP option");
    if (flag)
        socket_set_flag(s, flag, n != 0);
    else
        o->on = n ? o->on | kept : o->on & ~kept;
    return 0;
}

/* As Linux: an int, or one byte for small values in a short buffer. */
static int int_out(int32_t n, int level, void *val, int len)
{
    if (level == IPPROTO_IP_LEVEL && len > 0 && len < (int)sizeof(n) && n >= 0 && n <= 255) {
        *(uint8_t *)val = (uint8_t)n;
        return 1;
    }
    len = MIN(len, (int)sizeof(n));
    memcpy(val, &n, (size_t)len);
    return len;
}

int inet_getopt(struct socket *s, struct inet_opts *o, int level, int opt, void *val, int len)
{
    struct slot slot;
    uint32_t kept;
    if (level == IPPROTO_IPV6_LEVEL && s->family != AF_INET6)
        return -EOPNOTSUPP;
    if (level == IPPROTO_IPV6_LEVEL && opt == OPT6_V6ONLY)
        return int_out(socket_flag(s, SOCKET_V6ONLY), level, val, len);
    if (opt == (level == IPPROTO_IP_LEVEL ? (int)OPT_MTU : (int)OPT6_MTU))
        return int_out(LOOPBACK_MTU, level, val, len);
    if (slot_find(o, level, opt, &slot)) {
        int32_t n = *slot.value;
        bool ttl = slot.value == &o->ttl || slot.value == &o->hops;
        if (n < 0)
            n = ttl ? DEFAULT_TTL : slot.value == &o->tclass ? 0 : 1;
        return int_out(n, level, val, len);
    }
    uint32_t flag = switch_find(level, opt, &kept);
    if (!flag && !kept)
        return (int)reject(-ENOPROTOOPT, "IP option");
    return int_out(flag ? socket_flag(s, flag) : (o->on & kept) != 0, level, val, len);
}
