/* SPDX-License-Identifier: Apache-2.0 */
/* getrlimit, setrlimit, prlimit64: set shows in get, soft above hard is refused. */
#include "check.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit a, b = {10, 5};
    struct rusage usage;

    for (int i = 0; i < RLIM_NLIMITS; i++) {
        check_ok(getrlimit((__rlimit_resource_t)i, &a));
        check(a.rlim_cur <= a.rlim_max);
    }
    check_ok(getrlimit(RLIMIT_CORE, &a));
    a.rlim_cur = 0;
    check_ok(setrlimit(RLIMIT_CORE, &a));
    check_ok(prlimit(0, RLIMIT_CORE, NULL, &b));
    check_eq(b.rlim_cur, 0);
    check_eq(b.rlim_max, a.rlim_max);
    check_ok(prlimit(getpid(), RLIMIT_NOFILE, NULL, &a));
    a.rlim_cur = 100;
    check_ok(prlimit(0, RLIMIT_NOFILE, &a, &b));
    check(b.rlim_cur > 3);
    check_ok(getrlimit(RLIMIT_NOFILE, &b));
    check_eq(b.rlim_cur, 100);

    b = (struct rlimit){10, 5};
    check_err(setrlimit(RLIMIT_NOFILE, &b), EINVAL);
    check_err(getrlimit((__rlimit_resource_t)99, &a), EINVAL);
    check_err(getrlimit(RLIMIT_NOFILE, (struct rlimit *)8), EFAULT);
    check_ok(getrusage(RUSAGE_SELF, &usage));
    check(usage.ru_maxrss > 0);
    check_err(getrusage((__rusage_who_t)77, &usage), EINVAL);
    return check_done();
}
