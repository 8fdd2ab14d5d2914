/* SPDX-License-Identifier: Apache-2.0 */
/* timerfd: expirations counted and read, absolute and relative, every clock, intervals, old settings,
 * readiness, refusals. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif
#define MS 1000000L

static uint64_t ticks;

static struct itimerspec spec(long value, long interval)
{
    return (struct itimerspec){.it_value = {value / 1000000000, value % 1000000000},
                               .it_interval = {interval / 1000000000, interval % 1000000000}};
}

static long nanos(struct timespec t)
{
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

static long now(int clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return nanos(t);
}

static void each_clock(int clock)
{
    struct itimerspec s = spec(5 * MS, 0), cur;
    int fd = (int)check_ok(timerfd_create(clock, 0));
    long start = now(clock);

    check_ok(timerfd_settime(fd, 0, &s, NULL));
    check_eq(read(fd, &ticks, 8), 8);
    check_eq(ticks, 1);
    check(now(clock) - start >= 5 * MS);
    check_ok(timerfd_gettime(fd, &cur));
    check_eq(nanos(cur.it_value), 0);
    s = spec(now(clock) + 5 * MS, 0);
    check_ok(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL));
    check_eq(read(fd, &ticks, 8), 8);
    check_eq(ticks, 1);
    check(now(clock) >= nanos(s.it_value));
    s = spec(1, 0); /* long past */
    check_ok(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL));
    check_eq(read(fd, &ticks, 8), 8);
    check_eq(ticks, 1);
    close(fd);
}

static void intervals(void)
{
    struct itimerspec s = spec(2 * MS, 1 * MS), cur;
    int fd = (int)check_ok(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    struct pollfd p = {.fd = fd, .events = POLLIN};
    long start = now(CLOCK_MONOTONIC), end;

    check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check_err(read(fd, &ticks, 8), EAGAIN);
    check_ok(timerfd_settime(fd, 0, &s, NULL));
    check_eq(poll(&p, 1, 10000), 1);
    check_eq(p.revents, POLLIN);
    usleep(20000);
    check_eq(read(fd, &ticks, 8), 8);
    end = now(CLOCK_MONOTONIC);
    check(ticks >= 19 && (long)ticks <= (end - start) / MS);
    /* Ticks that gettime has seen are not lost. */
    usleep(5000);
    check_ok(timerfd_gettime(fd, &cur));
    check(nanos(cur.it_value) > 0 && nanos(cur.it_value) <= MS);
    check_eq(nanos(cur.it_interval), MS);
    check_eq(read(fd, &ticks, 8), 8);
    check(ticks >= 4);
    /* The old setting; disarmed, what was not read is gone. */
    usleep(3000);
    s = spec(0, 5 * MS);
    check_ok(timerfd_settime(fd, 0, &s, &cur));
    check_eq(nanos(cur.it_interval), MS);
    check(nanos(cur.it_value) <= MS);
    check_err(read(fd, &ticks, 8), EAGAIN);
    check_eq(poll(&p, 1, 0), 0);
    check_ok(timerfd_gettime(fd, &cur));
    check_eq(nanos(cur.it_value), 0);
    check_eq(nanos(cur.it_interval), 5 * MS);
    s = spec(3600L * 1000 * MS, 0);
    check_ok(timerfd_settime(fd, 0, &s, NULL));
    check_ok(timerfd_settime(fd, 0, &s, &cur));
    check(nanos(cur.it_value) > 3500L * 1000 * MS && nanos(cur.it_value) <= 3600L * 1000 * MS);
    close(fd);
}

static void edges(void)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET}, got;
    struct itimerspec s = spec(1 * MS, 1 * MS);
    int fd = (int)check_ok(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)), ep = epoll_create1(0);

    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
    check_ok(timerfd_settime(fd, 0, &s, NULL));
    check_eq(epoll_wait(ep, &got, 1, 10000), 1);
    check_eq(epoll_wait(ep, &got, 1, 10), 0); /* unread: no further edge */
    check_eq(read(fd, &ticks, 8), 8);
    check(ticks >= 10);
    check_eq(epoll_wait(ep, &got, 1, 10000), 1);
    close(ep);
    close(fd);
}

static void refusals(void)
{
    struct itimerspec s = spec(MS, 0), cur;
    int fd = (int)check_ok(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK)), p[2];
    char small[4];

    check_err(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    check_err(timerfd_create(77, 0), EINVAL);
    check_err(timerfd_create(CLOCK_REALTIME, 0x10), EINVAL);
    check_err(timerfd_settime(fd, 4, &s, NULL), EINVAL);
    check_err(timerfd_settime(fd, 0, (struct itimerspec *)8, NULL), EFAULT);
    s.it_value.tv_nsec = 1000000000;
    check_err(timerfd_settime(fd, 0, &s, NULL), EINVAL);
    s = spec(MS, 0);
    s.it_interval.tv_sec = -1;
    check_err(timerfd_settime(fd, 0, &s, NULL), EINVAL);
    s = spec(3600L * 1000 * MS, 0);
    need(pipe(p) == 0);
    check_err(timerfd_settime(p[0], 0, &s, NULL), EINVAL);
    check_err(timerfd_gettime(p[0], &cur), EINVAL);
    check_err(timerfd_gettime(999, &cur), EBADF);
    check_err(timerfd_gettime(fd, (struct itimerspec *)8), EFAULT);
    check_ok(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL));
    s = spec(3600L * 1000 * MS, 0);
    check_ok(timerfd_settime(fd, 0, &s, NULL));
    check_err(read(fd, small, 4), EINVAL);
    check_err(write(fd, &ticks, 8), EINVAL);
    ticks = 0;
    check(ioctl(fd, TFD_IOC_SET_TICKS, &ticks) == -1 && (errno == EINVAL || errno == ENOTTY));
    ticks = 7; /* only with CONFIG_CHECKPOINT_RESTORE */
    if (ioctl(fd, TFD_IOC_SET_TICKS, &ticks) == 0) {
        check_eq(read(fd, &ticks, 8), 8);
        check_eq(ticks, 7);
    }
    close(fd);
}

static void described(void)
{
    struct itimerspec s = spec(3600L * 1000 * MS, 5);
    char path[64], text[600] = "";
    int fd = (int)check_ok(timerfd_create(CLOCK_BOOTTIME, 0)), info;

    check_ok(timerfd_settime(fd, 0, &s, NULL));
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    info = open(path, O_RDONLY);
    check(read(info, text, sizeof(text) - 1) > 0);
    check(strstr(text, "\nclockid: 7\nticks: 0\nsettime flags: 00\nit_value: (3599, ") != NULL);
    check(strstr(text, "it_interval: (0, 5)\n") != NULL);
    close(info);
    close(fd);
}

int main(void)
{
    each_clock(CLOCK_MONOTONIC);
    each_clock(CLOCK_REALTIME);
    each_clock(CLOCK_BOOTTIME);
    intervals();
    edges();
    refusals();
    described();
    return check_done();
}
