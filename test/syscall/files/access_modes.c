/* SPDX-License-Identifier: Apache-2.0 */
/* access, chmod, fchmod, umask: what they set shows in stat; execute needs an x bit, root too. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>

static mode_t mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) ? 0 : st.st_mode & 07777;
}

int main(void)
{
    int fd;

    umask(0);
    fd = open("a", O_CREAT | O_WRONLY, 0666);
    need(fd >= 0);
    check_eq(mode_of("a"), 0666);
    check_eq(umask(027), 0);
    check_eq(umask(027), 027);
    close((int)check_ok(open("b", O_CREAT | O_WRONLY, 0777)));
    check_eq(mode_of("b"), 0750);
    check_ok(mkdir("d", 0777));
    check_eq(mode_of("d"), 0750);
    umask(0);

    check_ok(access("a", F_OK));
    check_ok(access("a", R_OK | W_OK));
    check_err(access("a", X_OK), EACCES);
    check_ok(chmod("a", 0500));
    check_eq(mode_of("a"), 0500);
    check_ok(access("a", X_OK));
    check_ok(fchmod(fd, 0644));
    check_eq(mode_of("a"), 0644);
    check_ok(chmod("a", 04711));
    check_eq(mode_of("a"), 04711);
    check_ok(fchmodat(AT_FDCWD, "a", 0600, 0));
    check_eq(mode_of("a"), 0600);

    check_err(access("absent", F_OK), ENOENT);
    check_err(access("a/x", F_OK), ENOTDIR);
    check_err(access("a", 0x99), EINVAL);
    check_err(chmod("absent", 0600), ENOENT);
    check_err(fchmod(99, 0600), EBADF);
    check_ok(faccessat(AT_FDCWD, "a", R_OK, AT_EACCESS));
    check_ok(chown("a", (uid_t)-1, (gid_t)-1));
    check_err(chown("absent", (uid_t)-1, (gid_t)-1), ENOENT);
    return check_done();
}
