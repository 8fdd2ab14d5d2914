/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/net: the sockets of this enclave and its one interface.  AF_UNIX lists sockets with names.
 * A table is walked under its spin lock, which allocating allows.
 */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/net/ports.h"
#include "kernel/net/unix_name.h"

struct listing {
    struct seq *seq;
    int family;
    unsigned n;
};

/* An address as Linux prints it: 32-bit words in the machine's byte order. */
static void address_put(struct seq *s, const struct inet_addr *a, int family)
{
    uint32_t word[4];
    memcpy(word, a->ip, sizeof(word));
    if (family == AF_INET)
        seq_printf(s, "%08X", word[3]);
    else
        seq_printf(s, "%08X%08X%08X%08X", word[0], word[1], word[2], word[3]);
    seq_printf(s, ":%04X ", a->port);
}

static void port_put(const struct port_entry *e, void *arg)
{
    struct listing *l = arg;
    struct socket *s = e->sock;
    if (s->family != l->family)
        return;
    seq_printf(l->seq, "%4u: ", l->n++);
    address_put(l->seq, &e->local, l->family);
    address_put(l->seq, &e->peer, l->family);
    unsigned state = s->ops->state ? s->ops->state(s) : 7;
    unsigned out = s->ops->outq ? (unsigned)s->ops->outq(s) : 0;
    unsigned in = s->ops->inq ? (unsigned)s->ops->inq(s) : 0;
    seq_printf(l->seq, "%02X %08X:%08X 00:00000000 00000000 %5u        0 %lu 1 0 0\n", state, out,
               in, s->uid, s->ino);
}

static int ports_show(struct seq *s, struct port_table *t, int family)
{
    struct listing l = {s, family, 0};
    seq_puts(s,
             family == AF_INET
                 ? "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
                   "uid  timeout inode\n"
                 : "  sl  local_address                         remote_address                   "
                   "     st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
    port_each(t, port_put, &l);
    return 0;
}

static int tcp_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    return ports_show(s, &tcp_ports, AF_INET);
}

static int tcp6_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    return ports_show(s, &tcp_ports, AF_INET6);
}

static int udp_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    return ports_show(s, &udp_ports, AF_INET);
}

static int udp6_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    return ports_show(s, &udp_ports, AF_INET6);
}

static void name_put(const struct unix_name *n, void *arg)
{
    struct seq *s = arg;
    size_t len = n->addr.len - 2U;
    bool listens = socket_flag(n->sock, SOCKET_LISTENING);
    seq_printf(s, "%016x: %08X %08X %08X %04X %02X %5lu ", 0U, n->sock->file.ref.count, 0U,
               listens ? 0x10000U : 0U, (unsigned)n->sock->type, 1U, n->sock->ino);
    for (size_t i = 0; i < len; i++) {
        char c = n->addr.un.path[i];
        if (c || (!n->node && i < len))
            seq_write(s, c ? &c : "@", 1);
    }
    seq_puts(s, "\n");
}

static int unix_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    unix_name_each(name_put, s);
    return 0;
}

static int dev_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s,
             "Inter-|   Receive                                                |  Transmit\n"
             " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
             "errs drop fifo colls carrier compressed\n"
             "    lo:       0       0    0    0    0     0          0         0        0       0 "
             "   0    0    0     0       0          0\n");
    return 0;
}

static int if_inet6_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "00000000000000000000000000000001 01 80 10 80       lo\n");
    return 0;
}

static int route_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(
        s, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
    return 0;
}

const struct pseudo_entry proc_net_dir[] = {
    PSEUDO_FILE("dev", dev_show),
    PSEUDO_FILE("if_inet6", if_inet6_show),
    PSEUDO_FILE("route", route_show),
    PSEUDO_FILE("tcp", tcp_show),
    PSEUDO_FILE("tcp6", tcp6_show),
    PSEUDO_FILE("udp", udp_show),
    PSEUDO_FILE("udp6", udp6_show),
    PSEUDO_FILE("unix", unix_show),
    PSEUDO_END,
};
