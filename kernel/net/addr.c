/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses: see addr.h.  No state. */
#include "kernel/net/addr.h"

#include <linux/errno.h>

#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

int addr_in(struct addr *a, uaddr_t from, int len)
{
    if (len < 0 || (unsigned)len > ADDR_MAX)
        return -EINVAL;
    memset(a, 0, sizeof(*a));
    a->len = (uint32_t)len;
    return copy_in(a->raw, from, (size_t)len);
}

int addr_out(const struct addr *a, uaddr_t to, uaddr_t lenp)
{
    uint32_t room;
    if (!to)
        return 0;
    if (user_load32(lenp, &room))
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    return copy_out(to, a->raw, MIN(room, a->len)) || user_store32(lenp, a->len) ? -EFAULT : 0;
}

bool inet_is_v4(const struct inet_addr *a)
{
    return !memcmp(a->ip, v4_prefix, sizeof(v4_prefix));
}

bool inet_is_any(const struct inet_addr *a)
{
    static const uint8_t zero[16];
    return inet_is_v4(a) ? !memcmp(a->ip + 12, zero, 4) : !memcmp(a->ip, zero, 16);
}

bool inet_is_loopback(const struct inet_addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return inet_is_v4(a) ? a->ip[12] == 127 : !memcmp(a->ip, one, 16);
}

void inet_any(int family, struct inet_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (family == AF_INET)
        memcpy(out->ip, v4_prefix, sizeof(v4_prefix));
}

void inet_loopback_of(struct inet_addr *a)
{
    if (!inet_is_any(a))
        return;
    if (inet_is_v4(a))
        a->ip[12] = 127;
    a->ip[15] = 1;
}

void inet_source_for(const struct inet_addr *dst, struct inet_addr *out)
{
    uint16_t port = out->port;
    inet_any(inet_is_v4(dst) ? AF_INET : AF_INET6, out);
    inet_loopback_of(out);
    out->port = port;
}

int inet_decode(const struct addr *a, int family, bool v6only, struct inet_addr *out)
{
    size_t need = family == AF_INET ? sizeof(a->in) : sizeof(a->in6) - sizeof(a->in6.scope);
    if (a->len < sizeof(a->family))
        return -EINVAL;
    if (family == AF_INET6 && a->family == AF_INET && !v6only)
        need = sizeof(a->in);
    else if (a->family != family)
        return a->len < need ? -EINVAL : -EAFNOSUPPORT;
    if (a->len < need)
        return -EINVAL;
    inet_any(a->family, out);
    if (a->family == AF_INET)
        memcpy(out->ip + 12, a->in.ip, 4);
    else
        memcpy(out->ip, a->in6.ip, 16);
    out->port = be16(a->in.port_be); /* both families have it in the same place */
    if (family == AF_INET6 && v6only && inet_is_v4(out))
        return (int)reject(-ENETUNREACH, "an IPv4 address on an IPV6_V6ONLY socket");
    return 0;
}

void inet_encode(const struct inet_addr *a, int family, struct addr *out)
{
    memset(out, 0, sizeof(*out));
    out->family = (uint16_t)family;
    out->in.port_be = be16(a->port);
    out->len = family == AF_INET ? sizeof(out->in) : sizeof(out->in6);
    if (family == AF_INET)
        memcpy(out->in.ip, a->ip + 12, 4);
    else
        memcpy(out->in6.ip, a->ip, 16);
}
