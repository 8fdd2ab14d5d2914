/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: what TCP and AF_UNIX stream and seqpacket sockets have in common.
 *
 * A connection has two sides and two ways; way i is a queue of bytes that side i receives.  A
 * stream_sock is one side (or a listener, or nothing yet).  Connecting makes the connection and
 * puts its side 1 into the listener's queue; accepting gives that side a socket.  What was sent
 * meanwhile waits in the way.
 *
 *   way:  open -> fin (its sender has ended)     deaf (its receiver has shut down reading)
 *              -> gone (its receiver is closed)
 *   conn: dead: reset, nothing moves any more but what is queued
 *
 * Locks: way->lock (mutex) guards a queue, held across user copies; never two at a time.  Flags
 * are set under it and may be read without.  Marks also need rights_lock to change.  ends_lock
 * (spin) keeps the sides in place while they are woken.  listener.lock (spin) guards its queues.
 */
#ifndef KERNEL_NET_CONN_H
#define KERNEL_NET_CONN_H

#include "kernel/ipc/byteq.h"
#include "kernel/net/rights.h"

/* Bytes [start, end) of a stream that rights came with, or of one sender; or one packet. */
struct mark {
    struct list link;
    uint64_t start, end;
    struct rights *rights;
    struct peer_cred cred; /* whose bytes these are */
};

struct way {
    struct mutex lock;
    struct byteq q;    /* [l] */
    size_t limit;      /* [l] bytes from which on the sender waits */
    uint64_t pos;      /* [l] bytes that have left the queue */
    struct list marks; /* [l and rights_lock] */
    unsigned nmarks;   /* [l and rights_lock] */
    bool fin, deaf, gone;
    bool urgent_set;    /* [l] the byte at urgent_pos is urgent … */
    bool urgent_unread; /* [l] … and has not been received by MSG_OOB */
    uint8_t urgent;     /* [l] */
    uint64_t urgent_pos;
};

enum conn_kind { CONN_TCP, CONN_UNIX, CONN_PACKET };

struct stream_sock;

struct conn {
    struct ref ref;      /* one a side */
    enum conn_kind kind; /* [I] */
    struct way way[2];
    bool dead;                /* [a] */
    bool established;         /* [a] false: waits for room in the listener */
    int err[2];               /* [a] pending error of a side */
    struct peer_cred cred[2]; /* [I] */
    bool passcred[2];         /* [a] AF_UNIX: a side has SO_PASSCRED, or no socket yet */
    struct addr name[2];      /* [I] addresses, once a side has a socket */
    struct inet_addr inet[2]; /* [I] TCP: the same as numbers */
    uint64_t sent[2];         /* [a] bytes by side, for TCP_INFO */
    struct spinlock ends_lock;
    struct stream_sock *end[2]; /* [e] NULL: closed, or not accepted yet */
    struct list link;           /* [listener] */
    struct conn *older;         /* [sock.lock of side 0] */
};

/* What is under way at most while the program sets no sizes. */
#define CONN_WINDOW (512UL * 1024)

struct listener {
    struct spinlock lock;
    struct list ready, waiting; /* [l] connections; waiting: for room in ready */
    unsigned nready, backlog;   /* [l] */
    bool open;                  /* [l] */
};

struct stream_sock {
    struct socket sock; /* first */
    struct conn *conn;  /* [a] set once, NULL until connected */
    int side;           /* [I] once connected */
    struct listener listener;
    bool connecting;  /* [sock.lock] connect has said -EINPROGRESS */
    bool failed;      /* [a] the last connect was refused */
    struct conn *old; /* [sock.lock] connections that were refused while they waited */
};

static inline struct stream_sock *stream_of(struct socket *s)
{
    return container_of(s, struct stream_sock, sock);
}
static inline struct conn *stream_conn(const struct socket *s)
{
    return __atomic_load_n(&container_of(s, struct stream_sock, sock)->conn, __ATOMIC_ACQUIRE);
}

void stream_init(struct stream_sock *ss);
/* A connection without ends, two references: -ENOMEM.  buf: limit of each way. */
MUST_CHECK int conn_new(enum conn_kind kind, size_t buf, struct conn **out);
/* Gives a side to a socket, with the side's reference; a connection that it has from a connect
 * that failed is kept until it is released, since others may be looking at it. */
void conn_attach(struct conn *c, int side, struct stream_sock *ss);
/* AF_UNIX: a side has got or lost SO_PASSCRED. */
void conn_set_passcred(struct conn *c, int side, bool on);
/* A side ends: its socket is gone, or was never there.  reset: as an abort. Drops its reference. */
void conn_close(struct conn *c, int side, bool reset);
void conn_wake(struct conn *c, int side, uint32_t events);
bool conn_closed(const struct conn *c); /* both ways have ended */

/* Operations of connected sockets. */
int conn_send(struct conn *c, int side, struct msg *m);
int conn_recv(struct conn *c, int side, struct msg *m);
/* TCP: the urgent byte, -EINVAL: there is none. */
int conn_recv_urgent(struct conn *c, int side, struct msg *m);
bool conn_at_mark(struct conn *c, int side);
uint32_t conn_poll(struct conn *c, int side, size_t lowat);
void conn_shutdown(struct conn *c, int side, int how);
void conn_set_limit(struct conn *c, int way, size_t limit);

/* Listeners. */
void listener_open(struct stream_sock *ss, int backlog);
/* Puts a new connection into the queue (side 1's reference goes with it): 0 established, -EAGAIN
 * (wait: it stands in the waiting list), -ECONNREFUSED. wait false: -EAGAIN leaves it with the
 * caller. */
MUST_CHECK int listener_offer(struct stream_sock *l, struct conn *c, bool wait);
/* A connection that waits gives up: true when it was still waiting. */
bool listener_withdraw(struct stream_sock *l, struct conn *c);
/* The first connection (side 1's reference goes to the caller), or NULL. */
struct conn *listener_take(struct stream_sock *l);
void listener_close(struct stream_sock *l);
/* No more connections; those that are there can be accepted. */
void listener_shut(struct stream_sock *l);
uint32_t listener_poll(struct stream_sock *l);

/* What the kinds share as socket_ops. */
int stream_recv(struct socket *s, struct msg *m);
int stream_inq(struct socket *s);
int stream_error(struct socket *s);
int stream_outq(struct socket *s);
void stream_each_rights(struct socket *s, void (*fn)(struct rights *r, void *arg), void *arg);
void stream_take_rights(struct socket *s, void (*fn)(struct rights *r, void *arg), void *arg);
void stream_release(struct stream_sock *ss, bool reset);

#endif
