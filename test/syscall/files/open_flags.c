/* SPDX-License-Identifier: Apache-2.0 */
/* open: O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH and the modes. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(void)
{
    struct stat st;
    char buf[16];
    int fd;

    umask(022);
    check_err(open("new", O_RDONLY), ENOENT);
    fd = (int)check_ok(open("new", O_RDWR | O_CREAT | O_EXCL, 0666));
    check_eq(write(fd, "12345", 5), 5);
    check_ok(fstat(fd, &st));
    check_eq(st.st_mode, S_IFREG | 0644);
    check_ok(close(fd));
    check_err(open("new", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);

    fd = (int)check_ok(open("new", O_RDONLY | O_CREAT, 0600));
    check_err(write(fd, "x", 1), EBADF);
    check_eq(read(fd, buf, 16), 5);
    check_eq(read(fd, buf, 16), 0);
    check_ok(close(fd));

    fd = (int)check_ok(open("new", O_WRONLY | O_APPEND));
    check_err(read(fd, buf, 1), EBADF);
    check_eq(lseek(fd, 0, SEEK_SET), 0);
    check_eq(write(fd, "678", 3), 3);
    check_eq(lseek(fd, 0, SEEK_CUR), 8);
    check_ok(close(fd));

    fd = (int)check_ok(open("new", O_RDWR | O_TRUNC));
    check_ok(fstat(fd, &st));
    check_eq(st.st_size, 0);
    check_ok(close(fd));

    check_err(open("new", O_RDONLY | O_DIRECTORY), ENOTDIR);
    check_err(open(".", O_RDWR), EISDIR);
    check_err(open(".", O_WRONLY | O_CREAT, 0666), EISDIR);
    check_ok(close((int)check_ok(open(".", O_RDONLY | O_DIRECTORY))));
    check_ok(symlink("new", "link"));
    check_err(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    check_ok(close((int)check_ok(open("link", O_RDONLY))));
    check_ok(symlink("absent", "dangling"));
    check_err(open("dangling", O_RDONLY), ENOENT);
    check_err(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
    check_ok(close((int)check_ok(open("dangling", O_RDWR | O_CREAT, 0644))));
    check_ok(stat("absent", &st));

    fd = (int)check_ok(open("new", O_PATH));
    check_err(read(fd, buf, 1), EBADF);
    check_ok(fstat(fd, &st));
    check(S_ISREG(st.st_mode));
    check_ok(close(fd));
    fd = (int)check_ok(open("link", O_PATH | O_NOFOLLOW));
    check_ok(fstat(fd, &st));
    check(S_ISLNK(st.st_mode));
    check_ok(close(fd));
    check_err(close(fd), EBADF);
    return check_done();
}
