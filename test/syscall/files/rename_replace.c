/* SPDX-License-Identifier: Apache-2.0 */
/* rename: replaces files, empty directories; refuses the impossible; open files live on. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    need(fd >= 0);
    need(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

int main(void)
{
    struct stat st, before;
    char buf[8];
    int fd;

    put("a", "aaa");
    put("b", "bbb");
    check_ok(stat("a", &before));
    fd = open("b", O_RDONLY);
    check_ok(rename("a", "b"));
    check_err(stat("a", &st), ENOENT);
    check_ok(stat("b", &st));
    check_eq(st.st_ino, before.st_ino);
    check_eq(read(fd, buf, 8), 3);
    check(!memcmp(buf, "bbb", 3));
    close(fd);
    fd = open("b", O_RDONLY);
    check_eq(read(fd, buf, 8), 3);
    check(!memcmp(buf, "aaa", 3));

    check_ok(mkdir("d", 0755));
    check_ok(mkdir("d/sub", 0755));
    check_ok(mkdir("e", 0755));
    check_err(rename("e", "d"), ENOTEMPTY);
    check_err(rename("b", "d"), EISDIR);
    check_err(rename("d", "b"), ENOTDIR);
    check_err(rename("d", "d/sub/x"), EINVAL);
    check_ok(rename("d", "e"));
    check_ok(stat("e/sub", &st));
    check_ok(rename("e/sub", "moved"));
    check_ok(rename("b", "e/b"));
    check_ok(stat("e/b", &st));
    check_ok(rename("e/b", "e/b"));
    check_err(rename("absent", "x"), ENOENT);
    check_err(rename("e/b", "absent/x"), ENOENT);
    check_err(rename("e/b/x", "y"), ENOTDIR);
    check_err(rename("e/.", "f"), EBUSY);

    put("f", "f");
    check_err(renameat2(AT_FDCWD, "f", AT_FDCWD, "e/b", RENAME_NOREPLACE), EEXIST);
    check_ok(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE));
    check_err(renameat2(AT_FDCWD, "g", AT_FDCWD, "h", 0x80), EINVAL);
    return check_done();
}
