/* SPDX-License-Identifier: Apache-2.0 */
/* Socket options: kept within bounds and given back; the interface list. */
#include "check.h"
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int get(int fd, int level, int opt)
{
    int v = -1;
    socklen_t len = sizeof(v);

    check_ok(getsockopt(fd, level, opt, &v, &len));
    check_eq(len, sizeof(v));
    return v;
}

static void set(int fd, int level, int opt, int v)
{
    check_ok(setsockopt(fd, level, opt, &v, sizeof(v)));
}

static void test_socket(int fd)
{
    int v = 1;
    socklen_t len = sizeof(v);

    for (int i = 0; i < 6; i++) {
        static const int on[] = {SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE,
                                 SO_BROADCAST, SO_OOBINLINE, SO_DONTROUTE};
        check_eq(get(fd, SOL_SOCKET, on[i]), 0);
        set(fd, SOL_SOCKET, on[i], 7);
        check_eq(get(fd, SOL_SOCKET, on[i]), 1);
    }
    set(fd, SOL_SOCKET, SO_SNDBUF, 10000);
    check_eq(get(fd, SOL_SOCKET, SO_SNDBUF), 20000);
    set(fd, SOL_SOCKET, SO_SNDBUF, 1);
    check_eq(get(fd, SOL_SOCKET, SO_SNDBUF), 4608);
    set(fd, SOL_SOCKET, SO_RCVBUF, 1);
    check_eq(get(fd, SOL_SOCKET, SO_RCVBUF), 2304);
    check_eq(get(fd, SOL_SOCKET, SO_RCVLOWAT), 1);
    check_eq(get(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    check_eq(get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    check_eq(get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    check_eq(get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    check_eq(get(fd, SOL_SOCKET, SO_ERROR), 0);
    struct linger l = {1, 5}, m = {0, 0};
    check_ok(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    len = sizeof(m);
    check_ok(getsockopt(fd, SOL_SOCKET, SO_LINGER, &m, &len));
    check_eq(m.l_onoff, 1);
    check_eq(m.l_linger, 5);
    struct timeval tv = {3, 500000}, back = {0, 0};
    check_ok(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    len = sizeof(back);
    check_ok(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &back, &len));
    check_eq(back.tv_sec, 3);
    tv.tv_usec = 1000000;
    check_err(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), EDOM);
    check_err(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &v, 2), EINVAL);
    check_err(setsockopt(fd, SOL_SOCKET, 999, &v, 4), ENOPROTOOPT);
    check_err(getsockopt(fd, SOL_SOCKET, 999, &v, &len), ENOPROTOOPT);
    len = 2;
    v = 0;
    check_ok(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
    check_eq(len, 2);
    check_eq(v, SOCK_STREAM);
}

static void test_tcp(int fd)
{
    check_eq(get(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    set(fd, IPPROTO_TCP, TCP_NODELAY, 5);
    check_eq(get(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    set(fd, IPPROTO_TCP, TCP_CORK, 1);
    check_eq(get(fd, IPPROTO_TCP, TCP_CORK), 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
    check_eq(get(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    check_eq(get(fd, IPPROTO_TCP, TCP_KEEPCNT), 9);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234);
    check_eq(get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 1234);
    int v = 0;
    check_err(setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &v, sizeof(v)), EINVAL);
    check_err(setsockopt(fd, IPPROTO_TCP, 999, &v, sizeof(v)), ENOPROTOOPT);
    struct tcp_info i;
    socklen_t len = sizeof(i);
    check_ok(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len));
    check_eq(i.tcpi_state, TCP_CLOSE);
    set(fd, IPPROTO_IP, IP_TTL, 9);
    check_eq(get(fd, IPPROTO_IP, IP_TTL), 9);
    set(fd, IPPROTO_IP, IP_TOS, 0x10);
    check_eq(get(fd, IPPROTO_IP, IP_TOS), 0x10);
    check_err(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v, &len), EOPNOTSUPP);
    check_err(getsockopt(fd, 12345, 1, &v, &len), EOPNOTSUPP);
}

static void test_interface(int fd)
{
    struct ifreq q = {.ifr_name = "lo"}, list[16];
    struct ifconf c = {.ifc_len = sizeof(list), .ifc_req = list};

    check_ok(ioctl(fd, SIOCGIFFLAGS, &q));
    check_eq(q.ifr_flags & (IFF_UP | IFF_LOOPBACK), IFF_UP | IFF_LOOPBACK);
    check_ok(ioctl(fd, SIOCGIFADDR, &q));
    check_eq(((struct sockaddr_in *)&q.ifr_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    check_ok(ioctl(fd, SIOCGIFINDEX, &q));
    check_eq(q.ifr_ifindex, 1);
    check_ok(ioctl(fd, SIOCGIFMTU, &q));
    check_eq(q.ifr_mtu, 65536);
    check_ok(ioctl(fd, SIOCGIFCONF, &c));
    check(c.ifc_len >= (int)sizeof(list[0]));
    check(!strcmp(list[0].ifr_name, "lo"));
    strcpy(q.ifr_name, "nothere0");
    check_err(ioctl(fd, SIOCGIFADDR, &q), ENODEV);
    check_eq(if_nametoindex("lo"), 1);
}

int main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    need(fd >= 0);
    test_socket(fd);
    test_tcp(fd);
    test_interface(fd);
    return check_done();
}
