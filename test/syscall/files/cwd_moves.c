/* SPDX-License-Identifier: Apache-2.0 */
/* chdir, fchdir, getcwd: the name follows, a short buffer is ERANGE, renames show. */
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int main(void)
{
    char start[PATH_MAX], here[PATH_MAX], want[PATH_MAX + 16];
    struct stat st;
    int fd;

    need(getcwd(start, sizeof(start)));
    check_eq(syscall(SYS_getcwd, here, sizeof(here)), strlen(start) + 1);
    check_ok(mkdir("d", 0755));
    check_ok(mkdir("d/e", 0755));
    check_ok(symlink("d/e", "link"));
    check_ok(chdir("link"));
    need(getcwd(here, sizeof(here)));
    snprintf(want, sizeof(want), "%s/d/e", start);
    check(!strcmp(here, want));
    check_ok(chdir(".."));
    check_ok(stat("e", &st));
    fd = (int)check_ok(open("..", O_RDONLY | O_DIRECTORY));
    check_ok(chdir("/"));
    need(getcwd(here, sizeof(here)));
    check(!strcmp(here, "/"));
    check_ok(fchdir(fd));
    need(getcwd(here, sizeof(here)));
    check(!strcmp(here, start));

    check_err(syscall(SYS_getcwd, here, 1), ERANGE);
    check_err(syscall(SYS_getcwd, (char *)8, 4096), EFAULT);
    check_err(chdir("absent"), ENOENT);
    check_err(chdir(""), ENOENT);
    check_err(fchdir(99), EBADF);
    fd = open("file", O_CREAT | O_WRONLY, 0644);
    check_err(fchdir(fd), ENOTDIR);
    need(getcwd(here, sizeof(here)));
    check(!strcmp(here, start));
    return check_done();
}
