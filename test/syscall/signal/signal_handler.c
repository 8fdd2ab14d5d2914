/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers: SA_SIGINFO fields, SA_RESETHAND, SA_NODEFER, the old action, uncatchable signals. */
#include "check.h"
#include <ucontext.h>

static volatile int calls, depth, deepest;
static siginfo_t last;
static volatile int last_sig;
static volatile long context_ok;

static void on_info(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    last_sig = sig;
    last = *info;
    context_ok = uc->uc_mcontext.gregs[REG_RSP] != 0 && uc->uc_mcontext.gregs[REG_RIP] != 0;
    calls++;
}

static void on_nested(int sig)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (calls++ == 0)
        raise(sig);
    depth--;
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO}, old;

    sigemptyset(&act.sa_mask);
    check_ok(sigaction(SIGUSR1, &act, NULL));
    check_ok(kill(getpid(), SIGUSR1));
    check_eq(calls, 1);
    check_eq(last_sig, SIGUSR1);
    check_eq(last.si_signo, SIGUSR1);
    check_eq(last.si_code, SI_USER);
    check_eq(last.si_pid, getpid());
    check_eq(last.si_uid, getuid());
    check(context_ok);
    check_eq(raise(SIGUSR1), 0);
    check_eq(last.si_code, SI_TKILL);

    check_eq(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 1234}), 0);
    check_eq(last.si_code, SI_QUEUE);
    check_eq(last.si_value.sival_int, 1234);

    check_ok(sigaction(SIGUSR1, NULL, &old));
    check(old.sa_sigaction == on_info);
    check(old.sa_flags & SA_SIGINFO);

    /* Blocked during its own handler, unless SA_NODEFER. */
    calls = 0;
    act = (struct sigaction){.sa_handler = on_nested};
    check_ok(sigaction(SIGUSR2, &act, NULL));
    raise(SIGUSR2);
    check_eq(calls, 2);
    check_eq(deepest, 1);
    calls = deepest = 0;
    act.sa_flags = SA_NODEFER;
    check_ok(sigaction(SIGUSR2, &act, NULL));
    raise(SIGUSR2);
    check_eq(calls, 2);
    check_eq(deepest, 2);

    act.sa_flags = (int)SA_RESETHAND;
    check_ok(sigaction(SIGUSR2, &act, NULL));
    raise(SIGUSR2);
    check_ok(sigaction(SIGUSR2, NULL, &old));
    check(old.sa_handler == SIG_DFL);

    /* Ignored by default, or explicitly. */
    check_eq(raise(SIGCHLD), 0);
    check_eq(raise(SIGURG), 0);
    signal(SIGTERM, SIG_IGN);
    check_eq(raise(SIGTERM), 0);

    check_ok(kill(getpid(), 0));
    check_err(kill(getpid(), 99), EINVAL);
    check_err(sigaction(SIGKILL, &act, NULL), EINVAL);
    check_err(sigaction(SIGSTOP, &act, NULL), EINVAL);
    check_err(sigaction(65, &act, NULL), EINVAL);
    return check_done();
}
