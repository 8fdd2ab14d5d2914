/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages: see control.h.  No state. */
#include "kernel/net/control.h"

#include "kernel/net/inet_opt.h"
#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"

#define CONTROL_MAX (64UL * 1024) /* net.core.optmem_max and more */
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define CMSG_TTL 2
#define CMSG_PKTINFO 8
#define CMSG_TOS 1
#define CMSG6_PKTINFO 50
#define CMSG6_HOPLIMIT 52
#define CMSG6_TCLASS 67
#define SCM_STAMP 29
#define SCM_STAMPNS 35
#define SOL_SOCKET_LEVEL 1
#define LO_INDEX 1

struct cmsg {
    uint64_t len;
    int32_t level, type;
};

#define CMSG_ALIGN(n) ALIGN_UP((n), sizeof(uint64_t))

/* In. */

static int cred_in(const uint8_t *data, size_t n, struct scm *out)
{
    struct peer_cred c;
    const struct process *p = current_process();
    if (n != sizeof(c))
        return -EINVAL;
    memcpy(&c, data, sizeof(c));
    if (c.uid == UINT32_MAX || c.gid == UINT32_MAX)
        return -EINVAL;
    const struct cred *own = current_cred();
    bool uid = c.uid == own->uid || c.uid == own->euid || c.uid == own->suid;
    bool gid = c.gid == own->gid || c.gid == own->egid || c.gid == own->sgid;
    if ((c.pid != (uint32_t)p->pid && !capable(CAP_SYS_ADMIN)) || (!uid && !capable(CAP_SETUID)) ||
        (!gid && !capable(CAP_SETGID)))
        return reject(-EPERM, "credentials of somebody else");
    if (c.pid != (uint32_t)p->pid) {
        struct process *other = process_lookup((int)c.pid);
        if (!other)
            return -ESRCH;
        process_put(other);
    }
    out->cred = c;
    out->has_cred = true;
    return 0;
}

/* What a message says so far. */
struct parse {
    struct scm *scm;
    unsigned nfds;
    int fds[RIGHTS_MAX];
};

/* Descriptors of several messages are one set. */
static int rights_in(const uint8_t *data, size_t n, struct parse *p)
{
    size_t more = n / sizeof(int);
    if (more > RIGHTS_MAX - p->nfds)
        return (int)reject(-EINVAL, "too many descriptors");
    memcpy(p->fds + p->nfds, data, more * sizeof(int));
    p->nfds += (unsigned)more;
    return 0;
}

/* TTL and traffic class of one packet. */
static int inet_in(const struct cmsg *c, const uint8_t *data, size_t n, struct scm *out)
{
    bool v4 = c->level == IPPROTO_IP_LEVEL;
    bool ttl = c->type == (v4 ? CMSG_TTL : CMSG6_HOPLIMIT);
    int32_t v = -1;
    if (!ttl && c->type != (v4 ? CMSG_TOS : CMSG6_TCLASS))
        return c->type == (v4 ? CMSG_PKTINFO : CMSG6_PKTINFO)
                   ? 0
                   : (int)reject(-EINVAL, "IP control message");
    if (n == sizeof(v))
        memcpy(&v, data, sizeof(v));
    else if (n == 1 && v4 && !ttl)
        v = data[0];
    else
        return -EINVAL;
    if (v < -1 || v > 255 || (v4 && v < (ttl ? 1 : 0)))
        return -EINVAL;
    if (ttl) {
        out->has_ttl = v >= 0;
        out->ttl = (uint8_t)v;
    } else {
        out->has_tos = v >= 0;
        out->tos = (uint8_t)v;
    }
    return 0;
}

static int one_in(struct socket *s, const struct cmsg *c, const uint8_t *data, struct parse *p)
{
    size_t n = c->len - sizeof(*c);
    bool inet = s->family == AF_INET || s->family == AF_INET6;
    if (inet && (c->level == IPPROTO_IP_LEVEL || c->level == IPPROTO_IPV6_LEVEL))
        return inet_in(c, data, n, p->scm);
    if (c->level != SOL_SOCKET_LEVEL)
        return inet ? -EINVAL : 0;
    switch (c->type) {
    case SCM_RIGHTS: return s->family == AF_UNIX ? rights_in(data, n, p) : 0;
    case SCM_CREDENTIALS: return s->family == AF_UNIX ? cred_in(data, n, p->scm) : 0;
    default: return (int)reject(-EINVAL, "control message");
    }
}

static int walk_in(struct socket *s, const uint8_t *buf, size_t len, struct scm *out)
{
    struct parse p = {.scm = out};
    struct cmsg c;
    for (size_t at = 0; len - at >= sizeof(c);) {
        memcpy(&c, buf + at, sizeof(c));
        if (c.len < sizeof(c) || c.len > len - at)
            return -EINVAL;
        int err = one_in(s, &c, buf + at + sizeof(c), &p);
        if (err)
            return err;
        if (CMSG_ALIGN(c.len) > len - at)
            break;
        at += CMSG_ALIGN(c.len);
    }
    return p.nfds ? rights_new(p.fds, p.nfds, &out->rights) : 0;
}

int control_in(struct socket *s, uaddr_t buf, size_t len, struct scm *out)
{
    if (len > CONTROL_MAX)
        return -ENOBUFS;
    uint8_t *copy = kmalloc(len);
    if (!copy)
        return -ENOMEM;
    int err = copy_in(copy, buf, len) ? -EFAULT : walk_in(s, copy, len, out);
    kfree(copy);
    return err;
}

/* Out. */

struct control {
    uaddr_t at;
    uint64_t left, used;
    uint32_t flags;
    int err;
};

/* As Linux's put_cmsg: cut to what there is room for. */
static void put(struct control *o, int level, int type, const void *data, size_t n)
{
    struct cmsg c = {sizeof(c) + n, level, type};
    if (o->left < sizeof(c)) {
        o->flags |= MSG_CTRUNC;
        return;
    }
    if (o->left < c.len) {
        o->flags |= MSG_CTRUNC;
        c.len = o->left;
    }
    if (copy_out(o->at, &c, sizeof(c)) || copy_out(o->at + sizeof(c), data, c.len - sizeof(c)))
        o->err = -EFAULT;
    uint64_t step = MIN(CMSG_ALIGN(c.len), o->left);
    o->at += step;
    o->left -= step;
    o->used += step;
}

static void put_rights(struct control *o, struct rights *r)
{
    struct cmsg c = {.level = SOL_SOCKET_LEVEL, .type = SCM_RIGHTS};
    size_t room = o->left > sizeof(c) ? (o->left - sizeof(c)) / sizeof(int) : 0;
    unsigned n = r->n;
    unsigned given = rights_install(r, (unsigned)MIN(room, (size_t)RIGHTS_MAX),
                                    o->flags & MSG_CMSG_CLOEXEC, o->at + sizeof(c));
    if (given < n)
        o->flags |= MSG_CTRUNC;
    if (!given)
        return;
    c.len = sizeof(c) + given * sizeof(int);
    if (copy_out(o->at, &c, sizeof(c)))
        o->err = -EFAULT;
    uint64_t step = MIN(CMSG_ALIGN(c.len), o->left);
    o->at += step;
    o->left -= step;
    o->used += step;
}

static void put_stamp(struct control *o, struct socket *s, ktime_t t)
{
    int64_t v[2] = {t / 1000000000, t % 1000000000};
    if (socket_flag(s, SOCKET_STAMPNS)) {
        put(o, SOL_SOCKET_LEVEL, SCM_STAMPNS, v, sizeof(v));
    } else if (socket_flag(s, SOCKET_STAMP)) {
        v[1] /= 1000;
        put(o, SOL_SOCKET_LEVEL, SCM_STAMP, v, sizeof(v));
    }
}

static void put_inet(struct control *o, struct socket *s, const struct scm *scm)
{
    struct {
        uint32_t index;
        uint8_t to[4], dst[4];
    } info4 = {.index = LO_INDEX};
    struct {
        uint8_t ip[16];
        uint32_t index;
    } info6 = {.index = LO_INDEX};
    bool v4 = inet_is_v4(&scm->to);
    int32_t ttl = scm->ttl, tos = scm->tos;
    memcpy(info4.to, scm->to.ip + 12, 4);
    memcpy(info4.dst, scm->to.ip + 12, 4);
    memcpy(info6.ip, scm->to.ip, 16);
    if (v4 && socket_flag(s, SOCKET_PKTINFO4))
        put(o, IPPROTO_IP_LEVEL, CMSG_PKTINFO, &info4, sizeof(info4));
    if (v4 && socket_flag(s, SOCKET_RECVTTL))
        put(o, IPPROTO_IP_LEVEL, CMSG_TTL, &ttl, sizeof(ttl));
    if (v4 && socket_flag(s, SOCKET_RECVTOS))
        put(o, IPPROTO_IP_LEVEL, CMSG_TOS, &scm->tos, 1);
    if (s->family != AF_INET6)
        return;
    if (socket_flag(s, SOCKET_PKTINFO6))
        put(o, IPPROTO_IPV6_LEVEL, CMSG6_PKTINFO, &info6, sizeof(info6));
    if (!v4 && socket_flag(s, SOCKET_RECVHOPS))
        put(o, IPPROTO_IPV6_LEVEL, CMSG6_HOPLIMIT, &ttl, sizeof(ttl));
    if (!v4 && socket_flag(s, SOCKET_RECVTCLASS))
        put(o, IPPROTO_IPV6_LEVEL, CMSG6_TCLASS, &tos, sizeof(tos));
}

int control_out(struct socket *s, struct scm *scm, uaddr_t buf, uint64_t *len, uint32_t *flags)
{
    struct control o = {.at = buf, .left = MIN(*len, (uint64_t)INT32_MAX), .flags = *flags};
    if (scm->has_stamp)
        put_stamp(&o, s, scm->stamp);
    if (scm->has_inet)
        put_inet(&o, s, scm);
    if (socket_flag(s, SOCKET_PASSCRED))
        put(&o, SOL_SOCKET_LEVEL, SCM_CREDENTIALS, &scm->cred, sizeof(scm->cred));
    if (scm->rights)
        put_rights(&o, scm->rights);
    *len = o.used;
    *flags = o.flags;
    return o.err;
}
