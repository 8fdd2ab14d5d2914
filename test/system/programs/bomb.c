/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forks children that write to 2 MiB each until memory is used up: fork fails, or a child is killed.  Then all end,
 * and it begins again, as many times as it is told.  A line a round: children, how many were killed, fork's errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN_MAX 500
#define SIZE (2UL << 20)

static unsigned char *memory;
static pid_t child[CHILDREN_MAX];

static void fill(int seed)
{
    for (size_t i = 0; i < SIZE; i += 64)
        memory[i] = (unsigned char)(seed + i / 4096);
}

static int intact(int seed)
{
    for (size_t i = 0; i < SIZE; i += 64)
        if (memory[i] != (unsigned char)(seed + i / 4096))
            return 0;
    return 1;
}

/* Tells that it is there, and waits for the end. */
static void live(int id, int out, int in)
{
    char c;

    fill(id);
    if (write(out, "x", 1) != 1)
        _exit(2);
    (void)!read(in, &c, 1);
    _exit(intact(id) ? 0 : 3);
}

static int start(int id, int told[2], int gate[2])
{
    char c;

    child[id] = fork();
    if (child[id] < 0)
        return -errno;
    if (child[id] == 0) {
        close(gate[1]);
        close(told[0]);
        live(id, told[1], gate[0]);
    }
    /* It answers, or it is no more. */
    for (;;) {
        siginfo_t info = {0};
        if (read(told[0], &c, 1) == 1)
            return 0;
        if (!waitid(P_PID, (id_t)child[id], &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid)
            return 1;
        usleep(1000);
    }
}

static int round_go(void)
{
    int told[2], gate[2], n = 0, killed = 0, bad = 0, error = 0, err = 0, status;

    if (pipe2(told, O_NONBLOCK) || pipe(gate))
        return -1;
    while (n < CHILDREN_MAX && (err = start(n, told, gate)) >= 0) {
        n++;
        if (err > 0)
            break;
    }
    if (err < 0)
        error = -err;
    close(gate[1]);
    for (int i = 0; i < n; i++) {
        if (waitpid(child[i], &status, 0) != child[i])
            bad++;
        else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
            killed++;
        else if (status)
            bad++;
    }
    close(gate[0]);
    close(told[0]);
    close(told[1]);
    printf("%d children, %d killed, %s\n", n, killed, error ? strerror(error) : "no error");
    fflush(stdout);
    return bad || !intact(77) ? -1 : 0;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 3;

    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    fill(77);
    for (int i = 0; i < rounds; i++)
        if (round_go())
            return 1;
    return 0;
}
