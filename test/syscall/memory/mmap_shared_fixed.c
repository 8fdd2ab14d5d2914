/* SPDX-License-Identifier: Apache-2.0 */
/* Shared anonymous memory at addresses that the program chooses, in its own reservation, and what replaces it. */
#include "check.h"
#include <sys/mman.h>

#define PAGE 4096L
#define RW (PROT_READ | PROT_WRITE)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

int main(void)
{
    char *area = mmap(NULL, 64 * PAGE, PROT_NONE, PRIVATE | MAP_NORESERVE, -1, 0), *p, *q;

    need(area != MAP_FAILED);
    p = mmap(area + 8 * PAGE, 16 * PAGE, RW, SHARED | MAP_FIXED, -1, 0);
    need(p == area + 8 * PAGE);
    memset(p, 1, 16 * PAGE);
    check_eq(check_access(p - 1, 0), SIGSEGV);
    check_eq(check_access(p + 16 * PAGE, 0), SIGSEGV);
    check_err(mmap(p, PAGE, RW, SHARED | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? -1 : 0,
              EEXIST);
    /* Private memory in the middle, then new shared memory in its place. */
    q = mmap(p + 4 * PAGE, 4 * PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
    check(q == p + 4 * PAGE);
    check_eq(q[0], 0);
    q[0] = 2;
    check_eq(p[4 * PAGE - 1], 1);
    check_eq(p[8 * PAGE], 1);
    q = mmap(p + 2 * PAGE, 4 * PAGE, RW, SHARED | MAP_FIXED, -1, 0);
    check(q == p + 2 * PAGE);
    check_eq(q[0], 0);
    check_eq(q[3 * PAGE], 0);
    check_eq(p[2 * PAGE - 1], 1);
    check_eq(p[6 * PAGE], 0);
    check_ok(mprotect(p, 16 * PAGE, PROT_READ));
    check_eq(check_access(q, 1), SIGSEGV);
    check_eq(p[15 * PAGE], 1);
    check_ok(munmap(area, 64 * PAGE));
    check_eq(check_access(p, 0), SIGSEGV);
    /* The addresses are free for anything again. */
    p = mmap(area, 64 * PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0);
    check(p == area);
    for (int i = 0; i < 64; i++)
        if (p[i * PAGE])
            check_eq(i, -1);
    check_ok(munmap(p, 64 * PAGE));
    p = mmap(NULL, 2 * PAGE, RW, SHARED | MAP_32BIT, -1, 0);
    need(p != MAP_FAILED);
    check((unsigned long)p < 1UL << 31);
    p[PAGE] = 1;
    check_ok(munmap(p, 2 * PAGE));
    check_err(mmap(area + 1, PAGE, RW, SHARED | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0, EINVAL);
    check_err(mmap(NULL, PAGE, RW, SHARED | MAP_GROWSDOWN, -1, 0) == MAP_FAILED ? -1 : 0, EINVAL);
    return check_done();
}
