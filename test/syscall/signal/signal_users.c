/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RLIMIT_SIGPENDING: the queued signals and timers of a user, over all his processes, against the limit of
 * the receiver.
 */
#include "check.h"
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define LIMIT 12

static int user, ask[2], answer[2];

/* A process of the user's in which SIGRTMIN waits; does what it is told, one letter at a time. */
static void serve(void)
{
    struct rlimit r = {LIMIT, LIMIT};
    struct timespec now = {0};
    sigset_t set;
    siginfo_t info;
    timer_t t;
    char c = 'r';

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (setrlimit(RLIMIT_SIGPENDING, &r) || syscall(SYS_setresuid, user, user, user))
        _exit(1);
    do {
        if (c == 't')
            c = timer_create(CLOCK_MONOTONIC, NULL, &t) ? 'n' : 'y';
        else if (c == 'd')
            c = timer_delete(t) ? 'n' : 'y';
        else if (c == 'w')
            c = sigtimedwait(&set, &info, &now) > 0 ? 'y' : 'n';
        if (write(answer[1], &c, 1) != 1)
            _exit(1);
    } while (read(ask[0], &c, 1) == 1);
    _exit(0);
}

static char tell(char c)
{
    check_eq(write(ask[1], &c, 1), 1);
    check_eq(read(answer[0], &c, 1), 1);
    return c;
}

static int queue_up(pid_t pid, int most)
{
    union sigval v = {.sival_int = 1};
    int n = 0;

    while (n < most && !sigqueue(pid, SIGRTMIN, v))
        n++;
    if (n < most)
        check_eq(errno, EAGAIN);
    return n;
}

static long queued(pid_t pid)
{
    char path[64], line[128];
    long n = -1;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "SigQ: %ld/", &n);
    if (f)
        fclose(f);
    return n;
}

static pid_t start(void)
{
    char c;
    pid_t pid = fork();

    if (!pid)
        serve();
    check_eq(read(answer[0], &c, 1), 1);
    return pid;
}

static void stop(pid_t pid)
{
    int status;

    check_ok(kill(pid, SIGKILL));
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(WTERMSIG(status), SIGKILL);
}

int main(void)
{
    user = 1000000 + getpid() * 2;
    check_ok(pipe(ask));
    check_ok(pipe(answer));
    pid_t a = start(), b = start();
    check_eq(queue_up(a, 8), 8);
    check_eq(queued(a), 8);
    check_eq(queued(b), 8);
    check_eq(queue_up(b, 100), LIMIT - 8);
    check_eq(queue_up(a, 100), 0);
    check_ok(kill(b, SIGUSR1)); /* kill's always go */
    check_eq(queued(a), LIMIT + 1);
    stop(a);
    check_eq(queued(b), LIMIT - 8 + 1);
    check_eq(tell('w'), 'y');
    check_eq(queued(b), LIMIT - 8);
    for (int i = 0; i < 8; i++)
        check_eq(tell('t'), 'y');
    check_eq(tell('t'), 'n');
    check_eq(queue_up(b, 100), 0);
    check_eq(tell('d'), 'y');
    check_eq(queue_up(b, 100), 1);
    user++;
    pid_t other = start();
    check_eq(queue_up(other, 100), LIMIT);
    stop(other);
    user--;
    stop(b);
    a = start();
    check_eq(queued(a), 0);
    stop(a);
    return check_done();
}
