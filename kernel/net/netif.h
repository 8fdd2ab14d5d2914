/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface: the loopback, as Linux describes it. */
#ifndef KERNEL_NET_NETIF_H
#define KERNEL_NET_NETIF_H

#define NETIF_LO_INDEX 1
#define NETIF_LO_MTU 65536
#define NETIF_LO_FLAGS 0x49    /* IFF_UP, IFF_LOOPBACK, IFF_RUNNING */
#define NETIF_LO_LOWER 0x10000 /* IFF_LOWER_UP */
#define NETIF_LO_TYPE 772      /* ARPHRD_LOOPBACK */

#endif
