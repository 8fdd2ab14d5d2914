/* SPDX-License-Identifier: Apache-2.0 */
/* mprotect: each protection means what it says, faults carry SEGV_ACCERR, data survives. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
    unsigned char *p =
        mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const unsigned char ret42[] = {0xb8, 42, 0, 0, 0, 0xc3};
    int (*function)(void);

    need(p != MAP_FAILED);
    memset(p, 9, 4 * 4096);
    check_ok(mprotect(p + 4096, 4096, PROT_READ));
    check_eq(check_access(p + 4096, 0), 0);
    check_eq(check_access(p + 4096 + 5, 1), SIGSEGV);
    check_eq(check_fault_info.si_code, SEGV_ACCERR);
    check(check_fault_info.si_addr == p + 4096 + 5);
    check_eq(check_access(p, 1), 0);
    check_eq(check_access(p + 2 * 4096, 1), 0);

    check_ok(mprotect(p + 4096, 4096, PROT_NONE));
    check_eq(check_access(p + 4096, 0), SIGSEGV);
    check_eq(check_fault_info.si_code, SEGV_ACCERR);
    check_ok(mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE));
    check_eq(p[4096], 9);
    check_eq(p[2 * 4096 - 1], 9);

    /* Code that was written runs once it may, and is then read-only. */
    memcpy(p, ret42, sizeof(ret42));
    check_ok(mprotect(p, 4096, PROT_READ | PROT_EXEC));
    memcpy(&function, &p, sizeof(function));
    check_eq(function(), 42);
    check_eq(check_access(p, 1), SIGSEGV);
    check_ok(mprotect(p, 4096, PROT_READ | PROT_WRITE));
    p[1] = 43;
    check_ok(mprotect(p, 4096, PROT_READ | PROT_EXEC));
    check_eq(function(), 43);

    check_err(mprotect(p + 1, 4096, PROT_READ), EINVAL);
    check_err(mprotect(p, 4096, 0x40), EINVAL);
    check_ok(mprotect(p, 0, PROT_READ));
    check_ok(munmap(p + 3 * 4096, 4096));
    check_err(mprotect(p + 2 * 4096, 2 * 4096, PROT_READ), ENOMEM);
    return check_done();
}
