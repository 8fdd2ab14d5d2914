/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket calls.  There are connected AF_UNIX stream pairs so far; every other family is
 * EAFNOSUPPORT, and the calls that make or take connections find nothing to work on.
 */
#include "kernel/net/socket.h"

#include "kernel/vfs/vfs_impl.h"
#include "lib/format.h"
#include "kernel/sys/syscalls.h"

#define SOCK_FLAGS (O_CLOEXEC | O_NONBLOCK)
#define ADDR_MAX 128U
#define NSEC 1000000000L
#define RW_MAX 0x7ffff000UL

/* SOL_SOCKET options, from the ABI. */
enum {
    SOL_SOCKET_LEVEL = 1,
    OPT_REUSEADDR = 2,
    OPT_TYPE = 3,
    OPT_ERROR = 4,
    OPT_SNDBUF = 7,
    OPT_RCVBUF = 8,
    OPT_KEEPALIVE = 9,
    OPT_LINGER = 13,
    OPT_REUSEPORT = 15,
    OPT_PASSCRED = 16,
    OPT_PEERCRED = 17,
    OPT_RCVTIMEO = 20,
    OPT_SNDTIMEO = 21,
    OPT_ACCEPTCONN = 30,
    OPT_PROTOCOL = 38,
    OPT_DOMAIN = 39,
};

static uint64_t socket_next_ino = 1; /* [a] */

void socket_init(struct socket *s, const struct socket_ops *ops, const struct file_ops *fops,
                 int family, int type, uint32_t flags)
{
    file_init(&s->file, fops, O_RDWR | (flags & O_NONBLOCK));
    s->ops = ops;
    s->family = family;
    s->type = type;
    s->sndbuf = s->rcvbuf = 212992; /* Linux's default */
    s->ino = __atomic_fetch_add(&socket_next_ino, 1, __ATOMIC_RELAXED);
    snprintf(s->name, sizeof(s->name), "socket:[%lu]", s->ino);
    s->file.name = s->name;
}

bool file_is_socket(const struct file *f)
{
    return f->ops->read == socket_file_read;
}

int socket_file_read(struct file *f, struct uio *u, int64_t *pos)
{
    (void)pos;
    return socket_of(f)->ops->recv(socket_of(f), u, 0);
}

int socket_file_write(struct file *f, struct uio *u, int64_t *pos)
{
    (void)pos;
    return socket_of(f)->ops->send(socket_of(f), u, 0);
}

int socket_file_getattr(struct file *f, struct statx *st)
{
    st->stx_mask = STATX_BASIC_STATS;
    st->stx_mode = S_IFSOCK | 0777;
    st->stx_ino = socket_of(f)->ino;
    st->stx_nlink = 1;
    st->stx_uid = current_process()->creds.fsuid;
    st->stx_gid = current_process()->creds.fsgid;
    st->stx_blksize = 4096;
    st->stx_dev_minor = 8;
    return 0;
}

/* The socket behind a descriptor: -EBADF, -ENOTSOCK. */
static int socket_get(int fd, struct fd_ref *r, struct socket **out)
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

/* Blocking. */

static ktime_t wait_deadline(ktime_t timeout)
{
    return timeout ? clock_mono() + timeout : KTIME_NEVER;
}

/* -EAGAIN: waits for events unless the call or the socket must not. 0: try again. */
static int socket_wait(struct socket *s, uint32_t events, unsigned flags, ktime_t deadline)
{
    struct file *f = &s->file;
    if (flags & MSG_DONTWAIT || f->flags & O_NONBLOCK) {
        file_rearm(f);
        return -EAGAIN;
    }
    int err = wait_event(&f->waitq, file_poll(f) & (events | EPOLL_ALWAYS), deadline);
    return err == -ETIMEDOUT ? -EAGAIN : err;
}

static int64_t socket_recv(struct socket *s, struct uio *u, unsigned flags)
{
    ktime_t deadline = wait_deadline(s->recv_timeout);
    int err;
    if (flags & MSG_OOB)
        return reject(-EOPNOTSUPP, "out-of-band data");
    do {
        size_t before = u->done;
        err = s->ops->recv(s, u, flags);
        if (err == -EAGAIN)
            err = socket_wait(s, EPOLLIN, flags, deadline);
        else if (!err && (u->done == before || flags & MSG_PEEK || !(flags & MSG_WAITALL)))
            break;
    } while (!err && u->left);
    return u->done ? (int64_t)u->done : err;
}

static int64_t socket_send(struct socket *s, struct uio *u, unsigned flags)
{
    ktime_t deadline = wait_deadline(s->send_timeout);
    int err;
    if (flags & MSG_OOB)
        return reject(-EOPNOTSUPP, "out-of-band data");
    do {
        err = s->ops->send(s, u, flags);
        if (err == -EAGAIN)
            err = socket_wait(s, EPOLLOUT, flags, deadline);
    } while (!err && u->left);
    if (err == -EPIPE && !(flags & MSG_NOSIGNAL))
        (void)signal_send_thread(current, SIGPIPE, NULL);
    return u->done ? (int64_t)u->done : err;
}

/* Making sockets. */

static int type_check(int type)
{
    return type & ~(SOCK_TYPE_MASK | SOCK_FLAGS) ? -EINVAL : 0;
}

long sys_socket(int family, int type, int protocol)
{
    (void)protocol;
    if (type_check(type))
        return -EINVAL;
    if (family == AF_UNIX)
        return reject(-EAFNOSUPPORT, "only socketpair makes AF_UNIX sockets yet");
    return reject(-EAFNOSUPPORT, "there is no such network yet");
}

long sys_socketpair(int family, int type, int protocol, uaddr_t fds)
{
    struct file *ends[2];
    if (type_check(type))
        return -EINVAL;
    if (family != AF_UNIX)
        return reject(-EAFNOSUPPORT, "pairs are AF_UNIX");
    if (protocol != 0 && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if ((type & SOCK_TYPE_MASK) != SOCK_STREAM)
        return reject(-ESOCKTNOSUPPORT, "only stream sockets yet");
    int err = unix_pair_new((uint32_t)type & O_NONBLOCK, ends);
    return err ? err : fd_install_pair(ends, type & O_CLOEXEC, fds);
}

/* Data. */

long sys_sendto(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, int addrlen)
{
    struct uio_seg seg;
    struct uio u;
    struct socket *s;
    struct fd_ref r;
    (void)addrlen;
    if (len && !user_range_ok(buf, len))
        return -EFAULT;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    uio_init_one(&u, &seg, buf, MIN(len, RW_MAX));
    ret = addr ? -EISCONN : socket_send(s, &u, flags);
    fd_put(&r);
    return ret;
}

/* An empty address: stream sockets do not say who sent. */
static int no_address_out(uaddr_t addr, uaddr_t addrlen)
{
    return addr && addrlen && user_store32(addrlen, 0) ? -EFAULT : 0;
}

long sys_recvfrom(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, uaddr_t addrlen)
{
    struct uio_seg seg;
    struct uio u;
    struct socket *s;
    struct fd_ref r;
    if (len && !user_range_ok(buf, len))
        return -EFAULT;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    uio_init_one(&u, &seg, buf, MIN(len, RW_MAX));
    ret = socket_recv(s, &u, flags);
    if (ret >= 0 && no_address_out(addr, addrlen))
        ret = -EFAULT;
    fd_put(&r);
    return ret;
}

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

static int64_t msg_send(struct socket *s, const struct user_msghdr *m, unsigned flags)
{
    struct segs segs;
    struct uio u;
    if (m->name && m->namelen)
        return -EISCONN;
    if (m->control && m->controllen)
        return reject(-EINVAL, "ancillary data");
    if (m->iovlen > UIO_MAXIOV)
        return -EMSGSIZE;
    int err = segs_in(&segs, m->iov, m->iovlen);
    if (err)
        return err;
    uio_init_user(&u, segs.seg, segs.n);
    int64_t ret = socket_send(s, &u, flags);
    segs_free(&segs);
    return ret;
}

long sys_sendmsg(int fd, uaddr_t msg, unsigned flags)
{
    struct user_msghdr m;
    struct socket *s;
    struct fd_ref r;
    if (copy_in(&m, msg, sizeof(m)))
        return -EFAULT;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    ret = msg_send(s, &m, flags);
    fd_put(&r);
    return ret;
}

static int64_t msg_recv(struct socket *s, struct user_msghdr *m, unsigned flags)
{
    struct segs segs;
    struct uio u;
    if (m->iovlen > UIO_MAXIOV)
        return -EMSGSIZE;
    int err = segs_in(&segs, m->iov, m->iovlen);
    if (err)
        return err;
    uio_init_user(&u, segs.seg, segs.n);
    int64_t ret = socket_recv(s, &u, flags);
    segs_free(&segs);
    m->namelen = 0;
    m->controllen = 0;
    m->flags = flags & MSG_CMSG_CLOEXEC;
    return ret;
}

long sys_recvmsg(int fd, uaddr_t msg, unsigned flags)
{
    struct user_msghdr m;
    struct socket *s;
    struct fd_ref r;
    if (copy_in(&m, msg, sizeof(m)))
        return -EFAULT;
    int64_t ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    ret = msg_recv(s, &m, flags);
    fd_put(&r);
    if (ret >= 0 && copy_out(msg, &m, sizeof(m)))
        ret = -EFAULT;
    return ret;
}

long sys_shutdown(int fd, int how)
{
    struct socket *s;
    struct fd_ref r;
    int err = socket_get(fd, &r, &s);
    if (err)
        return err;
    err = how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : s->ops->shutdown(s, how);
    fd_put(&r);
    return err;
}

/* Names. */

static long name_out(struct socket *s, bool peer, uaddr_t addr, uaddr_t addrlen)
{
    char name[ADDR_MAX];
    uint32_t room;
    int len = s->ops->getname(s, peer, name, sizeof(name));
    if (len < 0)
        return len;
    if (user_load32(addrlen, &room))
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    if (copy_out(addr, name, MIN(room, (uint32_t)len)) || user_store32(addrlen, (uint32_t)len))
        return -EFAULT;
    return 0;
}

static long name_call(int fd, bool peer, uaddr_t addr, uaddr_t addrlen)
{
    struct socket *s;
    struct fd_ref r;
    long err = socket_get(fd, &r, &s);
    if (err)
        return err;
    err = name_out(s, peer, addr, addrlen);
    fd_put(&r);
    return err;
}

long sys_getsockname(int fd, uaddr_t addr, uaddr_t addrlen)
{
    return name_call(fd, false, addr, addrlen);
}

long sys_getpeername(int fd, uaddr_t addr, uaddr_t addrlen)
{
    return name_call(fd, true, addr, addrlen);
}

/* Calls that need a socket without a peer: pairs never are. */
static long connected_only(int fd, long err)
{
    struct socket *s;
    struct fd_ref r;
    long ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    fd_put(&r);
    return err;
}

long sys_connect(int fd, uaddr_t addr, int addrlen)
{
    (void)addr;
    (void)addrlen;
    return connected_only(fd, -EISCONN);
}

long sys_bind(int fd, uaddr_t addr, int addrlen)
{
    (void)addr;
    (void)addrlen;
    return connected_only(fd, reject(-EINVAL, "AF_UNIX names"));
}

long sys_listen(int fd, int backlog)
{
    (void)backlog;
    return connected_only(fd, -EINVAL);
}

long sys_accept4(int fd, uaddr_t addr, uaddr_t addrlen, int flags)
{
    (void)addr;
    (void)addrlen;
    (void)flags;
    return connected_only(fd, -EINVAL);
}

long sys_accept(int fd, uaddr_t addr, uaddr_t addrlen)
{
    return sys_accept4(fd, addr, addrlen, 0);
}

/* Options. */

static int timeout_in(uaddr_t val, int len, ktime_t *out)
{
    int64_t tv[2];
    if (len < (int)sizeof(tv))
        return -EINVAL;
    if (copy_in(tv, val, sizeof(tv)))
        return -EFAULT;
    if (tv[1] < 0 || tv[1] >= 1000000)
        return -EDOM;
    *out = tv[0] < 0 || tv[0] > INT32_MAX ? 0 : tv[0] * NSEC + tv[1] * 1000;
    return 0;
}

static int option_set(struct socket *s, int opt, uaddr_t val, int len)
{
    uint32_t n;
    if (opt == OPT_RCVTIMEO || opt == OPT_SNDTIMEO)
        return timeout_in(val, len, opt == OPT_RCVTIMEO ? &s->recv_timeout : &s->send_timeout);
    if (len < (int)sizeof(n))
        return -EINVAL;
    if (copy_in(&n, val, sizeof(n)))
        return -EFAULT;
    switch (opt) {
    case OPT_SNDBUF: s->sndbuf = MIN(n, 212992U) * 2; return 0;
    case OPT_RCVBUF: s->rcvbuf = MIN(n, 212992U) * 2; return 0;
    case OPT_REUSEADDR:
    case OPT_REUSEPORT:
    case OPT_KEEPALIVE:
    case OPT_LINGER:
    case OPT_PASSCRED: return 0;
    default: return reject(-ENOPROTOOPT, "socket option");
    }
}

long sys_setsockopt(int fd, int level, int optname, uaddr_t optval, int optlen)
{
    struct socket *s;
    struct fd_ref r;
    int err = socket_get(fd, &r, &s);
    if (err)
        return err;
    err = level == SOL_SOCKET_LEVEL ? option_set(s, optname, optval, optlen) : -EOPNOTSUPP;
    fd_put(&r);
    return err;
}

/* The value of an option into out (24 bytes): its length, or -errno. */
static int option_get(struct socket *s, int opt, void *out)
{
    const struct process *p = current_process();
    ktime_t span = opt == OPT_RCVTIMEO ? s->recv_timeout : s->send_timeout;
    uint32_t cred[3] = {(uint32_t)p->pid, p->creds.euid, p->creds.egid};
    int64_t tv[2] = {span / NSEC, span % NSEC / 1000};
    uint32_t n = 0;
    switch (opt) {
    case OPT_TYPE: n = (uint32_t)s->type; break;
    case OPT_DOMAIN: n = (uint32_t)s->family; break;
    case OPT_SNDBUF: n = s->sndbuf; break;
    case OPT_RCVBUF: n = s->rcvbuf; break;
    case OPT_RCVTIMEO:
    case OPT_SNDTIMEO: memcpy(out, tv, sizeof(tv)); return sizeof(tv);
    case OPT_PEERCRED: memcpy(out, cred, sizeof(cred)); return sizeof(cred);
    case OPT_LINGER: memset(out, 0, 8); return 8;
    case OPT_ERROR:
    case OPT_PROTOCOL:
    case OPT_ACCEPTCONN:
    case OPT_REUSEADDR:
    case OPT_REUSEPORT:
    case OPT_KEEPALIVE:
    case OPT_PASSCRED: break;
    default: return (int)reject(-ENOPROTOOPT, "socket option");
    }
    memcpy(out, &n, sizeof(n));
    return sizeof(n);
}

long sys_getsockopt(int fd, int level, int optname, uaddr_t optval, uaddr_t optlen)
{
    struct socket *s;
    struct fd_ref r;
    char value[24];
    uint32_t room;
    int ret = socket_get(fd, &r, &s);
    if (ret)
        return ret;
    ret = level == SOL_SOCKET_LEVEL ? option_get(s, optname, value) : -EOPNOTSUPP;
    fd_put(&r);
    if (ret < 0)
        return ret;
    if (user_load32(optlen, &room))
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    room = MIN(room, (uint32_t)ret);
    return copy_out(optval, value, room) || user_store32(optlen, room) ? -EFAULT : 0;
}
