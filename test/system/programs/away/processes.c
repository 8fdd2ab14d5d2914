/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, threads and programs that a process makes that is away: it comes home for it. */
#define _GNU_SOURCE
#include "away.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[] = "/proc/self/exe";

static void forks(void)
{
    char *p = malloc(100000);
    pid_t pid[2];

    fill(p, 100000, 1);
    for (int i = 0; i < 2; i++) {
        if ((pid[i] = fork()) == 0) {
            go_away();
            fill(p + 1000 * i, 1000, (uint32_t)i);
            uint32_t h = sum(p, 100000);
            pid_t inner = fork();
            if (inner == 0) {
                go_away();
                _exit(h == sum(p, 100000) ? 7 : 8);
            }
            int status;
            waitpid(inner, &status, 0);
            go_away();
            _exit(h == sum(p, 100000) && WEXITSTATUS(status) == 7 ? 10 + i : 1);
        }
        go_away();
    }
    uint32_t h = sum(p, 100000);
    for (int i = 0; i < 2; i++)
        say_end("child", pid[i]);
    say("own %08x", h);
    say("none %d %s", waitpid(-1, NULL, WNOHANG), strerror(errno));
}

static void spawns(void)
{
    char t[] = "told", five[] = "5", six[] = "6", x[] = "x";
    char *argv[] = {program, t, five, x, NULL};
    pid_t pid;

    setenv("AWAY", "yes", 1);
    say("spawn %d", posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ));
    say_end("spawned", pid);
    go_away();
    if ((pid = vfork()) == 0) {
        execl("/proc/self/exe", program, t, six, NULL);
        _exit(127);
    }
    say_end("vforked", pid);
    go_away();
    say("none %d", posix_spawn(&pid, "/no/such", NULL, NULL, argv, environ));
    say("system %x", system("echo from a shell; exit 9"));
    go_away();
    FILE *f = popen("cat /etc/hostname | wc -l", "r");
    char text[64] = "";
    say("popen %d", fgets(text, sizeof(text), f) != NULL);
    say("pclose %d", pclose(f));
}

static void *thread(void *arg)
{
    burn(5);
    return (char *)arg + 1;
}

static void threads(void)
{
    pthread_t t[3];
    void *got;

    for (uintptr_t i = 0; i < 3; i++)
        say("create %d", pthread_create(&t[i], NULL, thread, (void *)(i * 10)));
    for (int i = 0; i < 3; i++)
        say("join %d %lu", pthread_join(t[i], &got), (unsigned long)got);
    go_away(); /* alone again */
}

static void executes(void)
{
    char t[] = "told", n[] = "44", last[] = "last word";
    char *argv[] = {program, t, n, last, NULL}, e[] = "AWAY=in the environment", *env[] = {e, NULL};

    say("not %d %s", execve("/etc/passwd", argv, env), strerror(errno));
    go_away();
    execve(program, argv, env);
}

static void at_exit(void)
{
    say("at exit");
}

static void exits(void)
{
    atexit(at_exit);
    pid_t pid = fork();
    if (pid == 0) {
        go_away();
        exit(300);
    }
    say_end("child", pid);
    go_away();
    FILE *f = fopen("flushed", "w");
    fprintf(f, "text in a buffer\n");
    exit(55);
}

static void aborts(void)
{
    abort();
}

/* What parent and child have in common, and what not. */
static void shares(void)
{
    char name[64] = "";
    int fd = open("common", O_RDWR | O_CREAT | O_TRUNC, 0600), pipes[2];

    if (pipe(pipes) || mkdir("inner", 0755))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        go_away();
        say("child writes %zd %d", write(fd, "child", 5), chdir("inner"));
        umask(077);
        close(open("of child", O_CREAT | O_WRONLY, 0666));
        say("child closes %d", close(pipes[0]));
        say("name %d", prctl(PR_SET_NAME, "offspring"));
        go_away();
        prctl(PR_GET_NAME, name);
        say("name %s", name);
        _exit(0);
    }
    say_end("child", pid);
    go_away();
    say("offset %ld %zd", (long)lseek(fd, 0, SEEK_CUR), write(fd, "parent", 6));
    close(open("of parent", O_CREAT | O_WRONLY, 0666));
    say("fds %zd %zd", write(pipes[1], "x", 1), read(pipes[0], name, 1));
    prctl(PR_GET_NAME, name);
    say("name %s", name);
    struct stat st;
    say("modes %d %o", stat("inner/of child", &st), st.st_mode);
    say("modes %d %o", stat("of parent", &st), st.st_mode);
}

static void ids(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        go_away();
        say("session %d %d", setsid() == getpid(), getpgid(0) == getpid());
        go_away();
        int before = getpriority(PRIO_PROCESS, 0);
        say("nice %d %d", nice(3) - before, getpriority(PRIO_PROCESS, 0) - before);
        _exit(getppid() > 1 ? 4 : 5);
    }
    siginfo_t i = {0};
    say("waitid %d %d", waitid(P_PID, (id_t)pid, &i, WEXITED | WNOWAIT), i.si_status);
    say("who %d", i.si_pid == pid);
    say_end("child", pid);
    say("ids %d %d", getuid() == geteuid(), getgid() == getegid());
}

const struct property process_properties[] = {
    {"forks", forks},       {"spawns", spawns}, {"threads", threads},
    {"executes", executes}, {"exits", exits},   {"aborts", aborts},
    {"shares", shares},     {"ids", ids},       {NULL, NULL}};
