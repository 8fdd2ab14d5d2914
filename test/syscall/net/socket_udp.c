/* SPDX-License-Identifier: Apache-2.0 */
/* UDP over the loopback: addresses, truncation, what is refused and lost. */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct sockaddr_in at(const char *ip, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}

static struct sockaddr_in name_of(int fd)
{
    struct sockaddr_in a = {0};
    socklen_t len = sizeof(a);

    check_ok(getsockname(fd, (void *)&a, &len));
    return a;
}

static int bound(void)
{
    struct sockaddr_in a = at("127.0.0.1", 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    need(fd >= 0);
    check_ok(bind(fd, (void *)&a, sizeof(a)));
    return fd;
}

static int poll_for(int fd, int events)
{
    struct pollfd p = {.fd = fd, .events = events};

    poll(&p, 1, 10000);
    return p.revents;
}

static void test_addresses(void)
{
    int a = bound(), b = socket(AF_INET, SOCK_DGRAM, 0), n;
    struct sockaddr_in to = name_of(a), from = {0};
    socklen_t len = sizeof(from);
    char buf[32];

    check_err(send(b, "x", 1, 0), EDESTADDRREQ);
    check_eq(sendto(b, "hello", 5, 0, (void *)&to, sizeof(to)), 5);
    check_eq(poll_for(a, POLLIN | POLLOUT), POLLIN | POLLOUT);
    check_ok(ioctl(a, FIONREAD, &n));
    check_eq(n, 5);
    check_eq(recvfrom(a, buf, 3, MSG_PEEK | MSG_TRUNC, (void *)&from, &len), 5);
    check_eq(len, sizeof(from));
    check_eq(from.sin_port, name_of(b).sin_port);
    check_eq(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    struct iovec v = {buf, 3};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    check_eq(recvmsg(a, &m, 0), 3);
    check_eq(m.msg_flags, MSG_TRUNC);
    check_err(recv(a, buf, 1, MSG_DONTWAIT), EAGAIN);
    check_eq(sendto(a, "", 0, 0, (void *)&from, sizeof(from)), 0);
    check_eq(recv(b, buf, sizeof(buf), 0), 0);
    /* Connected: only the peer is heard. */
    check_ok(connect(b, (void *)&to, sizeof(to)));
    int c = bound();
    struct sockaddr_in bn = name_of(b);
    check_eq(sendto(c, "no", 2, 0, (void *)&bn, sizeof(bn)), 2);
    check_eq(sendto(a, "yes", 3, 0, (void *)&bn, sizeof(bn)), 3);
    check_eq(recv(b, buf, sizeof(buf), 0), 3);
    check_err(recv(b, buf, 1, MSG_DONTWAIT), EAGAIN);
    check_eq(write(b, "w", 1), 1);
    check_eq(read(a, buf, 8), 1);
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    check_ok(connect(b, &none, sizeof(none)));
    len = sizeof(from);
    check_err(getpeername(b, (void *)&from, &len), ENOTCONN);
    check_err(shutdown(b, SHUT_WR), ENOTCONN);
    close(a);
    close(b);
    close(c);
}

static void test_refused(void)
{
    int a = bound(), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = name_of(a);
    static char big[70000];
    char buf[8];

    close(a);
    check_eq(sendto(b, "x", 1, 0, (void *)&to, sizeof(to)), 1);
    check_err(recv(b, buf, 1, MSG_DONTWAIT), EAGAIN);
    check_ok(connect(b, (void *)&to, sizeof(to)));
    check_eq(send(b, "x", 1, 0), 1);
    check(poll_for(b, POLLIN) & POLLERR);
    check_err(send(b, "x", 1, 0), ECONNREFUSED);
    check_eq(send(b, "x", 1, 0), 1);
    check_err(recv(b, buf, 1, 0), ECONNREFUSED);
    check_err(sendto(b, big, sizeof(big), 0, (void *)&to, sizeof(to)), EMSGSIZE);
    close(b);
    a = bound();
    to = name_of(a);
    b = bound();
    check_eq(sendto(b, big, 65507, 0, (void *)&to, sizeof(to)), 65507);
    check_eq(recv(a, big, sizeof(big), 0), 65507);
    check_err(sendto(b, big, 65508, 0, (void *)&to, sizeof(to)), EMSGSIZE);
    to.sin_port = 0;
    check_err(sendto(b, "x", 1, 0, (void *)&to, sizeof(to)), EINVAL);
    check_err(bind(b, (void *)&to, sizeof(to)), EINVAL);
    check_err(listen(b, 1), EOPNOTSUPP);
    check_err(accept(b, NULL, NULL), EOPNOTSUPP);
    close(a);
    close(b);
}

static void test_ports(void)
{
    int a = bound(), b = socket(AF_INET, SOCK_DGRAM, 0), on = 1, got = 0;
    struct sockaddr_in n = name_of(a), any = at("0.0.0.0", ntohs(n.sin_port));

    check_err(bind(b, (void *)&any, sizeof(any)), EADDRINUSE);
    check_ok(setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    check_ok(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    check_ok(bind(b, (void *)&any, sizeof(any)));
    /* The more exact address wins. */
    check_eq(sendto(b, "x", 1, 0, (void *)&n, sizeof(n)), 1);
    check_eq(poll_for(a, POLLIN), POLLIN);
    char c;
    check_eq(recv(a, &c, 1, 0), 1);
    /* A full queue loses packets, and the sender does not learn of it. */
    static char page[4096];
    for (int i = 0; i < 1000; i++)
        if (sendto(b, page, sizeof(page), 0, (void *)&n, sizeof(n)) != sizeof(page))
            break;
        else
            got++;
    check_eq(got, 1000);
    for (got = 0; recv(a, page, sizeof(page), MSG_DONTWAIT) > 0;)
        got++;
    check(got > 4 && got < 1000);
    close(a);
    close(b);
}

static void test_control(void)
{
    int a = bound(), b = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    struct sockaddr_in to = name_of(a);
    char control[256], buf[8];
    struct iovec v = {buf, sizeof(buf)};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

    check_ok(setsockopt(a, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)));
    check_ok(setsockopt(a, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)));
    check_ok(setsockopt(a, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)));
    check_eq(sendto(b, "info", 4, 0, (void *)&to, sizeof(to)), 4);
    check_eq(recvmsg(a, &m, 0), 4);
    int seen = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *p = (void *)CMSG_DATA(c);
            check_eq(p->ipi_ifindex, 1);
            check_eq(p->ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
            seen |= 1;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
            check_eq(*(int *)CMSG_DATA(c), 64);
            seen |= 2;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMP) {
            seen |= 4;
        }
    }
    check_eq(seen, 7);
    close(a);
    close(b);
}

/* A control message sets the hop limit of one packet. */
static void test_hops(void)
{
    struct sockaddr_in6 n = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof(n);
    int a = socket(AF_INET6, SOCK_DGRAM, 0), on = 1, hops = 3;
    char control[64] = {0}, byte = 'h';
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_name = &n,
                       .msg_namelen = sizeof(n),
                       .msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    check_ok(bind(a, (void *)&n, sizeof(n)));
    check_ok(getsockname(a, (void *)&n, &len));
    check_ok(setsockopt(a, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on)));
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_HOPLIMIT;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &hops, sizeof(hops));
    check_eq(sendmsg(a, &m, 0), 1);
    m.msg_controllen = sizeof(control);
    check_eq(recvmsg(a, &m, 0), 1);
    c = CMSG_FIRSTHDR(&m);
    need(c != NULL);
    check_eq(c->cmsg_type, IPV6_HOPLIMIT);
    check_eq(*(int *)CMSG_DATA(c), 3);
    close(a);
}

static void test_many(void)
{
    int a = bound(), b = bound();
    struct sockaddr_in to = name_of(a);
    char out[3][4] = {"one", "two", "thr"}, in[4][8];
    struct iovec v[4];
    struct mmsghdr m[4];

    memset(m, 0, sizeof(m));
    for (int i = 0; i < 3; i++) {
        v[i] = (struct iovec){out[i], 3};
        m[i].msg_hdr = (struct msghdr){
            .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &v[i], .msg_iovlen = 1};
    }
    check_eq(sendmmsg(b, m, 3, 0), 3);
    check_eq(m[2].msg_len, 3);
    memset(m, 0, sizeof(m));
    for (int i = 0; i < 4; i++) {
        v[i] = (struct iovec){in[i], 8};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
    }
    poll_for(a, POLLIN);
    check_eq(recvmmsg(a, m, 4, MSG_WAITFORONE, NULL), 3);
    check(!memcmp(in[1], "two", 3));
    check_eq(m[0].msg_len, 3);
    check_err(recvmmsg(a, m, 4, MSG_DONTWAIT, NULL), EAGAIN);
    close(a);
    close(b);
}

static void test_v6(void)
{
    struct sockaddr_in6 n = {.sin6_family = AF_INET6}, from;
    socklen_t len = sizeof(n);
    int a = socket(AF_INET6, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    char buf[8];

    check_ok(bind(a, (void *)&n, sizeof(n)));
    check_ok(getsockname(a, (void *)&n, &len));
    struct sockaddr_in to = at("127.0.0.1", ntohs(n.sin6_port));
    check_eq(sendto(b, "four", 4, 0, (void *)&to, sizeof(to)), 4);
    check_eq(recvfrom(a, buf, 8, 0, (void *)&from, &len), 4);
    check(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
    check_eq(sendto(a, "back", 4, 0, (void *)&from, len), 4);
    check_eq(recv(b, buf, 8, 0), 4);
    n.sin6_addr = in6addr_loopback;
    check_eq(sendto(a, "self", 4, 0, (void *)&n, sizeof(n)), 4);
    check_eq(recvfrom(a, buf, 8, 0, (void *)&from, &len), 4);
    check(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr));
    close(a);
    close(b);
}

int main(void)
{
    test_addresses();
    test_refused();
    test_ports();
    test_control();
    test_hops();
    test_many();
    test_v6();
    return check_done();
}
