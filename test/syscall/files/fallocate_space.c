/* SPDX-License-Identifier: Apache-2.0 */
/* fallocate, fsync, fdatasync, sync_file_range on a file. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct stat st;
    char c = 1;

    need(fd >= 0);
    check_ok(fallocate(fd, 0, 0, 10000));
    check_ok(fstat(fd, &st));
    check_eq(st.st_size, 10000);
    check_eq(pread(fd, &c, 1, 9999), 1);
    check_eq(c, 0);
    check_ok(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
    check_ok(fstat(fd, &st));
    check_eq(st.st_size, 10000);
    check_err(fallocate(fd, 0, 0, 0), EINVAL);
    check_err(fallocate(fd, 0, -1, 10), EINVAL);
    check_err(fallocate(99, 0, 0, 10), EBADF);
    check_ok(fsync(fd));
    check_ok(fdatasync(fd));
    check_err(fsync(99), EBADF);
    check_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
    return check_done();
}
