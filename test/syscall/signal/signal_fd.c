/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signalfd: records instead of handlers.  Whoever reads takes its own thread's and its process's
 * signals; poll and epoll see them; the set can be changed; each kind of sender fills its fields.
 */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

static struct signalfd_siginfo got[4];

static sigset_t set_of(int a, int b)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, a);
    if (b)
        sigaddset(&set, b);
    return set;
}

static int ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

static void senders(int fd)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 43};
    struct itimerspec soon = {.it_value.tv_nsec = 1};
    siginfo_t info = {.si_code = -40};
    timer_t timer;

    info.si_pid = 4;
    info.si_uid = 5;
    info.si_value.sival_ptr = &info;
    kill(getpid(), SIGUSR1);
    check_eq(read(fd, got, sizeof(got)), sizeof(got[0]));
    check_eq(got[0].ssi_signo, SIGUSR1);
    check_eq(got[0].ssi_code, SI_USER);
    check_eq(got[0].ssi_pid, getpid());
    check_eq(got[0].ssi_uid, getuid());

    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 42});
    check_eq(read(fd, got, sizeof(got)), sizeof(got[0]));
    check_eq(got[0].ssi_code, SI_QUEUE);
    check_eq(got[0].ssi_int, 42);
    check_eq(got[0].ssi_pid, getpid());

    check_ok(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
    check_eq(read(fd, got, sizeof(got)), sizeof(got[0]));
    check_eq(got[0].ssi_code, -40);
    check_eq(got[0].ssi_pid, 4);
    check_eq(got[0].ssi_uid, 5);
    check(got[0].ssi_ptr == (uintptr_t)&info);

    need(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    check_ok(timer_settime(timer, 0, &soon, NULL));
    check_eq(read(fd, got, sizeof(got)), sizeof(got[0]));
    check_eq(got[0].ssi_code, SI_TIMER);
    check_eq(got[0].ssi_int, 43);
    check_eq(got[0].ssi_overrun, 0);
    check_ok(timer_delete(timer));
}

/* What /proc says: the set of the file, and how many signals are queued. */
static void shown(int fd)
{
    char path[64], text[8192] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    need((f = fopen(path, "r")) != NULL);
    check(fread(text, 1, sizeof(text) - 1, f) > 0);
    fclose(f);
    check(strstr(text, "sigmask:\t0000000000000a00\n"));
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 1});
    memset(text, 0, sizeof(text));
    need((f = fopen("/proc/self/status", "r")) != NULL);
    check(fread(text, 1, sizeof(text) - 1, f) > 0);
    fclose(f);
    check(strstr(text, "\nSigQ:\t"));
    check(!strstr(text, "\nSigQ:\t0/"));
    check(strstr(text, "\nShdPnd:\t0000000000000800\n"));
    check_eq(read(fd, got, sizeof(got)), sizeof(got[0]));
}

static void *send_later(void *arg)
{
    pthread_kill(*(pthread_t *)arg, SIGUSR1);
    kill(getpid(), SIGUSR2);
    return NULL;
}

static void blocking(int fd)
{
    pthread_t self = pthread_self(), thread;
    int n;

    need(pthread_create(&thread, NULL, send_later, &self) == 0);
    n = (int)read(fd, got, sizeof(got));
    if (n == sizeof(got[0]))
        n += (int)read(fd, got + 1, sizeof(got[0]));
    check_eq(n, 2 * sizeof(got[0]));
    check_eq(got[0].ssi_signo, SIGUSR1);
    check_eq(got[0].ssi_code, SI_TKILL);
    check_eq(got[1].ssi_signo, SIGUSR2);
    pthread_join(thread, NULL);
}

static void *foreign(void *arg)
{
    /* The signal is another thread's: not to be seen here. */
    check_eq(ready(*(int *)arg), 0);
    check_err(read(*(int *)arg, got, sizeof(got)), EAGAIN);
    return NULL;
}

static void epolled(int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int ep = epoll_create1(0);

    need(ep >= 0);
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
    check_eq(epoll_wait(ep, &event, 1, 0), 0);
    raise(SIGUSR1);
    check_eq(epoll_wait(ep, &event, 1, 5000), 1);
    check_eq(epoll_wait(ep, &event, 1, 0), 0);
    raise(SIGUSR2);
    check_eq(epoll_wait(ep, &event, 1, 5000), 1);
    check_eq(read(fd, got, sizeof(got)), 2 * sizeof(got[0]));
    close(ep);
}

int main(void)
{
    sigset_t both = set_of(SIGUSR1, SIGUSR2), two = set_of(SIGUSR2, 0);
    sigset_t kill_too = set_of(SIGKILL, SIGUSR1);
    pthread_t thread;
    int fd, plain;

    check_ok(sigprocmask(SIG_BLOCK, &both, NULL));
    fd = (int)check_ok(signalfd(-1, &both, SFD_CLOEXEC));
    need(fd >= 0);
    check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check_eq(fcntl(fd, F_GETFL), O_RDWR);
    check_eq(sizeof(got[0]), 128);
    check_eq(ready(fd), 0);
    senders(fd);
    shown(fd);
    blocking(fd);

    raise(SIGUSR1);
    check_eq(ready(fd), POLLIN);
    check_err(read(fd, got, sizeof(got[0]) - 1), EINVAL);
    check_err(write(fd, got, sizeof(got[0])), EINVAL);
    check_ok(fcntl(fd, F_SETFL, O_NONBLOCK));
    need(pthread_create(&thread, NULL, foreign, &fd) == 0);
    pthread_join(thread, NULL);
    check_eq(read(fd, got, sizeof(got)), sizeof(got[0]));
    check_err(read(fd, got, sizeof(got)), EAGAIN);
    epolled(fd);

    /* Another set for the same descriptor. */
    check_eq(signalfd(fd, &two, 0), fd);
    raise(SIGUSR1);
    check_eq(ready(fd), 0);
    check_eq(signalfd(fd, &kill_too, 0), fd);
    check_eq(ready(fd), POLLIN);
    check_eq(read(fd, got, sizeof(got)), sizeof(got[0]));
    /* A signal whose action is to ignore it waits too while it is blocked. */
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    check_eq(ready(fd), POLLIN);
    check_eq(read(fd, got, sizeof(got)), sizeof(got[0]));

    check_err(signalfd(fd, &two, 0x7), EINVAL);
    check_err(signalfd(0, &two, 0), EINVAL);
    check_err(signalfd(77, &two, 0), EBADF);
    check_err(syscall(SYS_signalfd4, -1, &two, 4, 0), EINVAL);
    check_err(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
    plain = (int)check_ok(syscall(SYS_signalfd, -1, &two, 8));
    check_eq(fcntl(plain, F_GETFD), 0);
    close(plain);
    close(fd);
    return check_done();
}
