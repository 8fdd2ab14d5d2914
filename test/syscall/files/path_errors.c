/* SPDX-License-Identifier: Apache-2.0 */
/* Path errors: ENOENT, ENOTDIR, ENAMETOOLONG for a component and a path, EFAULT, EBADF. */
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

int main(void)
{
    static char component[NAME_MAX + 2], path[PATH_MAX + 8];
    struct stat st;
    int fd, dir;

    memset(component, 'n', NAME_MAX);
    fd = (int)check_ok(open(component, O_CREAT | O_WRONLY, 0644));
    close(fd);
    check_ok(stat(component, &st));
    check_ok(unlink(component));
    component[NAME_MAX] = 'n';
    check_err(open(component, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
    check_err(stat(component, &st), ENAMETOOLONG);
    check_err(mkdir(component, 0755), ENAMETOOLONG);

    /* PATH_MAX counts the terminating zero. */
    for (int i = 0; i < PATH_MAX; i += 2)
        memcpy(path + i, "./", 2);
    path[PATH_MAX - 1] = 0;
    check_ok(stat(path, &st));
    path[PATH_MAX - 1] = '/';
    path[PATH_MAX] = 0;
    check_err(stat(path, &st), ENAMETOOLONG);
    check_err(chdir(path), ENAMETOOLONG);

    check_err(open("", O_RDONLY), ENOENT);
    check_err(open("absent/file", O_RDONLY), ENOENT);
    check_err(open("absent", O_WRONLY), ENOENT);
    check_err(open("absent/", O_CREAT | O_WRONLY, 0644), EISDIR);
    fd = (int)check_ok(open("file", O_CREAT | O_WRONLY, 0644));
    check_err(open("file/", O_RDONLY), ENOTDIR);
    check_err(open("file/x", O_RDONLY), ENOTDIR);
    check_err(open("file/../file", O_RDONLY), ENOTDIR);
    check_err(open((const char *)8, O_RDONLY), EFAULT);
    check_err(open(NULL, O_RDONLY), EFAULT);
    check_err(stat((const char *)-4096l, &st), EFAULT);
    check_err(stat("file", (struct stat *)8), EFAULT);

    check_err(openat(99, "file", O_RDONLY), EBADF);
    check_err(openat(fd, "x", O_RDONLY), ENOTDIR);
    check_err(chdir("file"), ENOTDIR);
    check_ok(mkdir("d", 0755));
    dir = (int)check_ok(open("d", O_RDONLY | O_DIRECTORY));
    check_ok(openat(dir, "../file", O_RDONLY));
    check_ok(openat(dir, "inside", O_CREAT | O_WRONLY, 0644));
    check_ok(stat("d/inside", &st));
    check_ok(mkdirat(dir, "sub", 0755));
    check_ok(fstatat(dir, "sub", &st, 0));
    check_ok(symlinkat("inside", dir, "link"));
    check_ok(faccessat(dir, "link", R_OK, 0));
    check_ok(renameat(dir, "link", AT_FDCWD, "link"));
    check_ok(linkat(dir, "inside", AT_FDCWD, "hard", 0));
    check_ok(unlinkat(dir, "inside", 0));
    /* An absolute path ignores the directory descriptor. */
    check_ok(openat(99, "/dev/null", O_RDONLY));
    return check_done();
}
