/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setsockopt and getsockopt: SOL_SOCKET here, other levels by the family.  Options that only a
 * network could obey are kept and given back.  No lock: each option is one word.
 */
#include <linux/sockios.h>

#include "kernel/net/socket.h"
#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define NSEC 1000000000L
#define OPTION_MAX 256 /* bytes of a value that anything looks at */
#define BUF_MAX 212992U
#define SNDBUF_MIN 4608U
#define RCVBUF_MIN 2304U
#define SOL_SOCKET_LEVEL 1

/* SOL_SOCKET options, from the ABI. */
enum {
    OPT_DEBUG = 1,
    OPT_REUSEADDR = 2,
    OPT_TYPE = 3,
    OPT_ERROR = 4,
    OPT_DONTROUTE = 5,
    OPT_BROADCAST = 6,
    OPT_SNDBUF = 7,
    OPT_RCVBUF = 8,
    OPT_KEEPALIVE = 9,
    OPT_OOBINLINE = 10,
    OPT_PRIORITY = 12,
    OPT_LINGER = 13,
    OPT_REUSEPORT = 15,
    OPT_PASSCRED = 16,
    OPT_PEERCRED = 17,
    OPT_RCVLOWAT = 18,
    OPT_SNDLOWAT = 19,
    OPT_RCVTIMEO = 20,
    OPT_SNDTIMEO = 21,
    OPT_BINDTODEVICE = 25,
    OPT_TIMESTAMP = 29,
    OPT_ACCEPTCONN = 30,
    OPT_SNDBUFFORCE = 32,
    OPT_RCVBUFFORCE = 33,
    OPT_TIMESTAMPNS = 35,
    OPT_MARK = 36,
    OPT_PROTOCOL = 38,
    OPT_DOMAIN = 39,
    OPT_RXQ_OVFL = 40,
    OPT_INCOMING_CPU = 49,
    OPT_COOKIE = 57,
};

/* Options that are one switch. */
static uint32_t flag_of(int opt)
{
    switch (opt) {
    case OPT_REUSEADDR: return SOCKET_REUSEADDR;
    case OPT_REUSEPORT: return SOCKET_REUSEPORT;
    case OPT_KEEPALIVE: return SOCKET_KEEPALIVE;
    case OPT_BROADCAST: return SOCKET_BROADCAST;
    case OPT_OOBINLINE: return SOCKET_OOBINLINE;
    case OPT_DONTROUTE: return SOCKET_DONTROUTE;
    case OPT_PASSCRED: return SOCKET_PASSCRED;
    case OPT_TIMESTAMP: return SOCKET_STAMP;
    case OPT_TIMESTAMPNS: return SOCKET_STAMPNS;
    default: return 0;
    }
}

/* setsockopt */

static int timeout_set(const void *val, int len, ktime_t *out)
{
    int64_t tv[2];
    if (len < (int)sizeof(tv))
        return -EINVAL;
    memcpy(tv, val, sizeof(tv));
    if (tv[1] < 0 || tv[1] >= 1000000)
        return -EDOM;
    *out = tv[0] < 0 || tv[0] > INT32_MAX ? 0 : tv[0] * NSEC + tv[1] * 1000;
    return 0;
}

static int linger_set(struct socket *s, const void *val, int len)
{
    int32_t l[2];
    if (len < (int)sizeof(l))
        return -EINVAL;
    memcpy(l, val, sizeof(l));
    s->linger = (uint32_t)l[1];
    socket_set_flag(s, SOCKET_LINGER, l[0] != 0);
    return 0;
}

static void buf_set(struct socket *s, uint32_t *buf, uint32_t n, bool force)
{
    uint32_t low = buf == &s->sndbuf ? SNDBUF_MIN : RCVBUF_MIN;
    n = force ? MIN(n, (uint32_t)INT32_MAX / 2) : MIN(n, BUF_MAX);
    *buf = MAX(n * 2, low);
    if (s->ops->changed)
        s->ops->changed(s);
}

static int passcred_set(struct socket *s, bool on)
{
    if (s->family != AF_UNIX && s->family != AF_NETLINK)
        return 0;
    socket_set_flag(s, SOCKET_PASSCRED, on);
    if (s->ops->changed)
        s->ops->changed(s);
    return 0;
}

static int flag_set(struct socket *s, int opt, uint32_t flag, bool on)
{
    if (opt == OPT_PASSCRED)
        return passcred_set(s, on);
    if (opt == OPT_REUSEPORT && s->family == AF_UNIX)
        return (int)reject(-EOPNOTSUPP, "SO_REUSEPORT of AF_UNIX");
    socket_set_flag(s, flag, on);
    return 0;
}

static int option_set(struct socket *s, int opt, const void *val, int len)
{
    uint32_t n;
    if (opt == OPT_BINDTODEVICE)
        return len < 3 || !memcmp(val, "lo", 3) ? 0 : -ENODEV;
    if (len < (int)sizeof(n))
        return -EINVAL;
    memcpy(&n, val, sizeof(n));
    uint32_t flag = flag_of(opt);
    if (flag)
        return flag_set(s, opt, flag, n != 0);
    switch (opt) {
    case OPT_RCVTIMEO: return timeout_set(val, len, &s->recv_timeout);
    case OPT_SNDTIMEO: return timeout_set(val, len, &s->send_timeout);
    case OPT_LINGER: return linger_set(s, val, len);
    case OPT_SNDBUF:
    case OPT_SNDBUFFORCE: buf_set(s, &s->sndbuf, n, opt == OPT_SNDBUFFORCE); return 0;
    case OPT_RCVBUF:
    case OPT_RCVBUFFORCE: buf_set(s, &s->rcvbuf, n, opt == OPT_RCVBUFFORCE); return 0;
    case OPT_RCVLOWAT: s->rcvlowat = (int32_t)n < 0 ? INT32_MAX : MAX(n, 1U); return 0;
    case OPT_PRIORITY: s->priority = n; return 0;
    case OPT_MARK:
        if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
            return -EPERM;
        s->mark = n;
        return 0;
    case OPT_DEBUG:
    case OPT_RXQ_OVFL:
    case OPT_INCOMING_CPU: return 0;
    default: return (int)reject(-ENOPROTOOPT, "socket option");
    }
}

static int option_in(struct socket *s, int level, int optname, uaddr_t optval, int optlen)
{
    char val[OPTION_MAX] = {0};
    if (copy_in(val, optval, MIN((size_t)optlen, sizeof(val))))
        return -EFAULT;
    if (level == SOL_SOCKET_LEVEL)
        return option_set(s, optname, val, optlen);
    if (!s->ops->setopt)
        return -EOPNOTSUPP;
    return s->ops->setopt(s, level, optname, val, MIN(optlen, (int)sizeof(val)));
}

long sys_setsockopt(int fd, int level, int optname, uaddr_t optval, int optlen)
{
    if (optlen < 0)
        return -EINVAL;
    return with_socket(s, fd, option_in(s, level, optname, optval, optlen));
}

/* getsockopt */

static int peercred_get(struct socket *s, void *out)
{
    struct peer_cred c = {0, UINT32_MAX, UINT32_MAX};
    int err = s->ops->peercred ? s->ops->peercred(s, &c) : 0;
    memcpy(out, &c, sizeof(c));
    return err ? err : (int)sizeof(c);
}

static int error_get(struct socket *s)
{
    int err = socket_take_error(&s->err);
    if (!err && s->ops->error)
        err = s->ops->error(s);
    return -err;
}

/* The value of an option into out (24 bytes): its length, or -errno. */
static int option_get(struct socket *s, int opt, void *out)
{
    ktime_t span = opt == OPT_RCVTIMEO ? s->recv_timeout : s->send_timeout;
    int64_t tv[2] = {span / NSEC, span % NSEC / 1000};
    uint32_t flag = flag_of(opt), n = 0;
    uint32_t linger[2] = {socket_flag(s, SOCKET_LINGER), s->linger};
    if (flag) {
        n = socket_flag(s, flag);
        memcpy(out, &n, sizeof(n));
        return sizeof(n);
    }
    switch (opt) {
    case OPT_TYPE: n = (uint32_t)s->type; break;
    case OPT_DOMAIN: n = (uint32_t)s->family; break;
    case OPT_PROTOCOL: n = (uint32_t)s->protocol; break;
    case OPT_SNDBUF: n = s->sndbuf; break;
    case OPT_RCVBUF: n = s->rcvbuf; break;
    case OPT_RCVLOWAT: n = s->rcvlowat; break;
    case OPT_SNDLOWAT: n = 1; break;
    case OPT_RCVTIMEO:
    case OPT_SNDTIMEO: memcpy(out, tv, sizeof(tv)); return sizeof(tv);
    case OPT_PEERCRED: return peercred_get(s, out);
    case OPT_LINGER: memcpy(out, linger, sizeof(linger)); return sizeof(linger);
    case OPT_ERROR: n = (uint32_t)error_get(s); break;
    case OPT_ACCEPTCONN: n = socket_flag(s, SOCKET_LISTENING); break;
    case OPT_PRIORITY: n = s->priority; break;
    case OPT_MARK: n = s->mark; break;
    case OPT_COOKIE: memcpy(out, &s->ino, sizeof(s->ino)); return sizeof(s->ino);
    case OPT_BINDTODEVICE: return 0;
    case OPT_DEBUG:
    case OPT_RXQ_OVFL: break;
    case OPT_INCOMING_CPU: n = 0; break;
    default: return (int)reject(-ENOPROTOOPT, "socket option");
    }
    memcpy(out, &n, sizeof(n));
    return sizeof(n);
}

long sys_getsockopt(int fd, int level, int optname, uaddr_t optval, uaddr_t optlen)
{
    struct socket *s;
    struct fd_ref r;
    char value[OPTION_MAX];
    uint32_t room;
    int ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    if (user_load32(optlen, &room))
        ret = -EFAULT;
    else if ((int32_t)room < 0)
        ret = -EINVAL;
    else if (level == SOL_SOCKET_LEVEL)
        ret = option_get(s, optname, value);
    else
        ret = s->ops->getopt
                  ? s->ops->getopt(s, level, optname, value, (int)MIN(room, sizeof(value)))
                  : -EOPNOTSUPP;
    fd_put(&r);
    if (ret < 0)
        return ret;
    room = MIN(room, (uint32_t)ret);
    return copy_out(optval, value, room) || user_store32(optlen, room) ? -EFAULT : 0;
}
