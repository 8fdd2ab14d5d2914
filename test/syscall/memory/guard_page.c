/* SPDX-License-Identifier: Apache-2.0 */
/* A PROT_NONE guard page between two mappings stops both neighbours; MAP_NORESERVE is cheap. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
    unsigned char *p =
        mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *big;

    need(p != MAP_FAILED);
    check_ok(mprotect(p + 4096, 4096, PROT_NONE));
    check_eq(check_access(p + 4095, 1), 0);
    check_eq(check_access(p + 4096, 0), SIGSEGV);
    check_eq(check_access(p + 8191, 1), SIGSEGV);
    check_eq(check_access(p + 8192, 1), 0);

    /* Reserve 64 GiB without touching it, as Go and the JVM do; use a page here and there. */
    big = mmap(NULL, 64ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    need(big != MAP_FAILED);
    check_eq(check_access(big + (5ul << 30), 0), SIGSEGV);
    check_ok(mprotect(big + (5ul << 30), 4096, PROT_READ | PROT_WRITE));
    check_eq(check_access(big + (5ul << 30), 1), 0);
    check_eq(big[5ul << 30], 0);
    check_eq(check_access(big + (5ul << 30) + 4096, 0), SIGSEGV);
    check_ok(munmap(big, 64ul << 30));
    return check_done();
}
