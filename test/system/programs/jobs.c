/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job control seen from inside.
 *
 *   stop SIGNAL   stops itself, all threads, in all kinds of waits; says how those ended after it
 *   race COUNT    one thread stops all while another counts and ends all with status 7
 *   line          reads a line from the terminal; whoever is there presses Ctrl-Z and says fg
 *   signals       says which signals come, until a line on standard input ends it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static pthread_barrier_t ready;
static int pipes[2];
static volatile sig_atomic_t continued;
static volatile unsigned long spins;
static const char *answer[5];

static void on_continue(int sig)
{
    (void)sig;
    continued++;
}

static const char *ending(long result)
{
    return result >= 0 ? "went on" : strerror(errno);
}

static void *wait_read(void *arg)
{
    char c;

    pthread_barrier_wait(&ready);
    answer[0] = ending(read(pipes[0], &c, 1));
    return arg;
}

static void *wait_epoll(void *arg)
{
    struct epoll_event event;
    int ep = epoll_create1(0);

    pthread_barrier_wait(&ready);
    answer[1] = ending(epoll_wait(ep, &event, 1, 20000));
    return arg;
}

static void *wait_signal(void *arg)
{
    struct timespec time = {20, 0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_barrier_wait(&ready);
    answer[2] = ending(sigtimedwait(&set, NULL, &time));
    return arg;
}

static void *wait_sleep(void *arg)
{
    struct timespec time = {1, 0};

    pthread_barrier_wait(&ready);
    answer[3] = ending(nanosleep(&time, NULL));
    return arg;
}

static void *compute(void *arg)
{
    pthread_barrier_wait(&ready);
    while (!*(volatile int *)arg)
        spins++;
    answer[4] = spins ? "counted" : "did nothing";
    return NULL;
}

static int stop(int sig)
{
    static void *(*const bodies[5])(void *) = {wait_read, wait_epoll, wait_signal, wait_sleep,
                                               compute};
    static volatile int end;
    pthread_t threads[5];
    sigset_t set;

    if (pipe(pipes))
        return 1;
    pthread_barrier_init(&ready, NULL, 6);
    /* The others must only be stopped, not run the handler. */
    sigemptyset(&set);
    sigaddset(&set, SIGCONT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 5; i++)
        pthread_create(&threads[i], NULL, bodies[i], (void *)&end);
    signal(SIGCONT, on_continue);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    pthread_barrier_wait(&ready);
    usleep(200000); /* they are waiting by now */
    puts("stopping");
    fflush(stdout);
    kill(getpid(), sig);
    printf("going on, %d\n", (int)continued);
    end = 1;
    if (write(pipes[1], "x", 1) != 1)
        return 1;
    for (int i = 0; i < 5; i++) {
        pthread_join(threads[i], NULL);
        printf("%d %s\n", i, answer[i]);
    }
    return 0;
}

static void *end_soon(void *arg)
{
    pthread_barrier_wait(&ready);
    for (volatile int i = 0; i < *(int *)arg; i++)
        ;
    _exit(7);
    return arg;
}

static void *wait_long(void *arg)
{
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
    return arg;
}

static int race(int count)
{
    pthread_t thread;

    pthread_barrier_init(&ready, NULL, 4);
    pthread_create(&thread, NULL, end_soon, &count);
    pthread_create(&thread, NULL, wait_long, NULL);
    pthread_create(&thread, NULL, wait_long, NULL);
    pthread_barrier_wait(&ready);
    kill(getpid(), SIGSTOP);
    for (;;)
        pause();
    return 1;
}

static void say(int sig)
{
    char text[] = "SIGxxxxx\n";

    memcpy(text + 3, sig == SIGTERM ? "TERM" : sig == SIGUSR1 ? "USR1" : "WNCH", 4);
    text[7] = '\n';
    if (write(1, text, 8) != 8)
        _exit(1);
}

int main(int argc, char **argv)
{
    char line[64];

    if (argc > 1 && !strcmp(argv[1], "signals")) {
        const struct sigaction act = {.sa_handler = say, .sa_flags = SA_RESTART};
        sigaction(SIGTERM, &act, NULL);
        sigaction(SIGUSR1, &act, NULL);
        sigaction(SIGWINCH, &act, NULL);
    }
    if (argc > 2 && !strcmp(argv[1], "stop"))
        return stop(atoi(argv[2]));
    if (argc > 2 && !strcmp(argv[1], "race"))
        return race(atoi(argv[2]));
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return 1;
    printf("got %s", line);
    return 0;
}
