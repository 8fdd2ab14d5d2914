/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting and waking, timed from inside.
 *
 *   events epoll0          epoll_wait that does not wait, on an instance with one idle file
 *   events poll1           poll of one file that is not ready, without waiting
 *   events eventfd         write and read of an eventfd
 *   events selfpipe        write and read of one byte by one thread
 *   events epoll_idle      write, epoll_wait and read of one eventfd among 10,000 idle ones
 *   events epoll_busy      the same with nothing else in the instance
 *   events pipe_pingpong   a byte to another thread and one back, through two pipes
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/measure.h"

#define IDLE 10000

static int epoll_fd, event_fd, pipe_fd[2], back_fd[2];

static int watch(int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static long do_epoll0(void)
{
    struct epoll_event ev;

    return epoll_wait(epoll_fd, &ev, 1, 0);
}

static long do_poll1(void)
{
    struct pollfd p = {.fd = event_fd, .events = POLLIN};

    return poll(&p, 1, 0);
}

static long do_eventfd(void)
{
    uint64_t n = 1;

    return write(event_fd, &n, 8) + read(event_fd, &n, 8) - 16;
}

static long do_selfpipe(void)
{
    char c = 'x';

    return write(pipe_fd[1], &c, 1) + read(pipe_fd[0], &c, 1) - 2;
}

static long do_epoll_busy(void)
{
    struct epoll_event ev;
    uint64_t n = 1;

    return write(event_fd, &n, 8) + epoll_wait(epoll_fd, &ev, 1, -1) + read(ev.data.fd, &n, 8) - 17;
}

static long do_pingpong(void)
{
    char c = 'x';

    return write(pipe_fd[1], &c, 1) + read(back_fd[0], &c, 1) - 2;
}

static void *answer(void *arg)
{
    char c;

    while (read(pipe_fd[0], &c, 1) == 1 && write(back_fd[1], &c, 1) == 1)
        ;
    return arg;
}

static int setup_watch(void)
{
    return watch(event_fd);
}

static int setup_idle(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return -1;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        return -1;
    for (int i = 0; i < IDLE; i++)
        if (watch(eventfd(0, 0)))
            return -1;
    return watch(event_fd);
}

static int setup_answer(void)
{
    pthread_t thread;

    errno = pthread_create(&thread, NULL, answer, NULL);
    return errno ? -1 : 0;
}

static const struct operation {
    const char *name;
    long (*run)(void);
    int (*setup)(void);
} operations[] = {
    {"epoll0", do_epoll0, setup_watch},
    {"poll1", do_poll1, NULL},
    {"eventfd", do_eventfd, NULL},
    {"selfpipe", do_selfpipe, NULL},
    {"epoll_idle", do_epoll_busy, setup_idle},
    {"epoll_busy", do_epoll_busy, setup_watch},
    {"pipe_pingpong", do_pingpong, setup_answer},
};

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    epoll_fd = epoll_create1(0);
    event_fd = eventfd(0, 0);
    if (epoll_fd < 0 || event_fd < 0 || pipe(pipe_fd) || pipe(back_fd)) {
        perror("events");
        return 1;
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(operations[i].name, name))
            continue;
        if (operations[i].setup && operations[i].setup()) {
            perror(name);
            return 1;
        }
        measure(name, operations[i].run);
        return 0;
    }
    fprintf(stderr, "events: unknown operation '%s'\n", name);
    return 2;
}
