/* SPDX-License-Identifier: Apache-2.0 */
/* brk: grows zeroed, shrinks, grows again zeroed; an impossible break changes nothing. */
#include "check.h"
#include <sys/syscall.h>

int main(void)
{
    /* The C library must not have its output buffer in the memory that is looked at. */
    static char output[4096];
    int buffered = setvbuf(stdout, output, _IOFBF, sizeof(output));
    uintptr_t start = (uintptr_t)syscall(SYS_brk, 0);
    unsigned char *p;
    size_t sum = 0;

    need(buffered == 0);
    need(start != 0);
    start = (start + 4095) & ~4095ul;
    check_eq((uintptr_t)syscall(SYS_brk, start + 1000000), start + 1000000);
    p = (unsigned char *)start;
    for (size_t i = 0; i < 1000000; i++)
        sum += p[i];
    check_eq(sum, 0);
    memset(p, 3, 1000000);
    check_eq((uintptr_t)syscall(SYS_brk, 0), start + 1000000);

    check_eq((uintptr_t)syscall(SYS_brk, start + 4096), start + 4096);
    check_eq(p[4095], 3);
    check_eq(check_access(p + 16 * 4096, 0), SIGSEGV);
    check_eq((uintptr_t)syscall(SYS_brk, start + 65536), start + 65536);
    check_eq(p[4095], 3);
    check_eq(p[4096], 0);
    check_eq(p[65535], 0);

    check_eq((uintptr_t)syscall(SYS_brk, 4096), start + 65536);
    check_eq((uintptr_t)syscall(SYS_brk, 0x7ffffffff000ul), start + 65536);
    return check_done();
}
