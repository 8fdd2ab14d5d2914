/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues: all 64 signals are delivered in order, lowest first, real-time ones each; RLIMIT_SIGPENDING
 * bounds what carries data; who may claim which si_code; the forms of kill.
 */
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static volatile int seen[256], count;
static volatile siginfo_t last;

static void handler(int sig, siginfo_t *info, void *context)
{
    (void)context;
    last = *info;
    if (count < 256)
        seen[count] = sig;
    count++;
}

/* The kernel's struct: the C library keeps signals 32 and 33 to itself. */
static struct {
    uint64_t handler, flags, restorer, mask;
} raw;

/* In the order in which they are sent: the process gets all, the thread the real-time ones. */
static int send_all(void)
{
    int sent = 0;

    for (int sig = 64; sig >= 1; sig--) {
        if (sig == SIGKILL || sig == SIGSTOP)
            continue;
        if (syscall(SYS_rt_sigaction, sig, &raw, NULL, 8))
            check(!"rt_sigaction");
        sent += syscall(SYS_kill, getpid(), sig) == 0;
        if (sig >= 32)
            sent += syscall(SYS_tgkill, getpid(), getpid(), sig) == 0;
    }
    return sent;
}

static void all_signals(void)
{
    static const char synchronous[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
    struct sigaction act = {.sa_sigaction = (void *)handler, .sa_flags = SA_SIGINFO};
    uint64_t all = ~0UL, none = 0;
    int at = 0, wrong = 0;

    check_ok(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8));
    check_ok(sigaction(SIGUSR1, &act, NULL));
    need(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &raw, 8) == 0);
    raw.mask = ~0UL;
    check_eq(send_all(), 62 + 33);
    check_ok(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8));
    /* SIGCONT took back SIGTSTP, SIGTTIN and SIGTTOU, which were sent before. */
    check_eq(count, 62 + 33 - 3);
    /* The thread's first, then the process's: synchronous ones, then by number. */
    for (int sig = 32; sig <= 64; sig++)
        wrong += seen[at++] != sig;
    for (size_t i = 0; i < sizeof(synchronous); i++)
        wrong += seen[at++] != synchronous[i];
    for (int sig = 1; sig <= 64; sig++)
        if (sig != SIGKILL && (sig < SIGSTOP || sig > SIGTTOU) &&
            !memchr(synchronous, sig, sizeof(synchronous)))
            wrong += seen[at++] != sig;
    check_eq(at, count);
    check_eq(wrong, 0);
}

/* Signals that are queued to processes of this user, whichever: they count towards the limit. */
static rlim_t queued_now(void)
{
    unsigned long n = 0;
    char line[128];
    FILE *f = fopen("/proc/self/status", "r");

    need(f != NULL);
    while (fgets(line, sizeof(line), f))
        if (sscanf(line, "SigQ: %lu", &n) == 1)
            break;
    fclose(f);
    return n;
}

static void limit(void)
{
    struct rlimit old, few = {queued_now() + 100, 0};
    siginfo_t info = {.si_code = SI_QUEUE};
    int rt = SIGRTMIN + 3, queued = 0;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, rt);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    check_ok(getrlimit(RLIMIT_SIGPENDING, &old));
    few.rlim_max = old.rlim_max;
    check_ok(setrlimit(RLIMIT_SIGPENDING, &few));
    while (queued < 200 && sigqueue(getpid(), rt, (union sigval){.sival_int = queued}) == 0)
        queued++;
    check(queued > 0 && queued < 200);
    check_err(sigqueue(getpid(), rt, (union sigval){0}), EAGAIN);
    check_err(syscall(SYS_tgkill, getpid(), getpid(), rt), EAGAIN);
    /* kill never fails for it, and standard signals are pending even so. */
    check_ok(kill(getpid(), rt));
    check_ok(kill(getpid(), SIGUSR1));
    check_ok(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR2, &info));
    check_ok(setrlimit(RLIMIT_SIGPENDING, &old));

    count = 0;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    check_eq(count, queued + 2);
    check_eq(seen[0], SIGUSR1);
    check_eq(seen[1], SIGUSR2);
    check_eq(last.si_value.sival_int, queued - 1);
}

static void *other_thread(void *arg)
{
    siginfo_t info = {.si_code = SI_USER};

    /* "Itself" is the thread, not its process. */
    check_err(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info), EPERM);
    check_err(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info), EPERM);
    check_ok(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &info));
    return arg;
}

static void codes(void)
{
    siginfo_t info = {.si_code = SI_USER, .si_pid = 1};
    pthread_t thread;
    int pid = getpid();

    check_ok(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info));
    check_eq(last.si_code, SI_USER);
    check_eq(last.si_pid, 1);
    info.si_code = SI_TKILL;
    check_ok(syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGUSR1, &info));
    check_eq(last.si_code, SI_TKILL);
    info.si_code = 7;
    info.si_signo = 3; /* not what counts */
    check_ok(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info));
    check_eq(last.si_code, 7);
    check_eq(last.si_signo, SIGUSR1);
    /* Bytes that no known layout has. */
    info.si_code = -99;
    check_ok(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info));
    ((char *)&info)[100] = 1;
    check_err(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), E2BIG);
    info.si_code = SI_QUEUE;
    check_ok(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info));
    check_err(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, 8), EFAULT);
    check_err(syscall(SYS_rt_sigqueueinfo, pid, 65, &info), EINVAL);
    check_err(syscall(SYS_rt_sigqueueinfo, 0, SIGUSR1, &info), ESRCH);
    check_err(syscall(SYS_rt_sigqueueinfo, 4194303, SIGUSR1, &info), ESRCH);
    check_err(syscall(SYS_rt_tgsigqueueinfo, 0, pid, SIGUSR1, &info), EINVAL);
    check_err(syscall(SYS_rt_tgsigqueueinfo, pid, -1, SIGUSR1, &info), EINVAL);
    check_ok(syscall(SYS_rt_sigqueueinfo, pid, 0, &info));
    need(pthread_create(&thread, NULL, other_thread, NULL) == 0);
    pthread_join(thread, NULL);
}

static void kill_forms(void)
{
    count = 0;
    check_ok(kill(0, SIGUSR1));
    if (getpgrp() > 1) /* -1 means everybody, and nobody is hit */
        check_ok(kill(-getpgrp(), SIGUSR1));
    else
        raise(SIGUSR1);
    check_ok(syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1));
    check_eq(count, 3);
    check_ok(kill(0, 0));
    check_err(kill(0, 65), EINVAL);
    check_err(kill(0, -1), EINVAL);
    check_err(kill(-4194303, SIGUSR1), ESRCH);
    check_err(kill(4194303, SIGUSR1), ESRCH);
    check_err(kill(INT32_MIN, SIGUSR1), ESRCH);
    check_err(syscall(SYS_tkill, 0, SIGUSR1), EINVAL);
    check_err(syscall(SYS_tkill, 4194303, SIGUSR1), ESRCH);
    check_err(syscall(SYS_tkill, syscall(SYS_gettid), 65), EINVAL);
    check_ok(syscall(SYS_tkill, syscall(SYS_gettid), 0));
    check_err(syscall(SYS_tgkill, getpid() + 1, syscall(SYS_gettid), SIGUSR1), ESRCH);
}

int main(void)
{
    if (getpgrp() != getpid())
        setpgid(0, 0); /* kill(0) must not hit who runs us */
    all_signals();
    limit();
    codes();
    kill_forms();
    return check_done();
}
