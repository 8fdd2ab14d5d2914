/* SPDX-License-Identifier: Apache-2.0 */
/* epoll with many threads: an edge is one thread's; what one leaves another takes; a file may be closed
 * while others wait for it. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define THREADS 4
#define EDGES 200
#define FILES 64

static int ep, fd, stop_fd;
static int woken, taken;

static void put(int to)
{
    uint64_t one = 1;

    if (write(to, &one, 8) != 8)
        check_failures++;
}

static void *count_edges(void *arg)
{
    struct epoll_event got;

    while (epoll_wait(ep, &got, 1, -1) == 1 && got.data.fd != stop_fd)
        __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return arg;
}

static void edges(void)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
    pthread_t t[THREADS];

    ep = epoll_create1(0);
    ev.data.fd = fd = eventfd(0, 0);
    need(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
    ev.events = EPOLLIN;
    ev.data.fd = stop_fd = eventfd(0, 0);
    need(epoll_ctl(ep, EPOLL_CTL_ADD, stop_fd, &ev) == 0);
    for (int i = 0; i < THREADS; i++)
        need(pthread_create(&t[i], NULL, count_edges, NULL) == 0);
    for (int i = 1; i <= EDGES; i++) {
        put(fd);
        while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < i)
            sched_yield();
    }
    put(stop_fd); /* level-triggered: reaches all, one after the other */
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    check_eq(woken, EDGES);
    close(fd);
    close(stop_fd);
    close(ep);
}

static void *take_one(void *arg)
{
    struct epoll_event got;
    uint64_t n;

    while (epoll_wait(ep, &got, 1, -1) == 1 && got.data.fd != stop_fd) {
        if (read(got.data.fd, &n, 8) == 8)
            __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
        got.events = EPOLLIN | EPOLLONESHOT;
        if (epoll_ctl(ep, EPOLL_CTL_MOD, got.data.fd, &got))
            check_failures++;
    }
    return arg;
}

/* Many files at once, threads that take one event each: all are taken, none twice. */
static void share(void)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
    int files[FILES];
    pthread_t t[THREADS];

    ep = epoll_create1(0);
    for (int i = 0; i < FILES; i++) {
        ev.data.fd = files[i] = eventfd(0, EFD_NONBLOCK);
        need(epoll_ctl(ep, EPOLL_CTL_ADD, files[i], &ev) == 0);
    }
    ev.events = EPOLLIN;
    ev.data.fd = stop_fd = eventfd(0, 0);
    need(epoll_ctl(ep, EPOLL_CTL_ADD, stop_fd, &ev) == 0);
    for (int i = 0; i < THREADS; i++)
        need(pthread_create(&t[i], NULL, take_one, NULL) == 0);
    for (int round = 1; round <= 20; round++) {
        for (int i = 0; i < FILES; i++)
            put(files[i]);
        while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < round * FILES)
            sched_yield();
    }
    put(stop_fd);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    check_eq(taken, 20 * FILES);
    for (int i = 0; i < FILES; i++)
        close(files[i]);
    close(stop_fd);
    close(ep);
}

static int exclusive[THREADS];

static void *wait_exclusive(void *arg)
{
    struct epoll_event got;
    uint64_t n;

    while (epoll_wait(exclusive[(long)arg], &got, 1, -1) == 1 && got.data.fd != stop_fd)
        if (read(fd, &n, 8) == 8)
            __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Several instances watch one file exclusively: at least one hears of every event. */
static void exclusives(void)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    pthread_t t[THREADS];

    taken = 0;
    ev.data.fd = fd = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
    stop_fd = eventfd(0, 0);
    for (int i = 0; i < THREADS; i++) {
        exclusive[i] = epoll_create1(0);
        ev.data.fd = fd;
        need(epoll_ctl(exclusive[i], EPOLL_CTL_ADD, fd, &ev) == 0);
        struct epoll_event all = {.events = EPOLLIN, .data.fd = stop_fd};
        need(epoll_ctl(exclusive[i], EPOLL_CTL_ADD, stop_fd, &all) == 0);
        need(pthread_create(&t[i], NULL, wait_exclusive, (void *)(long)i) == 0);
    }
    for (int i = 1; i <= EDGES; i++) {
        put(fd);
        while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < i)
            sched_yield();
    }
    put(stop_fd);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        close(exclusive[i]);
    }
    check_eq(taken, EDGES);
    close(fd);
    close(stop_fd);
}

static int p[2];

static void *poll_pipe(void *arg)
{
    struct pollfd pf = {.fd = p[0], .events = POLLIN};

    (void)arg;
    return (void *)(long)(poll(&pf, 1, -1) == 1 ? pf.revents : -1);
}

static void *read_pipe(void *arg)
{
    char c;

    (void)arg;
    return (void *)(long)read(p[0], &c, 1);
}

/*
 * Who waits keeps the file: closing its descriptor does not end the wait, data does.  A read takes it then;
 * poll looks its descriptors up again and finds none.
 */
static void close_under(void *(*waiter)(void *), long want)
{
    pthread_t t;
    void *got;

    need(pipe(p) == 0);
    need(pthread_create(&t, NULL, waiter, NULL) == 0);
    usleep(20000);
    close(p[0]);
    usleep(1000);
    /* Had the thread not begun to wait when its descriptor went, it says so. */
    signal(SIGPIPE, SIG_IGN);
    int late = write(p[1], "x", 1) != 1;
    pthread_join(t, &got);
    check((long)got == want || late);
    close(p[1]);
}

int main(void)
{
    edges();
    share();
    exclusives();
    close_under(poll_pipe, POLLNVAL);
    close_under(read_pipe, 1);
    check_eq(check_failures, 0);
    return check_done();
}
