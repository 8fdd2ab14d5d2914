/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making processes, and two that talk to each other, timed from inside.
 *
 *   processes spawn            posix_spawn of /bin/true, and wait
 *   processes fork_exec        fork, exec of /bin/true, and wait
 *   processes fork_exit        fork, exit and wait; with 100 MB touched: fork_exit_100
 *   processes pipe|unix|shm    a byte (shm: a futex in shared memory) to another process and back
 *   processes pipe_forked      likewise, but the other one is a fork of this and not a program of its own
 *   processes pipe_bulk        64 KiB at a time through a pipe to another process: MB/s
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"

#define FD_IN 10 /* the other process's ends */
#define FD_OUT 11
#define TOUCHED (100UL << 20)
#define FORKS 15 /* with so much memory */
#define CHUNK 65536UL
#define BULK (512UL << 20)

extern char **environ;

static const char *self;
static int to, from;
static uint32_t *words; /* shared: one for each direction */

static long ended(pid_t pid)
{
    int status;

    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return status == 0 ? 0 : -1;
}

static long do_spawn(void)
{
    char *argv[] = {(char *)"/bin/true", NULL};
    pid_t pid;

    errno = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    return errno ? -1 : ended(pid);
}

static long do_fork_exec(void)
{
    char *argv[] = {(char *)"/bin/true", NULL};
    pid_t pid = fork();

    if (pid == 0) {
        execv(argv[0], argv);
        _exit(1);
    }
    return ended(pid);
}

static long do_fork_exit(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return ended(pid);
}

static long do_byte(void)
{
    char c = 'x';

    return write(to, &c, 1) + read(from, &c, 1) - 2;
}

static long wake(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
    return syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void await(uint32_t *word, uint32_t old)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == old)
        syscall(SYS_futex, word, FUTEX_WAIT, old, NULL, NULL, 0);
}

static long do_shm(void)
{
    uint32_t n = words[0];

    if (wake(&words[0], n + 1) < 0)
        return -1;
    await(&words[16], n);
    return 0;
}

/* The other process: gives back what it gets, until there is no more. */
static void echo(int in, int out)
{
    char c;

    while (read(in, &c, 1) == 1 && write(out, &c, 1) == 1)
        ;
    _exit(0);
}

static void partner(const char *what)
{
    static char buf[CHUNK];

    if (strcmp(what, "shm") == 0) {
        words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, FD_IN, 0);
        for (uint32_t n = 0; words != MAP_FAILED; n++) {
            await(&words[0], n);
            wake(&words[16], n + 1);
        }
    }
    if (strcmp(what, "pipe_bulk") == 0) {
        while (read(FD_IN, buf, CHUNK) > 0)
            ;
        _exit(write(FD_OUT, "x", 1) != 1);
    }
    echo(FD_IN, FD_OUT);
}

/* Starts the other process with its ends at FD_IN and FD_OUT. */
static pid_t start(const char *what, int in, int out)
{
    char *argv[] = {(char *)self, (char *)"partner", (char *)what, NULL};
    pid_t pid;

    if (dup2(in, FD_IN) < 0 || dup2(out, FD_OUT) < 0)
        return -1;
    close(in);
    if (in != out)
        close(out);
    errno = posix_spawn(&pid, self, NULL, NULL, argv, environ);
    close(FD_IN);
    close(FD_OUT);
    return errno ? -1 : pid;
}

static pid_t start_pipes(const char *what)
{
    int there[2], back[2];

    if (pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
        return -1;
    to = there[1];
    from = back[0];
    if (strcmp(what, "pipe_forked") == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            close(to);
            echo(there[0], back[1]);
        }
        return pid;
    }
    return start(what, there[0], back[1]);
}

static pid_t start_unix(const char *what)
{
    int s[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s))
        return -1;
    to = from = s[0];
    return start(what, s[1], s[1]);
}

static pid_t start_shm(const char *what)
{
    int fd = memfd_create("words", MFD_CLOEXEC);

    if (fd < 0 || ftruncate(fd, 4096))
        return -1;
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return words == MAP_FAILED ? -1 : start(what, fd, fd);
}

static void bulk(void)
{
    static char buf[CHUNK];
    double begin = now();
    char c;

    for (size_t done = 0; done < BULK; done += CHUNK)
        if (write(to, buf, CHUNK) != (ssize_t)CHUNK)
            exit(1);
    close(to);
    if (read(from, &c, 1) != 1)
        exit(1);
    printf("%.0f %lu\n", (double)BULK / (now() - begin) * 1e3, BULK / CHUNK);
}

/* Too long for batches. */
static void fork_exit_touched(void)
{
    char *memory = malloc(TOUCHED);
    double results[FORKS];

    memset(memory, 1, TOUCHED);
    for (int i = 0; i < FORKS; i++) {
        double begin = now();
        if (do_fork_exit() < 0)
            exit(1);
        results[i] = now() - begin;
    }
    qsort(results, FORKS, sizeof(results[0]), compare_double);
    printf("%.0f %d\n", results[FORKS / 2], FORKS);
    free(memory);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    pid_t other = 0;

    self = argv[0];
    if (strcmp(what, "partner") == 0)
        partner(argv[2]);
    if (strncmp(what, "pipe", 4) == 0)
        other = start_pipes(what);
    else if (strcmp(what, "unix") == 0)
        other = start_unix(what);
    else if (strcmp(what, "shm") == 0)
        other = start_shm(what);
    if (other < 0) {
        perror(what);
        return 1;
    }
    if (strcmp(what, "spawn") == 0)
        measure(what, do_spawn);
    else if (strcmp(what, "fork_exec") == 0)
        measure(what, do_fork_exec);
    else if (strcmp(what, "fork_exit") == 0)
        measure(what, do_fork_exit);
    else if (strcmp(what, "fork_exit_100") == 0)
        fork_exit_touched();
    else if (strcmp(what, "shm") == 0)
        measure(what, do_shm);
    else if (strcmp(what, "pipe_bulk") == 0)
        bulk();
    else
        measure(what, do_byte);
    if (other > 0)
        kill(other, SIGKILL);
    return 0;
}
