/* SPDX-License-Identifier: Apache-2.0 */
/* utimensat: exact times, UTIME_NOW, UTIME_OMIT, on a symlink itself; write advances mtime. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <utime.h>

int main(void)
{
    struct timespec times[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
    struct utimbuf old = {5, 6};
    struct stat st;
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);

    need(fd >= 0);
    check_ok(utimensat(AT_FDCWD, "file", times, 0));
    check_ok(stat("file", &st));
    check_eq(st.st_atim.tv_sec, 1000000000);
    check_eq(st.st_atim.tv_nsec, 123456789);
    check_eq(st.st_mtim.tv_sec, 1100000000);
    check_eq(st.st_mtim.tv_nsec, 987654321);

    times[0].tv_nsec = UTIME_OMIT;
    times[1] = (struct timespec){1200000000, 5};
    check_ok(futimens(fd, times));
    check_ok(fstat(fd, &st));
    check_eq(st.st_atim.tv_sec, 1000000000);
    check_eq(st.st_mtim.tv_sec, 1200000000);
    check_eq(st.st_mtim.tv_nsec, 5);

    times[1].tv_nsec = UTIME_NOW;
    check_ok(utimensat(AT_FDCWD, "file", times, 0));
    check_ok(stat("file", &st));
    check(llabs((long long)st.st_mtim.tv_sec - time(NULL)) < 30);

    check_ok(symlink("file", "link"));
    times[0] = (struct timespec){7, 0};
    times[1] = (struct timespec){8, 0};
    check_ok(utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW));
    check_ok(lstat("link", &st));
    check_eq(st.st_mtim.tv_sec, 8);
    check_ok(stat("file", &st));
    check(st.st_mtim.tv_sec > 1000);

    check_ok(utime("file", &old));
    check_ok(stat("file", &st));
    check_eq(st.st_mtim.tv_sec, 6);
    check_eq(write(fd, "x", 1), 1);
    check_ok(fstat(fd, &st));
    check(llabs((long long)st.st_mtim.tv_sec - time(NULL)) < 30);

    times[0].tv_nsec = 1000000000;
    check_err(utimensat(AT_FDCWD, "file", times, 0), EINVAL);
    check_err(utimensat(AT_FDCWD, "absent", NULL, 0), ENOENT);
    check_err(futimens(99, NULL), EBADF);
    return check_done();
}
