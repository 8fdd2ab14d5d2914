/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams in kernel memory and queues of them, for UDP, AF_UNIX datagrams and netlink.
 *
 * The queue's spin lock guards the list; a packet is copied to a program after it has been taken,
 * or (MSG_PEEK) while it is counted.
 */
#ifndef KERNEL_NET_PACKET_H
#define KERNEL_NET_PACKET_H

#include "kernel/net/rights.h"

struct mailbox;

struct packet {
    struct list link; /* [q] */
    struct ref ref;
    struct addr from;      /* [I] */
    struct scm scm;        /* [rights_lock: rights] */
    size_t len;            /* [I] */
    uint32_t charge;       /* [I] bytes of a sender's buffer that it holds */
    struct mailbox *payer; /* [I] a reference: whose buffer; or NULL */
    char data[];
};

struct packet_queue {
    struct spinlock lock;
    struct list list; /* [q] */
    unsigned n;       /* [q] */
    size_t bytes;     /* [q] of memory */
    unsigned nrights; /* [q] packets that have rights */
    bool closed;      /* [q] takes no more */
};

/*
 * What of an AF_UNIX datagram socket outlives its file: others are connected to it, and packets
 * that it sent are charged to it until they are received.
 */
struct mailbox {
    struct ref ref;
    struct packet_queue queue;
    struct spinlock lock;
    struct socket *end;       /* [l] NULL: closed */
    uint32_t charged;         /* [a] bytes that lie in others' queues */
    const struct mailbox *to; /* [a] only compared: whom it is connected to */
    bool deaf;                /* [a] shut down for reading */
    struct list blocked;      /* [room_lock] mailboxes that wait for room in the queue … */
    struct list wait_link;    /* [room_lock] … by this link */
};

void packet_queue_init(struct packet_queue *q);
/* A packet with the message's data: -ENOMEM, -EFAULT, -EMSGSIZE (more than max). */
MUST_CHECK int packet_new(struct msg *m, size_t max, struct packet **out);
void packet_put(struct packet *p);
/* -EAGAIN: max packets are there; -ENOBUFS: max_bytes are; -ECONNREFUSED: closed.  Takes over the
 * reference on success. */
MUST_CHECK int packet_queue_add(struct packet_queue *q, struct packet *p, unsigned max,
                                size_t max_bytes);
/* The first packet, or (peek) a reference to it; NULL. */
struct packet *packet_queue_take(struct packet_queue *q, bool peek);
/* Its data and luggage to a receiver. */
int packet_deliver(struct packet *p, struct msg *m);
/* Drops all, and takes no more. */
void packet_queue_close(struct packet_queue *q);
struct mailbox *mailbox_new(struct socket *end) MUST_CHECK;
static inline struct mailbox *mailbox_get(struct mailbox *b)
{
    ref_get(&b->ref);
    return b;
}
void mailbox_put(struct mailbox *b);
void mailbox_wake(struct mailbox *b, uint32_t events);
/* Its file is closed. */
void mailbox_close(struct mailbox *b);
/* b will be woken (EPOLLOUT) when room comes in to's queue: true, unless there is room already. */
bool mailbox_wait_room(struct mailbox *b, struct mailbox *to, unsigned max);
/* Room has come. */
void mailbox_room(struct mailbox *b);
int packet_queue_first_len(struct packet_queue *q);
/* For the collector; rights_lock is held. */
void packet_queue_each_rights(struct packet_queue *q, void (*fn)(struct rights *r, void *arg),
                              void *arg, bool take);

#endif
