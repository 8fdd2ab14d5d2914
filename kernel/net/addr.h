/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket addresses: as programs write them (struct addr), and the one form in which IPv4 and IPv6
 * are compared (struct inet_addr: IPv4 is ::ffff:a.b.c.d).  Everything local is the loopback.
 */
#ifndef KERNEL_NET_ADDR_H
#define KERNEL_NET_ADDR_H

#include "kernel/types.h"

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define ADDR_MAX 128U /* sizeof(struct sockaddr_storage) */
#define UNIX_PATH_MAX 108U

struct addr_in {
    uint16_t family, port_be;
    uint8_t ip[4], zero[8];
};

struct addr_in6 {
    uint16_t family, port_be;
    uint32_t flow;
    uint8_t ip[16];
    uint32_t scope;
};

struct addr_un {
    uint16_t family;
    char path[UNIX_PATH_MAX];
};

struct addr_nl {
    uint16_t family, pad;
    uint32_t pid, groups;
};

struct addr {
    uint32_t len; /* 0: none */
    union {
        uint16_t family;
        struct addr_in in;
        struct addr_in6 in6;
        struct addr_un un;
        struct addr_nl nl;
        uint8_t raw[ADDR_MAX];
    };
};

struct inet_addr {
    uint8_t ip[16];
    uint16_t port;
};

/* What a program gave, copied and zero-filled: -EINVAL (length), -EFAULT. */
MUST_CHECK int addr_in(struct addr *a, uaddr_t from, int len);
/* To the program, cut to *lenp, whose new value is the whole length; to 0: nothing is asked. */
MUST_CHECK int addr_out(const struct addr *a, uaddr_t to, uaddr_t lenp);

/* Decodes for a socket of `family` (AF_INET or AF_INET6, which takes both unless v6only): -EINVAL,
 * -EAFNOSUPPORT, -ENETUNREACH. */
MUST_CHECK int inet_decode(const struct addr *a, int family, bool v6only, struct inet_addr *out);
/* As a socket of `family` shows it. */
void inet_encode(const struct inet_addr *a, int family, struct addr *out);

bool inet_is_v4(const struct inet_addr *a); /* ::ffff:0:0/96 */
bool inet_is_any(const struct inet_addr *a);
bool inet_is_loopback(const struct inet_addr *a);
/* An unbound address of the family: 0.0.0.0 or ::. */
void inet_any(int family, struct inet_addr *out);
/* Where a connection to *a really goes (any: the loopback), and the address it comes from. */
void inet_loopback_of(struct inet_addr *a);
void inet_source_for(const struct inet_addr *dst, struct inet_addr *out);
static inline bool inet_ip_equal(const struct inet_addr *a, const struct inet_addr *b)
{
    return !__builtin_memcmp(a->ip, b->ip, sizeof(a->ip));
}

static inline uint16_t be16(uint16_t v)
{
    return __builtin_bswap16(v);
}

#endif
