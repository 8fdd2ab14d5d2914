/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to a process that is away, from others and by what it does. */
#define _GNU_SOURCE
#include "away.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096UL

static volatile sig_atomic_t got, code;
static void *volatile where;
static sigjmp_buf out;
static volatile char *volatile nowhere = (char *)1234, *volatile wild = (char *)(0xdeadUL << 48);

static void on(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    sigaction(sig, &a, NULL);
}

static void count(int sig, siginfo_t *i, void *context)
{
    (void)sig;
    (void)context;
    code = i->si_code;
    got++;
}

/* They interrupt what computes without any system call. */
static void alarms(void)
{
    const struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};

    on(SIGALRM, count, 0);
    setitimer(ITIMER_REAL, &often, NULL);
    while (got < 10)
        ;
    setitimer(ITIMER_REAL, &never, NULL);
    say("alarms %d", got >= 10);
    go_away();
    got = 0;
    alarm(1);
    while (!got)
        ;
    say("alarm %d", got);
}

/* In a system call: it is interrupted, or made again. */
static void calls(void)
{
    const struct itimerval once = {{0, 0}, {0, 20000}};
    int pipes[2];
    char c;

    if (pipe(pipes))
        return;
    on(SIGALRM, count, 0);
    setitimer(ITIMER_REAL, &once, NULL);
    say("read %zd %s", read(pipes[0], &c, 1), strerror(errno));
    go_away();
    on(SIGALRM, count, SA_RESTART);
    pid_t pid = fork();
    if (pid == 0) {
        go_away();
        usleep(60000);
        kill(getppid(), SIGALRM);
        usleep(20000);
        _exit(write(pipes[1], "x", 1) != 1);
    }
    go_away();
    say("read %zd %d", read(pipes[0], &c, 1), got);
    say_end("child", pid);
    go_away();
    setitimer(ITIMER_REAL, &once, NULL);
    say("pause %d %s %d", pause(), strerror(errno), got);
}

static void from_another(void)
{
    sigset_t set, old;
    pid_t parent = getpid();

    on(SIGUSR1, count, 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            usleep(50000);
            if (kill(parent, SIGUSR1))
                _exit(0);
        }
    }
    go_away();
    for (int k = 0; k < 5; k++) {
        int before = got;
        while (got == before)
            ;
        is_away();
    }
    say("usr1 %d %d", got >= 5, code);
    kill(pid, SIGTERM);
    say_end("sender", pid);
    go_away();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    on(SIGUSR2, count, 0);
    say("block %d", sigprocmask(SIG_BLOCK, &set, &old));
    got = 0;
    say("self %d %d", raise(SIGUSR2), got);
    sigset_t pending;
    sigpending(&pending);
    say("pending %d %d", sigismember(&pending, SIGUSR2), sigprocmask(SIG_SETMASK, &old, NULL));
    say("now %d %d", got, code);
}

static void repair(int sig, siginfo_t *i, void *context)
{
    (void)sig;
    (void)context;
    where = i->si_addr;
    code = i->si_code;
    got++;
    mprotect((void *)((uintptr_t)i->si_addr & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
}

static void leap(int sig, siginfo_t *i, void *context)
{
    (void)context;
    where = i->si_addr;
    code = i->si_code;
    siglongjmp(out, sig);
}

static void segv(void)
{
    char *p = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    on(SIGSEGV, repair, 0);
    for (int i = 0; i < 4; i++) {
        if (i % 2)
            go_away();
        p[(size_t)i * 2 * PAGE + 77] = (char)(i + 1);
        say("repaired %d %ld %d", got, (long)((char *)where - p), code);
    }
    say("read %d%d%d%d", p[77], p[2 * PAGE + 77], p[4 * PAGE + 77], p[6 * PAGE + 77]);
    on(SIGSEGV, leap, 0);
    if (!sigsetjmp(out, 1))
        say("FAIL %d", *nowhere);
    say("nothing there %p %d", where, code);
    go_away();
    if (!sigsetjmp(out, 1))
        say("FAIL %d", *wild);
    say("no address %p %d", where, code);
}

static void sigbus(void)
{
    FILE *f = fopen("short", "w+");
    volatile char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fileno(f), 0);

    fputs("a little", f);
    fflush(f);
    on(SIGBUS, leap, 0);
    go_away();
    say("first %c", p[0]);
    if (!sigsetjmp(out, 1))
        say("FAIL %d", p[PAGE + 5]);
    say("behind the end %ld %d", (long)((char *)where - p), code);
    unlink("short");
}

static void traps(void)
{
    volatile int zero = 0;
    int sig;

    on(SIGFPE, leap, 0);
    on(SIGILL, leap, 0);
    on(SIGTRAP, leap, 0);
    on(SIGSEGV, leap, 0);
    if (!(sig = sigsetjmp(out, 1)))
        say("FAIL %d", 100 / zero);
    say("division %d %d", sig, code);
    go_away();
    if (!(sig = sigsetjmp(out, 1)))
        __asm__ volatile("ud2");
    say("ud2 %d %d", sig, code);
    go_away();
    if (!(sig = sigsetjmp(out, 1)))
        __asm__ volatile("int3");
    say("int3 %d %d", sig, code);
    go_away();
    if (!(sig = sigsetjmp(out, 1)))
        __asm__ volatile("hlt");
    say("hlt %d %d", sig, code);
}

static char stack[65536];

static void on_stack(int sig, siginfo_t *i, void *context)
{
    volatile char here = 0;

    (void)i;
    (void)context;
    got = &here > stack && &here < stack + sizeof(stack);
    if (sig == SIGSEGV)
        siglongjmp(out, 1);
}

static __attribute__((noinline)) int endless(int n)
{
    volatile char here[1000];

    here[0] = (char)n;
    return n < 0 ? 0 : endless(n + 1) + here[0];
}

static void alternate(void)
{
    stack_t s = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;

    say("set %d", sigaltstack(&s, NULL));
    on(SIGUSR1, on_stack, SA_ONSTACK);
    on(SIGSEGV, on_stack, SA_ONSTACK);
    say("raise %d %d", raise(SIGUSR1), got);
    say("get %d %d", sigaltstack(NULL, &old), old.ss_sp == stack);
    go_away();
    got = 0;
    if (!sigsetjmp(out, 1))
        say("FAIL %d", endless(0));
    say("overflow %d", got);
}

/* A child that is away and computes gets `sig`. */
static pid_t victim(int fd)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    go_away();
    if (write(fd, "x", 1) != 1)
        _exit(1);
    for (;;)
        ;
}

static void ends(void)
{
    const int sigs[] = {SIGKILL, SIGTERM, SIGINT, SIGUSR2};
    int pipes[2];
    char c;

    if (pipe(pipes))
        return;
    for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
        pid_t pid = victim(pipes[1]);
        say("ready %zd", read(pipes[0], &c, 1));
        usleep(5000);
        say("kill %d", kill(pid, sigs[i]));
        say_end("victim", pid);
    }
}

static void stops(void)
{
    int pipes[2], status;
    char c;

    if (pipe(pipes))
        return;
    pid_t pid = victim(pipes[1]);
    say("ready %zd", read(pipes[0], &c, 1));
    for (int i = 0; i < 3; i++) {
        say("stop %d", kill(pid, SIGSTOP));
        say("wait %d", waitpid(pid, &status, WUNTRACED) == pid);
        say("stopped %d %d", WIFSTOPPED(status), WSTOPSIG(status));
        say("continue %d", kill(pid, SIGCONT));
        say("wait %d", waitpid(pid, &status, WCONTINUED) == pid);
        say("continued %d", WIFCONTINUED(status));
        usleep(30000);
    }
    kill(pid, SIGKILL);
    say_end("victim", pid);
}

/* Returns while they wait, by any of the calls for it. */
static void waits(void)
{
    struct timespec second = {.tv_sec = 20};
    struct signalfd_siginfo info;
    sigset_t set;
    siginfo_t i;
    int sig;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    union sigval value = {.sival_int = 42};
    say("queue %d", sigqueue(getpid(), SIGUSR1, value));
    say("timedwait %d", sigtimedwait(&set, &i, &second));
    say("value %d", i.si_value.sival_int);
    go_away();
    raise(SIGUSR1);
    say("wait %d %d", sigwait(&set, &sig), sig);
    go_away();
    int fd = signalfd(-1, &set, 0);
    raise(SIGUSR1);
    say("signalfd %zd %u", read(fd, &info, sizeof(info)), info.ssi_signo);
    on(SIGUSR1, count, 0);
    go_away();
    raise(SIGUSR1);
    sigemptyset(&set);
    say("suspend %d %s %d", sigsuspend(&set), strerror(errno), got);
}

static void death_by_segv(void)
{
    *nowhere = 1;
}

static void death_by_overflow(void)
{
    say("FAIL %d", endless(0));
}

static void death_by_pipe(void)
{
    int pipes[2];

    if (!pipe(pipes) && !close(pipes[0]))
        say("FAIL %zd", write(pipes[1], "x", 1));
}

const struct property signal_properties[] = {{"alarms", alarms},
                                             {"calls", calls},
                                             {"from-another", from_another},
                                             {"segv", segv},
                                             {"sigbus", sigbus},
                                             {"traps", traps},
                                             {"alternate", alternate},
                                             {"ends", ends},
                                             {"stops", stops},
                                             {"waits", waits},
                                             {"death-by-segv", death_by_segv},
                                             {"death-by-overflow", death_by_overflow},
                                             {"death-by-pipe", death_by_pipe},
                                             {NULL, NULL}};
