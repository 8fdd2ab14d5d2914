/* SPDX-License-Identifier: Apache-2.0 */
/* prctl: thread names, dumpable, no_new_privs; arch_prctl's FS base; unknown options. */
#include "check.h"
#include <asm/prctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int main(void)
{
    char name[17] = {0};
    unsigned long base = 0, self;

    check_ok(prctl(PR_SET_NAME, "a-name-that-is-too-long", 0, 0, 0));
    check_ok(prctl(PR_GET_NAME, name, 0, 0, 0));
    check(!strcmp(name, "a-name-that-is-"));
    check_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
    check_ok(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    check_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    check_err(prctl(PR_SET_DUMPABLE, 7, 0, 0, 0), EINVAL);
    check_ok(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    check_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    check_err(prctl(99999, 0, 0, 0, 0), EINVAL);
    check_err(prctl(PR_SET_NAME, 8, 0, 0, 0), EFAULT);

    check_ok(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
    __asm__("mov %%fs:0, %0" : "=r"(self));
    check_eq(base, self);
    check_err(syscall(SYS_arch_prctl, 0x9999, &base), EINVAL);
    return check_done();
}
