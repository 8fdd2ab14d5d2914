/* SPDX-License-Identifier: Apache-2.0 */
/* A bad pointer is EFAULT, whatever kind of bad: unmapped, read-only, kernel half, wrapping. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

int main(void)
{
    char *two = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *bad[] = {(void *)8,
                   (void *)0x10000,
                   (void *)0x00007ffffffff000ul,
                   (void *)0xffff888000000000ul,
                   (void *)-8l,
                   NULL};
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    int zero = open("/dev/zero", O_RDONLY);
    struct iovec vec = {NULL, 16};
    struct stat st;

    need(two != MAP_FAILED && fd >= 0 && zero >= 0);
    need(write(fd, "0123456789abcdef", 16) == 16);
    bad[5] = two + 4096;
    check_ok(munmap(two + 4096, 4096));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        check_err(pread(fd, bad[i], 16, 0), EFAULT);
        check_err(pwrite(fd, bad[i], 16, 0), EFAULT);
        check_err(read(zero, bad[i], 16), EFAULT);
        check_err(open(bad[i], O_RDONLY), EFAULT);
        check_err(fstat(fd, bad[i]), EFAULT);
        check_err(sigprocmask(SIG_SETMASK, NULL, bad[i]), EFAULT);
        vec.iov_base = bad[i];
        check_err(preadv(fd, &vec, 1, 0), EFAULT);
    }

    /* A string or a buffer that runs over the edge of its mapping. */
    memset(two, '/', 4096);
    check_err(stat(two + 4000, &st), EFAULT);
    strcpy(two + 4096 - 5, "file");
    check_ok(stat(two + 4096 - 5, &st));
    check_err(fstat(fd, (struct stat *)(two + 4096 - 8)), EFAULT);

    /* Memory that may only be read cannot receive. */
    check_ok(mprotect(two, 4096, PROT_READ));
    check_err(pread(fd, two, 16, 0), EFAULT);
    check_err(read(zero, two, 16), EFAULT);
    check_eq(pwrite(fd, two, 16, 0), 16);
    check_ok(mprotect(two, 4096, PROT_NONE));
    check_err(pwrite(fd, two, 16, 0), EFAULT);
    check_eq(read(zero, two, 0), 0);
    check_ok(fstat(fd, &st));
    check_eq(st.st_size, 16);
    return check_done();
}
