/* SPDX-License-Identifier: Apache-2.0 */
/* mremap: shrink in place, grow in place or by moving, MREMAP_FIXED; contents go along. */
#include "check.h"
#include <sys/mman.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

int main(void)
{
    unsigned char *p = mmap(NULL, 8 * 4096, RW, ANON, -1, 0);
    unsigned char *q, *r;

    need(p != MAP_FAILED);
    for (int i = 0; i < 8; i++)
        memset(p + i * 4096, 10 + i, 4096);

    q = mremap(p, 8 * 4096, 4 * 4096, 0);
    check(q == p);
    check_eq(check_access(p + 4 * 4096, 0), SIGSEGV);

    /* Room behind it: in place. */
    q = mremap(p, 4 * 4096, 6 * 4096, 0);
    check(q == p);
    check_eq(p[3 * 4096], 13);
    check_eq(p[4 * 4096], 0);
    check_eq(p[6 * 4096 - 1], 0);

    /* No room behind it: without MAYMOVE an error, with it a move. */
    r = mmap(p + 6 * 4096, 4096, RW, ANON | MAP_FIXED, -1, 0);
    need(r == p + 6 * 4096);
    check_err((intptr_t)mremap(p, 6 * 4096, 16 * 4096, 0), ENOMEM);
    q = mremap(p, 6 * 4096, 16 * 4096, MREMAP_MAYMOVE);
    check(q != MAP_FAILED && q != p);
    for (int i = 0; i < 4; i++)
        check_eq(q[i * 4096 + 77], 10 + i);
    check_eq(q[15 * 4096], 0);
    check_eq(check_access(p, 0), SIGSEGV);

    /* To a fixed place, replacing what is there. */
    p = mmap(NULL, 4 * 4096, RW, ANON, -1, 0);
    memset(p, 0xee, 4 * 4096);
    r = mremap(q, 2 * 4096, 2 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4096);
    check(r == p + 4096);
    check_eq(p[0], 0xee);
    check_eq(r[0], 10);
    check_eq(r[4096], 11);
    check_eq(p[3 * 4096], 0xee);
    check_eq(check_access(q, 0), SIGSEGV);
    check_eq(q[2 * 4096], 12);

    check_err((intptr_t)mremap(p + 1, 4096, 8192, MREMAP_MAYMOVE), EINVAL);
    check_err((intptr_t)mremap(p, 4096, 0, MREMAP_MAYMOVE), EINVAL);
    check_err((intptr_t)mremap(p, 4096, 4096, MREMAP_FIXED, q), EINVAL);
    check_ok(munmap(p, 4096));
    check_err((intptr_t)mremap(p, 4096, 8192, MREMAP_MAYMOVE), EFAULT);
    return check_done();
}
