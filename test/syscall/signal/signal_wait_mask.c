/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits with another mask (ppoll, pselect, epoll_pwait, epoll_pwait2, sigsuspend): the mask holds for the
 * wait and not longer, a signal that it lets in ends it and has the old mask in its frame, and one
 * that comes when there is a result already stays pending.  And rt_sigtimedwait: its set, its time,
 * its siginfo, what interrupts it.
 */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

static volatile int calls, interrupted;
static volatile int usr2_in_frame, usr2_inside;
static int pipes[2], ep;
static sigset_t usr1, usr2, none;
static const struct timespec zero, minute = {60, 0};

static void handler(int sig, siginfo_t *info, void *context)
{
    sigset_t now;

    (void)sig;
    (void)info;
    sigprocmask(SIG_BLOCK, NULL, &now);
    usr2_inside = sigismember(&now, SIGUSR2);
    usr2_in_frame = sigismember(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
    calls++;
}

static long by_ppoll(int fd, const struct timespec *time)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return ppoll(&p, 1, time, &usr2);
}

static long by_pselect(int fd, const struct timespec *time)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return pselect(fd + 1, &set, NULL, NULL, time, &usr2);
}

static long by_epoll(int fd, const struct timespec *time)
{
    struct epoll_event event;
    (void)fd;
    return epoll_pwait(ep, &event, 1, time->tv_sec ? 60000 : 0, &usr2);
}

static long by_epoll2(int fd, const struct timespec *time)
{
    struct epoll_event event;
    (void)fd;
    return syscall(SYS_epoll_pwait2, ep, &event, 1, time, &usr2, 8);
}

static int pending(int sig)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, sig);
}

/* SIGUSR1 is blocked, and let in by each wait; SIGUSR2 is the other way round. */
static void one(const char *name, long (*wait)(int, const struct timespec *), int looks)
{
    sigset_t now;
    char c;

    printf("with %s:\n", name);
    calls = 0;
    raise(SIGUSR1);
    check_eq(calls, 0);
    check_err(wait(pipes[0], &minute), EINTR);
    check_eq(calls, 1);
    check_eq(usr2_inside, 1);
    check_eq(usr2_in_frame, 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    check_eq(sigismember(&now, SIGUSR1), 1);
    check_eq(sigismember(&now, SIGUSR2), 0);

    /* A result is there: the signal waits. */
    check_eq(write(pipes[1], "x", 1), 1);
    raise(SIGUSR1);
    check_eq(wait(pipes[0], &minute), 1);
    check_eq(calls, 1);
    check(pending(SIGUSR1));
    check_eq(read(pipes[0], &c, 1), 1);
    /* Nothing is there and there is no time: only poll and select look at signals. */
    if (looks)
        check_err(wait(pipes[0], &zero), EINTR);
    else
        check_eq(wait(pipes[0], &zero), 0);
    check_eq(calls, 1 + looks);
    check_eq(pending(SIGUSR1), !looks);
    sigtimedwait(&usr1, NULL, &zero);
    check_eq(wait(pipes[0], &zero), 0);
}

static void *interrupt(void *arg)
{
    pthread_t main_thread = *(pthread_t *)arg;

    while (!interrupted) {
        pthread_kill(main_thread, SIGUSR2);
        usleep(500);
    }
    return NULL;
}

static void timed(void)
{
    struct timespec some = {0, 20000000}, bad = {0, 1000000000}, before, after;
    pthread_t self = pthread_self(), thread;
    siginfo_t info;

    clock_gettime(CLOCK_MONOTONIC, &before);
    check_err(sigtimedwait(&usr1, &info, &some), EAGAIN);
    clock_gettime(CLOCK_MONOTONIC, &after);
    check((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 20000000);
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 9});
    memset(&info, 0xff, sizeof(info));
    check_eq(sigtimedwait(&usr1, &info, &zero), SIGUSR1);
    check_eq(info.si_signo, SIGUSR1);
    check_eq(info.si_errno, 0);
    check_eq(info.si_code, SI_QUEUE);
    check_eq(info.si_pid, getpid());
    check_eq(info.si_value.sival_int, 9);
    raise(SIGUSR1);
    check_eq(sigtimedwait(&usr1, NULL, &zero), SIGUSR1);
    /* Another signal that is not blocked interrupts it, always. */
    calls = 0;
    need(pthread_create(&thread, NULL, interrupt, &self) == 0);
    check_err(sigtimedwait(&usr1, NULL, &minute), EINTR);
    interrupted = 1;
    pthread_join(thread, NULL);
    check_err(sigtimedwait(&usr1, NULL, &bad), EINVAL);
    check_err(syscall(SYS_rt_sigtimedwait, &usr1, NULL, NULL, 4), EINVAL);
    check_err(syscall(SYS_rt_sigtimedwait, 8, NULL, NULL, 8), EFAULT);
    check_err(syscall(SYS_rt_sigtimedwait, &usr1, NULL, 8, 8), EFAULT);
    raise(SIGUSR1);
    check_err(syscall(SYS_rt_sigtimedwait, &usr1, 8, NULL, 8), EFAULT);
    check(!pending(SIGUSR1)); /* it is taken even so */
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct epoll_event event = {.events = EPOLLIN};

    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    check_ok(sigaction(SIGUSR1, &act, NULL));
    check_ok(sigaction(SIGUSR2, &act, NULL));
    check_ok(sigprocmask(SIG_SETMASK, &usr1, NULL));
    need(pipe(pipes) == 0);
    need((ep = epoll_create1(0)) >= 0);
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &event));
    one("ppoll", by_ppoll, 1);
    one("pselect", by_pselect, 1);
    one("epoll_pwait", by_epoll, 0);
    one("epoll_pwait2", by_epoll2, 0);

    calls = 0;
    raise(SIGUSR1);
    check_err(sigsuspend(&usr2), EINTR);
    check_eq(calls, 1);
    check_eq(usr2_in_frame, 0);
    timed();

    check_err(syscall(SYS_ppoll, NULL, 0, &zero, &usr2, 4), EINVAL);
    check_err(syscall(SYS_ppoll, NULL, 0, &zero, 8, 8), EFAULT);
    check_err(syscall(SYS_epoll_pwait, ep, &event, 1, 0, &usr2, 4), EINVAL);
    check_err(syscall(SYS_rt_sigsuspend, &usr2, 4), EINVAL);
    check_err(syscall(SYS_rt_sigsuspend, 8, 8), EFAULT);
    return check_done();
}
