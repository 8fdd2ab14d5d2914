/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors in flight count for the user who sends them, over all his processes, against the sender's
 * RLIMIT_NOFILE; they live on when their senders are gone, and end with the last who could receive them.
 */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LIMIT 40

static int user; /* nobody else's */

static ssize_t send_fds(int sock, const int *fds, unsigned n)
{
    char control[CMSG_SPACE(16 * sizeof(int))] = {0};
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(n * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int recv_fd(int sock)
{
    char control[CMSG_SPACE(16 * sizeof(int))], byte;
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    int fd = -1;

    if (recvmsg(sock, &m, MSG_DONTWAIT) < 0)
        return -1;
    if (m.msg_controllen)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
    return fd;
}

static void in_child(void (*fn)(int fd), int fd)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();

    if (!pid) {
        check_failures = 0;
        fn(fd);
        exit(check_done());
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

static int hung_up(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    poll(&p, 1, 5000);
    return (p.revents & POLLHUP) != 0;
}

static void become_user(int id)
{
    struct rlimit r = {LIMIT, LIMIT};

    check_ok(setrlimit(RLIMIT_NOFILE, &r));
    check_ok(syscall(SYS_setresuid, id, id, id));
}

/* Ten at a time, until it is too much: how many messages went. */
static int fill(int sock)
{
    int fds[10], sent = 0;

    for (int i = 0; i < 10; i++)
        fds[i] = 0;
    while (send_fds(sock, fds, 10) == 1)
        sent++;
    check_eq(errno, ETOOMANYREFS);
    return sent;
}

static void fill_alone(int sock)
{
    become_user(user);
    check_eq(fill(sock), LIMIT / 10 + 1); /* what passes the limit still goes */
}

static void fill_none(int sock)
{
    become_user(user);
    check_eq(fill(sock), 0);
}

static void fill_two(int sock)
{
    become_user(user);
    check_eq(fill(sock), 2);
}

static void fill_other(int sock)
{
    become_user(user + 1);
    check_eq(fill(sock), LIMIT / 10 + 1);
}

static void send_as_root(int sock)
{
    struct rlimit r = {LIMIT, LIMIT};
    int fd = 0;

    check_ok(setrlimit(RLIMIT_NOFILE, &r));
    for (int i = 0; i < LIMIT + 5; i++)
        if (send_fds(sock, &fd, 1) != 1)
            check(!"root may");
}

/* A receiver takes the files out of the sender's account. */
static void take_two(int sock)
{
    for (int i = 0; i < 2; i++)
        check(recv_fd(sock) >= 0);
}

static void test_users(void)
{
    int p[2];

    user = 1000000 + getpid() * 2;
    check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
    int big = 1 << 20;
    check_ok(setsockopt(p[0], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big)));
    in_child(fill_alone, p[0]);
    in_child(fill_none, p[0]);
    in_child(take_two, p[1]);
    in_child(fill_two, p[0]);
    in_child(fill_other, p[0]);
    in_child(send_as_root, p[0]);
    in_child(fill_none, p[0]);
    close(p[0]);
    close(p[1]);
    check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
    check_ok(setsockopt(p[0], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big)));
    in_child(fill_alone, p[0]); /* all are gone */
    close(p[0]);
    close(p[1]);
}

static int pipe_end;

static void send_pipe(int sock)
{
    check_eq(send_fds(sock, &pipe_end, 1), 1);
}

/* The sender has gone, and had the only descriptor. */
static void test_sender_gone(void)
{
    int p[2], q[2];
    char buf[4];

    check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    check_ok(pipe(q));
    pipe_end = q[1];
    in_child(send_pipe, p[0]);
    close(q[1]);
    int fd = check_ok(recv_fd(p[1]));
    check_eq(write(fd, "ok", 2), 2);
    check_eq(read(q[0], buf, 4), 2);
    close(fd);
    check(hung_up(q[0]));
    close(q[0]);
    close(p[0]);
    close(p[1]);
}

static void make_cycle(int sock)
{
    int p[2], r[2];

    (void)sock;
    check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, r));
    int both[2] = {p[1], pipe_end}, back[2] = {r[1], r[0]}, all[2] = {p[0], p[1]};
    check_eq(send_fds(r[0], both, 2), 1);
    check_eq(send_fds(p[0], back, 2), 1);
    check_eq(send_fds(r[0], all, 2), 1);
}

/* A process leaves sockets behind that only lie in each other's queues. */
static void test_cycle_left(void)
{
    int q[2];

    check_ok(pipe(q));
    pipe_end = q[1];
    in_child(make_cycle, -1);
    close(q[1]);
    close(socket(AF_UNIX, SOCK_STREAM, 0)); /* the collector looks when a socket goes */
    check(hung_up(q[0]));
    close(q[0]);
}

/* One that is closed makes the message fail, and nothing of it is sent. */
static void test_closed(void)
{
    int p[2], q[2];

    check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
    check_ok(pipe(q));
    int fds[3] = {q[1], q[0], -1};
    check_err(send_fds(p[0], fds, 3), EBADF);
    fds[2] = dup(0);
    close(fds[2]);
    check_err(send_fds(p[0], fds, 3), EBADF);
    check_err(recv(p[1], fds, 1, MSG_DONTWAIT), EAGAIN);
    close(q[1]);
    check(hung_up(q[0])); /* the failed message holds nothing */
    close(q[0]);
    fds[0] = open("/", O_PATH);
    check_eq(send_fds(p[0], fds, 1), 1);
    check(recv_fd(p[1]) >= 0);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    test_users();
    test_sender_gone();
    test_cycle_left();
    test_closed();
    return check_done();
}
