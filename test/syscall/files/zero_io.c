/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes of nothing: done at once, whether there is something or room or not. */
#include "check.h"
#include <fcntl.h>
#include <sys/socket.h>

static char buf[65536];

static void nothing(int in, int out)
{
    check_eq(read(in, buf, 0), 0);
    check_eq(write(out, buf, 0), 0);
}

int main(void)
{
    int p[2], s[2], fd;

    /* Whatever the standard files are; a wait would never end. */
    check_eq(read(0, buf, 0), 0);
    check_eq(write(1, buf, 0), 0);
    check_eq(write(2, buf, 0), 0);
    fd = check_ok(open("/dev/null", O_RDWR));
    nothing(fd, fd);
    close(fd);
    fd = check_ok(open("/dev/zero", O_RDWR));
    nothing(fd, fd);
    close(fd);
    fd = check_ok(open("file", O_RDWR | O_CREAT, 0644));
    nothing(fd, fd);
    close(fd);

    check_ok(pipe(p));
    nothing(p[0], p[1]); /* empty */
    check_ok(fcntl(p[1], F_SETFL, O_NONBLOCK));
    while (write(p[1], buf, sizeof(buf)) > 0)
        ;
    check_ok(fcntl(p[1], F_SETFL, 0));
    nothing(p[0], p[1]); /* full */
    check_eq(read(p[0], buf, 1), 1);
    close(p[0]);
    close(p[1]);

    check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    check_eq(write(s[0], buf, 0), 0);
    check_eq(write(s[0], "x", 1), 1);
    check_eq(read(s[1], buf, 0), 0);
    check_eq(read(s[1], buf, 2), 1);
    close(s[0]);
    close(s[1]);
    return check_done();
}
