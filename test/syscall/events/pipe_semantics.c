/* SPDX-License-Identifier: Apache-2.0 */
/* pipe2: order, end of file, O_NONBLOCK, capacity, SIGPIPE and EPIPE, FIONREAD, no seeking. */
#include "check.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static volatile int pipe_signals;

static void handler(int sig)
{
    (void)sig;
    pipe_signals++;
}

int main(void)
{
    static char big[70000];
    int p[2], available = -1;
    struct stat st;
    char buf[16];

    check_ok(pipe2(p, O_CLOEXEC | O_NONBLOCK));
    check_eq(fcntl(p[0], F_GETFD), FD_CLOEXEC);
    check_eq(fcntl(p[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY | O_NONBLOCK);
    check_eq(fcntl(p[1], F_GETFL) & O_ACCMODE, O_WRONLY);
    check_ok(fstat(p[0], &st));
    check(S_ISFIFO(st.st_mode));

    check_err(read(p[0], buf, 1), EAGAIN);
    check_eq(write(p[1], "abc", 3), 3);
    check_eq(write(p[1], "def", 3), 3);
    check_ok(ioctl(p[0], FIONREAD, &available));
    check_eq(available, 6);
    check_eq(read(p[0], buf, 4), 4);
    check(!memcmp(buf, "abcd", 4));
    check_eq(read(p[0], buf, 16), 2);
    check_eq(write(p[1], big, sizeof(big)), 65536);
    check_err(write(p[1], "x", 1), EAGAIN);
    check_err(lseek(p[0], 0, SEEK_SET), ESPIPE);
    check_err(pread(p[0], buf, 1, 0), ESPIPE);
    check_err(read(p[1], buf, 1), EBADF);
    check_err(write(p[0], buf, 1), EBADF);

    check_ok(close(p[1]));
    while (read(p[0], big, sizeof(big)) > 0)
        ;
    check_eq(read(p[0], buf, 1), 0);

    check_ok(pipe(p));
    check_eq(write(p[1], "x", 1), 1);
    check_ok(close(p[0]));
    signal(SIGPIPE, handler);
    check_err(write(p[1], "y", 1), EPIPE);
    check_eq(pipe_signals, 1);
    signal(SIGPIPE, SIG_IGN);
    check_err(write(p[1], "y", 1), EPIPE);
    check_eq(pipe_signals, 1);
    check_err(pipe2(p, 0x12345), EINVAL);
    check_err(pipe2((int *)8, 0), EFAULT);
    return check_done();
}
