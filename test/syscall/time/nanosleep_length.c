/* SPDX-License-Identifier: Apache-2.0 */
/* nanosleep and clock_nanosleep sleep at least as long as asked, absolute too; bad arguments. */
#include "check.h"
#include <time.h>

static long long now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

int main(void)
{
    struct timespec ts = {0, 20000000};
    long long start = now(), slept;

    check_ok(nanosleep(&ts, NULL));
    slept = now() - start;
    check(slept >= 20000000);
    check(slept < 2000000000);

    start = now() + 30000000;
    ts = (struct timespec){start / 1000000000, start % 1000000000};
    check_eq(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
    check(now() >= start);
    /* The past returns at once. */
    check_eq(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
    check(now() < start + 2000000000);

    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 10000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }
    check_eq(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL), 0);

    ts = (struct timespec){0, 0};
    check_ok(nanosleep(&ts, NULL));
    ts = (struct timespec){0, 1000000000};
    check_err(nanosleep(&ts, NULL), EINVAL);
    ts = (struct timespec){-1, 0};
    check_err(nanosleep(&ts, NULL), EINVAL);
    check_err(nanosleep((struct timespec *)8, NULL), EFAULT);
    check_eq(clock_nanosleep(99, 0, &ts, NULL), EINVAL);
    check_eq(usleep(1000), 0);
    return check_done();
}
