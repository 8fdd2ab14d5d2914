/* SPDX-License-Identifier: Apache-2.0 */
/* readv, writev, pread, pwrite, preadv, pwritev: order, offsets, holes and limits. */
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>

int main(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char a[4], b[8], c[16];
    struct iovec out[3] = {{"one", 3}, {"", 0}, {"twothree", 8}};
    struct iovec in[3] = {{a, 2}, {b, 4}, {c, 16}};
    static struct iovec many[IOV_MAX + 1];

    need(fd >= 0);
    check_eq(writev(fd, out, 3), 11);
    check_eq(lseek(fd, 0, SEEK_CUR), 11);
    check_eq(lseek(fd, 0, SEEK_SET), 0);
    check_eq(readv(fd, in, 3), 11);
    check(!memcmp(a, "on", 2) && !memcmp(b, "etwo", 4) && !memcmp(c, "three", 5));
    check_eq(readv(fd, in, 3), 0);

    check_eq(pwrite(fd, "XY", 2, 100), 2);
    check_eq(lseek(fd, 0, SEEK_CUR), 11);
    check_eq(lseek(fd, 0, SEEK_END), 102);
    memset(c, 1, sizeof(c));
    check_eq(pread(fd, c, 4, 98), 4);
    check(!memcmp(c, "\0\0XY", 4));
    check_eq(pread(fd, c, 4, 101), 1);
    check_eq(pread(fd, c, 4, 500), 0);
    check_eq(pwritev(fd, out, 3, 5), 11);
    check_eq(preadv(fd, in, 3, 4), 22);
    check(!memcmp(a, "wo", 2) && !memcmp(b, "netw", 4));
    check_eq(lseek(fd, 0, SEEK_CUR), 102);
    check_eq(preadv2(fd, in, 1, 5, 0), 2);
    /* An empty piece may have any address; musl writes such vectors. */
    out[1] = (struct iovec){NULL, 0};
    check_eq(pwritev(fd, out, 3, 5), 11);
    out[1].iov_base = (void *)8;
    check_eq(pwritev(fd, out, 3, 5), 11);

    check_err(pread(fd, c, 1, -1), EINVAL);
    check_err(pwrite(fd, c, 1, -1), EINVAL);
    check_err(readv(fd, in, -1), EINVAL);
    check_err(readv(fd, many, IOV_MAX + 1), EINVAL);
    check_eq(readv(fd, many, IOV_MAX), 0);
    check_eq(readv(fd, in, 0), 0);
    in[0].iov_len = (size_t)-1;
    check_err(readv(fd, in, 3), EINVAL);
    check_err(readv(fd, (struct iovec *)8, 1), EFAULT);
    check_eq(read(fd, c, 0), 0);
    check_eq(write(fd, c, 0), 0);
    check_err(read(99, c, 0), EBADF);
    return check_done();
}
