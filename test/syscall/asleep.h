/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until another thread or process sleeps: for tests of what happens to who sleeps. */
#ifndef CELLA_TEST_SYSCALL_ASLEEP_H
#define CELLA_TEST_SYSCALL_ASLEEP_H

#include "check.h"
#include <fcntl.h>

/* Of a process's thread: its state in /proc, 'S' while it sleeps; 0: it is gone. */
static inline char thread_state(int pid, int tid)
{
    char path[64], text[256];

    snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    char *end = strrchr(text, ')');
    return end && end[1] ? end[2] : 0;
}

/* The thread must be about to sleep, and in nothing but what the test is about. */
static inline void wait_asleep(int pid, int tid)
{
    for (int i = 0; i < 20000 && thread_state(pid, tid) != 'S'; i++)
        usleep(500);
    if (thread_state(pid, tid) != 'S')
        check(!"asleep");
}

#endif
