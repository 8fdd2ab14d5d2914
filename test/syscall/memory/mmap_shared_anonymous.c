/* SPDX-License-Identifier: Apache-2.0 */
/* Shared anonymous memory within one process; mlock, msync and mincore on it. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
    unsigned char *p =
        mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    need(p != MAP_FAILED);
    check_eq(p[4 * 4096 - 1], 0);
    memset(p, 3, 4 * 4096);
    check_ok(msync(p, 4 * 4096, MS_SYNC));
    check_err(msync(p + 1, 4096, MS_SYNC), EINVAL);
    check_ok(mlock(p, 4096));
    check_ok(munlock(p, 4096));
    check_ok(mprotect(p, 4096, PROT_READ));
    check_eq(p[0], 3);
    check_ok(munmap(p, 4 * 4096));
    check_err(mlock(p, 4096), ENOMEM);
    check_err(msync(p, 4096, MS_SYNC), ENOMEM);
    return check_done();
}
