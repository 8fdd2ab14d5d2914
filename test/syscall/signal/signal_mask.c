/* SPDX-License-Identifier: Apache-2.0 */
/* Masks: blocked signals wait, standard ones merge, real-time ones queue in order; sigsuspend. */
#include "check.h"
#include <time.h>

static int order[16];
static volatile int calls;

static void handler(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (calls < 16)
        order[calls] = sig * 100 + info->si_value.sival_int;
    calls++;
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct timespec zero = {0, 0}, little = {0, 20000000};
    siginfo_t info;
    sigset_t set, old, pending;
    int rt = SIGRTMIN;

    sigfillset(&act.sa_mask);
    sigaction(SIGUSR1, &act, NULL);
    sigaction(rt, &act, NULL);
    sigaction(rt + 1, &act, NULL);

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, rt);
    sigaddset(&set, rt + 1);
    check_ok(sigprocmask(SIG_BLOCK, &set, &old));
    check_eq(sigismember(&old, SIGUSR1), 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    check_eq(calls, 0);
    check_ok(sigpending(&pending));
    check_eq(sigismember(&pending, SIGUSR1), 1);
    check_eq(sigismember(&pending, SIGUSR2), 0);

    sigqueue(getpid(), rt + 1, (union sigval){.sival_int = 1});
    sigqueue(getpid(), rt, (union sigval){.sival_int = 2});
    sigqueue(getpid(), rt, (union sigval){.sival_int = 3});
    check_ok(sigprocmask(SIG_UNBLOCK, &set, NULL));
    check_eq(calls, 4);
    check_eq(order[0] / 100, SIGUSR1);
    check_eq(order[1], rt * 100 + 2);
    check_eq(order[2], rt * 100 + 3);
    check_eq(order[3], (rt + 1) * 100 + 1);

    /* sigtimedwait takes without a handler. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    check_err(sigtimedwait(&set, &info, &little), EAGAIN);
    sigqueue(getpid(), rt, (union sigval){.sival_int = 7});
    check_eq(sigtimedwait(&set, &info, &zero), rt);
    check_eq(info.si_value.sival_int, 7);
    check_eq(calls, 4);

    /* sigsuspend opens the mask for a moment. */
    raise(SIGUSR1);
    sigemptyset(&pending);
    check_err(sigsuspend(&pending), EINTR);
    check_eq(calls, 5);
    sigprocmask(SIG_BLOCK, NULL, &old);
    check_eq(sigismember(&old, SIGUSR1), 1);

    /* KILL and STOP cannot be blocked. */
    sigfillset(&set);
    check_ok(sigprocmask(SIG_SETMASK, &set, NULL));
    sigprocmask(SIG_SETMASK, NULL, &old);
    check_eq(sigismember(&old, SIGKILL), 0);
    check_eq(sigismember(&old, SIGSTOP), 0);
    check_eq(sigismember(&old, SIGTERM), 1);
    check_err(sigprocmask(77, &set, NULL), EINVAL);
    return check_done();
}
