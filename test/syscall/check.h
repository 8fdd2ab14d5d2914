/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few words that every system call test is written in. A test is one small program that runs
 * in an empty directory of its own, prints `ok`/`FAIL` lines and exits with 1 if any line failed.
 * Linux is the oracle: a test that does not pass natively is a wrong test.
 *
 *   check(cond)                  the condition holds
 *   check_eq(got, want)          two integers are equal; both are printed if not
 *   check_err(expr, EWHAT)       the call returns -1 and sets errno to EWHAT
 *   check_ok(expr)               the call does not return -1; yields the value
 *   need(cond)                   like check, but without it the rest makes no sense
 *
 * Children: child.h.
 */
#ifndef CELLA_TEST_SYSCALL_CHECK_H
#define CELLA_TEST_SYSCALL_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_failures;

static inline int check_report(int good, const char *what, int line)
{
    if (good) {
        printf("ok %s\n", what);
    } else {
        printf("FAIL line %d: %s\n", line, what);
        check_failures++;
    }
    fflush(stdout);
    return good;
}

static inline int check_report_eq(long long got, long long want, const char *what, int line)
{
    if (got != want)
        printf("# line %d: got %lld (0x%llx), want %lld (0x%llx)\n", line, got,
               (unsigned long long)got, want, (unsigned long long)want);
    return check_report(got == want, what, line);
}

static inline void check_report_err(long long result, int error, int want, const char *what,
                                    int line)
{
    int good = result == -1 && error == want;

    if (!good)
        printf("# line %d: got %lld, errno %d (%s), want -1, errno %d (%s)\n", line, result,
               result == -1 ? error : 0, result == -1 ? strerror(error) : "none", want,
               strerror(want));
    check_report(good, what, line);
}

static inline long long check_report_ok(long long result, int error, const char *what, int line)
{
    if (result == -1)
        printf("# line %d: errno %d (%s)\n", line, error, strerror(error));
    check_report(result != -1, what, line);
    return result;
}

#define check(cond) ((void)check_report(!!(cond), #cond, __LINE__))
#define check_eq(got, want) \
    ((void)check_report_eq((long long)(got), (long long)(want), #got " == " #want, __LINE__))
#define check_err(expr, want)                                                                 \
    do {                                                                                      \
        errno = 0;                                                                            \
        long long check_result_ = (long long)(expr);                                          \
        check_report_err(check_result_, errno, (want), #expr " fails with " #want, __LINE__); \
    } while (0)
#define check_ok(expr)                                          \
    __extension__({                                             \
        errno = 0;                                              \
        long long check_result_ = (long long)(expr);            \
        check_report_ok(check_result_, errno, #expr, __LINE__); \
    })
#define need(cond)                                           \
    do {                                                     \
        if (!check_report(!!(cond), #cond, __LINE__)) {      \
            printf("# cannot go on: %s\n", strerror(errno)); \
            exit(1);                                         \
        }                                                    \
    } while (0)

static inline int check_done(void)
{
    return check_failures ? 1 : 0;
}

/* Does touching the address fault? Restores the previous handlers. Single-threaded. */
static sigjmp_buf check_fault_jump;
static siginfo_t check_fault_info;

static inline void check_fault_handler(int sig, siginfo_t *info, void *context)
{
    (void)context;
    check_fault_info = *info;
    siglongjmp(check_fault_jump, sig);
}

/* 0 if the access went through, else the signal that it raised. */
static inline int check_access(volatile void *address, int write)
{
    struct sigaction act = {.sa_sigaction = check_fault_handler, .sa_flags = SA_SIGINFO};
    struct sigaction old_segv, old_bus;
    int sig;

    sigemptyset(&act.sa_mask);
    sigaction(SIGSEGV, &act, &old_segv);
    sigaction(SIGBUS, &act, &old_bus);
    memset(&check_fault_info, 0, sizeof(check_fault_info));
    sig = sigsetjmp(check_fault_jump, 1);
    if (sig == 0) {
        volatile unsigned char *byte = address;
        unsigned char value = *byte;

        if (write)
            *byte = value;
    }
    sigaction(SIGSEGV, &old_segv, NULL);
    sigaction(SIGBUS, &old_bus, NULL);
    return sig;
}

#endif
