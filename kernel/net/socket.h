/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: files with a family's operations behind the socket calls.  As all file operations these
 * never block; the loops that do are in socket.c.
 */
#ifndef KERNEL_NET_SOCKET_H
#define KERNEL_NET_SOCKET_H

#include "kernel/vfs/file.h"

/* Their values are ABI; <linux/socket.h> has none of them. */
#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
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
#define MSG_WAITALL 0x100U
#define MSG_NOSIGNAL 0x4000U
#define MSG_CMSG_CLOEXEC 0x40000000U

struct socket;

struct socket_ops {
    /* As file_ops.read and write; flags: MSG_PEEK for recv. */
    int (*recv)(struct socket *s, struct uio *u, unsigned flags);
    int (*send)(struct socket *s, struct uio *u, unsigned flags);
    int (*shutdown)(struct socket *s, int how);
    /* The local (peer: the other's) address: its length. */
    int (*getname)(struct socket *s, bool peer, void *addr, size_t size);
};

struct socket {
    struct file file;                   /* first */
    const struct socket_ops *ops;       /* [I] */
    int family, type;                   /* [I] */
    ktime_t recv_timeout, send_timeout; /* [a] 0: none */
    uint32_t sndbuf, rcvbuf;            /* [a] what the program set; limits nothing */
    uint64_t ino;                       /* [I] */
    char name[32];                      /* [I] "socket:[…]" */
};

/* Fills in a zeroed socket; fops: the family's, with socket_file_* where it has no own. */
void socket_init(struct socket *s, const struct socket_ops *ops, const struct file_ops *fops,
                 int family, int type, uint32_t flags);
bool file_is_socket(const struct file *f);
static inline struct socket *socket_of(struct file *f)
{
    return container_of(f, struct socket, file);
}
int socket_file_read(struct file *f, struct uio *u, int64_t *pos);
int socket_file_write(struct file *f, struct uio *u, int64_t *pos);
int socket_file_getattr(struct file *f, struct statx *st);

/* unix.c: two connected stream sockets. */
MUST_CHECK int unix_pair_new(uint32_t flags, struct file *out[2]);

#endif
