/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the levels IPPROTO_IP and IPPROTO_IPV6, which TCP and UDP sockets share. */
#ifndef KERNEL_NET_INET_OPT_H
#define KERNEL_NET_INET_OPT_H

#include "kernel/net/socket.h"

#define IPPROTO_IP_LEVEL 0
#define IPPROTO_TCP_LEVEL 6
#define IPPROTO_UDP_LEVEL 17
#define IPPROTO_IPV6_LEVEL 41
#define IPPROTO_UDPLITE_LEVEL 136

/* Kept for the program; what leads to control messages is in socket.flags. */
struct inet_opts {
    int32_t tos, ttl, mtu_discover, multicast_ttl, multicast_loop; /* -1: default */
    int32_t hops, tclass, mtu_discover6, multicast_hops, multicast_loop6;
    uint32_t on; /* options that are only switches, by INET_SWITCH_* */
};

void inet_opts_init(struct inet_opts *o);
int inet_setopt(struct socket *s, struct inet_opts *o, int level, int opt, const void *val,
                int len);
int inet_getopt(struct socket *s, struct inet_opts *o, int level, int opt, void *val, int len);

#endif
