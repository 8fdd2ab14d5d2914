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
#include <sys/syscall.h>
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

static int recurse(int n)
{
    volatile char page[4096];

    page[0] = (char)n;
    return n > 1 << 24 ? n : recurse(n + 1) + page[0];
}

static void on_segv(int sig)
{
    (void)sig;
    _exit(write(1, "handled\n", 8) == 8 ? 6 : 1);
}

/* Sends ourselves a signal with the stack pointer where no frame can be. */
static void signal_without_stack(int sig)
{
    __asm__ volatile("mov $16, %%esp; syscall; ud2" ::"a"((long)SYS_kill), "D"((long)getpid()),
                     "S"((long)sig)
                     : "rcx", "r11", "memory");
}

/* rt_sigreturn with something on the stack that is no frame, or with nothing. */
static void wild_sigreturn(int mapped)
{
    static unsigned long area[512];

    for (int i = 0; i < 512; i++)
        area[i] = 0x5a5a5a5a5a5a5a5a;
    __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; ud2" ::"r"(
        mapped ? (unsigned long)area : 0xdead000ul));
}

/* Ends that have to do with stacks and forced signals. */
static void die_by_signal(const char *how)
{
    static char alternate[65536];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    struct sigaction act = {.sa_handler = on_segv};
    sigset_t segv;

    sigemptyset(&segv);
    sigaddset(&segv, SIGSEGV);
    if (strstr(how, "-alternate")) {
        sigaltstack(&stack, NULL);
        act.sa_flags = SA_ONSTACK;
    }
    if (strstr(how, "-handler") || strstr(how, "-alternate"))
        sigaction(SIGSEGV, &act, NULL);
    if (strstr(how, "-blocked"))
        sigprocmask(SIG_BLOCK, &segv, NULL);
    if (strstr(how, "-ignored"))
        signal(SIGSEGV, SIG_IGN);
    if (!strncmp(how, "overflow", 8))
        printf("%d\n", recurse(0));
    if (!strncmp(how, "fault", 5))
        *nowhere = 1;
    if (!strncmp(how, "stackless", 9)) {
        signal(SIGUSR1, nothing);
        signal_without_stack(SIGUSR1);
    }
    if (!strncmp(how, "sigreturn", 9))
        wild_sigreturn(strstr(how, "-mapped") != NULL);
    if (!strncmp(how, "twice", 5)) {
        act = (struct sigaction){.sa_handler = nothing, .sa_flags = (int)SA_RESETHAND};
        sigaction(SIGUSR1, &act, NULL);
        raise(SIGUSR1);
        raise(SIGUSR1);
    }
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
    die_by_signal(how);
    if (!strcmp(how, "waits"))
        dots_by_waits();
    if (!strcmp(how, "term-handler")) {
        signal(SIGTERM, _exit);
        for (;;)
            pause();
    }
    return 0;
}
