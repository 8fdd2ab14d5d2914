/* SPDX-License-Identifier: Apache-2.0 */
/* eventfd: adding and taking, semaphores, the top of the counter, blocking at both ends, readiness. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define TOP (UINT64_MAX - 1)

static uint64_t v;

static short ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    poll(&p, 1, 0);
    return p.revents;
}

static ssize_t put(int fd, uint64_t n)
{
    return write(fd, &n, 8);
}

static void counter(void)
{
    uint64_t two[2];
    int fd = (int)check_ok(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));

    check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check_eq(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
    check_eq(put(fd, 0), 8);
    check_eq(put(fd, 4), 8);
    check_eq(read(fd, &v, 8), 8);
    check_eq(v, 7);
    check_eq(ready(fd), POLLOUT);
    check_err(read(fd, &v, 8), EAGAIN);
    check_err(read(fd, &v, 7), EINVAL);
    check_err(write(fd, &v, 7), EINVAL);
    check_eq(put(fd, 5), 8);
    check_eq(read(fd, two, 16), 8);
    check_eq(two[0], 5);
    check_err(put(fd, UINT64_MAX), EINVAL);
    check_eq(put(fd, TOP), 8);
    check_eq(ready(fd), POLLIN);
    check_err(put(fd, 1), EAGAIN);
    check_eq(put(fd, 0), 8);
    check_eq(read(fd, &v, 8), 8);
    check_eq(v, TOP);
    check_eq(put(fd, 1), 8);
    check_eq(ready(fd), POLLIN | POLLOUT);
    check_err(pread(fd, &v, 8, 0), ESPIPE);
    check_err(read(fd, (void *)8, 8), EFAULT);
    check_err(eventfd(0, 0x10), EINVAL);
    close(fd);
}

static void semaphore(void)
{
    int fd = (int)check_ok(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));

    check_eq(put(fd, 1), 8);
    for (int i = 0; i < 3; i++) {
        v = 0;
        check_eq(read(fd, &v, 8), 8);
        check_eq(v, 1);
    }
    check_err(read(fd, &v, 8), EAGAIN);
    close(fd);
}

static void *take_top(void *arg)
{
    uint64_t got = 0;

    if (read((int)(long)arg, &got, 8) != 8 || got != TOP)
        check_failures++;
    return NULL;
}

static void blocking(void)
{
    int fd = (int)check_ok(eventfd(0, 0));
    pthread_t t;

    need(pthread_create(&t, NULL, take_top, (void *)(long)fd) == 0);
    check_eq(put(fd, TOP), 8);
    check_eq(put(fd, 9), 8); /* has to wait for the thread */
    pthread_join(t, NULL);
    check_eq(read(fd, &v, 8), 8);
    check_eq(v, 9);
    check_eq(check_failures, 0);
    close(fd);
}

/* Every write is an edge, and so is a read that makes room. */
static void edges(void)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET}, got;
    int fd = (int)check_ok(eventfd(0, EFD_NONBLOCK)), ep = epoll_create1(0);

    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
    check_eq(epoll_wait(ep, &got, 1, 0), 1);
    check_eq(got.events, EPOLLOUT);
    check_eq(epoll_wait(ep, &got, 1, 0), 0);
    for (int i = 0; i < 3; i++) {
        check_eq(put(fd, 1), 8);
        check_eq(epoll_wait(ep, &got, 1, 0), 1);
        check_eq(got.events, EPOLLIN | EPOLLOUT);
        check_eq(epoll_wait(ep, &got, 1, 0), 0);
    }
    check_eq(read(fd, &v, 8), 8);
    check_eq(epoll_wait(ep, &got, 1, 0), 1);
    check_eq(got.events, EPOLLOUT);
    close(ep);
    close(fd);
}

static void described(void)
{
    char path[64], text[600] = "";
    int fd = (int)check_ok(eventfd(0x2a, EFD_NONBLOCK)), info;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    info = open(path, O_RDONLY);
    check(read(info, text, sizeof(text) - 1) > 0);
    check(strstr(text, "\neventfd-count:               2a\neventfd-id: ") != NULL);
    close(info);
    close(fd);
}

int main(void)
{
    counter();
    semaphore();
    blocking();
    edges();
    described();
    return check_done();
}
