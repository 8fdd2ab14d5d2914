/* SPDX-License-Identifier: Apache-2.0 */
/* Ends in the way that its argument names; the caller compares how it looks from outside. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

static volatile int *volatile nowhere = (volatile int *)8;

static void *thread_body(void *arg)
{
    if (!strcmp(arg, "thread-exit"))
        exit(9);
    if (!strcmp(arg, "thread-segv"))
        *nowhere = 1;
    pthread_exit(NULL);
}

/* One dot a signal, as soon as it arrives; the end after the given number. */
static void dot(int sig)
{
    static volatile int count;

    (void)sig;
    if (write(1, ".", 1) != 1 || ++count == 2000)
        _exit(0);
}

static void nothing(int sig)
{
    (void)sig;
}

/* One dot before each wait that exactly one signal must end; all kinds of waits in turn. */
static void dots_by_waits(void)
{
    struct timespec minute = {60, 0};
    sigset_t block, open;

    sigemptyset(&open);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    signal(SIGUSR1, nothing);
    for (int i = 0; i < 2000; i++) {
        if (write(1, ".", 1) != 1)
            _exit(1);
        switch (i % 4) {
        case 0: sigsuspend(&open); break;
        case 1: ppoll(NULL, 0, &minute, &open); break;
        case 2: pselect(0, NULL, NULL, NULL, &minute, &open); break;
        case 3: sigtimedwait(&block, NULL, &minute); break;
        }
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    pthread_t thread;

    printf("dying by %s\n", how);
    fflush(stdout);
    if (!strcmp(how, "exit"))
        exit(argc > 2 ? atoi(argv[2]) : 0);
    if (!strcmp(how, "_exit"))
        _exit(300);
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "segv"))
        *nowhere = 1;
    if (!strcmp(how, "ill"))
        __builtin_trap();
    if (!strcmp(how, "fpe"))
        __asm__ volatile("xor %%ecx, %%ecx; cltd; idivl %%ecx" ::: "eax", "ecx", "edx", "cc");
    if (!strcmp(how, "trap"))
        __asm__ volatile("int3");
    if (!strcmp(how, "signal"))
        raise(argc > 2 ? atoi(argv[2]) : SIGTERM);
    if (!strcmp(how, "pipe")) {
        int p[2];

        if (pipe(p) == 0 && close(p[0]) == 0 && write(p[1], "x", 1) < 0)
            return 1;
    }
    if (!strncmp(how, "thread-", 7)) {
        pthread_create(&thread, NULL, thread_body, argv[1]);
        pthread_join(thread, NULL);
        if (!strcmp(how, "thread-last"))
            pthread_exit(NULL);
    }
    if (!strcmp(how, "wait")) {
        sleep(100);
        return 0;
    }
    if (!strcmp(how, "spin"))
        for (volatile unsigned long i = 0;; i++)
            ;
    if (!strcmp(how, "dots")) {
        signal(SIGUSR1, dot);
        for (;;) {
            pause();
            usleep(1);
        }
    }
    if (!strcmp(how, "waits"))
        dots_by_waits();
    if (!strcmp(how, "term-handler")) {
        signal(SIGTERM, _exit);
        for (;;)
            pause();
    }
    return 0;
}
