/* SPDX-License-Identifier: Apache-2.0 */
/* vfork: the child has the parent's memory, and the parent waits until it ends or has another program. */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>

extern char **environ;
static volatile int told, parent_ran;

static void *kills(void *arg)
{
    child_nap(100);
    parent_ran = told == 0; /* the other thread of a process that waits for its vfork goes on */
    told = 1;
    (void)arg;
    return NULL;
}

static void while_parent_waits(void)
{
    pthread_t thread;
    int status;

    told = 0;
    need(pthread_create(&thread, NULL, kills, NULL) == 0);
    pid_t pid = vfork();
    if (pid == 0) {
        while (!told)
            child_nap(1);
        _exit(told == 1 ? 0 : 1);
    }
    check_eq(told, 1);
    check_eq(parent_ran, 1);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    pthread_join(thread, NULL);
}

static void shares_memory_not_files(void)
{
    volatile int mine = 0;
    int fds[2], status;

    need(pipe(fds) == 0);
    pid_t pid = vfork();
    if (pid == 0) {
        mine = (int)syscall(SYS_getpid);
        close(fds[0]);
        _exit(syscall(SYS_getppid) == syscall(SYS_getpgrp) ? 41 : 42);
    }
    check_eq(mine, pid);
    check(fcntl(fds[0], F_GETFD) == FD_CLOEXEC || fcntl(fds[0], F_GETFD) == 0);
    check_eq(waitpid(pid, &status, 0), pid);
    check(WIFEXITED(status) && WEXITSTATUS(status) == (getpgrp() == getpid() ? 41 : 42));
    close(fds[0]);
    close(fds[1]);
}

static void until_exec(void)
{
    char *argv[] = {"sh", "-c", "exit 7", NULL};
    char *bad[] = {"/absent", NULL};
    pid_t pid;
    int status;

    told = 0;
    pid = vfork();
    if (pid == 0) {
        execve("/bin/sh", argv, environ);
        told = 1;
        _exit(1);
    }
    check_eq(told, 0);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 7 << 8);
    check_eq(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ), 0);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 7 << 8);
    check_eq(posix_spawn(&pid, "/absent", NULL, NULL, bad, environ), ENOENT);
    check_err(waitpid(-1, &status, WNOHANG), ECHILD);
    check_eq(system("exit 9"), 9 << 8);
}

int main(void)
{
    shares_memory_not_files();
    until_exec();
    while_parent_waits();
    return check_done();
}
