/* SPDX-License-Identifier: Apache-2.0 */
/* TCP over the loopback: connecting, names, half-close, resets, what is refused. */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static struct sockaddr_in at(const char *ip, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}

static struct sockaddr_in name_of(int fd, int peer)
{
    struct sockaddr_in a = {0};
    socklen_t len = sizeof(a);

    check_ok(peer ? getpeername(fd, (void *)&a, &len) : getsockname(fd, (void *)&a, &len));
    check_eq(len, sizeof(a));
    return a;
}

static int listen_on(const char *ip)
{
    struct sockaddr_in a = at(ip, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    need(fd >= 0);
    check_ok(bind(fd, (void *)&a, sizeof(a)));
    check_ok(listen(fd, 8));
    return fd;
}

static int poll_of(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

    poll(&p, 1, 0);
    return p.revents;
}

/* Waits for events, since a reset takes a moment natively. */
static int poll_for(int fd, int events)
{
    struct pollfd p = {.fd = fd, .events = events};

    poll(&p, 1, 10000);
    return poll_of(fd);
}

static void pair(int l, int *c, int *s)
{
    struct sockaddr_in a = name_of(l, 0);

    *c = socket(AF_INET, SOCK_STREAM, 0);
    check_ok(connect(*c, (void *)&a, sizeof(a)));
    *s = check_ok(accept(l, NULL, NULL));
}

static void test_connect(void)
{
    int l = listen_on("127.0.0.1"), c, s;
    struct sockaddr_in a = name_of(l, 0), from = {0};
    socklen_t len = sizeof(from);
    char buf[64];

    check(ntohs(a.sin_port) >= 32768 && ntohs(a.sin_port) <= 60999);
    check_eq(poll_of(l), 0);
    c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_eq(fcntl(c, F_GETFD), FD_CLOEXEC);
    check_eq(poll_of(c), POLLOUT | POLLHUP);
    check_err(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
    check_err(recv(c, buf, 1, 0), ENOTCONN);
    check_err(getpeername(c, (void *)&from, &len), ENOTCONN);
    check_ok(connect(c, (void *)&a, sizeof(a)));
    check_err(connect(c, (void *)&a, sizeof(a)), EISCONN);
    check_eq(send(c, "early", 5, 0), 5);
    check_eq(poll_for(l, POLLIN), POLLIN);
    s = accept4(l, (void *)&from, &len, SOCK_NONBLOCK);
    need(s >= 0);
    check_eq(fcntl(s, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    check_eq(from.sin_port, name_of(c, 0).sin_port);
    check_eq(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    check_eq(name_of(s, 0).sin_port, a.sin_port);
    check_eq(name_of(s, 1).sin_port, name_of(c, 0).sin_port);
    check_eq(name_of(c, 1).sin_port, a.sin_port);
    poll_for(s, POLLIN);
    int n = 0;
    check_ok(ioctl(s, FIONREAD, &n));
    check_eq(n, 5);
    check_eq(recv(s, buf, 3, MSG_PEEK), 3);
    check_eq(recv(s, buf, sizeof(buf), 0), 5);
    check(!memcmp(buf, "early", 5));
    check_err(recv(s, buf, 1, 0), EAGAIN);
    check_eq(poll_of(s), POLLOUT);
    check_eq(write(s, "abc", 3), 3);
    check_eq(write(s, "def", 3), 3);
    check_eq(recv(c, buf, 6, MSG_WAITALL), 6);
    check(!memcmp(buf, "abcdef", 6));
    check_ok(ioctl(c, FIONREAD, &n));
    check_eq(n, 0);
    check_err(accept(c, NULL, NULL), EINVAL);
    check_err(listen(c, 1), EINVAL);
    check_err(bind(c, (void *)&a, sizeof(a)), EINVAL);
    check_ok(fcntl(l, F_SETFL, O_NONBLOCK));
    check_err(accept(l, NULL, NULL), EAGAIN);
    close(c);
    close(s);
    close(l);
}

static void test_half_close(void)
{
    int l = listen_on("127.0.0.1"), c, s;
    char buf[8];

    pair(l, &c, &s);
    check_eq(write(c, "last", 4), 4);
    check_ok(shutdown(c, SHUT_WR));
    check_err(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
    check_eq(poll_for(s, POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP);
    check_eq(read(s, buf, 8), 4);
    check_eq(read(s, buf, 8), 0);
    check_eq(write(s, "back", 4), 4);
    check_eq(recv(c, buf, 4, MSG_WAITALL), 4);
    check_ok(shutdown(s, SHUT_WR));
    check_eq(poll_for(c, POLLHUP), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    check_eq(read(c, buf, 8), 0);
    check_err(shutdown(c, SHUT_RD), ENOTCONN);
    check_err(shutdown(c, 7), EINVAL);
    close(c);
    close(s);
    close(l);
}

static void test_reset(void)
{
    int l = listen_on("127.0.0.1"), c, s, err = 0;
    socklen_t len = sizeof(err);
    char buf[8];

    /* Unread data: the peer is reset. */
    pair(l, &c, &s);
    check_eq(write(c, "unread", 6), 6);
    poll_for(s, POLLIN);
    close(s);
    check_eq(poll_for(c, POLLHUP), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
    check_ok(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len));
    check_eq(err, ECONNRESET);
    check_eq(read(c, buf, 8), 0);
    check_err(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
    close(c);

    pair(l, &c, &s);
    check_eq(write(s, "data", 4), 4);
    check_eq(write(c, "unread", 6), 6);
    poll_for(s, POLLIN);
    close(s);
    poll_for(c, POLLHUP);
    check_eq(read(c, buf, 8), 4);
    check_err(read(c, buf, 8), ECONNRESET);
    check_eq(read(c, buf, 8), 0);
    close(c);

    /* A normal close: the first write goes nowhere, the next one fails. */
    pair(l, &c, &s);
    close(s);
    check_eq(poll_for(c, POLLRDHUP), POLLIN | POLLOUT | POLLRDHUP);
    check_eq(send(c, "x", 1, MSG_NOSIGNAL), 1);
    check(poll_for(c, POLLHUP) & POLLHUP);
    check_err(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
    check_eq(read(c, buf, 8), 0);
    close(c);

    /* SO_LINGER with 0: an abort. */
    struct linger hard = {1, 0};
    pair(l, &c, &s);
    check_ok(setsockopt(s, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)));
    close(s);
    poll_for(c, POLLHUP);
    check_err(read(c, buf, 8), ECONNRESET);
    close(c);

    /* A listener that goes resets what nobody has accepted. */
    struct sockaddr_in a = name_of(l, 0);
    c = socket(AF_INET, SOCK_STREAM, 0);
    check_ok(connect(c, (void *)&a, sizeof(a)));
    close(l);
    poll_for(c, POLLHUP);
    check_err(read(c, buf, 8), ECONNRESET);
    close(c);
}

static void test_refused(void)
{
    int l = listen_on("127.0.0.1"), c = socket(AF_INET, SOCK_STREAM, 0), err = 0;
    struct sockaddr_in a = name_of(l, 0), far = at("127.0.0.1", 1);
    socklen_t len = sizeof(err);

    close(l);
    check_err(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED);
    check_err(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED);
    check_ok(fcntl(c, F_SETFL, O_NONBLOCK));
    check_err(connect(c, (void *)&a, sizeof(a)), EINPROGRESS);
    check_eq(poll_for(c, POLLOUT), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
    check_ok(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len));
    check_eq(err, ECONNREFUSED);
    close(c);

    c = socket(AF_INET, SOCK_STREAM, 0);
    check_err(connect(c, (void *)&far, 4), EINVAL);
    far.sin_family = AF_UNIX;
    check_err(connect(c, (void *)&far, sizeof(far)), EAFNOSUPPORT);
    check_err(connect(c, (void *)8, sizeof(far)), EFAULT);
    check_err(connect(c, (void *)&far, -1), EINVAL);
    close(c);
}

static void test_nonblocking(void)
{
    int l = listen_on("127.0.0.1"), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), s;
    struct sockaddr_in a = name_of(l, 0);
    int err = 1, n, total = 0, got = 0;
    socklen_t len = sizeof(err);
    static char big[1 << 20];

    check_err(connect(c, (void *)&a, sizeof(a)), EINPROGRESS);
    check_eq(poll_for(c, POLLOUT), POLLOUT);
    check_ok(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len));
    check_eq(err, 0);
    check_ok(connect(c, (void *)&a, sizeof(a)));
    check_err(connect(c, (void *)&a, sizeof(a)), EISCONN);
    s = check_ok(accept(l, NULL, NULL));
    while ((n = send(c, big, sizeof(big), 0)) > 0)
        total += n;
    check_eq(errno, EAGAIN);
    check(total >= 65536);
    check_eq(poll_of(c), 0);
    fcntl(s, F_SETFL, O_NONBLOCK);
    while (got < total && (n = recv(s, big, sizeof(big), 0)) != 0) {
        if (n > 0)
            got += n;
        else
            poll_for(s, POLLIN);
    }
    check_eq(got, total);
    check_eq(poll_for(c, POLLOUT), POLLOUT);
    close(c);
    close(s);
    close(l);
}

static void test_ports(void)
{
    int l = listen_on("127.0.0.1"), o = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in a = name_of(l, 0), any = at("0.0.0.0", ntohs(a.sin_port));
    struct sockaddr_in other = at("127.0.0.2", ntohs(a.sin_port)), far = at("8.8.8.8", 0);

    check_err(bind(o, (void *)&a, sizeof(a)), EADDRINUSE);
    check_err(bind(o, (void *)&any, sizeof(any)), EADDRINUSE);
    check_ok(setsockopt(o, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    check_err(bind(o, (void *)&any, sizeof(any)), EADDRINUSE);
    check_err(bind(o, (void *)&far, sizeof(far)), EADDRNOTAVAIL);
    check_ok(bind(o, (void *)&other, sizeof(other)));
    check_eq(name_of(o, 0).sin_addr.s_addr, other.sin_addr.s_addr);
    check_err(bind(o, (void *)&other, sizeof(other)), EINVAL);
    close(o);
    close(l);

    int r[2];
    for (int i = 0; i < 2; i++) {
        r[i] = socket(AF_INET, SOCK_STREAM, 0);
        check_ok(setsockopt(r[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
        check_ok(bind(r[i], (void *)&a, sizeof(a)));
    }
    check_ok(listen(r[0], 1));
    check_err(listen(r[1], 1), EADDRINUSE);
    close(r[0]);
    close(r[1]);
    for (int i = 0; i < 2; i++) {
        r[i] = socket(AF_INET, SOCK_STREAM, 0);
        check_ok(setsockopt(r[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
        check_ok(bind(r[i], (void *)&a, sizeof(a)));
        check_ok(listen(r[i], 1));
    }
    close(r[0]);
    close(r[1]);
}

static void test_v6(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6}, n;
    struct sockaddr_in v4 = at("127.0.0.1", 0);
    socklen_t len = sizeof(n);
    int l = socket(AF_INET6, SOCK_STREAM, 0), c, s, on = 1, o;

    need(l >= 0);
    check_ok(bind(l, (void *)&a, sizeof(a)));
    check_ok(listen(l, 4));
    check_ok(getsockname(l, (void *)&n, &len));
    check_eq(len, sizeof(n));
    v4.sin_port = a.sin6_port = n.sin6_port;
    o = socket(AF_INET, SOCK_STREAM, 0);
    check_err(bind(o, (void *)&v4, sizeof(v4)), EADDRINUSE);
    close(o);
    c = socket(AF_INET, SOCK_STREAM, 0);
    check_ok(connect(c, (void *)&v4, sizeof(v4)));
    s = accept(l, (void *)&n, &len);
    need(s >= 0);
    check(IN6_IS_ADDR_V4MAPPED(&n.sin6_addr));
    close(c);
    close(s);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    check_ok(connect(c, (void *)&a, sizeof(a)));
    s = accept(l, (void *)&n, &len);
    need(s >= 0);
    check(IN6_IS_ADDR_LOOPBACK(&n.sin6_addr));
    check_eq(write(s, "6", 1), 1);
    char b;
    check_eq(read(c, &b, 1), 1);
    close(c);
    close(s);
    close(l);

    l = socket(AF_INET6, SOCK_STREAM, 0);
    a.sin6_port = 0;
    check_ok(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
    check_ok(bind(l, (void *)&a, sizeof(a)));
    len = sizeof(n);
    check_ok(getsockname(l, (void *)&n, &len));
    v4.sin_port = n.sin6_port;
    o = socket(AF_INET, SOCK_STREAM, 0);
    check_ok(bind(o, (void *)&v4, sizeof(v4)));
    close(o);
    close(l);
}

static void test_signals(void)
{
    int l = listen_on("127.0.0.1"), c, s;

    signal(SIGPIPE, SIG_IGN);
    pair(l, &c, &s);
    check_ok(shutdown(c, SHUT_WR));
    check_err(write(c, "x", 1), EPIPE);
    struct timeval tv = {0, 20000};
    char b;
    check_ok(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    check_err(recv(c, &b, 1, 0), EAGAIN);
    check_err(read(c, &b, 1), EAGAIN);
    check_ok(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    check_err(accept(l, NULL, NULL), EAGAIN);
    close(c);
    close(s);
    close(l);
    check_err(accept(-1, NULL, NULL), EBADF);
    check_err(accept(0, NULL, NULL), ENOTSOCK);
    check_err(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    check_err(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    check_err(socketpair(AF_INET, SOCK_STREAM, 0, &l), EOPNOTSUPP);
}

/* With no descriptor left accept fails and the connection stays. */
static void test_no_descriptor(void)
{
    struct rlimit old, tight;
    int l = listen_on("127.0.0.1"), c = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = name_of(l, 0);

    check_ok(connect(c, (void *)&a, sizeof(a)));
    check_ok(getrlimit(RLIMIT_NOFILE, &old));
    tight = (struct rlimit){(rlim_t)c + 1, old.rlim_max};
    check_ok(setrlimit(RLIMIT_NOFILE, &tight));
    check_err(accept(l, NULL, NULL), EMFILE);
    check_ok(setrlimit(RLIMIT_NOFILE, &old));
    int s = accept(l, NULL, NULL);
    check(s >= 0);
    check_eq(write(c, "x", 1), 1);
    check_eq(read(s, &(char){0}, 1), 1);
    close(s);
    close(c);
    close(l);
}

int main(void)
{
    test_connect();
    test_no_descriptor();
    test_half_close();
    test_reset();
    test_refused();
    test_nonblocking();
    test_ports();
    test_v6();
    test_signals();
    return check_done();
}
