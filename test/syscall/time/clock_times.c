/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks advance, agree with each other and never run backwards, through vDSO and system call. */
#include "check.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

static long long now(clockid_t clock)
{
    struct timespec ts;

    return clock_gettime(clock, &ts) ? -1 : ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static long long now_by_syscall(clockid_t clock)
{
    struct timespec ts;

    return syscall(SYS_clock_gettime, clock, &ts) ? -1 : ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

int main(void)
{
    static const clockid_t monotonic[] = {CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
                                          CLOCK_MONOTONIC_COARSE};
    struct timespec res = {1, 1};
    struct timeval tv;
    long long before, after, cpu;
    volatile int spin = 0;
    int backwards = 0;

    for (size_t i = 0; i < sizeof(monotonic) / sizeof(monotonic[0]); i++) {
        before = now(monotonic[i]);
        check(before > 0);
        for (int j = 0; j < 1000; j++) {
            after = j % 2 ? now(monotonic[i]) : now_by_syscall(monotonic[i]);
            backwards += after < before;
            before = after;
        }
    }
    check_eq(backwards, 0);

    check(now(CLOCK_REALTIME) > 1500000000ll * 1000000000);
    check(llabs(now(CLOCK_REALTIME) - now_by_syscall(CLOCK_REALTIME)) < 1000000000);
    check(llabs(now(CLOCK_REALTIME) - now(CLOCK_REALTIME_COARSE)) < 1000000000);
    check_ok(gettimeofday(&tv, NULL));
    check(llabs(tv.tv_sec - time(NULL)) <= 1);
    check(tv.tv_usec >= 0 && tv.tv_usec < 1000000);

    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    before = now(CLOCK_THREAD_CPUTIME_ID);
    check(cpu >= 0 && before >= 0);
    while (spin < 50000000)
        spin++;
    check(now(CLOCK_PROCESS_CPUTIME_ID) > cpu);
    check(now(CLOCK_THREAD_CPUTIME_ID) > before);

    check_ok(clock_getres(CLOCK_MONOTONIC, &res));
    check_eq(res.tv_sec, 0);
    check(res.tv_nsec > 0 && res.tv_nsec <= 10000000);
    check_err(clock_gettime(99, &res), EINVAL);
    check_err(clock_getres(99, &res), EINVAL);
    check_err(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8), EFAULT);
    check(times(NULL) != (clock_t)-1);
    return check_done();
}
