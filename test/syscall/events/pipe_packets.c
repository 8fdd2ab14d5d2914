/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes in packet mode (O_DIRECT): one write, one packet; reads take one and drop what does not fit. */
#include "check.h"
#include <fcntl.h>
#include <sys/ioctl.h>

int main(void)
{
    static char big[70000], buf[8192];
    int p[2], left = -1;

    need(pipe2(p, O_DIRECT | O_NONBLOCK) == 0);
    check_eq(fcntl(p[1], F_GETFL) & O_DIRECT, O_DIRECT);
    check_eq(write(p[1], "one", 3), 3);
    check_eq(write(p[1], "three", 5), 5);
    check_ok(ioctl(p[0], FIONREAD, &left));
    check_eq(left, 8);
    check_eq(read(p[0], buf, sizeof(buf)), 3);
    check_eq(read(p[0], buf, 2), 2);
    check(!memcmp(buf, "th", 2));
    check_err(read(p[0], buf, 1), EAGAIN);
    /* A large write is cut into packets of a page. */
    check_eq(write(p[1], big, 5000), 5000);
    check_eq(read(p[0], buf, sizeof(buf)), 4096);
    check_eq(read(p[0], buf, sizeof(buf)), 904);
    /* Each takes a slot. */
    int n = 0;
    while (write(p[1], "x", 1) == 1)
        n++;
    check_eq(n, 16);
    while (read(p[0], buf, 10) == 1)
        n--;
    check_eq(n, 0);
    /* The mode is the description's, and may be changed. */
    check_eq(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
    check_eq(write(p[1], "ab", 2), 2);
    check_eq(write(p[1], "cd", 2), 2);
    check_eq(read(p[0], buf, sizeof(buf)), 4);
    check_eq(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT), 0);
    check_eq(write(p[1], "ab", 2), 2);
    check_eq(write(p[1], "cd", 2), 2);
    check_eq(read(p[0], buf, sizeof(buf)), 2);
    check_eq(read(p[0], buf, sizeof(buf)), 2);
    return check_done();
}
