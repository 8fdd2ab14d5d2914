/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe opened again through /proc/self/fd: a new description of the same pipe, with any access. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

static int again(int fd, int flags)
{
    char path[40];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags);
}

int main(void)
{
    int p[2], w, r, both;
    struct stat a, b;
    char buf[8];

    need(pipe(p) == 0);
    w = (int)check_ok(again(p[0], O_WRONLY)); /* the read end, for writing */
    check_eq(fcntl(w, F_GETFL) & O_ACCMODE, O_WRONLY);
    check_ok(fstat(p[0], &a));
    check_ok(fstat(w, &b));
    check(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    close(p[1]);
    check_eq(write(w, "abc", 3), 3);
    r = (int)check_ok(again(w, O_RDONLY | O_NONBLOCK));
    check_eq(fcntl(p[0], F_GETFL) & O_NONBLOCK, 0); /* flags are not shared */
    check_eq(read(r, buf, 2), 2);
    check_eq(read(p[0], buf, 8), 1);
    check_err(read(r, buf, 1), EAGAIN);
    close(p[0]);
    check_eq(write(w, "x", 1), 1); /* there is still a reader */
    both = (int)check_ok(again(r, O_RDWR | O_NONBLOCK));
    close(w);
    check_eq(read(r, buf, 8), 1);
    check_err(read(r, buf, 8), EAGAIN); /* and a writer */
    check_eq(write(both, "yz", 2), 2);
    check_eq(read(both, buf, 8), 2);
    close(both);
    check_eq(read(r, buf, 8), 0);
    struct pollfd pf = {.fd = r, .events = POLLIN};
    check_eq(poll(&pf, 1, 0), 1);
    check_eq(pf.revents, POLLHUP);
    return check_done();
}
