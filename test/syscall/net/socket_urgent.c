/* SPDX-License-Identifier: Apache-2.0 */
/* TCP's urgent data: out of band, in line, the mark, POLLPRI. */
#include "check.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void pair(int *c, int *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM, 0);

    check_ok(bind(l, (void *)&a, sizeof(a)));
    check_ok(getsockname(l, (void *)&a, &len));
    check_ok(listen(l, 1));
    *c = socket(AF_INET, SOCK_STREAM, 0);
    check_ok(connect(*c, (void *)&a, sizeof(a)));
    *s = check_ok(accept(l, NULL, NULL));
    close(l);
}

static int poll_for(int fd, int events)
{
    struct pollfd p = {.fd = fd, .events = events};

    poll(&p, 1, 10000);
    p.events = POLLIN | POLLPRI;
    poll(&p, 1, 0);
    return p.revents;
}

int main(void)
{
    int c, s, at = -1, on = 1;
    char buf[16];

    pair(&c, &s);
    check_err(recv(s, buf, 1, MSG_OOB), EINVAL);
    check_eq(send(c, "!", 1, MSG_OOB), 1);
    check_eq(poll_for(s, POLLPRI), POLLPRI);
    check_eq(recv(s, buf, 1, MSG_OOB | MSG_PEEK), 1);
    check_eq(recv(s, buf, 16, MSG_OOB), 1);
    check_eq(buf[0], '!');
    check_err(recv(s, buf, 1, MSG_OOB), EINVAL);

    /* A receive stops at the mark and then steps over the byte. */
    check_eq(send(c, "abc!", 4, MSG_OOB), 4);
    check_eq(send(c, "def", 3, 0), 3);
    check_eq(poll_for(s, POLLPRI), POLLIN | POLLPRI);
    check_eq(recv(s, buf, 16, 0), 3);
    check(!memcmp(buf, "abc", 3));
    check_ok(ioctl(s, SIOCATMARK, &at));
    check_eq(at, 1);
    poll_for(s, POLLIN);
    check_eq(recv(s, buf, 3, MSG_WAITALL), 3);
    check(!memcmp(buf, "def", 3));
    check_ok(ioctl(s, SIOCATMARK, &at));
    check_eq(at, 0);

    check_ok(setsockopt(s, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)));
    check_eq(send(c, "x!", 2, MSG_OOB), 2);
    poll_for(s, POLLPRI);
    check_err(recv(s, buf, 1, MSG_OOB), EINVAL);
    check_eq(recv(s, buf, 16, 0), 1);
    check_eq(recv(s, buf, 16, 0), 1);
    check_eq(buf[0], '!');
    close(c);
    close(s);
    return check_done();
}
