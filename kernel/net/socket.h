/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: files with a family's operations behind the socket calls.  As all file operations these
 * never block; the loops that do are in socket.c (accept, connect) and message.c (data).
 *
 * Each kind of socket embeds struct socket as its first member and is one table of socket_ops:
 * tcp.c and unix_stream.c over conn.c, udp.c and unix_dgram.c over packet.c, netlink.c.
 *
 * Lock order: a socket's lock (mutex) -> a way's lock (conn.c, mutex, held across user copies; one
 * at a time) -> spin locks: rights_lock -> packet queues; port table | names | a listener's -> a
 * connection's ends -> wait queues.
 */
#ifndef KERNEL_NET_SOCKET_H
#define KERNEL_NET_SOCKET_H

#include "kernel/net/addr.h"
#include "kernel/vfs/file.h"

/* Their values are ABI; <linux/socket.h> has none of them. */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MASK 0xf
#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2
#define MSG_OOB 1U
#define MSG_PEEK 2U
#define MSG_CTRUNC 8U
#define MSG_TRUNC 0x20U
#define MSG_DONTWAIT 0x40U
#define MSG_EOR 0x80U
#define MSG_WAITALL 0x100U
#define MSG_ERRQUEUE 0x2000U
#define MSG_NOSIGNAL 0x4000U
#define MSG_WAITFORONE 0x10000U
#define MSG_CMSG_CLOEXEC 0x40000000U

struct socket;
struct rights;

struct peer_cred {
    uint32_t pid, uid, gid;
};

/* What goes with data besides data. */
struct scm {
    struct rights *rights; /* owned; NULL: none */
    struct peer_cred cred;
    bool has_cred;            /* sent: the program says who sends */
    bool has_stamp, has_inet; /* received datagrams: */
    ktime_t stamp;            /* when it was sent, CLOCK_REALTIME */
    struct inet_addr to;      /* where it was sent to */
    bool has_ttl, has_tos;    /* sent: not the socket's */
    uint8_t ttl, tos;
};

/* One send or receive. */
struct msg {
    struct uio *u;
    unsigned flags;          /* MSG_* of the call */
    unsigned out;            /* recv: MSG_TRUNC, MSG_CTRUNC, MSG_EOR for msg_flags */
    size_t whole;            /* recv: a datagram's whole length */
    struct addr *addr;       /* send: where to; recv: set to whom it came from; NULL: none */
    struct rights *unwanted; /* recv: to be dropped without locks */
    struct peer_cred writer; /* recv, of a stream: whose bytes they are; never several's */
    bool has_writer;         /* … bytes have come */
    struct scm *scm; /* send: goes along (rights are taken: set to NULL); recv: filled; or NULL */
};

/* Absent slots are -EOPNOTSUPP.  None blocks: -EAGAIN.  All may sleep (mutexes). */
struct socket_ops {
    int (*bind)(struct socket *s, const struct addr *a);
    int (*listen)(struct socket *s, int backlog);
    /* A new socket (one reference) for the first connection that waits; peer: its address. */
    int (*accept)(struct socket *s, uint32_t flags, struct socket **out, struct addr *peer);
    /* 0, -EINPROGRESS (watch for EPOLLOUT, then call again), or why not. */
    int (*connect)(struct socket *s, const struct addr *a);
    /* A connect that waits is given up.  Absent: it goes on. */
    void (*connect_cancel)(struct socket *s);
    /* What could be moved is in u->done. */
    int (*recv)(struct socket *s, struct msg *m);
    int (*send)(struct socket *s, struct msg *m);
    int (*recv_urgent)(struct socket *s, struct msg *m); /* MSG_OOB */
    bool (*at_mark)(struct socket *s);                   /* SIOCATMARK */
    int (*shutdown)(struct socket *s, int how);
    int (*getname)(struct socket *s, bool peer, struct addr *out);
    uint32_t (*poll)(struct socket *s);
    /* The family's own levels: len is that of val; a getopt returns the length. -ENOPROTOOPT. */
    int (*setopt)(struct socket *s, int level, int opt, const void *val, int len);
    int (*getopt)(struct socket *s, int level, int opt, void *val, int len);
    /* Bytes that a receive would find; that were sent and not received yet. */
    int (*inq)(struct socket *s);
    int (*outq)(struct socket *s);
    uint8_t (*state)(struct socket *s); /* TCP_ESTABLISHED …, for /proc/net */
    int (*error)(struct socket *s); /* takes a pending error that is not in s->err: -errno or 0 */
    void (*changed)(struct socket *s); /* sndbuf, rcvbuf or SOCKET_PASSCRED has */
    int (*peercred)(struct socket *s, struct peer_cred *out);
    void (*release)(struct socket *s);
    /* AF_UNIX: calls fn for what rights wait in the socket's queues; take_rights takes them out
     * before.  rights_lock is held. */
    void (*each_rights)(struct socket *s, void (*fn)(struct rights *r, void *arg), void *arg);
    void (*take_rights)(struct socket *s, void (*fn)(struct rights *r, void *arg), void *arg);
    bool stream;  /* receives go on until they have enough */
    bool sigpipe; /* a send that says -EPIPE raises SIGPIPE */
};

struct socket {
    struct file file;                   /* first */
    const struct socket_ops *ops;       /* [I] */
    int family, type, protocol;         /* [I] */
    struct mutex lock;                  /* state: bound, connected, listening */
    ktime_t recv_timeout, send_timeout; /* [a] 0: none */
    uint32_t sndbuf, rcvbuf, rcvlowat;  /* [a] */
    int err;                            /* [a] what SO_ERROR reports once, as a positive errno */
    uint32_t flags;                     /* [a] SOCKET_* */
    uint32_t linger, priority,
        mark;     /* [a] kept for the program; linger 0 with SOCKET_LINGER: reset */
    uint32_t uid; /* [I] who made it */
    uint64_t ino; /* [I] */
    struct list flying_link, gc_link; /* [rights_lock] */
    uint32_t inflight;                /* [rights_lock] references that lie in queues */
    uint32_t inflight_outside;        /* [rights_lock] the collector's */
    bool candidate;                   /* [rights_lock] the collector's */
    char name[32];                    /* [I] "socket:[…]" */
};

#define SOCKET_REUSEADDR 1U
#define SOCKET_REUSEPORT 2U
#define SOCKET_KEEPALIVE 4U
#define SOCKET_LINGER 8U
#define SOCKET_PASSCRED 0x10U
#define SOCKET_BROADCAST 0x20U
#define SOCKET_OOBINLINE 0x40U
#define SOCKET_STAMP 0x80U
#define SOCKET_STAMPNS 0x100U
#define SOCKET_DONTROUTE 0x200U
#define SOCKET_V6ONLY 0x400U
#define SOCKET_PKTINFO4 0x800U
#define SOCKET_PKTINFO6 0x1000U
#define SOCKET_RECVTTL 0x2000U
#define SOCKET_RECVTOS 0x4000U
#define SOCKET_RECVHOPS 0x8000U
#define SOCKET_RECVTCLASS 0x10000U
#define SOCKET_LISTENING 0x20000U /* set by listen */

#define SOCKET_BUF 212992U /* Linux's rmem_default, wmem_default and their maxima */

/* Fills in a zeroed socket. */
void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type,
                 uint32_t flags);
bool file_is_socket(const struct file *f);
static inline struct socket *socket_of(struct file *f)
{
    return container_of(f, struct socket, file);
}
/* The socket behind a descriptor: -EBADF, -ENOTSOCK. */
struct fd_ref;
MUST_CHECK int socket_get(int fd, struct fd_ref *r, struct socket **out);
/* Evaluates `act` while that socket is held, as `s`: its value, or what socket_get says. */
#define with_socket(s, fd, act)                         \
    ({                                                  \
        struct socket *s;                               \
        struct fd_ref ws_ref;                           \
        int64_t ws_ret = socket_get((fd), &ws_ref, &s); \
        if (!ws_ret) {                                  \
            ws_ret = (act);                             \
            fd_put(&ws_ref);                            \
        }                                               \
        ws_ret;                                         \
    })
/* A reference unless the last one is already gone: for tables that know sockets without one. */
bool socket_tryget(struct socket *s);
static inline void socket_put(struct socket *s)
{
    file_put(&s->file);
}
static inline bool socket_flag(const struct socket *s, uint32_t flag)
{
    return (__atomic_load_n(&s->flags, __ATOMIC_RELAXED) & flag) != 0;
}
void socket_set_flag(struct socket *s, uint32_t flag, bool on);
/* Takes the pending error: 0 or -errno. */
static inline int socket_take_error(int *err)
{
    return __atomic_load_n(err, __ATOMIC_RELAXED) ? -__atomic_exchange_n(err, 0, __ATOMIC_ACQ_REL)
                                                  : 0;
}
/* A new accepted socket has what the listening one was given. */
void socket_inherit(struct socket *to, const struct socket *from);
/* What SO_PEERCRED tells of the current process (effective ids), SCM_CREDENTIALS (real ones). */
void cred_of_current(struct peer_cred *c);
void cred_of_sender(struct peer_cred *c);
/* The sender of what was sent while nobody wanted to know. */
#define CRED_NOBODY ((struct peer_cred){0, 65534, 65534})
static inline bool peer_cred_same(const struct peer_cred *a, const struct peer_cred *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}
/* -EAGAIN: waits for events unless the call or the socket must not: 0: try again. */
MUST_CHECK int socket_wait(struct socket *s, uint32_t events, unsigned flags, ktime_t deadline);
static inline ktime_t socket_deadline(ktime_t timeout, ktime_t now)
{
    return timeout ? now + timeout : KTIME_NEVER;
}

/* message.c: the loops that move data; bytes (MSG_TRUNC: of the whole datagram) or -errno. */
int64_t socket_recv(struct socket *s, struct msg *m);
int64_t socket_send(struct socket *s, struct msg *m);

/* option.c, netif.c */
long netif_ioctl(unsigned cmd, uaddr_t arg);

/* Constructors: zeroed, with one reference; -ENOMEM … */
MUST_CHECK int tcp_new(int family, uint32_t flags, struct socket **out);
MUST_CHECK int udp_new(int family, int protocol, uint32_t flags, struct socket **out);
MUST_CHECK int unix_stream_new(int type, uint32_t flags, struct socket **out);
MUST_CHECK int unix_dgram_new(uint32_t flags, struct socket **out);
MUST_CHECK int netlink_new(int type, uint32_t flags, struct socket **out);
MUST_CHECK int unix_stream_pair(struct socket *a, struct socket *b);
MUST_CHECK int unix_dgram_pair(struct socket *a, struct socket *b);

#endif
