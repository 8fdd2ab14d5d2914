/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/null, /dev/zero, /dev/full, /dev/urandom behave; a directory cannot be read. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(void)
{
    static char buf[100000];
    int fd;
    size_t sum = 0;
    char *p;

    fd = (int)check_ok(open("/dev/null", O_RDWR));
    check_eq(write(fd, buf, sizeof(buf)), sizeof(buf));
    check_eq(read(fd, buf, 10), 0);
    close(fd);

    fd = (int)check_ok(open("/dev/zero", O_RDWR));
    memset(buf, 1, sizeof(buf));
    check_eq(read(fd, buf, sizeof(buf)), sizeof(buf));
    for (size_t i = 0; i < sizeof(buf); i++)
        sum += (size_t)buf[i];
    check_eq(sum, 0);
    check_eq(write(fd, buf, 10), 10);
    p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(p != MAP_FAILED);
    if (p != MAP_FAILED) {
        check_eq(p[5000], 0);
        p[5000] = 1;
    }
    close(fd);

    fd = (int)check_ok(open("/dev/full", O_RDWR));
    check_err(write(fd, buf, 1), ENOSPC);
    check_eq(read(fd, buf, 1), 1);
    check_eq(buf[0], 0);
    close(fd);

    fd = (int)check_ok(open(".", O_RDONLY));
    check_err(read(fd, buf, 1), EISDIR);
    check_err(pread(fd, buf, 1, 0), EISDIR);
    check_eq(isatty(fd), 0);
    check_eq(errno, ENOTTY);
    return check_done();
}
