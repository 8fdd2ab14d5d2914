/* SPDX-License-Identifier: Apache-2.0 */
/* A private file mapping shows the file, its tail is zero, writes do not reach the file. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>

int main(void)
{
    int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0644);
    unsigned char page[4096], back[10];
    unsigned char *p, *q;

    need(fd >= 0);
    for (int i = 0; i < 4; i++) {
        memset(page, 'a' + i, sizeof(page));
        need(write(fd, page, i == 3 ? 100 : 4096) > 0);
    }
    p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    need(p != MAP_FAILED);
    check_eq(p[0], 'a');
    check_eq(p[3 * 4096 - 1], 'c');
    check_eq(p[3 * 4096 + 99], 'd');
    check_eq(p[3 * 4096 + 100], 0);
    check_eq(p[4 * 4096 - 1], 0);
    p[0] = 'X';
    check_eq(pread(fd, back, 1, 0), 1);
    check_eq(back[0], 'a');

    q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 2 * 4096);
    need(q != MAP_FAILED);
    check_eq(q[0], 'c');
    check_eq(check_access(q, 1), SIGSEGV);
    check_ok(mprotect(q, 4096, PROT_READ | PROT_WRITE));
    q[0] = 'Y';
    check_eq(q[1], 'c');

    /* The mapping outlives the descriptor. */
    check_ok(close(fd));
    check_eq(p[4096], 'b');

    fd = open("data", O_WRONLY);
    check_err((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
    close(fd);
    fd = open("data", O_RDONLY);
    check_err((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL);
    close(fd);
    fd = open(".", O_RDONLY);
    check_err((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV);
    return check_done();
}
