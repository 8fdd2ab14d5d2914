/* SPDX-License-Identifier: Apache-2.0 */
/* Path walk: symlinks relative and absolute, chains, loops, `..`, trailing slashes, readlink. */
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

int main(void)
{
    char cwd[PATH_MAX], absolute[PATH_MAX + 16], buf[PATH_MAX], name[32], target[32];
    struct stat st, base;
    int fd;

    need(getcwd(cwd, sizeof(cwd)));
    check_ok(mkdir("d", 0755));
    check_ok(mkdir("d/e", 0755));
    fd = open("d/e/f", O_CREAT | O_WRONLY, 0644);
    need(fd >= 0);
    close(fd);
    check_ok(stat("d/e/f", &base));

    check_ok(symlink("d/e", "to_e"));
    check_ok(symlink("../d/e/f", "d/to_f"));
    snprintf(absolute, sizeof(absolute), "%s/d", cwd);
    check_ok(symlink(absolute, "abs"));
    check_ok(stat("to_e/f", &st));
    check_eq(st.st_ino, base.st_ino);
    check_ok(stat("d/to_f", &st));
    check_eq(st.st_ino, base.st_ino);
    check_ok(stat("abs/e/../to_f", &st));
    check_eq(st.st_ino, base.st_ino);
    /* `..` after a symlink is the target's parent. */
    check_ok(stat("to_e/../e/f", &st));
    check_eq(st.st_ino, base.st_ino);
    check_err(stat("to_e/../to_e", &st), ENOENT);
    check_ok(stat(".//d/././e//f", &st));
    check_eq(st.st_ino, base.st_ino);
    check_ok(stat("/../../..", &st));
    check_err(stat("d/e/f/", &st), ENOTDIR);
    check_err(stat("d/e/f/.", &st), ENOTDIR);
    check_err(stat("d/e/f/..", &st), ENOTDIR);
    check_ok(lstat("to_e/", &st));
    check(S_ISDIR(st.st_mode));

    memset(buf, 'x', sizeof(buf));
    check_eq(readlink("to_e", buf, sizeof(buf)), 3);
    check(!memcmp(buf, "d/ex", 4));
    check_eq(readlink("to_e", buf, 1), 1);
    check_err(readlink("d", buf, sizeof(buf)), EINVAL);
    check_err(readlink("absent", buf, sizeof(buf)), ENOENT);
    check_err(readlink("to_e", buf, 0), EINVAL);
    check_err(symlink("x", "to_e"), EEXIST);
    check_err(symlink("", "empty"), ENOENT);

    check_ok(symlink("loop2", "loop1"));
    check_ok(symlink("loop1", "loop2"));
    check_err(stat("loop1", &st), ELOOP);
    check_err(open("loop1/x", O_RDONLY), ELOOP);
    check_ok(lstat("loop1", &st));
    /* 40 symlinks are followed, 41 are not. */
    check_ok(symlink("d", "chain0"));
    for (int i = 1; i <= 40; i++) {
        snprintf(name, sizeof(name), "chain%d", i);
        snprintf(target, sizeof(target), "chain%d", i - 1);
        need(symlink(target, name) == 0);
    }
    check_ok(stat("chain39", &st));
    check_err(stat("chain40", &st), ELOOP);
    return check_done();
}
