/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link: messages between the base and a satellite, over a socket of the host's that neither trusts.
 * What comes out at one end is what went in at the other, in its order, each message once and whole;
 * or the link ends, for good.  README.md says what the host can do.
 *
 * The end of a link that the host or a fault has spoiled is logged here, once; an other end that is gone
 * is not: the caller knows what that means.
 */
#ifndef KERNEL_SATELLITE_LINK_H
#define KERNEL_SATELLITE_LINK_H

#include "abi/host/start.h"
#include "kernel/types.h"

struct link;

/* Bytes of one message, head and body together, at most: what the host carries less the tag. */
#define LINK_MAX (HOST_LINK_MAX - 16UL)

/*
 * Greets the other end of host descriptor fd, a SOCK_SEQPACKET socket, and agrees on keys.  base: which
 * end this is; the other one must be the other.  The descriptor is the link's from now on, and is closed when
 * this fails, too.  May sleep.  0; -EPIPE: the other end is gone; -EBADMSG: it is no such enclave;
 * -ENOMEM; -EIO: the CPU has no key for us; -ERESTARTSYS: a signal is pending.
 */
MUST_CHECK int link_open(int fd, bool base, struct link **out);
/* Closes the descriptor.  Nobody else may be in a function of this link. */
void link_close(struct link *l);
/*
 * One message of head and body (which may be NULL, 0), at most LINK_MAX bytes.  Several threads may send.
 * Waits, deaf to signals, while the host's socket is full.  0, or -EPIPE: the other end is gone (what it has
 * sent before can still be received), or the link has ended.
 */
MUST_CHECK int link_send(struct link *l, const void *head, size_t head_len, const void *body,
                         size_t body_len);
/* What a receiver does while there is no message. */
enum link_wait {
    LINK_NO_WAIT,     /* it is told -EAGAIN */
    LINK_WAIT,        /* its thread sleeps, deaf to signals */
    LINK_WAIT_SIGNAL, /* … unless a signal is pending: -ERESTARTSYS */
    LINK_WAIT_KILL,   /* … unless it is told to die: likewise */
    LINK_WAIT_BLOCK, /* its vCPU waits outside; for a satellite, which has one, and nothing else to run */
};

/*
 * The next message into buf, which is trusted memory: *n its length.  One receiver at a time.  Anything but 0
 * leaves no byte of a message in buf that has not been verified.
 * -EAGAIN, -ERESTARTSYS: see above; nothing has been received.
 * -EPIPE: the other end is gone.  -EBADMSG: not what it sent, or not in its order, or longer than size.
 * After these two nothing is received or sent any more.
 */
MUST_CHECK int link_receive(struct link *l, void *buf, size_t size, size_t *n, enum link_wait wait);

#endif
