/* SPDX-License-Identifier: Apache-2.0 */
/* The lowest free descriptor is used; RLIMIT_NOFILE bounds it with EMFILE. */
#include "check.h"
#include <fcntl.h>
#include <sys/resource.h>

int main(void)
{
    struct rlimit limit;
    int first, second, third, count = 0;

    first = (int)check_ok(open("/dev/null", O_RDWR));
    second = (int)check_ok(open("/dev/null", O_RDWR));
    third = (int)check_ok(open("/dev/null", O_RDWR));
    check_eq(second, first + 1);
    check_eq(third, first + 2);
    check_ok(close(first));
    check_ok(close(second));
    check_eq(open("/dev/null", O_RDONLY), first);
    check_eq(open("/dev/null", O_RDONLY), second);

    check_ok(getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 20;
    check_ok(setrlimit(RLIMIT_NOFILE, &limit));
    while (open("/dev/null", O_RDONLY) >= 0 && count < 100)
        count++;
    check_eq(errno, EMFILE);
    check(count <= 20 - (third + 1));
    check(fcntl(19, F_GETFD) >= 0);
    check_err(fcntl(20, F_GETFD), EBADF);
    check_err(dup(0), EMFILE);
    check_err(dup2(0, 20), EBADF);
    check_err(fcntl(0, F_DUPFD, 20), EINVAL);
    return check_done();
}
