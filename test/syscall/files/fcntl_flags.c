/* SPDX-License-Identifier: Apache-2.0 */
/* fcntl: F_GETFL/F_SETFL, F_GETFD/F_SETFD, F_DUPFD and its CLOEXEC form; bad commands. */
#include "check.h"
#include <fcntl.h>

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int other;

    need(fd >= 0);
    check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check_ok(fcntl(fd, F_SETFD, 0));
    check_eq(fcntl(fd, F_GETFD), 0);
    check_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    check_eq(fcntl(fd, F_GETFL) & (O_CREAT | O_TRUNC | O_CLOEXEC), 0);

    check_ok(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
    check_eq(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
    check_eq(write(fd, "abc", 3), 3);
    check_eq(lseek(fd, 0, SEEK_SET), 0);
    check_eq(write(fd, "def", 3), 3);
    check_eq(lseek(fd, 0, SEEK_END), 6);
    /* The access mode cannot change. */
    check_ok(fcntl(fd, F_SETFL, O_RDONLY));
    check_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR);

    other = (int)check_ok(fcntl(fd, F_DUPFD, 50));
    check_eq(other, 50);
    check_eq(fcntl(other, F_GETFD), 0);
    other = (int)check_ok(fcntl(fd, F_DUPFD_CLOEXEC, 50));
    check_eq(other, 51);
    check_eq(fcntl(other, F_GETFD), FD_CLOEXEC);
    /* Status flags and the offset belong to the open file, not the descriptor. */
    check_ok(fcntl(other, F_SETFL, O_APPEND));
    check_eq(fcntl(fd, F_GETFL) & O_APPEND, O_APPEND);

    check_err(fcntl(99, F_GETFL), EBADF);
    check_err(fcntl(fd, 9999), EINVAL);
    check_err(fcntl(fd, F_DUPFD, -1), EINVAL);
    return check_done();
}
