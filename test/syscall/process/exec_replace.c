/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve: what it refuses and with which errno, and what of the old program the new one finds.
 * Stage two is this program again, called from a second thread and through a `#!` script.
 */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

static char word[] = "x";
static char *const plain[] = {word, NULL};

static void *wait_for_ever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

static void *exec_script(void *arg)
{
    char stage[] = "stage2", failures[16];
    char *argv[] = {stage, failures, NULL};

    (void)arg;
    snprintf(failures, sizeof(failures), "%d", check_failures);
    check_ok(execve("script", argv, environ));
    exit(1);
}

static void write_file(const char *name, const char *text, size_t len)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

    need(fd >= 0);
    need(write(fd, text, len) == (ssize_t)len);
    close(fd);
}

static void refusals(void)
{
    static char big[128 * 1024 + 1];
    char *with_big[] = {word, big, NULL};
    static char *many[600000];
    int fd;

    check_err(execve("absent", plain, environ), ENOENT);
    check_err(execve("", plain, environ), ENOENT);
    check_err(execve("/", plain, environ), EACCES);
    check_err(execve("/etc/passwd/x", plain, environ), ENOTDIR);
    check_err(execve((char *)8, plain, environ), EFAULT);
    check_err(execve("/proc/self/exe", (char **)8, environ), EFAULT);
    write_file("file", "#!/bin/sh\n", 10);
    chmod("file", 0644);
    check_err(execve("file", plain, environ), EACCES);
    write_file("file", "", 0);
    chmod("file", 0755);
    check_err(execve("file", plain, environ), ENOEXEC);
    write_file("file", "\177ELF and nothing else", 21);
    check_err(execve("file", plain, environ), ENOEXEC);
    write_file("file", "#! \t\n", 5);
    check_err(execve("file", plain, environ), ENOEXEC);
    write_file("file", "#!absent\n", 9);
    check_err(execve("file", plain, environ), ENOENT);
    write_file("file", "#!./file\n", 9);
    check_err(execve("file", plain, environ), ELOOP);
    fd = open("file", O_WRONLY);
    check_err(execve("file", plain, environ), ETXTBSY);
    close(fd);
    memset(big, 'b', sizeof(big) - 1);
    check_err(execve("/proc/self/exe", with_big, environ), E2BIG);
    for (size_t i = 0; i < 599999; i++)
        many[i] = word;
    check_err(execve("/proc/self/exe", many, environ), E2BIG);
}

static int stage2(int argc, char **argv)
{
    struct sigaction act;
    sigset_t blocked;

    check_failures = atoi(argv[argc - 1]);
    check_eq(argc, 4);
    check(strcmp(argv[1], "one  word") == 0);
    check(strcmp(argv[2], "script") == 0);
    check_eq(getpid(), gettid());
    check_eq(fcntl(100, F_GETFD), 0);
    check_err(fcntl(101, F_GETFD), EBADF);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    check(sigismember(&blocked, SIGUSR1));
    check_ok(sigaction(SIGUSR2, NULL, &act));
    check(act.sa_handler == SIG_DFL);
    check_ok(sigaction(SIGTERM, NULL, &act));
    check(act.sa_handler == SIG_IGN);
    check(getenv("EXEC_TEST") && strcmp(getenv("EXEC_TEST"), "kept") == 0);
    return check_done();
}

static void handler(int sig)
{
    (void)sig;
}

/* A program by a descriptor alone, which may be no more than a path, or not for reading. */
static void by_descriptor(void)
{
    static const int ways[] = {O_RDONLY, O_PATH, O_PATH | O_CLOEXEC};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int fd = open("/bin/true", ways[i]), status = -1;
        pid_t child = fork();
        if (child == 0) {
            syscall(SYS_execveat, fd, "", plain, environ, AT_EMPTY_PATH);
            _exit(99);
        }
        need(waitpid(child, &status, 0) == child);
        check_eq(status, 0);
        close(fd);
    }
    int dir = open("/", O_PATH);
    check_err(syscall(SYS_execveat, dir, "", plain, environ, AT_EMPTY_PATH), EACCES);
    check_err(syscall(SYS_execveat, 555, "", plain, environ, AT_EMPTY_PATH), EBADF);
    check_err(syscall(SYS_execveat, dir, "", plain, environ, 0), ENOENT);
    close(dir);
}

int main(int argc, char **argv)
{
    char self[512] = "#!", *end;
    pthread_t thread;
    sigset_t set;
    ssize_t n;

    if (argc > 1)
        return stage2(argc, argv);
    refusals();
    by_descriptor();

    n = readlink("/proc/self/exe", self + 2, sizeof(self) - 32);
    need(n > 0);
    end = self + 2 + n;
    memcpy(end, " one  word \n", 13);
    write_file("script", self, strlen(self));
    need(dup2(1, 100) == 100 && dup2(1, 101) == 101);
    fcntl(101, F_SETFD, FD_CLOEXEC);
    setenv("EXEC_TEST", "kept", 1);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR2, handler);
    signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < 3; i++)
        need(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
    need(pthread_create(&thread, NULL, exec_script, NULL) == 0);
    wait_for_ever(NULL);
    return 1;
}
