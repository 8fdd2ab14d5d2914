/* SPDX-License-Identifier: Apache-2.0 */
/* stat, lstat, fstat, fstatat and statx agree and fill every field a program looks at. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int main(void)
{
    struct stat a, b, c;
    struct statx x;
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0640);

    need(fd >= 0);
    fchmod(fd, 0640);
    need(write(fd, "0123456789", 10) == 10);
    check_ok(symlink("file", "link"));
    check_ok(mkdir("dir", 0755));

    check_ok(stat("link", &a));
    check_ok(fstat(fd, &b));
    check_ok(fstatat(AT_FDCWD, "file", &c, 0));
    check_eq(a.st_mode, S_IFREG | 0640);
    check_eq(a.st_size, 10);
    check_eq(a.st_nlink, 1);
    check_eq(a.st_uid, geteuid());
    check_eq(a.st_ino, b.st_ino);
    check_eq(a.st_dev, b.st_dev);
    check_eq(a.st_ino, c.st_ino);
    check_eq(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
    check(a.st_ino != 0);
    check(a.st_mtim.tv_sec > 1500000000);
    check(a.st_blksize >= 512);
    check(a.st_blocks <= 64);

    check_ok(lstat("link", &b));
    check(S_ISLNK(b.st_mode));
    check_eq(b.st_size, 4);
    check(b.st_ino != a.st_ino);
    check_ok(fstatat(AT_FDCWD, "link", &c, AT_SYMLINK_NOFOLLOW));
    check_eq(c.st_ino, b.st_ino);
    check_ok(fstatat(fd, "", &c, AT_EMPTY_PATH));
    check_eq(c.st_ino, a.st_ino);

    check_ok(stat("dir", &b));
    check_eq(b.st_mode, S_IFDIR | 0755);
    check_ok(stat("dir/..", &b));
    check_ok(stat(".", &c));
    check_eq(b.st_ino, c.st_ino);

    memset(&x, 0xff, sizeof(x));
    check_ok(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &x));
    check_eq(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    check_eq(x.stx_mode, a.st_mode);
    check_eq(x.stx_size, 10);
    check_eq(x.stx_ino, a.st_ino);
    check_eq(x.stx_nlink, 1);
    check_eq(x.stx_mtime.tv_sec, a.st_mtim.tv_sec);
    check_eq(x.stx_mtime.tv_nsec, a.st_mtim.tv_nsec);
    check_eq(makedev(x.stx_dev_major, x.stx_dev_minor), a.st_dev);
    check_ok(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    check_eq(x.stx_size, 10);

    check_ok(stat("/dev/null", &a));
    check(S_ISCHR(a.st_mode));
    check_eq(a.st_rdev, makedev(1, 3));

    check_err(stat("absent", &a), ENOENT);
    check_err(stat("", &a), ENOENT);
    check_err(stat("file/x", &a), ENOTDIR);
    check_err(fstat(99, &a), EBADF);
    check_err(fstatat(99, "file", &a, 0), EBADF);
    check_err(fstatat(fd, "file", &a, 0), ENOTDIR);
    check_err(fstatat(AT_FDCWD, "file", &a, 0x40000000), EINVAL);
    check_err(statx(AT_FDCWD, "absent", 0, STATX_SIZE, &x), ENOENT);
    check_err(statx(AT_FDCWD, "file", 0, 0x80000000u, &x), EINVAL);
    return check_done();
}
