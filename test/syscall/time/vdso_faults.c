/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bad address for the time is EFAULT if the kernel says the time, and a fault at its first byte if the
 * vDSO does, which writes the seconds first.
 */
#include "check.h"
#include <sys/time.h>
#include <time.h>

#define BAD ((void *)8)

static sigjmp_buf jump;
static void *volatile fault_at;

static void handler(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    fault_at = info->si_addr;
    siglongjmp(jump, 1);
}

static int by_clock_gettime(void)
{
    return clock_gettime(CLOCK_REALTIME, BAD);
}

static int by_monotonic(void)
{
    return clock_gettime(CLOCK_MONOTONIC, BAD);
}

static int by_gettimeofday(void)
{
    return gettimeofday(BAD, NULL);
}

static int by_time(void)
{
    return (int)time(BAD);
}

static int by_getres(void)
{
    return clock_getres(CLOCK_MONOTONIC, BAD);
}

static int by_cputime(void)
{
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, BAD);
}

int main(void)
{
    static int (*const calls[])(void) = {by_clock_gettime, by_monotonic, by_gettimeofday,
                                         by_time,          by_getres,    by_cputime};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &act, NULL);
    for (volatile unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        for (volatile int again = 0; again < 3; again++) {
            fault_at = BAD;
            errno = 0;
            if (!sigsetjmp(jump, 1)) {
                check_eq(calls[i](), -1);
                check_eq(errno, EFAULT);
            }
            check_eq((long)fault_at, 8);
        }
    }
    return check_done();
}
