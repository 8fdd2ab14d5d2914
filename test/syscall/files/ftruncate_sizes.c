/* SPDX-License-Identifier: Apache-2.0 */
/* ftruncate and truncate: grow with zeros, shrink, the offset stays; bad arguments. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct stat st;
    char buf[8];
    int p[2];

    need(fd >= 0);
    check_eq(write(fd, "abcdefgh", 8), 8);
    check_ok(ftruncate(fd, 3));
    check_eq(lseek(fd, 0, SEEK_CUR), 8);
    check_ok(fstat(fd, &st));
    check_eq(st.st_size, 3);
    check_ok(ftruncate(fd, 100000));
    check_eq(pread(fd, buf, 8, 0), 8);
    check(!memcmp(buf, "abc\0\0\0\0\0", 8));
    check_eq(pread(fd, buf, 8, 99995), 5);
    check_ok(truncate("file", 1));
    check_ok(fstat(fd, &st));
    check_eq(st.st_size, 1);

    check_err(ftruncate(fd, -1), EINVAL);
    check_err(truncate("file", -1), EINVAL);
    check_err(truncate("absent", 1), ENOENT);
    check_err(truncate(".", 1), EISDIR);
    close(fd);
    fd = open("file", O_RDONLY);
    check_err(ftruncate(fd, 1), EINVAL);
    check_err(ftruncate(99, 1), EBADF);
    check_ok(pipe(p));
    check_err(ftruncate(p[1], 1), EINVAL);
    return check_done();
}
