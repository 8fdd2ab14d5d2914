/* SPDX-License-Identifier: Apache-2.0 */
/* statfs and fstatfs of an ordinary directory: block size, counts and name length make sense. */
#include "check.h"
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

int main(void)
{
    struct statfs a, b;
    struct statvfs v;
    int fd = open(".", O_RDONLY);

    check_ok(statfs(".", &a));
    check_ok(fstatfs(fd, &b));
    check(a.f_bsize >= 512);
    check(a.f_blocks >= a.f_bfree);
    check_eq(a.f_type, b.f_type);
    check_eq(a.f_blocks, b.f_blocks);
    check_eq(a.f_namelen, 255);
    check_ok(statvfs(".", &v));
    check_err(statfs("absent", &a), ENOENT);
    check_err(fstatfs(99, &a), EBADF);
    check_err(statfs(".", (struct statfs *)8), EFAULT);
    return check_done();
}
