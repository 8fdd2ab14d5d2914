/* SPDX-License-Identifier: Apache-2.0 */
/* MAP_FIXED replaces what is there, MAP_FIXED_NOREPLACE refuses to, a hint is honoured if free. */
#include "check.h"
#include <sys/mman.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

int main(void)
{
    unsigned char *base = mmap(NULL, 16 * 4096, RW, ANON, -1, 0);
    unsigned char *p;

    need(base != MAP_FAILED);
    memset(base, 1, 16 * 4096);

    p = mmap(base + 4 * 4096, 2 * 4096, RW, ANON | MAP_FIXED, -1, 0);
    check(p == base + 4 * 4096);
    check_eq(p[0], 0);
    check_eq(p[2 * 4096 - 1], 0);
    check_eq(p[-1], 1);
    check_eq(p[2 * 4096], 1);

    check_err((intptr_t)mmap(base + 4096, 4096, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    check_eq(base[4096], 1);

    check_ok(munmap(base + 8 * 4096, 4096));
    p = mmap(base + 8 * 4096, 4096, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    check(p == base + 8 * 4096);
    check_ok(munmap(p, 4096));
    p = mmap(base + 8 * 4096, 4096, RW, ANON, -1, 0);
    check(p == base + 8 * 4096);

    /* A hint that is taken is only a hint. */
    p = mmap(base, 4096, RW, ANON, -1, 0);
    check(p != MAP_FAILED && p != base);
    check_eq(base[0], 1);

    /* The kernel's half is nobody's. */
    check_err((intptr_t)mmap((void *)0xffff800000000000ul, 4096, RW, ANON | MAP_FIXED, -1, 0),
              ENOMEM);
    return check_done();
}
