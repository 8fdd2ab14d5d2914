/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: capacity in pages, F_SETPIPE_SZ, writes of up to PIPE_BUF bytes whole or not at all, partial
 * writes, readiness. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

static char big[300000];

static short ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    poll(&p, 1, 0);
    return p.revents;
}

static void fill_and_drain(int r, int w)
{
    int n = 0, left = -1;

    while (write(w, "x", 1) == 1)
        n++;
    check_eq(errno, EAGAIN);
    check_eq(n, 65536);
    check_eq(ready(w), 0);
    check_ok(ioctl(r, FIONREAD, &left));
    check_eq(left, n);
    check_eq(read(r, big, 4095), 4095);
    check_eq(ready(w), 0); /* the first page is still there */
    check_err(write(w, "x", 1), EAGAIN);
    check_eq(read(r, big, 1), 1);
    check_eq(ready(w), POLLOUT);
    check_eq(write(w, big, 4096), 4096);
    while (read(r, big, sizeof(big)) > 0)
        ;
}

static void sizes(int r, int w)
{
    check_eq(fcntl(r, F_GETPIPE_SZ), 65536);
    check_eq(fcntl(w, F_GETPIPE_SZ), 65536);
    check_eq(fcntl(w, F_SETPIPE_SZ, 1), 4096);
    check_eq(fcntl(w, F_SETPIPE_SZ, 0), 4096);
    check_eq(fcntl(w, F_SETPIPE_SZ, 4097), 8192);
    check_eq(write(w, big, 20000), 8192);
    check_err(fcntl(r, F_SETPIPE_SZ, 4096), EBUSY);
    check_eq(fcntl(r, F_SETPIPE_SZ, 20000), 32768);
    check_eq(ready(w), POLLOUT);
    check_eq(write(w, big, 100000), 32768 - 8192);
    check_eq(read(r, big, sizeof(big)), 32768);
    check_eq(fcntl(r, F_SETPIPE_SZ, 1 << 20), 1 << 20);
    check_eq(fcntl(r, F_SETPIPE_SZ, 65536), 65536);
    check_err(fcntl(r, F_SETPIPE_SZ, 0x80000001U), EINVAL);
    check_err(fcntl(0x7fff, F_GETPIPE_SZ), EBADF);
    int file = (int)check_ok(open("file", O_RDWR | O_CREAT, 0600));
    check_err(fcntl(file, F_GETPIPE_SZ), EBADF);
    check_err(fcntl(file, F_SETPIPE_SZ, 4096), EBADF);
    close(file);
}

/* Only root goes beyond pipe-max-size; this gives root up. */
static void limit(int r)
{
    if (getuid() == 0)
        need(setresuid(65534, 65534, 65534) == 0);
    check_err(fcntl(r, F_SETPIPE_SZ, (1 << 20) + 1), EPERM);
    check_eq(fcntl(r, F_SETPIPE_SZ, 1 << 20), 1 << 20);
}

static void atomic(int r, int w)
{
    /* 15 pages and a bit: what does not fit behind the bit wants a page. */
    check_eq(write(w, big, 15 * 4096 + 4000), 15 * 4096 + 4000);
    check_err(write(w, big, 97), EAGAIN);
    check_err(write(w, big, 4096), EAGAIN);
    check_eq(write(w, big, 96), 96);
    check_eq(ready(w), 0);
    check_eq(read(r, big, sizeof(big)), 65536);
    /* A large write takes what there is. */
    check_eq(write(w, big, 60000), 60000);
    check_eq(write(w, big, 60000), 4096);
    check_eq(read(r, big, sizeof(big)), 64096);
}

static void ends(int r, int w)
{
    check_eq(ready(r), 0);
    check_eq(write(w, "a", 1), 1);
    check_eq(ready(r), POLLIN);
    check_eq(read(r, big, 0), 0);
    check_eq(write(w, big, 0), 0);
    check_err(read(r, (char *)8, 1), EFAULT);
    check_err(write(w, (char *)8, 1), EFAULT);
    close(w);
    check_eq(ready(r), POLLIN | POLLHUP);
    check_eq(read(r, big, 2), 1);
    check_eq(ready(r), POLLHUP);
    check_eq(read(r, big, 2), 0);
    close(r);
}

int main(void)
{
    int p[2];

    need(pipe2(p, O_NONBLOCK) == 0);
    fill_and_drain(p[0], p[1]);
    sizes(p[0], p[1]);
    atomic(p[0], p[1]);
    ends(p[0], p[1]);
    need(pipe(p) == 0);
    close(p[0]);
    check_eq(ready(p[1]), POLLOUT | POLLERR);
    close(p[1]);
    need(pipe2(p, O_NONBLOCK) == 0);
    limit(p[0]);
    return check_done();
}
