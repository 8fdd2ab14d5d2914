/* SPDX-License-Identifier: Apache-2.0 */
/* A standard file that is opened once more by way of /proc/self/fd has flags of its own. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(void)
{
    struct stat a, b;
    int old = (int)check_ok(fcntl(0, F_GETFL));

    for (int i = 0; i < 20; i++) {
        int fd = (int)check_ok(open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK));
        check_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        check_eq(fcntl(0, F_GETFL), old);
        check_ok(fcntl(fd, F_SETFL, 0));
        check_ok(fcntl(fd, F_SETFL, O_NONBLOCK));
        check_eq(fcntl(0, F_GETFL), old);
        check_ok(fstat(0, &a));
        check_ok(fstat(fd, &b));
        check_eq(a.st_mode & S_IFMT, b.st_mode & S_IFMT);
        check_eq(a.st_rdev, b.st_rdev);
        if (S_ISCHR(a.st_mode)) {
            char c;
            check_eq(read(fd, &c, 1), 0); /* the tests' standard input is /dev/null */
        }
        check_ok(close(fd));
        check_ok(fstat(0, &a)); /* which is still there */
    }
    return check_done();
}
