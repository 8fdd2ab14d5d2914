/* SPDX-License-Identifier: Apache-2.0 */
/* SCM_RIGHTS: descriptors that travel, are cut, are closed when nobody can receive them. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

static ssize_t send_fds(int sock, const char *data, size_t n, const int *fds, unsigned nfds)
{
    char control[CMSG_SPACE(253 * sizeof(int))] = {0};
    struct iovec v = {(void *)data, n};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(nfds * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
    memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
    return sendmsg(sock, &m, MSG_NOSIGNAL);
}

/* Receives; the descriptors go to fds, their number to *nfds. */
static ssize_t recv_fds(int sock, char *data, size_t n, int *fds, unsigned *nfds, int flags,
                        size_t room, int *out_flags)
{
    char control[CMSG_SPACE(253 * sizeof(int))];
    struct iovec v = {data, n};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    ssize_t got = recvmsg(sock, &m, flags);
    struct cmsghdr *c = got < 0 ? NULL : CMSG_FIRSTHDR(&m);

    *nfds = 0;
    *out_flags = m.msg_flags;
    if (c && c->cmsg_type == SCM_RIGHTS) {
        *nfds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(c), *nfds * sizeof(int));
    }
    return got;
}

static int hung_up(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    poll(&p, 1, 5000);
    return (p.revents & POLLHUP) != 0;
}

static void test_kind(int type)
{
    int p[2], q[2], fds[8], flags;
    unsigned n;
    char buf[16];

    check_ok(socketpair(AF_UNIX, type, 0, p));
    check_ok(pipe(q));
    check_eq(send_fds(p[0], "x", 1, q, 2), 1);
    check_eq(recv_fds(p[1], buf, 16, fds, &n, MSG_PEEK, CMSG_SPACE(8), &flags), 1);
    check_eq(n, 2);
    close(fds[0]);
    close(fds[1]);
    check_eq(recv_fds(p[1], buf, 16, fds, &n, MSG_CMSG_CLOEXEC, CMSG_SPACE(8), &flags), 1);
    check_eq(n, 2);
    check_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    check_eq(flags & MSG_CMSG_CLOEXEC, MSG_CMSG_CLOEXEC);
    close(q[1]);
    check_eq(write(fds[1], "via", 3), 3);
    check_eq(read(q[0], buf, 16), 3);
    close(fds[1]);
    check(hung_up(q[0]));
    close(fds[0]);
    close(q[0]);

    /* No room: cut; the rest is closed. */
    check_ok(pipe(q));
    int both[2] = {q[0], q[1]};
    check_eq(send_fds(p[0], "x", 1, both, 2), 1);
    close(q[1]);
    check_eq(recv_fds(p[1], buf, 16, fds, &n, 0, CMSG_LEN(4), &flags), 1);
    check_eq(n, 1);
    check_eq(flags & MSG_CTRUNC, MSG_CTRUNC);
    check(hung_up(q[0]));
    close(fds[0]);
    /* Read without asking for them: closed. */
    check_eq(send_fds(p[0], "x", 1, q, 1), 1);
    check_eq(read(p[1], buf, 16), 1);
    close(q[0]);
    check_err(send_fds(p[0], "x", 1, q, 1), EBADF);
    close(p[0]);
    close(p[1]);
}

/* A receive ends behind data that brought descriptors, and takes what came before along. */
static void test_boundaries(void)
{
    int p[2], q[2], fds[8], flags;
    unsigned n;
    char buf[16];

    check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    check_ok(pipe(q));
    check_eq(write(p[0], "aa", 2), 2);
    check_eq(send_fds(p[0], "bb", 2, q, 1), 2);
    check_eq(write(p[0], "cc", 2), 2);
    check_eq(recv_fds(p[1], buf, 16, fds, &n, 0, CMSG_SPACE(8), &flags), 4);
    check_eq(n, 1);
    check(!memcmp(buf, "aabb", 4));
    close(fds[0]);
    check_eq(recv_fds(p[1], buf, 16, fds, &n, 0, CMSG_SPACE(8), &flags), 2);
    check_eq(n, 0);
    close(p[0]);
    close(p[1]);
    close(q[0]);
    close(q[1]);
}

/* Descriptors in several control messages are one set; more than 253 are too many. */
static void test_several(void)
{
    int p[2], fds[300], flags;
    unsigned n;
    char control[2 * CMSG_SPACE(sizeof(int))] = {0}, byte = 'x';
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    for (int i = 0; i < 2; i++) {
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &p[i], sizeof(int));
        c = (void *)(control + CMSG_SPACE(sizeof(int)));
    }
    check_eq(sendmsg(p[0], &m, 0), 1);
    check_eq(recv_fds(p[1], &byte, 1, fds, &n, 0, CMSG_SPACE(8), &flags), 1);
    check_eq(n, 2);
    close(fds[0]);
    close(fds[1]);
    static char big[CMSG_SPACE(254 * sizeof(int))];
    m.msg_control = big;
    m.msg_controllen = sizeof(big);
    c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(254 * sizeof(int));
    check_err(sendmsg(p[0], &m, 0), EINVAL);
    c->cmsg_len = 3;
    check_err(sendmsg(p[0], &m, 0), EINVAL);
    close(p[0]);
    close(p[1]);
}

/* Closing a queue closes what is in it; sockets that lie in each other's queues are collected. */
static void test_collect(void)
{
    int p[2], q[2], r[2];

    check_ok(pipe(q));
    check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    check_eq(send_fds(p[0], "x", 1, &q[1], 1), 1);
    close(q[1]);
    close(p[0]);
    close(p[1]);
    check(hung_up(q[0]));
    close(q[0]);

    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        check_ok(pipe(q));
        check_ok(socketpair(AF_UNIX, type, 0, p));
        check_ok(socketpair(AF_UNIX, type, 0, r));
        check_eq(send_fds(p[0], "x", 1, &q[1], 1), 1);
        check_eq(send_fds(p[0], "x", 1, &r[1], 1), 1);
        check_eq(send_fds(r[0], "x", 1, &p[1], 1), 1);
        check_eq(send_fds(r[0], "x", 1, &p[0], 1), 1);
        check_eq(send_fds(p[0], "x", 1, &r[0], 1), 1);
        close(q[1]);
        close(p[0]);
        close(p[1]);
        close(r[1]);
        struct pollfd still = {.fd = q[0], .events = POLLIN};
        check_eq(poll(&still, 1, 0), 0);
        close(r[0]);
        close(socket(AF_UNIX, SOCK_STREAM, 0)); /* the collector looks when a socket goes */
        check(hung_up(q[0]));
        close(q[0]);
    }
}

/* A socket in a queue in a queue …: closing the last one closes all. */
static void test_chain(void)
{
    int q[2], p[2], inner;

    check_ok(pipe(q));
    inner = q[1];
    for (int i = 0; i < 3000; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) || send_fds(p[0], "x", 1, &inner, 1) != 1) {
            check(errno == ETOOMANYREFS);
            break;
        }
        close(inner);
        close(p[0]);
        inner = p[1];
    }
    close(inner);
    close(socket(AF_UNIX, SOCK_STREAM, 0));
    check(hung_up(q[0]));
    close(q[0]);

    /* The queue's own other end, dropped by a reader that does not want it. */
    char byte;
    check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    check_eq(send_fds(p[0], "x", 1, &p[0], 1), 1);
    close(p[0]);
    check_eq(read(p[1], &byte, 1), 1);
    check_eq(read(p[1], &byte, 1), 0);
    close(p[1]);
}

int main(void)
{
    test_kind(SOCK_STREAM);
    test_kind(SOCK_DGRAM);
    test_kind(SOCK_SEQPACKET);
    test_boundaries();
    test_several();
    test_collect();
    test_chain();
    return check_done();
}
