/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has which port.  One table a protocol; an entry lies in its socket.  One spin lock guards
 * all; nothing else is taken under it.
 */
#ifndef KERNEL_NET_PORTS_H
#define KERNEL_NET_PORTS_H

#include "kernel/net/socket.h"

#define PORT_BUCKETS 256U

struct port_entry {
    struct list link; /* [t] on no list: not bound */
    struct socket *sock;
    struct inet_addr local, peer; /* [t] peer.port 0: not connected */
    bool fixed;                   /* [t] the program chose the port or address */
    bool listening;               /* [t] */
    bool shared;                  /* [t] an accepted connection, on its listener's port */
};

struct port_table {
    struct spinlock lock;
    struct list bucket[PORT_BUCKETS]; /* [t] by port */
    uint16_t next;                    /* [t] ephemeral port to try next */
};

extern struct port_table tcp_ports, udp_ports, udplite_ports;

void port_init(struct port_entry *e, struct socket *s);
/* Binds to `local` (port 0: an ephemeral one): -EADDRINUSE, -EADDRNOTAVAIL, -EACCES. */
MUST_CHECK int port_bind(struct port_table *t, struct port_entry *e, const struct inet_addr *local);
/* -EADDRINUSE when another socket listens there too. */
MUST_CHECK int port_listen(struct port_entry *e);
/* Connects e: local's address is filled in where it was any. */
void port_connect(struct port_table *t, struct port_entry *e, const struct inet_addr *peer);
/* UDP: back to what bind said. */
void port_disconnect(struct port_table *t, struct port_entry *e, int family);
/* TCP: an accepted connection shares its listener's port. */
void port_share(struct port_table *t, struct port_entry *e, const struct inet_addr *local,
                const struct inet_addr *peer);
void port_unbind(struct port_table *t, struct port_entry *e);
static inline bool port_bound(const struct port_entry *e)
{
    return !list_empty(&e->link);
}
/* The socket (a reference) that listens at dst. */
struct socket *port_listener(const struct inet_addr *dst) MUST_CHECK;
/* The socket (a reference) that gets what src sends to dst. */
struct socket *port_receiver(struct port_table *t, const struct inet_addr *dst,
                             const struct inet_addr *src) MUST_CHECK;
/* Calls fn for each entry under the table's lock: /proc/net. */
void port_each(struct port_table *t, void (*fn)(const struct port_entry *e, void *arg), void *arg);

#endif
