/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What timers have to do with signals: SIGEV_THREAD_ID, SIGEV_NONE, thousands of them, the limit on
 * pending signals, a period that nobody can follow, a pending signal of a timer that goes, a signal
 * that is ignored or taken by sigtimedwait, interval timers of CPU time.
 */
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define MANY 3000
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int calls, receiver;
static const struct timespec zero, minute = {60, 0};

static void handler(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    receiver = (int)syscall(SYS_gettid);
    calls++;
}

static sigset_t set_of(int sig)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    return set;
}

static int create(int notify, int sig, int tid, int *id)
{
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = sig};

    event.sigev_value.sival_int = 5;
    event.sigev_notify_thread_id = tid;
    return (int)syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, id);
}

static int set(int id, long first, long interval)
{
    struct itimerspec when = {{0, interval}, {first / 1000000000, first % 1000000000}};

    return (int)syscall(SYS_timer_settime, id, 0, &when, NULL);
}

static void *wait_for_signal(void *arg)
{
    sigset_t usr2 = set_of(SIGUSR2);
    int id;

    check_ok(create(SIGEV_THREAD_ID, SIGUSR1, (int)syscall(SYS_gettid), &id));
    receiver = 0;
    check_ok(set(id, 1000000, 0));
    while (!receiver)
        sched_yield();
    check_eq(receiver, syscall(SYS_gettid));
    *(int *)arg = id;
    sigwaitinfo(&usr2, NULL);
    return NULL;
}

static void to_thread(void)
{
    sigset_t usr2 = set_of(SIGUSR2);
    struct itimerspec left;
    pthread_t thread;
    int id = -1, other;

    sigprocmask(SIG_BLOCK, &usr2, NULL);
    need(pthread_create(&thread, NULL, wait_for_signal, &id) == 0);
    while (__atomic_load_n(&id, __ATOMIC_ACQUIRE) < 0)
        sched_yield();
    kill(getpid(), SIGUSR2);
    pthread_join(thread, NULL);
    /* Its thread is gone: the timer expires and nobody hears of it. */
    calls = 0;
    check_ok(set(id, 1000000, 0));
    usleep(20000);
    check_eq(calls, 0);
    check_ok(syscall(SYS_timer_gettime, id, &left));
    check_ok(syscall(SYS_timer_delete, id));
    check_err(create(SIGEV_THREAD_ID, SIGUSR1, 4194303, &other), EINVAL);
    check_err(create(SIGEV_THREAD_ID, SIGUSR1, 0, &other), EINVAL);
    check_err(create(SIGEV_THREAD_ID, 0, getpid(), &other), EINVAL);
    sigprocmask(SIG_UNBLOCK, &usr2, NULL);
}

static void silent(void)
{
    struct itimerspec left;
    int id;

    check_ok(create(SIGEV_NONE, 0, 0, &id));
    calls = 0;
    check_ok(set(id, 1000000, 0));
    do
        check_ok(syscall(SYS_timer_gettime, id, &left));
    while (left.it_value.tv_nsec && usleep(1000) == 0);
    check_eq(left.it_value.tv_sec, 0);
    check_ok(set(id, 1000000, 40000000));
    usleep(3000);
    check_ok(syscall(SYS_timer_gettime, id, &left));
    check(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 40000000);
    check_eq(calls, 0);
    check_ok(syscall(SYS_timer_delete, id));
}

static void many(void)
{
    static int ids[MANY];
    sigset_t usr1 = set_of(SIGUSR1), pending;
    struct rlimit old, few;
    siginfo_t info;
    int made = 0, taken = 0, wrong = 0, last = 0;

    sigprocmask(SIG_BLOCK, &usr1, NULL);
    for (; made < MANY && create(SIGEV_SIGNAL, SIGUSR1, 0, &ids[made]) == 0; made++)
        wrong += set(ids[made], 1000 + made, 0) != 0;
    check_eq(made, MANY);
    check_eq(wrong, 0);
    /* Each timer's signal is one of its own, although SIGUSR1 is a standard signal. */
    while (taken < MANY && sigtimedwait(&usr1, &info, &minute) == SIGUSR1) {
        wrong += info.si_code != SI_TIMER || info.si_value.sival_int != 5;
        taken++;
    }
    check_eq(taken, MANY);
    check_eq(wrong, 0);
    check_err(sigtimedwait(&usr1, NULL, &zero), EAGAIN);

    /* A timer is charged when it is made. */
    check_ok(getrlimit(RLIMIT_SIGPENDING, &old));
    few = (struct rlimit){MANY - 1, old.rlim_max};
    check_ok(setrlimit(RLIMIT_SIGPENDING, &few));
    check_err(create(SIGEV_SIGNAL, SIGUSR1, 0, &last), EAGAIN);
    for (int i = 0; i < MANY; i++)
        wrong += syscall(SYS_timer_delete, ids[i]) != 0;
    check_eq(wrong, 0);
    check_ok(create(SIGEV_SIGNAL, SIGUSR1, 0, &last));
    check_ok(setrlimit(RLIMIT_SIGPENDING, &old));

    check_ok(set(last, 1, 0));
    do
        sigpending(&pending);
    while (!sigismember(&pending, SIGUSR1));
    check_ok(syscall(SYS_timer_delete, last));
    check_err(syscall(SYS_timer_delete, last), EINVAL);
    sigtimedwait(&usr1, NULL, &zero); /* it may still be there or not: no promise */
    check_err(sigtimedwait(&usr1, NULL, &zero), EAGAIN);
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

/* A nanosecond's period: the system goes on, and says what was missed. */
static void too_fast(void)
{
    sigset_t usr1 = set_of(SIGUSR1);
    siginfo_t info = {0};
    int id, first;

    check_ok(create(SIGEV_SIGNAL, SIGUSR1, 0, &id));
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    check_ok(set(id, 1, 1));
    usleep(2000);
    check_eq(sigtimedwait(&usr1, &info, &minute), SIGUSR1);
    first = info.si_overrun;
    check(first >= 1000000);
    check_eq(syscall(SYS_timer_getoverrun, id), first);
    check_eq(sigtimedwait(&usr1, &info, &minute), SIGUSR1);
    check(info.si_overrun < first);
    check_ok(set(id, 0, 0));
    check_eq(syscall(SYS_timer_getoverrun, id), 0);
    sigtimedwait(&usr1, NULL, &zero);

    /* Ignored, it goes on unheard until somebody listens. */
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
    signal(SIGUSR1, SIG_IGN);
    check_ok(set(id, 1, 500000));
    usleep(3000);
    calls = 0;
    sigaction(SIGUSR1, &(struct sigaction){.sa_sigaction = handler, .sa_flags = SA_SIGINFO}, NULL);
    while (calls < 2)
        usleep(1000);
    check_ok(syscall(SYS_timer_delete, id));
    check_err(syscall(SYS_timer_getoverrun, id), EINVAL);
}

static void intervals(void)
{
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}}, now;
    static const struct {
        int which, sig;
    } kinds[] = {{ITIMER_REAL, SIGALRM}, {ITIMER_VIRTUAL, SIGVTALRM}, {ITIMER_PROF, SIGPROF}};
    sigset_t alarm_set = set_of(SIGALRM);

    for (int i = 0; i < 3; i++) {
        struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
        sigaction(kinds[i].sig, &act, NULL);
        calls = 0;
        check_ok(setitimer(kinds[i].which, &often, NULL));
        while (calls < 5)
            ;
        check_ok(getitimer(kinds[i].which, &now));
        check_eq(now.it_interval.tv_usec / 4000 * 4000, often.it_interval.tv_usec / 4000 * 4000);
        check_ok(setitimer(kinds[i].which, &never, NULL));
    }
    /* A microsecond's period, and nobody takes the signal. */
    often = (struct itimerval){{0, 1}, {0, 1}};
    sigprocmask(SIG_BLOCK, &alarm_set, NULL);
    check_ok(setitimer(ITIMER_REAL, &often, NULL));
    usleep(2000);
    for (int i = 0; i < 3; i++)
        check_eq(sigtimedwait(&alarm_set, NULL, &minute), SIGALRM);
    check_ok(setitimer(ITIMER_REAL, &never, NULL));
    sigtimedwait(&alarm_set, NULL, &zero);
    check_err(sigtimedwait(&alarm_set, NULL, &zero), EAGAIN);
    check_err(setitimer(3, &never, NULL), EINVAL);
    check_err(getitimer(-1, &now), EINVAL);
    often.it_value.tv_usec = 1000000;
    check_err(setitimer(ITIMER_REAL, &often, NULL), EINVAL);
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct itimerspec bad = {{0, 0}, {-1, 0}};
    int id;

    check_ok(sigaction(SIGUSR1, &act, NULL));
    to_thread();
    silent();
    many();
    too_fast();
    intervals();
    check_ok(create(SIGEV_SIGNAL, SIGUSR1, 0, &id));
    check_err(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
    check_err(syscall(SYS_timer_settime, id, 0, 8, NULL), EFAULT);
    check_err(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
    check_err(syscall(SYS_timer_settime, id + 1, 0, &(struct itimerspec){0}, NULL), EINVAL);
    check_err(syscall(SYS_timer_gettime, id, 8), EFAULT);
    check_err(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8), EFAULT);
    check_err(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &id), EFAULT);
    check_err(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &id), EOPNOTSUPP);
    return check_done();
}
