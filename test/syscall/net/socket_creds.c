/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is at the other end: SO_PEERCRED is what was true when the two met, SCM_CREDENTIALS what was true
 * when the message was sent; who claims to be another needs capabilities.
 */
#include "check.h"
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define NOBODY 65534

static int kinds[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

static void passcred(int fd, int on)
{
    check_ok(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
}

/* Bytes received; *c: whose they are said to be; pid -1: nothing is said. */
static ssize_t recv_cred(int fd, size_t n, struct ucred *c, int flags)
{
    char buf[64], control[CMSG_SPACE(sizeof(*c))];
    struct iovec v = {buf, n};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &m, flags);
    struct cmsghdr *h = got < 0 ? NULL : CMSG_FIRSTHDR(&m);

    c->pid = -1;
    if (h && h->cmsg_type == SCM_CREDENTIALS)
        memcpy(c, CMSG_DATA(h), sizeof(*c));
    return got;
}

static ssize_t send_cred(int fd, pid_t pid, uid_t uid, gid_t gid)
{
    struct ucred c = {pid, uid, gid};
    char control[CMSG_SPACE(sizeof(c))] = {0};
    struct iovec v = {"x", 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_CREDENTIALS;
    h->cmsg_len = CMSG_LEN(sizeof(c));
    memcpy(CMSG_DATA(h), &c, sizeof(c));
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static struct ucred peer(int fd)
{
    struct ucred c = {-2, -2, -2};
    socklen_t len = sizeof(c);

    check_ok(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len));
    return c;
}

#define check_cred(c, p, u, g)  \
    do {                        \
        check_eq((c).pid, (p)); \
        check_eq((c).uid, (u)); \
        check_eq((c).gid, (g)); \
    } while (0)

/* Only the real ids of this thread: the C library would tell all threads. */
static void become(uid_t uid, uid_t euid)
{
    check_ok(syscall(SYS_setresgid, uid, euid, -1));
    check_ok(syscall(SYS_setresuid, uid, euid, -1));
}

/* Runs fn in a child; its failures are ours. */
static pid_t in_child(void (*fn)(int fd), int fd)
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
    return pid;
}

static void write_three(int fd)
{
    check_eq(write(fd, "abc", 3), 3);
}

static void write_as_user(int fd)
{
    become(1234, 0);
    check_eq(write(fd, "d", 1), 1);
}

/* Each message has its own sender, also of one socket; a receive of a stream does not mix them. */
static void test_each(int type)
{
    struct ucred c;
    int p[2];

    check_ok(socketpair(AF_UNIX, type, 0, p));
    passcred(p[1], 1);
    check_eq(write(p[0], "xy", 2), 2);
    pid_t first = in_child(write_three, p[0]);
    pid_t second = in_child(write_as_user, p[0]);
    check_eq(recv_cred(p[1], 64, &c, MSG_PEEK), 2);
    check_cred(c, getpid(), 0, 0);
    check_eq(recv_cred(p[1], 64, &c, 0), 2);
    check_cred(c, getpid(), 0, 0);
    if (type == SOCK_STREAM) {
        check_eq(recv_cred(p[1], 2, &c, 0), 2);
        check_cred(c, first, 0, 0);
        check_eq(recv_cred(p[1], 64, &c, MSG_WAITALL | MSG_DONTWAIT), 1);
    } else {
        check_eq(recv_cred(p[1], 64, &c, 0), 3);
    }
    check_cred(c, first, 0, 0);
    check_eq(recv_cred(p[1], 64, &c, 0), 1);
    check_cred(c, second, 1234, 1234);
    close(p[0]);
    close(p[1]);
}

/* Who receives without wanting to know gets all together; what was sent before he wanted is nobody's. */
static void test_unasked(int type)
{
    struct ucred c;
    int p[2];

    check_ok(socketpair(AF_UNIX, type, 0, p));
    check_eq(write(p[0], "n", 1), 1);
    passcred(p[1], 1);
    check_eq(write(p[0], "m", 1), 1);
    check_eq(recv_cred(p[1], 64, &c, 0), 1);
    check_cred(c, 0, NOBODY, NOBODY);
    check_eq(recv_cred(p[1], 64, &c, 0), 1);
    check_cred(c, getpid(), 0, 0);

    in_child(write_three, p[0]);
    check_eq(write(p[0], "m", 1), 1);
    passcred(p[1], 0);
    check_eq(recv_cred(p[1], 64, &c, 0), type == SOCK_STREAM ? 4 : 3);
    check_eq(c.pid, -1);
    close(p[0]);
    close(p[1]);
}

static void claim_as_user(int fd)
{
    pid_t me = getpid();

    become(1234, 1234);
    check_ok(syscall(SYS_setresuid, 1234, 1234, 1234));
    check_ok(syscall(SYS_setresgid, 1234, 1234, 1234));
    check_err(send_cred(fd, getppid(), 1234, 1234), EPERM);
    check_err(send_cred(fd, me, 0, 1234), EPERM);
    check_err(send_cred(fd, me, 1234, 0), EPERM);
    check_err(send_cred(fd, me, -1, 1234), EINVAL);
    check_eq(send_cred(fd, me, 1234, 1234), 1);
}

static void claim_another_id(int fd)
{
    /* Real, effective and saved ones may be said. */
    check_ok(syscall(SYS_setresgid, 11, 12, 13));
    check_ok(syscall(SYS_setresuid, 21, 22, 23));
    check_eq(send_cred(fd, getpid(), 21, 11), 1);
    check_eq(send_cred(fd, getpid(), 22, 13), 1);
    check_eq(send_cred(fd, getpid(), 23, 12), 1);
    check_err(send_cred(fd, getpid(), 24, 12), EPERM);
}

static void test_claims(int type)
{
    struct ucred c;
    int p[2];

    check_ok(socketpair(AF_UNIX, type, 0, p));
    passcred(p[1], 1);
    pid_t pid = in_child(claim_as_user, p[0]);
    check_eq(recv_cred(p[1], 1, &c, 0), 1);
    check_cred(c, pid, 1234, 1234);
    pid = in_child(claim_another_id, p[0]);
    check_eq(recv_cred(p[1], 1, &c, 0), 1);
    check_cred(c, pid, 21, 11);
    check_eq(recv_cred(p[1], 1, &c, 0), 1);
    check_cred(c, pid, 22, 13);
    check_eq(recv_cred(p[1], 1, &c, 0), 1);
    check_cred(c, pid, 23, 12);
    /* Root may say what it likes, but of processes that there are. */
    check_eq(send_cred(p[0], getppid(), 77, 78), 1);
    check_eq(recv_cred(p[1], 1, &c, 0), 1);
    check_cred(c, getppid(), 77, 78);
    check_err(send_cred(p[0], 0x3ffffff, 0, 0), ESRCH);
    close(p[0]);
    close(p[1]);
}

static void asks_peer(int fd)
{
    check_cred(peer(fd), getppid(), 0, 0);
    become(1234, 1234);
    check_cred(peer(fd), getppid(), 0, 0);
}

static void connects(int fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "place"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    char byte;

    become(1234, 4321);
    check_ok(connect(s, (void *)&a, sizeof(a)));
    become(1234, 1234);
    check_cred(peer(s), getppid(), 0, 0);
    check_eq(read(s, &byte, 1), 0);
    (void)fd;
}

static void test_peer(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "place"};
    int p[2], status;

    for (int i = 0; i < 3; i++) {
        check_ok(socketpair(AF_UNIX, kinds[i], 0, p));
        check_cred(peer(p[0]), getpid(), 0, 0);
        in_child(asks_peer, p[0]);
        in_child(asks_peer, p[1]);
        close(p[0]);
        close(p[1]);
    }
    int l = check_ok(socket(AF_UNIX, SOCK_STREAM, 0));
    check_cred(peer(l), 0, 0xffffffff, 0xffffffff);
    check_ok(bind(l, (void *)&a, sizeof(a)));
    check_ok(chmod("place", 0777));
    check_ok(chmod(".", 0777));
    check_ok(listen(l, 4));
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        check_failures = 0;
        connects(-1);
        exit(check_done());
    }
    int s = check_ok(accept(l, NULL, NULL));
    check_cred(peer(s), pid, 4321, 4321);
    close(s);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    close(l);
    unlink("place");

    /* Datagrams that connect have never met. */
    int d = check_ok(socket(AF_UNIX, SOCK_DGRAM, 0)), e = check_ok(socket(AF_UNIX, SOCK_DGRAM, 0));
    check_ok(bind(d, (void *)&a, sizeof(a)));
    check_ok(connect(e, (void *)&a, sizeof(a)));
    check_cred(peer(e), 0, 0xffffffff, 0xffffffff);
    check_cred(peer(d), 0, 0xffffffff, 0xffffffff);
    close(d);
    close(e);
    unlink("place");
}

/* What is sent before accept has a sender, since the socket-to-be may want to know. */
static void test_before_accept(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "place"};
    struct ucred c;
    int l = check_ok(socket(AF_UNIX, SOCK_STREAM, 0)),
        s = check_ok(socket(AF_UNIX, SOCK_STREAM, 0));

    check_ok(bind(l, (void *)&a, sizeof(a)));
    check_ok(listen(l, 4));
    check_ok(connect(s, (void *)&a, sizeof(a)));
    in_child(write_three, s);
    check_eq(write(s, "z", 1), 1);
    int t = check_ok(accept(l, NULL, NULL));
    passcred(t, 1);
    check_eq(recv_cred(t, 64, &c, 0), 3);
    check(c.pid != getpid() && c.pid > 0);
    check_eq(recv_cred(t, 64, &c, 0), 1);
    check_cred(c, getpid(), 0, 0);
    close(s);
    close(t);
    close(l);
    unlink("place");
}

int main(void)
{
    for (int i = 0; i < 3; i++) {
        test_each(kinds[i]);
        test_unasked(kinds[i]);
        test_claims(kinds[i]);
    }
    test_peer();
    test_before_accept();
    return check_done();
}
