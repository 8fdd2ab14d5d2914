/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RLIMIT_NPROC: a user's processes and threads together; a fork bomb ends there with EAGAIN, nothing is lost by
 * it, and root has no such limit.  And what is refused to whom has no right to it.
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define USER 54321 /* who has no other processes */
#define LIMIT 20

static int gate[2];

static void *sleeps(void *arg)
{
    char c;

    check_eq(read(gate[0], &c, 1), 0);
    return arg;
}

/* Children until there are no more, and then none. */
static int bomb(void)
{
    pid_t child[2 * LIMIT];
    int n = 0, error = 0, ended = 0;
    char c;

    while (n < 2 * LIMIT && (child[n] = fork()) >= 0) {
        if (child[n] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(read(gate[0], &c, 1) != 0);
        }
        n++;
    }
    error = errno;
    check_eq(error, EAGAIN);
    if (n > 0)
        kill(child[0], SIGKILL);
    if (n > 0 && waitpid(child[0], NULL, 0) == child[0])
        child[0] = fork(); /* room for one more */
    if (n > 0 && child[0] == 0)
        _exit(read(gate[0], &c, 1) != 0);
    check(child[0] > 0);
    check_err(fork(), EAGAIN);
    for (int i = 0; i < n; i++) {
        int status = -1;
        kill(child[i], SIGTERM);
        if (waitpid(child[i], &status, 0) == child[i])
            ended++;
        check_eq(status, SIGTERM);
    }
    check_eq(ended, n);
    return n;
}

static void threads_count_too(void)
{
    pthread_t thread[2 * LIMIT];
    int n = 0, error = 0;

    while (n < 2 * LIMIT && (error = pthread_create(&thread[n], NULL, sleeps, NULL)) == 0)
        n++;
    check_eq(n, LIMIT - 1);
    check_eq(error, EAGAIN);
    check_err(fork(), EAGAIN);
    close(gate[1]);
    for (int i = 0; i < n; i++)
        check_eq(pthread_join(thread[i], NULL), 0);
}

/* Others' kernels' affairs: as whom it is refused on Linux, too. */
static void refused(void)
{
    check_err(unshare(CLONE_NEWNS), EPERM);
    check_err(unshare(CLONE_NEWUTS | CLONE_NEWIPC), EPERM);
    check_err(sethostname("name", 4), EPERM);
    check_err(ptrace(PTRACE_ATTACH, 1, 0, 0), EPERM);
    check_err(ptrace(PTRACE_CONT, getpid(), 0, 0), ESRCH);
}

int main(void)
{
    struct rlimit limit = {LIMIT, LIMIT};
    int status;

    need(pipe(gate) == 0);
    pid_t child = fork();
    if (child == 0) {
        /* As root there is no limit. */
        check_ok(setrlimit(RLIMIT_NPROC, &(struct rlimit){1, LIMIT}));
        pid_t more = fork();
        if (more == 0)
            _exit(0);
        check(more > 0 && waitpid(more, &status, 0) == more);
        check_ok(setrlimit(RLIMIT_NPROC, &limit));
        check_ok(setresgid(USER, USER, USER));
        check_ok(setresuid(USER, USER, USER));
        for (int i = 0; i < 3; i++)
            check_eq(bomb(), LIMIT - 1);
        refused();
        threads_count_too();
        _exit(check_done());
    }
    close(gate[1]);
    need(waitpid(child, &status, 0) == child);
    check_eq(status, 0);
    return check_done();
}
