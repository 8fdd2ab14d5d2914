/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of IPC share: keys that no other test uses, sleepers, and other users. */
#ifndef CELLA_TEST_SYSCALL_IPC_H
#define CELLA_TEST_SYSCALL_IPC_H

#include "asleep.h"
#include <grp.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static inline int own_key(int n)
{
    return 0x43000000 | n << 22 | (getpid() & 0x3fffff);
}

static inline void pause_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    while (nanosleep(&t, &t))
        ;
}

/* Root becomes somebody else for a while; others skip what needs that. */
static inline int can_become(void)
{
    return geteuid() == 0;
}

static inline void become(unsigned uid)
{
    if (setresuid(0, 0, 0) || setgroups(0, NULL) || setresgid(uid, uid, 0) ||
        setresuid(uid, uid, 0))
        check(!"setresuid");
}

/* A child that runs fn and ends with its value; and the end of one: that value, or 1000 + a signal. */
static inline pid_t child_start(int (*fn)(void *), void *arg)
{
    fflush(stdout);
    pid_t pid = fork();

    need(pid >= 0);
    if (pid == 0)
        _exit(fn(arg));
    return pid;
}

/* The same, and it waits in what fn calls. */
static inline pid_t child_sleep(int (*fn)(void *), void *arg)
{
    pid_t pid = child_start(fn, arg);

    wait_asleep(pid, pid);
    return pid;
}

static inline int child_end(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* A thread that makes one call and keeps its result and errno. */
struct caller {
    pthread_t thread;
    long (*fn)(void *);
    void *arg;
    long result;
    int error;
    volatile int tid, done;
};

static inline void *caller_main(void *arg)
{
    struct caller *c = arg;

    c->tid = (int)syscall(SYS_gettid);
    errno = 0;
    c->result = c->fn(c->arg);
    c->error = errno;
    c->done = 1;
    return NULL;
}

static inline void caller_start(struct caller *c, long (*fn)(void *), void *arg)
{
    *c = (struct caller){.fn = fn, .arg = arg};
    need(pthread_create(&c->thread, NULL, caller_main, c) == 0);
    while (!c->tid)
        pause_ms(1);
}

/* The same, and the call waits. */
static inline void caller_sleep(struct caller *c, long (*fn)(void *), void *arg)
{
    caller_start(c, fn, arg);
    wait_asleep(getpid(), c->tid);
}

static inline long caller_join(struct caller *c)
{
    pthread_join(c->thread, NULL);
    errno = c->error;
    return c->result;
}

#endif
