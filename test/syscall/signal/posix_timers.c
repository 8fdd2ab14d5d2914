/* SPDX-License-Identifier: Apache-2.0 */
/* timer_create and its family: signals, overruns, absolute times, CPU time, and bad arguments. */
#include "check.h"
#include <pthread.h>
#include <time.h>

static volatile int calls, thread_calls;
static siginfo_t last;

static void handler(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    last = *info;
    calls++;
}

static void on_thread(union sigval value)
{
    (void)value;
    __atomic_fetch_add(&thread_calls, 1, __ATOMIC_RELAXED);
}

static void overruns(timer_t timer)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    calls = 0;
    usleep(52000);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    check(calls >= 1);
    check(last.si_overrun >= 5);
    check(timer_getoverrun(timer) >= 0);
}

static void absolute(void)
{
    struct itimerspec when = {0};
    timer_t timer;

    check_ok(timer_create(CLOCK_REALTIME, NULL, &timer));
    clock_gettime(CLOCK_REALTIME, &when.it_value);
    when.it_value.tv_sec += 1;
    calls = 0;
    check_ok(timer_settime(timer, TIMER_ABSTIME, &when, NULL));
    while (!calls)
        pause();
    check_eq(last.si_signo, SIGALRM);
    check_ok(timer_delete(timer));
}

static void cpu_time(struct sigevent *event)
{
    struct itimerspec soon = {.it_value.tv_nsec = 30000000};
    struct timespec before, after;
    timer_t timer;

    check_ok(timer_create(CLOCK_PROCESS_CPUTIME_ID, event, &timer));
    calls = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    check_ok(timer_settime(timer, 0, &soon, NULL));
    while (!calls)
        ;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    check((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 29000000);
    check_ok(timer_delete(timer));
}

static void by_thread(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread};
    struct itimerspec often = {{0, 2000000}, {0, 2000000}};
    timer_t timer;

    check_ok(timer_create(CLOCK_BOOTTIME, &event, &timer));
    check_ok(timer_settime(timer, 0, &often, NULL));
    while (__atomic_load_n(&thread_calls, __ATOMIC_RELAXED) < 3)
        usleep(1000);
    check_ok(timer_delete(timer));
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    struct itimerspec often = {{0, 5000000}, {0, 5000000}}, never = {0}, old;
    timer_t timer;

    check_ok(sigaction(SIGUSR1, &act, NULL));
    check_ok(sigaction(SIGALRM, &act, NULL));
    check_ok(timer_create(CLOCK_MONOTONIC, &event, &timer));
    check_ok(timer_gettime(timer, &old));
    check_eq(old.it_value.tv_nsec, 0);
    check_ok(timer_settime(timer, 0, &often, NULL));
    while (calls < 5)
        pause();
    check_eq(last.si_code, SI_TIMER);
    check_eq(last.si_value.sival_int, 42);
    check_ok(timer_gettime(timer, &old));
    check_eq(old.it_interval.tv_nsec, 5000000);
    check(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 5000000);
    overruns(timer);

    check_ok(timer_settime(timer, 0, &never, &old));
    check_eq(old.it_interval.tv_nsec, 5000000);
    usleep(15000);
    calls = 0;
    usleep(15000);
    check_eq(calls, 0);
    often.it_value.tv_nsec = 1000000000;
    check_err(timer_settime(timer, 0, &often, NULL), EINVAL);
    check_ok(timer_delete(timer));

    absolute();
    cpu_time(&event);
    by_thread();
    event.sigev_signo = 99;
    check_err(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
    event.sigev_notify = 77;
    check_err(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
    check_err(timer_create(99, NULL, &timer), EINVAL);
    return check_done();
}
