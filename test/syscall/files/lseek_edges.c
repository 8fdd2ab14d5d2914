/* SPDX-License-Identifier: Apache-2.0 */
/* lseek: all whences, beyond the end, negative results, overflow, SEEK_DATA and SEEK_HOLE. */
#include "check.h"
#include <fcntl.h>

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char c = 1;

    need(fd >= 0);
    check_eq(write(fd, "0123456789", 10), 10);
    check_eq(lseek(fd, 3, SEEK_SET), 3);
    check_eq(lseek(fd, 2, SEEK_CUR), 5);
    check_eq(lseek(fd, -4, SEEK_END), 6);
    check_eq(read(fd, &c, 1), 1);
    check_eq(c, '6');
    check_err(lseek(fd, -1, SEEK_SET), EINVAL);
    check_err(lseek(fd, -100, SEEK_CUR), EINVAL);
    check_err(lseek(fd, 0, 99), EINVAL);
    check_eq(lseek(fd, 0, SEEK_CUR), 7);
    check_eq(lseek(fd, 1000, SEEK_SET), 1000);
    check_eq(read(fd, &c, 1), 0);
    check_eq(write(fd, "z", 1), 1);
    check_eq(pread(fd, &c, 1, 999), 1);
    check_eq(c, 0);
    check_eq(lseek(fd, 0, SEEK_END), 1001);
    check_eq(lseek(fd, 0, SEEK_DATA), 0);
    check_err(lseek(fd, 2000, SEEK_DATA), ENXIO);
    check_eq(lseek(fd, 5, SEEK_HOLE) >= 5, 1);
    check_err(lseek(99, 0, SEEK_SET), EBADF);
    return check_done();
}
