/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children for tests: processes that share the caller's memory and run beside it (CLONE_VM), so that they can
 * tell it things through variables.  A child calls nothing of the C library but thin wrappers of system
 * calls, and its errno is the caller's.
 */
#ifndef CELLA_TEST_SYSCALL_CHILD_H
#define CELLA_TEST_SYSCALL_CHILD_H

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define CHILD_STACK (64 * 1024)

/* Its pid, or -1; the stack is never given back. */
static inline pid_t child_clone(int (*fn)(void *), void *arg, int flags)
{
    char *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    return stack == MAP_FAILED ? -1 : clone(fn, stack + CHILD_STACK, flags, arg);
}

static inline pid_t child_start(int (*fn)(void *), void *arg)
{
    return child_clone(fn, arg, CLONE_VM | SIGCHLD);
}

static inline void child_nap(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    syscall(SYS_nanosleep, &t, NULL);
}

/* Waits until *flag is not 0, for ten seconds at most: was it set? */
static inline int child_await(volatile int *flag)
{
    for (int i = 0; i < 10000 && !*flag; i++)
        child_nap(1);
    return *flag != 0;
}

/* Children: ends with arg as its code; sleeps until a signal ends it. */
static inline int child_exits(void *arg)
{
    return (int)(long)arg;
}

static inline int child_sleeps(void *arg)
{
    (void)arg;
    while (syscall(SYS_pause))
        ;
    return 0;
}

#endif
