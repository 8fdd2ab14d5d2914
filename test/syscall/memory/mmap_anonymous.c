/* SPDX-License-Identifier: Apache-2.0 */
/* mmap: anonymous memory is zero, page aligned, usable to its last byte; bad arguments. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
    unsigned char *p =
        mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *q;
    size_t sum = 0;

    need(p != MAP_FAILED);
    check_eq((uintptr_t)p % 4096, 0);
    for (size_t i = 0; i < 3 * 4096; i++)
        sum += p[i];
    check_eq(sum, 0);
    memset(p, 0xab, 3 * 4096);
    check_eq(p[3 * 4096 - 1], 0xab);

    /* A length is rounded up to a page. */
    q = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(q != MAP_FAILED);
    q[4095] = 1;
    check_eq(q[4095], 1);
    check(q + 4096 <= p || q >= p + 3 * 4096);

    check_err((intptr_t)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    check_err((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    check_err((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
    check_err((intptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 100), EINVAL);
    check_err((intptr_t)mmap(NULL, (size_t)-4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
              ENOMEM);
    check_err((intptr_t)mmap((void *)12345, 4096, PROT_READ,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
              EINVAL);

    check_ok(munmap(p, 3 * 4096));
    check_eq(check_access(p, 0), SIGSEGV);
    return check_done();
}
