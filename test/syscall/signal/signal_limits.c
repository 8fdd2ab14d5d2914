/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that limits and system calls raise beside their error: SIGPIPE, SIGXFSZ, SIGXCPU; who they say
 * they are from. */
#include "check.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

static volatile siginfo_t last;
static volatile int calls;

static void handler(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    last = *info;
    calls++;
}

static void raised(int sig, int code, int pid)
{
    check_eq(calls, 1);
    check_eq(last.si_signo, sig);
    check_eq(last.si_code, code);
    check_eq(last.si_pid, pid);
    calls = 0;
}

/* Nothing can be printed while the limit is small: standard output may be a file. */
static struct {
    long result;
    int error, calls, signo, code, self;
} seen[8];
static int attempts;

static void note(long result)
{
    seen[attempts].error = errno;
    seen[attempts].result = result;
    seen[attempts].calls = calls;
    seen[attempts].signo = last.si_signo;
    seen[attempts].code = last.si_code;
    seen[attempts].self = last.si_pid == getpid();
    attempts++;
    calls = 0;
}

static void file_size(void)
{
    struct rlimit limit = {4, RLIM_INFINITY};
    int fd = open("limited", O_RDWR | O_CREAT | O_TRUNC, 0600);

    need(fd >= 0);
    setrlimit(RLIMIT_FSIZE, &limit);
    note(write(fd, "12345678", 8));
    note(pwrite(fd, "y", 1, 0));
    note(ftruncate(fd, 4));
    note(ftruncate(fd, 2) || ftruncate(fd, 4));
    note(write(fd, "x", 1));
    note(pwrite(fd, "x", 1, 4));
    note(ftruncate(fd, 5));
    note(truncate("limited", 100));
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    check_eq(seen[0].result, 4);
    check_eq(seen[1].result, 1);
    check_eq(seen[2].result, 0);
    check_eq(seen[3].result, 0);
    for (int i = 0; i < 8; i++) {
        check_eq(seen[i].calls, i >= 4);
        if (i < 4)
            continue;
        check_eq(seen[i].result, -1);
        check_eq(seen[i].error, EFBIG);
        check_eq(seen[i].signo, SIGXFSZ);
        check_eq(seen[i].code, SI_USER);
        check_eq(seen[i].self, 1);
    }
    check_ok(ftruncate(fd, 100));
    close(fd);
}

static void pipes(void)
{
    int p[2], s[2];

    need(pipe(p) == 0 && close(p[0]) == 0);
    check_err(write(p[1], "x", 1), EPIPE);
    raised(SIGPIPE, SI_USER, getpid());
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && close(s[0]) == 0);
    check_err(write(s[1], "x", 1), EPIPE);
    raised(SIGPIPE, SI_USER, getpid());
    check_err(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    check_eq(calls, 0);
}

/* The soft limit moves on a second by itself. */
static void cpu_time(void)
{
    struct rlimit limit = {1, 30};

    check_ok(setrlimit(RLIMIT_CPU, &limit));
    while (!calls)
        ;
    raised(SIGXCPU, SI_KERNEL, 0);
    check_ok(getrlimit(RLIMIT_CPU, &limit));
    check(limit.rlim_cur >= 2);
    check_eq(limit.rlim_max, 30);
    limit.rlim_cur = 30;
    check_ok(setrlimit(RLIMIT_CPU, &limit));
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    check_ok(sigaction(SIGPIPE, &act, NULL));
    check_ok(sigaction(SIGXFSZ, &act, NULL));
    check_ok(sigaction(SIGXCPU, &act, NULL));
    pipes();
    file_size();
    cpu_time();
    return check_done();
}
