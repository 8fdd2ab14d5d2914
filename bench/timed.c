/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timed RESULT COMMAND [ARG…]: runs a command and writes to the file RESULT how it went:
 * exit status as wait4 gives it, wall nanoseconds from start to exit, peak RSS in KiB, and user
 * and system microseconds. Small and static, because a child's peak RSS starts at what its parent
 * had when it forked.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static long long microseconds(struct timeval tv)
{
    return tv.tv_sec * 1000000ll + tv.tv_usec;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    long long start, end;
    int status;
    FILE *result;
    pid_t pid;

    if (argc < 3) {
        fprintf(stderr, "usage: timed RESULT COMMAND [ARG...]\n");
        return 2;
    }
    start = now();
    pid = vfork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
        perror("timed");
        return 2;
    }
    end = now();
    result = fopen(argv[1], "w");
    if (!result) {
        perror(argv[1]);
        return 2;
    }
    fprintf(result, "%d %lld %ld %lld %lld\n", status, end - start, usage.ru_maxrss,
            microseconds(usage.ru_utime), microseconds(usage.ru_stime));
    return fclose(result) ? 2 : 0;
}
