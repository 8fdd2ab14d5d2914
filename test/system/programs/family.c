/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes processes for processes.py.
 *
 *   family KIND N     N children, one after the other, each waited for: fork, vfork, spawn, exec, killed,
 *                     stopped, orphan, thread (of several threads), pidfd
 *   family leave F    ends while its children live, one of which has written to a mapping of file F
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char true_name[] = "true";
static char *nothing[] = {true_name, NULL};

static void *sleeps(void *arg)
{
    pause();
    return arg;
}

static void lives(const char *kind)
{
    pthread_t thread;

    if (!strcmp(kind, "exec"))
        execv("/bin/true", nothing);
    if (!strcmp(kind, "killed") || !strcmp(kind, "stopped"))
        for (;;)
            pause();
    if (!strcmp(kind, "orphan") && fork() == 0)
        usleep(1000);
    if (!strcmp(kind, "thread"))
        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, sleeps, NULL);
    exit(0);
}

static pid_t start(const char *kind)
{
    pid_t pid;

    if (!strcmp(kind, "spawn"))
        return posix_spawn(&pid, "/bin/true", NULL, NULL, nothing, environ) ? -1 : pid;
    if (!strcmp(kind, "vfork")) {
        pid = vfork();
        if (pid == 0)
            _exit(0);
        return pid;
    }
    pid = fork();
    if (pid == 0)
        lives(kind);
    return pid;
}

static int one(const char *kind)
{
    int status, fd = -1;
    pid_t pid = start(kind);

    if (pid < 0)
        return -1;
    if (!strcmp(kind, "pidfd"))
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!strcmp(kind, "stopped")) {
        kill(pid, SIGSTOP);
        waitpid(pid, &status, WUNTRACED);
    }
    if (!strcmp(kind, "killed") || !strcmp(kind, "stopped"))
        kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    if (!strcmp(kind, "orphan") && waitpid(-1, &status, 0) < 0)
        return -1;
    if (fd >= 0)
        close(fd);
    return 0;
}

/* Children that would live for ever: one computes, one sleeps, one has stopped, one waits for its vfork. */
static int leave(const char *file)
{
    int fd = open(file, O_RDWR);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int ready[2];

    if (map == MAP_FAILED || pipe(ready))
        return 1;
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            signal(SIGTERM, SIG_IGN);
            signal(SIGHUP, SIG_IGN);
            if (i == 0)
                memcpy(map, "kept", 4);
            if (i == 3 && vfork() == 0)
                for (;;)
                    pause();
            if (write(ready[1], "x", 1) != 1)
                _exit(1);
            for (;;)
                if (i == 2)
                    raise(SIGSTOP);
                else if (i == 1)
                    pause();
        }
    }
    for (int i = 0; i < 3; i++) {
        char c;
        if (read(ready[0], &c, 1) != 1)
            return 1;
    }
    return 23;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    if (!strcmp(argv[1], "leave"))
        return leave(argv[2]);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (int i = atoi(argv[2]); i > 0; i--)
        if (one(argv[1]))
            return 1;
    return 0;
}
