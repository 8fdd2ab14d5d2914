/* SPDX-License-Identifier: Apache-2.0 */
/* madvise: MADV_DONTNEED zeroes private anonymous memory; harmless advice is taken. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
    unsigned char *p =
        mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t sum = 0;

    need(p != MAP_FAILED);
    memset(p, 5, 8 * 4096);
    check_ok(madvise(p + 2 * 4096, 4 * 4096, MADV_DONTNEED));
    for (size_t i = 2 * 4096; i < 6 * 4096; i++)
        sum += p[i];
    check_eq(sum, 0);
    check_eq(p[2 * 4096 - 1], 5);
    check_eq(p[6 * 4096], 5);
    p[3 * 4096] = 6;
    check_eq(p[3 * 4096], 6);

    check_ok(madvise(p, 4096, MADV_NORMAL));
    check_ok(madvise(p, 4096, MADV_WILLNEED));
    check_ok(madvise(p, 4096, MADV_SEQUENTIAL));
    check_ok(madvise(p, 4096, MADV_HUGEPAGE));
    check_ok(madvise(p, 4096, MADV_FREE));
    check_err(madvise(p + 1, 4096, MADV_DONTNEED), EINVAL);
    check_err(madvise(p, 4096, 9999), EINVAL);
    check_ok(munmap(p + 4096, 4096));
    check_err(madvise(p, 3 * 4096, MADV_DONTNEED), ENOMEM);
    return check_done();
}
