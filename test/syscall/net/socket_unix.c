/* SPDX-License-Identifier: Apache-2.0 */
/* AF_UNIX sockets with names: paths, abstract ones, datagrams, packets, credentials. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct sockaddr_un path_name(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    return a;
}

static int poll_of(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

    poll(&p, 1, 0);
    return p.revents;
}

static void test_stream_path(void)
{
    struct sockaddr_un a = path_name("name.sock"), n;
    socklen_t len = sizeof(n);
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s;
    struct stat st;
    char buf[16];

    need(l >= 0 && c >= 0);
    check_eq(poll_of(c), POLLOUT | POLLHUP);
    check_err(connect(c, (void *)&a, sizeof(a)), ENOENT);
    check_err(listen(l, 1), EINVAL);
    umask(022);
    check_ok(bind(l, (void *)&a, sizeof(a)));
    check_ok(stat("name.sock", &st));
    check(S_ISSOCK(st.st_mode));
    check_eq(st.st_mode & 0777, 0755);
    check_err(open("name.sock", O_RDWR), ENXIO);
    check_err(bind(c, (void *)&a, sizeof(a)), EADDRINUSE);
    struct sockaddr_un again = path_name("again.sock");
    check_err(bind(l, (void *)&again, sizeof(again)), EINVAL);
    check_err(stat("again.sock", &st), ENOENT);
    check_err(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED);
    check_ok(listen(l, 5));
    check_eq(poll_of(l), 0);
    check_ok(connect(c, (void *)&a, sizeof(a)));
    check_err(connect(c, (void *)&a, sizeof(a)), EISCONN);
    check_eq(poll_of(l), POLLIN);
    s = accept(l, (void *)&n, &len);
    need(s >= 0);
    check_eq(len, 2);
    len = sizeof(n);
    check_ok(getsockname(s, (void *)&n, &len));
    check_eq(len, offsetof(struct sockaddr_un, sun_path) + strlen("name.sock") + 1);
    len = sizeof(n);
    check_ok(getpeername(c, (void *)&n, &len));
    check(!strcmp(n.sun_path, "name.sock"));
    check_eq(write(c, "hi", 2), 2);
    check_eq(read(s, buf, 16), 2);
    struct ucred cred;
    len = sizeof(cred);
    check_ok(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &len));
    check_eq(cred.pid, getpid());
    check_eq(cred.uid, geteuid());
    check_ok(unlink("name.sock"));
    int d = socket(AF_UNIX, SOCK_STREAM, 0);
    check_err(connect(d, (void *)&a, sizeof(a)), ENOENT);
    close(l);
    check_eq(write(s, "still", 5), 5);
    check_eq(read(c, buf, 16), 5);
    check_eq(write(c, "unread", 6), 6);
    close(s);
    check_err(read(c, buf, 16), ECONNRESET);
    check_eq(read(c, buf, 16), 0);
    check_eq(poll_of(c), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    check_err(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
    close(c);
    int f = open("plain", O_CREAT | O_RDWR, 0600);
    a = path_name("plain");
    check_err(connect(d, (void *)&a, sizeof(a)), ECONNREFUSED);
    check_err(bind(d, (void *)&a, sizeof(a)), EADDRINUSE);
    close(f);
    close(d);
}

static socklen_t abstract(struct sockaddr_un *a, const char *name)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    int n = snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "cella-test-%d-%s", getpid(), name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static void test_abstract(void)
{
    struct sockaddr_un a, n;
    socklen_t alen = abstract(&a, "stream"), len = sizeof(n);
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    check_ok(bind(l, (void *)&a, alen));
    check_err(bind(c, (void *)&a, alen), EADDRINUSE);
    check_ok(getsockname(l, (void *)&n, &len));
    check_eq(len, alen);
    check(!memcmp(&n, &a, alen));
    check_ok(listen(l, 0));
    check_ok(connect(c, (void *)&a, alen));
    /* The queue is full. */
    int d = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    check_err(connect(d, (void *)&a, alen), EAGAIN);
    check_eq(poll_of(d), POLLOUT | POLLHUP);
    int s = check_ok(accept(l, NULL, NULL));
    check_ok(connect(d, (void *)&a, alen));
    close(l);
    char b;
    check_err(read(d, &b, 1), ECONNRESET);
    close(s);
    close(c);
    close(d);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    check_err(connect(c, (void *)&a, alen), ECONNREFUSED);
    sa_family_t only = AF_UNIX;
    check_ok(bind(c, (void *)&only, sizeof(only)));
    len = sizeof(n);
    check_ok(getsockname(c, (void *)&n, &len));
    check_eq(len, 8);
    check_eq(n.sun_path[0], 0);
    close(c);
}

static void test_dgram(void)
{
    struct sockaddr_un a, b, n;
    socklen_t alen = abstract(&a, "a"), blen = abstract(&b, "b"), len = sizeof(n);
    int x = socket(AF_UNIX, SOCK_DGRAM, 0), y = socket(AF_UNIX, SOCK_DGRAM, 0), i;
    int z = socket(AF_UNIX, SOCK_DGRAM, 0), st = socket(AF_UNIX, SOCK_STREAM, 0);
    char buf[16];

    check_ok(bind(x, (void *)&a, alen));
    check_ok(bind(y, (void *)&b, blen));
    check_err(send(y, "x", 1, 0), ENOTCONN);
    check_err(connect(st, (void *)&a, alen), ECONNREFUSED); /* types have names of their own … */
    struct sockaddr_un pa = path_name("dgram.sock");
    check_ok(bind(z, (void *)&pa, sizeof(pa)));
    check_err(connect(st, (void *)&pa, sizeof(pa)), EPROTOTYPE); /* … but not nodes */
    close(z);
    z = socket(AF_UNIX, SOCK_DGRAM, 0);
    check_eq(sendto(y, "hello", 5, 0, (void *)&a, alen), 5);
    check_eq(poll_of(x), POLLIN | POLLOUT);
    check_eq(recvfrom(x, buf, 2, MSG_TRUNC, (void *)&n, &len), 5);
    check_eq(len, blen);
    check(!memcmp(&n, &b, blen));
    check_eq(sendto(z, "anon", 4, 0, (void *)&a, alen), 4);
    len = sizeof(n);
    check_eq(recvfrom(x, buf, 16, 0, (void *)&n, &len), 4);
    check_eq(len, 0);
    check_ok(connect(z, (void *)&a, alen));
    for (i = 0; i < 5000 && send(z, "m", 1, MSG_DONTWAIT) == 1; i++)
        ;
    check(i > 0 && i < 5000);
    check_eq(errno, EAGAIN);
    check_eq(poll_of(z), 0);
    for (int k = i; k > 0; k--)
        if (recv(x, buf, 16, MSG_DONTWAIT) != 1)
            check(0);
    check_eq(poll_of(z), POLLOUT);
    /* A connected socket hears its peer only. */
    check_ok(connect(x, (void *)&b, blen));
    check_err(send(z, "m", 1, 0), EPERM);
    close(x);
    check_err(send(z, "m", 1, 0), ECONNREFUSED);
    check_err(send(z, "m", 1, 0), ENOTCONN);
    close(y);
    close(z);
    close(st);

    int p[2];
    check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
    check_eq(write(p[0], "one", 3), 3);
    check_eq(write(p[0], "", 0), 0);
    check_eq(write(p[0], "two", 3), 3);
    check_eq(read(p[1], buf, 16), 3);
    check_eq(recv(p[1], buf, 16, 0), 0);
    check_eq(read(p[1], buf, 2), 2);
    check_err(recv(p[1], buf, 16, MSG_DONTWAIT), EAGAIN);
    close(p[1]);
    check_err(send(p[0], "x", 1, MSG_NOSIGNAL), ECONNREFUSED);
    close(p[0]);
}

static void test_seqpacket(void)
{
    struct sockaddr_un a;
    socklen_t alen = abstract(&a, "seq");
    int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0), s;
    char buf[16];
    struct iovec v = {buf, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

    check_ok(bind(l, (void *)&a, alen));
    check_ok(listen(l, 2));
    check_ok(connect(c, (void *)&a, alen));
    s = check_ok(accept(l, NULL, NULL));
    check_eq(send(c, "packet", 6, 0), 6);
    check_eq(send(c, "two", 3, 0), 3);
    int n = 0;
    check_ok(ioctl(s, FIONREAD, &n));
    check_eq(n, 9);
    check_eq(recvmsg(s, &m, 0), 4);
    check_eq(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
    check_eq(recv(s, buf, 16, 0), 3);
    check_err(recv(s, buf, 16, MSG_DONTWAIT), EAGAIN);
    close(c);
    check_eq(recv(s, buf, 16, 0), 0);
    check(poll_of(s) & POLLHUP);
    close(s);
    close(l);
}

static void test_credentials(void)
{
    int p[2], on = 1;
    char control[128], buf[8];
    struct iovec v = {buf, sizeof(buf)};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        check_ok(socketpair(AF_UNIX, type, 0, p));
        check_ok(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
        check_eq(write(p[0], "c", 1), 1);
        m.msg_controllen = sizeof(control);
        check_eq(recvmsg(p[1], &m, 0), 1);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        need(c != NULL);
        check_eq(c->cmsg_type, SCM_CREDENTIALS);
        struct ucred u;
        memcpy(&u, CMSG_DATA(c), sizeof(u));
        check_eq(u.pid, getpid());
        check_eq(u.uid, getuid());
        close(p[0]);
        close(p[1]);
    }
}

int main(void)
{
    test_stream_path();
    test_abstract();
    test_dgram();
    test_seqpacket();
    test_credentials();
    return check_done();
}
