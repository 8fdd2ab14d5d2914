/* SPDX-License-Identifier: Apache-2.0 */
/* munmap: a hole in the middle splits a mapping; unmapped ranges are fine; bad arguments. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
    unsigned char *p =
        mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(p != MAP_FAILED);
    memset(p, 7, 5 * 4096);
    check_ok(munmap(p + 2 * 4096, 4096));
    check_eq(check_access(p + 2 * 4096, 0), SIGSEGV);
    check(check_fault_info.si_addr == p + 2 * 4096);
    check_eq(check_fault_info.si_code, SEGV_MAPERR);
    check_eq(p[2 * 4096 - 1], 7);
    check_eq(p[3 * 4096], 7);

    check_ok(munmap(p + 2 * 4096, 4096));
    check_ok(munmap(p, 5 * 4096));
    check_eq(check_access(p, 0), SIGSEGV);
    check_eq(check_access(p + 4 * 4096, 0), SIGSEGV);

    check_err(munmap(p + 1, 4096), EINVAL);
    check_err(munmap(p, 0), EINVAL);
    check_err(munmap((void *)0x7fffffffe000ul, 1ul << 46), EINVAL);
    /* A length that is not a multiple of a page takes the whole last page. */
    p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check_ok(munmap(p, 4097));
    check_eq(check_access(p + 4096, 0), SIGSEGV);
    return check_done();
}
