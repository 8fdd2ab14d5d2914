/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that move data: send, sendto, sendmsg, sendmmsg and their receiving sisters.  Control
 * messages: control.c.
 */
#include "kernel/net/control.h"
#include "kernel/net/socket.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define RW_MAX 0x7ffff000UL

static ktime_t deadline_of(ktime_t timeout)
{
    return socket_deadline(timeout, timeout ? clock_mono() : 0);
}

/* How much a stream's receive waits for. */
static size_t recv_target(const struct socket *s, const struct msg *m)
{
    if (!s->ops->stream || m->flags & MSG_PEEK)
        return 1;
    return m->flags & MSG_WAITALL ? m->u->left : MIN((size_t)s->rcvlowat, m->u->left);
}

int64_t socket_recv(struct socket *s, struct msg *m)
{
    struct uio *u = m->u;
    size_t target = recv_target(s, m);
    ktime_t deadline = 0;
    int err;
    if (unlikely(m->flags & MSG_ERRQUEUE))
        return -EAGAIN; /* nothing ever fails on the way */
    if (unlikely(m->flags & MSG_OOB)) {
        err = s->ops->recv_urgent ? s->ops->recv_urgent(s, m) : -EOPNOTSUPP;
        return err ? err : (int64_t)u->done;
    }
    for (;;) {
        size_t before = u->done;
        err = s->ops->recv(s, m);
        if (err == -EAGAIN) {
            if (!deadline)
                deadline = deadline_of(s->recv_timeout);
            err = socket_wait(s, EPOLLIN | EPOLLRDHUP, m->flags, deadline);
            if (err)
                break;
            continue;
        }
        if (err || u->done >= target || u->done == before || (m->scm && m->scm->rights))
            break;
    }
    if (!u->done && err)
        return err;
    return m->flags & MSG_TRUNC && !s->ops->stream ? (int64_t)m->whole : (int64_t)u->done;
}

int64_t socket_send(struct socket *s, struct msg *m)
{
    ktime_t deadline = 0;
    int err;
    if (unlikely(m->flags & MSG_OOB) && !s->ops->recv_urgent)
        return reject(-EOPNOTSUPP, "only TCP has urgent data");
    for (;;) {
        err = s->ops->send(s, m);
        if (err == -EAGAIN) {
            if (!deadline)
                deadline = deadline_of(s->send_timeout);
            err = socket_wait(s, EPOLLOUT, m->flags, deadline);
            if (!err)
                continue;
        }
        if (err || !m->u->left)
            break;
    }
    if (unlikely(err == -EPIPE) && s->ops->sigpipe && !m->u->done && !(m->flags & MSG_NOSIGNAL))
        signal_to_self(SIGPIPE);
    return m->u->done ? (int64_t)m->u->done : err;
}

/* sendto, recvfrom */

static int64_t send_to(struct socket *s, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr,
                       int addrlen)
{
    struct addr a;
    struct uio_seg seg;
    struct uio u;
    struct msg m = {.u = &u, .flags = flags};
    uio_init_one(&u, &seg, buf, MIN(len, RW_MAX));
    if (addr) {
        int err = addr_in(&a, addr, addrlen);
        if (err)
            return err;
        m.addr = a.len ? &a : NULL;
    }
    return socket_send(s, &m);
}

long sys_sendto(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, int addrlen)
{
    if (len && !user_range_ok(buf, len))
        return -EFAULT;
    return with_socket(s, fd, send_to(s, buf, len, flags, addr, addrlen));
}

static int64_t recv_from(struct socket *s, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr,
                         uaddr_t addrlen)
{
    struct addr a;
    struct uio_seg seg;
    struct uio u;
    struct msg m = {.u = &u, .flags = flags, .addr = addr ? &a : NULL};
    uio_init_one(&u, &seg, buf, MIN(len, RW_MAX));
    a.len = 0;
    int64_t ret = socket_recv(s, &m);
    if (ret >= 0 && addr) {
        int err = addr_out(&a, addr, addrlen);
        if (err)
            return err;
    }
    return ret;
}

long sys_recvfrom(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, uaddr_t addrlen)
{
    if (len && !user_range_ok(buf, len))
        return -EFAULT;
    return with_socket(s, fd, recv_from(s, buf, len, flags, addr, addrlen));
}

/* sendmsg, recvmsg */

/* struct msghdr as the program lays it out. */
struct user_msghdr {
    uaddr_t name;
    uint32_t namelen, pad;
    uaddr_t iov;
    uint64_t iovlen;
    uaddr_t control;
    uint64_t controllen;
    uint32_t flags, pad2;
};

struct user_mmsghdr {
    struct user_msghdr hdr;
    uint32_t len, pad;
};

static int msg_segs(struct segs *segs, struct uio *u, const struct user_msghdr *h)
{
    if (h->iovlen > UIO_MAXIOV)
        return -EMSGSIZE;
    int err = segs_in(segs, h->iov, h->iovlen);
    if (!err)
        uio_init_user(u, segs->seg, segs->n);
    return err;
}

static int64_t msg_send(struct socket *s, const struct user_msghdr *h, unsigned flags)
{
    struct addr a = {.len = 0};
    struct segs segs;
    struct uio u;
    struct scm scm = {.rights = NULL};
    struct msg m = {.u = &u, .flags = flags};
    if ((int32_t)h->namelen < 0)
        return -EINVAL;
    int64_t ret = 0;
    if (h->name && h->namelen) {
        ret = addr_in(&a, h->name, (int)MIN(h->namelen, ADDR_MAX));
        m.addr = &a;
    }
    if (ret)
        return ret;
    ret = msg_segs(&segs, &u, h);
    if (ret)
        return ret;
    if (h->control && h->controllen) {
        m.scm = &scm;
        ret = control_in(s, h->control, h->controllen, &scm);
    }
    if (!ret)
        ret = socket_send(s, &m);
    rights_drop(scm.rights);
    segs_free(&segs);
    return ret;
}

static int64_t send_one(struct socket *s, uaddr_t msg, unsigned flags)
{
    struct user_msghdr h;
    return copy_in(&h, msg, sizeof(h)) ? -EFAULT : msg_send(s, &h, flags);
}

long sys_sendmsg(int fd, uaddr_t msg, unsigned flags)
{
    return with_socket(s, fd, send_one(s, msg, flags));
}

/* Receives; h is what goes back to the program. */
static int64_t msg_recv(struct socket *s, struct user_msghdr *h, unsigned flags)
{
    struct addr a = {.len = 0};
    struct segs segs;
    struct uio u;
    struct scm scm = {.rights = NULL};
    struct msg m = {.u = &u, .flags = flags, .addr = h->name ? &a : NULL};
    if (h->name && (int32_t)h->namelen < 0)
        return -EINVAL;
    int64_t ret = msg_segs(&segs, &u, h);
    if (ret)
        return ret;
    if (h->control && h->controllen)
        m.scm = &scm;
    ret = socket_recv(s, &m);
    segs_free(&segs);
    if (ret < 0) {
        rights_drop(scm.rights);
        return ret;
    }
    h->flags = m.out | (flags & MSG_CMSG_CLOEXEC);
    int err = 0;
    if (m.scm)
        err = control_out(s, &scm, h->control, &h->controllen, &h->flags);
    else
        h->controllen = 0;
    if (h->name) {
        if (!err)
            err = copy_out(h->name, a.raw, MIN(a.len, h->namelen));
        h->namelen = a.len;
    }
    return err ? err : ret;
}

static int64_t recv_one(struct socket *s, uaddr_t msg, unsigned flags)
{
    struct user_msghdr h;
    if (copy_in(&h, msg, sizeof(h)))
        return -EFAULT;
    int64_t ret = msg_recv(s, &h, flags);
    if (ret >= 0 && copy_out(msg, &h, sizeof(h)))
        ret = -EFAULT;
    return ret;
}

long sys_recvmsg(int fd, uaddr_t msg, unsigned flags)
{
    return with_socket(s, fd, recv_one(s, msg, flags));
}

/* sendmmsg, recvmmsg */

static int64_t send_many(struct socket *s, uaddr_t msgs, unsigned n, unsigned flags)
{
    unsigned done = 0;
    int64_t ret = 0;
    for (; done < n; done++) {
        uaddr_t at = msgs + done * sizeof(struct user_mmsghdr);
        ret = send_one(s, at, flags);
        if (ret < 0)
            break;
        ret = user_store32(at + offsetof(struct user_mmsghdr, len), (uint32_t)ret);
        if (ret)
            break;
    }
    return done ? (int64_t)done : ret;
}

long sys_sendmmsg(int fd, uaddr_t msg, unsigned vlen, unsigned flags)
{
    return with_socket(s, fd, send_many(s, msg, MIN(vlen, (unsigned)UIO_MAXIOV), flags));
}

/* The timeout is looked at after each message, as Linux does. */
static int64_t recv_many(struct socket *s, uaddr_t msgs, unsigned n, unsigned flags,
                         ktime_t deadline)
{
    unsigned done = 0;
    int64_t ret = socket_take_error(&s->err);
    if (ret)
        return ret;
    while (done < n) {
        uaddr_t at = msgs + done * sizeof(struct user_mmsghdr);
        ret = recv_one(s, at, flags & ~MSG_WAITFORONE);
        if (ret < 0)
            break;
        ret = user_store32(at + offsetof(struct user_mmsghdr, len), (uint32_t)ret);
        if (ret)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != KTIME_NEVER && clock_mono() >= deadline)
            break;
    }
    if (done && ret < 0 && ret != -EAGAIN && ret != -ERESTARTSYS && ret != -EINTR)
        __atomic_store_n(&s->err, (int)-ret, __ATOMIC_RELEASE);
    return done ? (int64_t)done : ret;
}

long sys_recvmmsg(int fd, uaddr_t msg, unsigned vlen, unsigned flags, uaddr_t timeout)
{
    ktime_t deadline;
    int64_t ret = deadline_timespec(timeout, &deadline);
    if (ret)
        return ret;
    return with_socket(s, fd, recv_many(s, msg, MIN(vlen, (unsigned)UIO_MAXIOV), flags, deadline));
}
