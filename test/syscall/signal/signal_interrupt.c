/* SPDX-License-Identifier: Apache-2.0 */
/* A signal from another thread: EINTR without SA_RESTART, restarted with it; alarm, setitimer. */
#include "check.h"
#include <pthread.h>
#include <sys/time.h>
#include <time.h>

static volatile int calls;
static pthread_t main_thread;
static int pipes[2];

static void handler(int sig)
{
    (void)sig;
    calls++;
}

static void *poke(void *arg)
{
    usleep(50000);
    pthread_kill(main_thread, SIGUSR1);
    usleep(50000);
    if (arg && write(pipes[1], "x", 1) != 1)
        check_failures++;
    return NULL;
}

int main(void)
{
    struct sigaction act = {.sa_handler = handler};
    struct itimerval timer = {{0, 10000}, {0, 10000}}, old;
    struct timespec length = {10, 0}, left = {0, 0};
    pthread_t thread;
    char c;

    main_thread = pthread_self();
    need(pipe(pipes) == 0);
    check_ok(sigaction(SIGUSR1, &act, NULL));
    need(pthread_create(&thread, NULL, poke, NULL) == 0);
    check_err(read(pipes[0], &c, 1), EINTR);
    pthread_join(thread, NULL);
    check_eq(calls, 1);

    need(pthread_create(&thread, NULL, poke, NULL) == 0);
    check_err(nanosleep(&length, &left), EINTR);
    check(left.tv_sec == 9 && left.tv_nsec > 0);
    pthread_join(thread, NULL);

    act.sa_flags = SA_RESTART;
    check_ok(sigaction(SIGUSR1, &act, NULL));
    need(pthread_create(&thread, NULL, poke, pipes) == 0);
    check_eq(read(pipes[0], &c, 1), 1);
    check_eq(calls, 3);
    pthread_join(thread, NULL);

    /* Timers reach a program that only computes. */
    calls = 0;
    check_ok(sigaction(SIGALRM, &act, NULL));
    check_ok(setitimer(ITIMER_REAL, &timer, NULL));
    while (calls < 5)
        ;
    timer = (struct itimerval){0};
    check_ok(setitimer(ITIMER_REAL, &timer, &old));
    check_eq(old.it_interval.tv_usec, 10000);
    check(calls >= 5);
    calls = 0;
    check_eq(alarm(100), 0);
    check(alarm(1) >= 99);
    check_eq(pause(), -1);
    check_eq(errno, EINTR);
    check_eq(calls, 1);
    return check_done();
}
