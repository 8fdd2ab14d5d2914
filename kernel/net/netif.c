/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces: there is one, "lo", up, 127.0.0.1/8 and ::1/128.  The SIOCGIF* requests. */
#include <linux/sockios.h>

#include "kernel/net/netif.h"
#include "kernel/net/socket.h"
#include "kernel/vfs/vfs_impl.h"

/* struct ifreq as the program lays it out. */
struct user_ifreq {
    char name[16];
    union {
        struct addr_in addr;
        int32_t value;
        int16_t flags;
        uint8_t raw[24];
    };
};

struct user_ifconf {
    int32_t len, pad;
    uaddr_t buf;
};

static void lo_addr(struct user_ifreq *q, uint8_t a, uint8_t d)
{
    memset(q->raw, 0, sizeof(q->raw));
    q->addr.family = AF_INET;
    q->addr.ip[0] = a;
    q->addr.ip[3] = d;
}

static long conf_get(uaddr_t arg)
{
    struct user_ifconf c;
    struct user_ifreq q = {.name = "lo"};
    if (copy_in(&c, arg, sizeof(c)))
        return -EFAULT;
    lo_addr(&q, 127, 1);
    if (!c.buf)
        c.len = sizeof(q);
    else if (c.len >= (int)sizeof(q))
        c.len = copy_out(c.buf, &q, sizeof(q)) ? -1 : (int)sizeof(q);
    else
        c.len = 0;
    return c.len < 0 || copy_out(arg, &c, sizeof(c)) ? -EFAULT : 0;
}

static long name_get(uaddr_t arg)
{
    struct user_ifreq q;
    if (copy_in(&q, arg, sizeof(q)))
        return -EFAULT;
    if (q.value != NETIF_LO_INDEX)
        return -ENODEV;
    memset(q.name, 0, sizeof(q.name));
    memcpy(q.name, "lo", 2);
    return copy_out(arg, &q, sizeof(q)) ? -EFAULT : 0;
}

static int lo_get(unsigned cmd, struct user_ifreq *q)
{
    switch (cmd) {
    case SIOCGIFFLAGS: q->flags = NETIF_LO_FLAGS; return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR: lo_addr(q, 127, 1); return 0;
    case SIOCGIFBRDADDR: lo_addr(q, 0, 0); return 0;
    case SIOCGIFNETMASK: lo_addr(q, 255, 0); return 0;
    case SIOCGIFMTU: q->value = NETIF_LO_MTU; return 0;
    case SIOCGIFMETRIC: q->value = 0; return 0;
    case SIOCGIFTXQLEN: q->value = 1000; return 0;
    case SIOCGIFINDEX: q->value = NETIF_LO_INDEX; return 0;
    case SIOCGIFHWADDR:
        memset(q->raw, 0, sizeof(q->raw));
        q->addr.family = NETIF_LO_TYPE;
        return 0;
    default: return -ENOTTY;
    }
}

long netif_ioctl(unsigned cmd, uaddr_t arg)
{
    struct user_ifreq q;
    if (cmd == SIOCGIFCONF)
        return conf_get(arg);
    if (cmd == SIOCGIFNAME)
        return name_get(arg);
    if (cmd < SIOCGIFNAME || cmd > SIOCGIFTXQLEN)
        return -ENOTTY;
    if (copy_in(&q, arg, sizeof(q)))
        return -EFAULT;
    if (strncmp(q.name, "lo", sizeof(q.name)) != 0)
        return -ENODEV;
    int err = lo_get(cmd, &q);
    if (err == -ENOTTY)
        return cmd & 1 ? -ENOTTY : reject(-EPERM, "the loopback is as it is");
    return copy_out(arg, &q, sizeof(q)) ? -EFAULT : 0;
}
