/* SPDX-License-Identifier: Apache-2.0 */
/* dup, dup2, dup3: one offset shared, CLOEXEC not, the target closed first; bad arguments. */
#include "check.h"
#include <fcntl.h>

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int copy, pipes[2];
    char buf[8];

    need(fd >= 0);
    copy = (int)check_ok(dup(fd));
    check_eq(fcntl(copy, F_GETFD), 0);
    check_eq(write(fd, "hello", 5), 5);
    check_eq(lseek(copy, 0, SEEK_CUR), 5);
    check_eq(lseek(copy, 1, SEEK_SET), 1);
    check_eq(read(fd, buf, 2), 2);
    check(!memcmp(buf, "el", 2));

    check_eq(dup2(fd, 77), 77);
    check_eq(lseek(77, 0, SEEK_CUR), 3);
    check_eq(dup2(fd, fd), fd);
    check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check_ok(close(fd));
    check_eq(lseek(77, 0, SEEK_CUR), 3);

    /* The target's old file is closed: its pipe sees the end. */
    check_ok(pipe(pipes));
    check_eq(dup2(77, pipes[1]), pipes[1]);
    check_eq(read(pipes[0], buf, 1), 0);

    check_eq(dup3(77, 78, O_CLOEXEC), 78);
    check_eq(fcntl(78, F_GETFD), FD_CLOEXEC);
    check_err(dup3(77, 77, 0), EINVAL);
    check_err(dup3(77, 79, 0x1), EINVAL);
    check_err(dup(99), EBADF);
    check_err(dup2(99, 5), EBADF);
    check_err(dup2(77, -1), EBADF);
    check_err(dup2(99, 99), EBADF);
    return check_done();
}
