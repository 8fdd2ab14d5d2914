/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve ends what was shared: other threads, a descriptor table or signal handlers that another process
 * uses too.  This program executes itself with other arguments.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

extern char **environ;
static char *self;

static void *sleeps(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void *executes(void *arg)
{
    char *argv[] = {self, "thread", arg, NULL};

    execve(self, argv, environ);
    return NULL;
}

/* A child with threads, of which one that is not the first executes. */
static void from_a_thread(void)
{
    char pid_text[16];
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        pthread_t thread;
        snprintf(pid_text, sizeof(pid_text), "%d", getpid());
        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, sleeps, NULL);
        pthread_create(&thread, NULL, executes, pid_text);
        sleeps(NULL);
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

/* In the new program: alone, with the process's number. */
static int is_thread(const char *pid)
{
    int threads = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "Threads: %d", &threads);
    return !(threads == 1 && getpid() == atoi(pid) && gettid() == getpid());
}

static int fds[2];

/* Closes the pipe's end in the table that it shares; then its new program has a table of its own. */
static int shares_files(void *arg)
{
    char *argv[] = {self, "files", NULL};

    (void)arg;
    syscall(SYS_close, fds[1]);
    syscall(SYS_fcntl, fds[0], F_SETFD, FD_CLOEXEC);
    execve(self, argv, environ);
    return 100;
}

static void files(void)
{
    int status;

    need(pipe(fds) == 0);
    pid_t pid = child_clone(shares_files, NULL, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_err(fcntl(fds[1], F_GETFD), EBADF);     /* what the child closed before */
    check_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC); /* is there: exec closed the child's own */
    close(fds[0]);
}

static int is_files(void)
{
    return fcntl(3, F_GETFD) != -1 || fcntl(4, F_GETFD) != -1;
}

static int shares_handlers(void *arg)
{
    char *argv[] = {self, "handlers", NULL};
    struct sigaction act = {.sa_handler = SIG_IGN};

    (void)arg;
    sigaction(SIGUSR2, &act, NULL); /* for the parent, too */
    execve(self, argv, environ);
    return 100;
}

static void on_signal(int sig)
{
    (void)sig;
}

static void handlers(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    int status;

    sigaction(SIGUSR1, &act, NULL);
    sigaction(SIGUSR2, &act, NULL);
    pid_t pid =
        child_clone(shares_handlers, NULL, CLONE_VM | CLONE_VFORK | CLONE_SIGHAND | SIGCHLD);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    sigaction(SIGUSR1, NULL, &act);
    check(act.sa_handler == on_signal);
    sigaction(SIGUSR2, NULL, &act);
    check(act.sa_handler == SIG_IGN);
}

static int is_handlers(void)
{
    struct sigaction one, two;

    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    return !(one.sa_handler == SIG_DFL && two.sa_handler == SIG_IGN);
}

/* unshare(2) does the same without a new program. */
static int unshares(void *arg)
{
    (void)arg;
    if (syscall(SYS_unshare, CLONE_FILES | CLONE_FS))
        return 1;
    syscall(SYS_close, fds[0]);
    syscall(SYS_chdir, "/");
    syscall(SYS_umask, 0);
    return 0;
}

static void unshare_files(void)
{
    char before[4096], after[4096];
    mode_t mask;
    int status;

    need(pipe(fds) == 0);
    need(getcwd(before, sizeof(before)) != NULL);
    pid_t pid = child_clone(unshares, NULL, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_ok(fcntl(fds[0], F_GETFD));
    check(getcwd(after, sizeof(after)) && !strcmp(before, after));
    mask = umask(022);
    check(mask != 0);
    check_err(syscall(SYS_unshare, 0x40), EINVAL);
    check_ok(syscall(SYS_unshare, 0));
    close(fds[0]);
    close(fds[1]);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "thread"))
        return is_thread(argv[2]);
    if (argc > 1 && !strcmp(argv[1], "files"))
        return is_files();
    if (argc > 1)
        return is_handlers();
    close(3);
    close(4);
    from_a_thread();
    files();
    handlers();
    unshare_files();
    return check_done();
}
