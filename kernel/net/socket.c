/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets as files, and the calls that make, name and connect them.  Data: message.c; options:
 * option.c.
 *
 * The loops that block are here and in message.c: an operation says -EAGAIN, the thread waits on
 * the file's queue until poll has something to say, and tries again.
 */
#include "kernel/net/socket.h"

#include <asm/ioctls.h>
#include <linux/sockios.h>

#include "kernel/proc/id/cred.h"
#include "kernel/vfs/async.h"
#include "kernel/vfs/vfs_impl.h"
#include "lib/format.h"
#include "kernel/sys/syscalls.h"

#define SOCK_FLAGS (O_CLOEXEC | O_NONBLOCK)
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_UDPLITE 136

static const struct file_ops socket_file_ops;
static uint64_t socket_next_ino = 1; /* [a] */

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type,
                 uint32_t flags)
{
    file_init(&s->file, &socket_file_ops, O_RDWR | (flags & O_NONBLOCK));
    s->ops = ops;
    s->family = family;
    s->type = type;
    mutex_init(&s->lock);
    list_init(&s->flying_link);
    list_init(&s->gc_link);
    s->sndbuf = s->rcvbuf = SOCKET_BUF;
    s->rcvlowat = 1;
    s->uid = current_cred()->euid;
    s->ino = __atomic_fetch_add(&socket_next_ino, 1, __ATOMIC_RELAXED);
    snprintf(s->name, sizeof(s->name), "socket:[%lu]", s->ino);
    s->file.name = s->name;
}

bool file_is_socket(const struct file *f)
{
    return f->ops == &socket_file_ops;
}

bool socket_tryget(struct socket *s)
{
    uint32_t *count = &s->file.ref.count;
    uint32_t n = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (n) {
        if (__atomic_compare_exchange_n(count, &n, n + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

void socket_set_flag(struct socket *s, uint32_t flag, bool on)
{
    if (on)
        __atomic_fetch_or(&s->flags, flag, __ATOMIC_ACQ_REL);
    else
        __atomic_fetch_and(&s->flags, ~flag, __ATOMIC_ACQ_REL);
}

void socket_inherit(struct socket *to, const struct socket *from)
{
    uint32_t keep = to->family == AF_UNIX ? SOCKET_PASSCRED : ~SOCKET_LISTENING;
    to->flags = from->flags & keep;
    if (to->family == AF_UNIX)
        return;
    to->linger = from->linger;
    to->priority = from->priority;
    to->mark = from->mark;
    to->sndbuf = from->sndbuf;
    to->rcvbuf = from->rcvbuf;
    to->rcvlowat = from->rcvlowat;
    to->recv_timeout = from->recv_timeout;
    to->send_timeout = from->send_timeout;
}

void cred_of_current(struct peer_cred *c)
{
    const struct cred *own = current_cred();
    *c = (struct peer_cred){(uint32_t)current_process()->pid, own->euid, own->egid};
}

void cred_of_sender(struct peer_cred *c)
{
    const struct cred *own = current_cred();
    *c = (struct peer_cred){(uint32_t)current_process()->pid, own->uid, own->gid};
}

/* As a file. */

static int socket_file_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct msg m = {.u = u};
    (void)pos;
    return socket_of(f)->ops->recv(socket_of(f), &m);
}

static int socket_file_write(struct file *f, struct uio *u, int64_t *pos)
{
    struct msg m = {.u = u};
    (void)pos;
    return socket_of(f)->ops->send(socket_of(f), &m);
}

static uint32_t socket_file_poll(struct file *f)
{
    return socket_of(f)->ops->poll(socket_of(f));
}

static ktime_t socket_file_timeout(struct file *f, bool write)
{
    return write ? socket_of(f)->send_timeout : socket_of(f)->recv_timeout;
}

static int socket_file_getattr(struct file *f, struct statx *st)
{
    st->stx_mask = STATX_BASIC_STATS;
    st->stx_mode = S_IFSOCK | 0777;
    st->stx_ino = socket_of(f)->ino;
    st->stx_nlink = 1;
    st->stx_uid = current_cred()->fsuid;
    st->stx_gid = current_cred()->fsgid;
    st->stx_blksize = 4096;
    st->stx_dev_minor = 8;
    return 0;
}

static long socket_file_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    struct socket *s = socket_of(f);
    int n;
    switch (cmd) {
    case FIONREAD:
        if (socket_flag(s, SOCKET_LISTENING))
            return -EINVAL;
        n = s->ops->inq ? s->ops->inq(s) : 0;
        break;
    case SIOCOUTQ: n = s->ops->outq ? s->ops->outq(s) : 0; break;
    case SIOCATMARK: n = s->ops->at_mark && s->ops->at_mark(s); break;
    case FIOSETOWN:
    case SIOCSPGRP: return copy_in(&n, arg, sizeof(n)) ? -EFAULT : async_owner_set(f, n);
    case FIOGETOWN:
    case SIOCGPGRP: n = async_owner_get(f); break;
    default: return netif_ioctl(cmd, arg);
    }
    return copy_out(arg, &n, sizeof(n)) ? -EFAULT : 0;
}

static void socket_file_release(struct file *f)
{
    socket_of(f)->ops->release(socket_of(f));
}

static const struct file_ops socket_file_ops = {
    .read = socket_file_read,
    .write = socket_file_write,
    .poll = socket_file_poll,
    .timeout = socket_file_timeout,
    .ioctl = socket_file_ioctl,
    .getattr = socket_file_getattr,
    .async = ASYNC_SOCKET,
    .release = socket_file_release,
};

int socket_get(int fd, struct fd_ref *r, struct socket **out)
{
    int err = fd_get(fd, r);
    if (err)
        return err;
    if (!file_is_socket(r->file)) {
        fd_put(r);
        return -ENOTSOCK;
    }
    *out = socket_of(r->file);
    return 0;
}

int socket_wait(struct socket *s, uint32_t events, unsigned flags, ktime_t deadline)
{
    struct file *f = &s->file;
    if (flags & MSG_DONTWAIT || f->flags & O_NONBLOCK) {
        file_rearm(f);
        return -EAGAIN;
    }
    int err = wait_event(&f->waitq, file_poll(f) & (events | EPOLL_ALWAYS), deadline);
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    /* With a timeout a call is not restarted: it would wait all over again. */
    return err && deadline != KTIME_NEVER ? -EINTR : err;
}

/* Making sockets. */

static int type_check(int type)
{
    return type & ~(SOCK_TYPE_MASK | SOCK_FLAGS) ? -EINVAL : 0;
}

static int inet_new(int family, int type, int protocol, uint32_t flags, struct socket **out)
{
    if (protocol < 0 || protocol > 255)
        return -EINVAL;
    switch (type) {
    case SOCK_STREAM:
        if (protocol && protocol != PROTO_TCP)
            return -EPROTONOSUPPORT;
        return tcp_new(family, flags, out);
    case SOCK_DGRAM:
        if (protocol && protocol != PROTO_UDP && protocol != PROTO_UDPLITE)
            return reject(-EPROTONOSUPPORT, "datagrams are UDP");
        return udp_new(family, protocol ? protocol : PROTO_UDP, flags, out);
    case SOCK_RAW: return reject(-EPERM, "raw sockets");
    default: return -ESOCKTNOSUPPORT;
    }
}

static int unix_new(int type, int protocol, uint32_t flags, struct socket **out)
{
    if (protocol != 0 && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    switch (type) {
    case SOCK_STREAM:
    case SOCK_SEQPACKET: return unix_stream_new(type, flags, out);
    case SOCK_RAW: /* as Linux */
    case SOCK_DGRAM: return unix_dgram_new(flags, out);
    default: return -ESOCKTNOSUPPORT;
    }
}

static int socket_new(int family, int type, int protocol, struct socket **out)
{
    uint32_t flags = (uint32_t)type;
    if (type_check(type))
        return -EINVAL;
    type &= SOCK_TYPE_MASK;
    switch (family) {
    case AF_UNIX: return unix_new(type, protocol, flags, out);
    case AF_INET:
    case AF_INET6: return inet_new(family, type, protocol, flags, out);
    case AF_NETLINK:
        if (protocol)
            return reject(-EPROTONOSUPPORT, "only NETLINK_ROUTE");
        return netlink_new(type, flags, out);
    default: return reject(-EAFNOSUPPORT, "no such address family");
    }
}

long sys_socket(int family, int type, int protocol)
{
    struct socket *s;
    int err = socket_new(family, type, protocol, &s);
    return err ? err : fd_install(&s->file, type & O_CLOEXEC, 0);
}

long sys_socketpair(int family, int type, int protocol, uaddr_t fds)
{
    struct socket *s[2];
    int err = socket_new(family, type, protocol, &s[0]);
    if (err)
        return err;
    err = family == AF_UNIX ? socket_new(family, type, protocol, &s[1]) : -EOPNOTSUPP;
    if (err) {
        socket_put(s[0]);
        return err;
    }
    err = s[0]->type == SOCK_DGRAM ? unix_dgram_pair(s[0], s[1]) : unix_stream_pair(s[0], s[1]);
    if (err) {
        socket_put(s[0]);
        socket_put(s[1]);
        return err;
    }
    struct file *ends[2] = {&s[0]->file, &s[1]->file};
    return fd_install_pair(ends, type & O_CLOEXEC, fds);
}

/* Naming and connecting. */

static int socket_bind(struct socket *s, uaddr_t addr, int addrlen)
{
    struct addr a;
    int err = addr_in(&a, addr, addrlen);
    if (err)
        return err;
    mutex_lock(&s->lock);
    err = s->ops->bind ? s->ops->bind(s, &a) : -EOPNOTSUPP;
    mutex_unlock(&s->lock);
    return err;
}

long sys_bind(int fd, uaddr_t addr, int addrlen)
{
    return with_socket(s, fd, socket_bind(s, addr, addrlen));
}

static int socket_listen(struct socket *s, int backlog)
{
    mutex_lock(&s->lock);
    int err = s->ops->listen ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
    mutex_unlock(&s->lock);
    return err;
}

long sys_listen(int fd, int backlog)
{
    return with_socket(s, fd, socket_listen(s, backlog));
}

static int connect_once(struct socket *s, const struct addr *a)
{
    if (!s->ops->connect)
        return -EOPNOTSUPP;
    mutex_lock(&s->lock);
    int err = s->ops->connect(s, a);
    mutex_unlock(&s->lock);
    return err;
}

static void connect_cancel(struct socket *s)
{
    if (!s->ops->connect_cancel)
        return;
    mutex_lock(&s->lock);
    s->ops->connect_cancel(s);
    mutex_unlock(&s->lock);
}

static int socket_connect(struct socket *s, uaddr_t addr, int addrlen)
{
    struct addr a;
    int err = addr_in(&a, addr, addrlen);
    if (err)
        return err;
    ktime_t deadline = socket_deadline(s->send_timeout, s->send_timeout ? clock_mono() : 0);
    for (;;) {
        err = connect_once(s, &a);
        if ((err != -EINPROGRESS && err != -EALREADY) || s->file.flags & O_NONBLOCK)
            return err;
        err = socket_wait(s, EPOLLOUT, 0, deadline);
        if (!err)
            continue;
        connect_cancel(s);
        if (err == -EAGAIN)
            return s->family == AF_UNIX ? -EAGAIN : -EINPROGRESS;
        return err;
    }
}

long sys_connect(int fd, uaddr_t addr, int addrlen)
{
    return with_socket(s, fd, socket_connect(s, addr, addrlen));
}

static int socket_accept(struct socket *s, uint32_t flags, struct socket **out, struct addr *peer)
{
    ktime_t deadline = socket_deadline(s->recv_timeout, s->recv_timeout ? clock_mono() : 0);
    int err = fd_room(); /* a connection that is taken cannot be put back */
    if (err)
        return err;
    if (!s->ops->accept)
        return -EOPNOTSUPP;
    for (;;) {
        mutex_lock(&s->lock);
        err = s->ops->accept(s, flags, out, peer);
        mutex_unlock(&s->lock);
        if (err != -EAGAIN)
            return err;
        err = socket_wait(s, EPOLLIN, 0, deadline);
        if (err)
            return err;
    }
}

long sys_accept4(int fd, uaddr_t addr, uaddr_t addrlen, int flags)
{
    struct addr peer;
    struct socket *new;
    if (flags & ~SOCK_FLAGS)
        return -EINVAL;
    long ret = with_socket(s, fd, socket_accept(s, (uint32_t)flags, &new, &peer));
    if (ret)
        return ret;
    ret = addr_out(&peer, addr, addrlen);
    if (ret) {
        socket_put(new);
        return ret;
    }
    return fd_install(&new->file, flags & O_CLOEXEC, 0);
}

long sys_accept(int fd, uaddr_t addr, uaddr_t addrlen)
{
    return sys_accept4(fd, addr, addrlen, 0);
}

static int socket_shutdown(struct socket *s, int how)
{
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    mutex_lock(&s->lock);
    int err = s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
    mutex_unlock(&s->lock);
    return err;
}

long sys_shutdown(int fd, int how)
{
    return with_socket(s, fd, socket_shutdown(s, how));
}

static int socket_name(struct socket *s, bool peer, struct addr *out)
{
    mutex_lock(&s->lock);
    int err = s->ops->getname(s, peer, out);
    mutex_unlock(&s->lock);
    return err;
}

static long name_call(int fd, bool peer, uaddr_t addr, uaddr_t addrlen)
{
    struct addr a;
    long err = with_socket(s, fd, socket_name(s, peer, &a));
    if (err)
        return err;
    return addr ? addr_out(&a, addr, addrlen) : -EFAULT;
}

long sys_getsockname(int fd, uaddr_t addr, uaddr_t addrlen)
{
    return name_call(fd, false, addr, addrlen);
}

long sys_getpeername(int fd, uaddr_t addr, uaddr_t addrlen)
{
    return name_call(fd, true, addr, addrlen);
}
