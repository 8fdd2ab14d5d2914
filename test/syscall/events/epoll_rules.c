/* SPDX-License-Identifier: Apache-2.0 */
/* epoll: nesting and its limit, refusals, dup and close, one-shot, maxevents and the order of the ready,
 * masks and timeouts of epoll_pwait and epoll_pwait2. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static struct epoll_event got[512];

static int ctl(int ep, int op, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)fd};

    return epoll_ctl(ep, op, fd, &ev);
}

static void put(int fd)
{
    uint64_t one = 1;

    if (write(fd, &one, 8) != 8)
        check_failures++;
}

static void take(int fd)
{
    uint64_t n;

    if (read(fd, &n, 8) != 8)
        check_failures++;
}

static short ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    poll(&p, 1, 0);
    return p.revents;
}

static void nesting(void)
{
    int ep[7], fd = eventfd(0, 0);

    for (int i = 0; i < 7; i++)
        ep[i] = epoll_create1(0);
    check_ok(ctl(ep[0], EPOLL_CTL_ADD, fd, EPOLLIN));
    for (int i = 1; i < 5; i++)
        check_ok(ctl(ep[i], EPOLL_CTL_ADD, ep[i - 1], EPOLLIN | EPOLLET));
    check_err(ctl(ep[0], EPOLL_CTL_ADD, ep[4], EPOLLIN), ELOOP);
    check_err(ctl(ep[0], EPOLL_CTL_ADD, ep[1], EPOLLIN), ELOOP);
    check_err(ctl(ep[5], EPOLL_CTL_ADD, ep[4], EPOLLIN), ELOOP);
    check_err(ctl(ep[0], EPOLL_CTL_ADD, ep[0], EPOLLIN), EINVAL);
    check_err(ctl(ep[5], EPOLL_CTL_ADD, ep[0], EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    check_eq(ready(ep[4]), 0);
    put(fd);
    check_eq(ready(ep[4]), POLLIN);
    check_eq(epoll_wait(ep[4], got, 4, 0), 1);
    check_eq(got[0].data.u64, ep[3]);
    check_eq(epoll_wait(ep[4], got, 4, 0), 0); /* an edge */
    put(fd);
    check_eq(epoll_wait(ep[4], got, 4, 5000), 1);
    take(fd);
    check_eq(ready(ep[0]), 0);
    for (int i = 0; i < 7; i++)
        close(ep[i]);
    close(fd);
}

static void refusals(void)
{
    struct epoll_event ev = {.events = EPOLLIN};
    int ep = epoll_create1(0), fd = eventfd(1, 0), file = open("f", O_RDWR | O_CREAT, 0600);
    int path = open(".", O_PATH), dir = open(".", O_RDONLY);

    check_err(epoll_ctl(ep, 77, fd, &ev), EINVAL);
    check_err(epoll_ctl(999, 77, fd, &ev), EBADF);
    check_err(epoll_ctl(ep, EPOLL_CTL_ADD, fd, NULL), EFAULT);
    check_err(epoll_ctl(fd, EPOLL_CTL_ADD, ep, &ev), EINVAL);
    check_err(epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev), EPERM);
    check_err(epoll_ctl(ep, EPOLL_CTL_ADD, dir, &ev), EPERM);
    check_err(epoll_ctl(ep, EPOLL_CTL_ADD, path, &ev), EBADF);
    check_err(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN), ENOENT);
    check_err(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
    check_err(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLPRI | EPOLLEXCLUSIVE), EINVAL);
    check_ok(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET | EPOLLWAKEUP));
    check_err(ctl(ep, EPOLL_CTL_MOD, fd, EPOLLIN), EINVAL);
    check_eq(epoll_wait(ep, got, 1, 0), 1);
    check_err(epoll_wait(ep, got, -1, 0), EINVAL);
    check_err(epoll_wait(ep, got, 0x7fffffff, 0), EINVAL);
    check_err(epoll_wait(fd, got, 1, 0), EINVAL);
    check_err(epoll_wait(999, got, 1, 0), EBADF);
    check_err(epoll_create(0), EINVAL);
    check_err(read(ep, got, 8), EINVAL);
    put(fd);
    check_err(epoll_wait(ep, (void *)8, 1, 0), EFAULT);
    close(path);
    close(dir);
    close(file);
    close(fd);
    close(ep);
}

/* An item is a pair of description and number: it lives as long as the description does. */
static void closing(void)
{
    int ep = epoll_create1(0), fd = eventfd(1, 0), other = dup(fd), third;

    check_ok(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN));
    check_ok(ctl(ep, EPOLL_CTL_ADD, other, EPOLLIN | EPOLLET));
    check_eq(epoll_wait(ep, got, 4, 0), 2);
    close(fd);
    check_eq(epoll_wait(ep, got, 4, 0), 1);
    check_eq(got[0].data.u64, fd);
    check_err(ctl(ep, EPOLL_CTL_DEL, fd, 0), EBADF);
    third = eventfd(0, 0); /* takes the number, not the item */
    check_eq(third, fd);
    check_err(ctl(ep, EPOLL_CTL_MOD, third, EPOLLIN), ENOENT);
    check_ok(ctl(ep, EPOLL_CTL_ADD, third, EPOLLIN));
    check_eq(epoll_wait(ep, got, 4, 0), 1);
    close(other);
    check_eq(epoll_wait(ep, got, 4, 0), 0);
    put(third);
    check_eq(epoll_wait(ep, got, 4, 0), 1);
    close(third);
    close(ep);
}

static void one_shot(void)
{
    int ep = epoll_create1(0), p[2];

    need(pipe(p) == 0);
    check_ok(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT));
    check_eq(write(p[1], "a", 1), 1);
    check_eq(epoll_wait(ep, got, 4, 0), 1);
    close(p[1]);
    check_eq(epoll_wait(ep, got, 4, 0), 0); /* not even HUP */
    check_eq(ready(ep), 0);
    check_ok(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
    check_eq(epoll_wait(ep, got, 4, 0), 1);
    check_eq(got[0].events, EPOLLIN | EPOLLHUP);
    check_ok(ctl(ep, EPOLL_CTL_MOD, p[0], 0));
    check_eq(epoll_wait(ep, got, 4, 0), 1); /* HUP is always reported */
    check_eq(got[0].events, EPOLLHUP);
    close(p[0]);
    close(ep);
}

/* All of many that are ready get their turn, and one call can report them all. */
static void fairness(void)
{
    struct rlimit limit;
    int ep = epoll_create1(0), fd[300], seen[300] = {0}, low = 1 << 30, total = 0;

    need(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    need(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int i = 0; i < 300; i++) {
        fd[i] = eventfd(i < 200, 0);
        low = fd[i] < low ? fd[i] : low;
        if (ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN))
            check_failures++;
    }
    for (int call = 0; call < 40; call++) {
        int n = epoll_wait(ep, got, 5, 0);
        for (int i = 0; i < n; i++)
            total += !seen[got[i].data.u64 - (uint64_t)low]++;
    }
    check_eq(total, 200);
    check_eq(epoll_wait(ep, got, 512, 0), 200);
    check_eq(epoll_wait(ep, got, 100, 0), 100);
    for (int i = 0; i < 300; i++)
        close(fd[i]);
    check_eq(epoll_wait(ep, got, 512, 0), 0);
    close(ep);
    check_eq(check_failures, 0);
}

static volatile int signals;

static void handler(int sig)
{
    (void)sig;
    signals++;
}

static void waits(void)
{
    struct timespec t = {0, 5000000}, bad = {0, 1000000000}, start, end;
    int ep = epoll_create1(0), fd = eventfd(0, 0);
    sigset_t block, none;

    check_ok(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN));
    clock_gettime(CLOCK_MONOTONIC, &start);
    check_eq(syscall(SYS_epoll_pwait2, ep, got, 4, &t, NULL, 8), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    check((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec >= 5000000);
    check_err(syscall(SYS_epoll_pwait2, ep, got, 4, &bad, NULL, 8), EINVAL);
    check_err(syscall(SYS_epoll_pwait2, ep, got, 4, (void *)8, NULL, 8), EFAULT);
    signal(SIGUSR1, handler);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    check_eq(epoll_wait(ep, got, 4, 1), 0);
    check_eq(signals, 0);
    check_err(epoll_pwait(ep, got, 4, -1, &none), EINTR);
    check_eq(signals, 1);
    raise(SIGUSR1);
    check_err(syscall(SYS_epoll_pwait2, ep, got, 4, NULL, &none, 8), EINTR);
    check_eq(signals, 2);
    check_err(syscall(SYS_epoll_pwait, ep, got, 4, 0, &none, 4), EINVAL);
    check_err(syscall(SYS_epoll_pwait, ep, got, 4, 0, (void *)8, 8), EFAULT);
    put(fd);
    raise(SIGUSR1);
    check_eq(epoll_pwait(ep, got, 4, -1, &none), 1); /* events come before signals */
    close(fd);
    close(ep);
}

static void described(void)
{
    char path[64], text[900] = "", want[128];
    int ep = epoll_create1(0), fd = eventfd(0, 0), info;

    check_ok(ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET));
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
    snprintf(want, sizeof(want), "\ntfd: %8d events: %8x data: %16x  pos:0 ino:", fd,
             EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP, fd);
    info = open(path, O_RDONLY);
    check(read(info, text, sizeof(text) - 1) > 0);
    check(strstr(text, want) != NULL);
    close(info);
    close(fd);
    close(ep);
}

int main(void)
{
    nesting();
    refusals();
    closing();
    one_shot();
    fairness();
    waits();
    described();
    return check_done();
}
