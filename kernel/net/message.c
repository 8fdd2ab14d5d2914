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

long sys_sendto(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, int addrlen)
{
    struct addr a;
    struct uio_seg seg;
    struct uio u;
    struct msg m = {.u = &u, .flags = flags};
    struct socket *s;
    struct fd_ref r;
    if (len && !user_range_ok(buf, len))
        return -EFAULT;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    uio_init_one(&u, &seg, buf, MIN(len, RW_MAX));
    if (addr) {
        ret = addr_in(&a, addr, addrlen);
        m.addr = a.len ? &a : NULL;
    }
    if (!ret)
        ret = socket_send(s, &m);
    fd_put(&r);
    return ret;
}

long sys_recvfrom(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, uaddr_t addrlen)
{
    struct addr a;
    struct uio_seg seg;
    struct uio u;
    struct msg m = {.u = &u, .flags = flags, .addr = addr ? &a : NULL};
    struct socket *s;
    struct fd_ref r;
    if (len && !user_range_ok(buf, len))
        return -EFAULT;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    uio_init_one(&u, &seg, buf, MIN(len, RW_MAX));
    a.len = 0;
    ret = socket_recv(s, &m);
    if (ret >= 0 && addr) {
        int err = addr_out(&a, addr, addrlen);
        if (err)
            ret = err;
    }
    fd_put(&r);
    return ret;
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

long sys_sendmsg(int fd, uaddr_t msg, unsigned flags)
{
    struct user_msghdr h;
    struct socket *s;
    struct fd_ref r;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    ret = copy_in(&h, msg, sizeof(h)) ? -EFAULT : msg_send(s, &h, flags);
    fd_put(&r);
    return ret;
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
    struct socket *s;
    struct fd_ref r;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    ret = recv_one(s, msg, flags);
    fd_put(&r);
    return ret;
}

/* sendmmsg, recvmmsg */

static int64_t send_many(struct socket *s, uaddr_t msgs, unsigned n, unsigned flags)
{
    struct user_msghdr h;
    unsigned done = 0;
    int64_t ret = 0;
    for (; done < n; done++) {
        uaddr_t at = msgs + done * sizeof(struct user_mmsghdr);
        ret = copy_in(&h, at, sizeof(h)) ? -EFAULT : msg_send(s, &h, flags);
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
    struct socket *s;
    struct fd_ref r;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    ret = send_many(s, msg, MIN(vlen, (unsigned)UIO_MAXIOV), flags);
    fd_put(&r);
    return ret;
}

/* The timeout is looked at after each message, as Linux does. */
static int64_t recv_many(struct socket *s, uaddr_t msgs, unsigned n, unsigned flags,
                         ktime_t deadline)
{
    unsigned done = 0;
    int64_t ret = 0;
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
    struct socket *s;
    struct fd_ref r;
    int64_t ret = deadline_timespec(timeout, &deadline);
    if (ret)
        return ret;
    ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    ret = socket_take_error(&s->err);
    if (!ret)
        ret = recv_many(s, msg, MIN(vlen, (unsigned)UIO_MAXIOV), flags, deadline);
    fd_put(&r);
    return ret;
}
