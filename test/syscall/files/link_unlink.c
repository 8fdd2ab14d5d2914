/* SPDX-License-Identifier: Apache-2.0 */
/* link, unlink, mkdir, rmdir: link counts, an unlinked open file lives, the errors. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(void)
{
    struct stat st;
    char buf[8];
    int fd = open("a", O_RDWR | O_CREAT | O_TRUNC, 0644);

    need(fd >= 0);
    check_eq(write(fd, "text", 4), 4);
    check_ok(link("a", "b"));
    check_ok(stat("b", &st));
    check_eq(st.st_nlink, 2);
    check_err(link("a", "b"), EEXIST);
    check_err(link("absent", "c"), ENOENT);
    check_ok(unlink("a"));
    check_ok(fstat(fd, &st));
    check_eq(st.st_nlink, 1);
    check_ok(unlink("b"));
    check_ok(fstat(fd, &st));
    check_eq(st.st_nlink, 0);
    check_eq(pread(fd, buf, 8, 0), 4);
    check(!memcmp(buf, "text", 4));
    check_eq(pwrite(fd, "more", 4, 4), 4);
    close(fd);
    check_err(unlink("a"), ENOENT);

    check_ok(mkdir("d", 0700));
    check_ok(stat("d", &st));
    check_eq(st.st_mode, S_IFDIR | 0700);
    check_err(mkdir("d", 0700), EEXIST);
    check_err(mkdir("x/y", 0700), ENOENT);
    check_err(unlink("d"), EISDIR);
    check_ok(mkdir("d/e", 0700));
    check_err(rmdir("d"), ENOTEMPTY);
    check_err(rmdir("d/."), EINVAL);
    check_ok(unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR));
    check_ok(rmdir("d"));
    check_err(rmdir("d"), ENOENT);
    fd = open("f", O_RDWR | O_CREAT, 0644);
    check_err(rmdir("f"), ENOTDIR);
    check_err(unlink("f/x"), ENOTDIR);
    check_err(unlink("f/"), ENOTDIR);
    check_err(unlinkat(AT_FDCWD, "f", 0x1000), EINVAL);
    check_err(link("f", "absent/f"), ENOENT);
    check_ok(mkdir("slash/", 0755));
    check_ok(rmdir("slash/"));
    return check_done();
}
