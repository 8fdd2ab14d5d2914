/* SPDX-License-Identifier: Apache-2.0 */
/* poll, ppoll, select, pselect: limits, bad descriptors, timeouts that are written back, bad masks, closed
 * and negative entries, all three maps. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static int p[2];

static long ppoll_raw(struct pollfd *f, unsigned n, struct timespec *t, void *mask, size_t size)
{
    return syscall(SYS_ppoll, f, n, t, mask, size);
}

static void polls(void)
{
    struct pollfd f[3] = {{.fd = p[0], .events = POLLIN, .revents = 99},
                          {.fd = -1, .events = POLLIN, .revents = 99},
                          {.fd = 987, .events = POLLIN, .revents = 99}};
    struct timespec t = {0, 5000000};
    struct rlimit old, few = {2, 2};
    sigset_t none;

    check_eq(poll(f, 3, -1), 1);
    check_eq(f[0].revents, 0);
    check_eq(f[1].revents, 0);
    check_eq(f[2].revents, POLLNVAL);
    f[2].fd = ~f[2].fd; /* the usual way to leave one out */
    check_eq(poll(f, 3, 1), 0);
    f[2].fd = p[1];
    f[2].events = 0;
    check_eq(poll(f, 3, 0), 0);
    f[2].events = POLLOUT | POLLWRNORM;
    check_eq(poll(f, 3, 0), 1);
    check_eq(f[2].revents, POLLOUT | POLLWRNORM);
    check_eq(poll(NULL, 0, 1), 0);
    check_err(poll((void *)8, 1, 0), EFAULT);
    getrlimit(RLIMIT_NOFILE, &old);
    few.rlim_max = old.rlim_max;
    check_ok(setrlimit(RLIMIT_NOFILE, &few));
    check_err(poll(f, 3, 0), EINVAL);
    check_eq(poll(f, 2, 0), 0);
    check_ok(setrlimit(RLIMIT_NOFILE, &old));

    check_eq(ppoll_raw(f, 1, &t, NULL, 0), 0);
    check(t.tv_sec == 0 && t.tv_nsec == 0); /* nothing is left of it */
    t = (struct timespec){100, 0};
    check_eq(ppoll_raw(f, 3, &t, NULL, 0), 1);
    check(t.tv_sec >= 90 && t.tv_sec <= 100);
    t = (struct timespec){0, 1000000000};
    check_err(ppoll_raw(f, 1, &t, NULL, 0), EINVAL);
    t = (struct timespec){-1, 0};
    check_err(ppoll_raw(f, 1, &t, NULL, 0), EINVAL);
    check_err(ppoll_raw(f, 1, (void *)8, NULL, 0), EFAULT);
    sigemptyset(&none);
    t = (struct timespec){0, 0};
    check_err(ppoll_raw(f, 1, &t, &none, 4), EINVAL);
    check_err(ppoll_raw(f, 1, &t, (void *)8, 8), EFAULT);
    check_eq(ppoll_raw(f, 1, &t, &none, 8), 0);
}

static void selects(void)
{
    fd_set in, out, ex;
    struct timeval tv = {0, 5000};
    int high = fcntl(p[0], F_DUPFD, 200);

    FD_ZERO(&in);
    FD_SET(p[0], &in);
    check_eq(select(p[0] + 1, &in, NULL, NULL, &tv), 0);
    check(!FD_ISSET(p[0], &in));
    check(tv.tv_sec == 0 && tv.tv_usec == 0);
    tv = (struct timeval){50, 1999999}; /* more than a second of microseconds is fine */
    FD_ZERO(&out);
    FD_SET(p[1], &out);
    FD_SET(p[0], &in);
    FD_ZERO(&ex);
    FD_SET(p[0], &ex);
    check_eq(select(p[1] + 1, &in, &out, &ex, &tv), 1);
    check(FD_ISSET(p[1], &out) && !FD_ISSET(p[0], &in) && !FD_ISSET(p[0], &ex));
    check(tv.tv_sec >= 40 && tv.tv_sec <= 51);
    tv = (struct timeval){-1, 0};
    check_err(select(1, NULL, NULL, NULL, &tv), EINVAL);
    tv = (struct timeval){0, -1};
    check_err(select(1, NULL, NULL, NULL, &tv), EINVAL);
    check_err(select(-1, NULL, NULL, NULL, NULL), EINVAL);
    check_err(select(1, (void *)8, NULL, NULL, NULL), EFAULT);
    tv = (struct timeval){0, 0};
    FD_ZERO(&in);
    FD_SET(150, &in); /* within the table, not open */
    check_err(select(201, &in, NULL, NULL, &tv), EBADF);
    check_eq(select(100, &in, NULL, NULL, &tv), 0); /* not looked at */
    FD_ZERO(&in);
    FD_SET(high, &in);
    check_eq(write(p[1], "x", 1), 1);
    check_eq(select(high + 1, &in, NULL, NULL, NULL), 1);
    check(FD_ISSET(high, &in));
    close(high);
}

static volatile int signals;

static void handler(int sig)
{
    (void)sig;
    signals++;
}

static void pselects(void)
{
    struct {
        const sigset_t *mask;
        size_t size;
    } sig;
    struct timespec t = {60, 0};
    struct timeval tv = {60, 0};
    fd_set in;
    sigset_t block, none;
    int quiet = eventfd(0, 0);

    signal(SIGUSR1, handler);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    FD_ZERO(&in);
    FD_SET(quiet, &in);
    sig.mask = &none;
    sig.size = 8;
    check_err(syscall(SYS_pselect6, quiet + 1, &in, NULL, NULL, &t, &sig), EINTR);
    check_eq(signals, 1);
    check(t.tv_sec >= 50 && t.tv_sec < 60); /* what was left when the signal came */
    check(FD_ISSET(quiet, &in));            /* an error leaves the maps alone */
    sig.size = 4;
    check_err(syscall(SYS_pselect6, quiet + 1, &in, NULL, NULL, &t, &sig), EINVAL);
    check_err(syscall(SYS_pselect6, quiet + 1, &in, NULL, NULL, &t, (void *)8), EFAULT);
    t = (struct timespec){0, 2000000000};
    check_err(syscall(SYS_pselect6, quiet + 1, &in, NULL, NULL, &t, NULL), EINVAL);
    t = (struct timespec){0, 0};
    check_eq(syscall(SYS_pselect6, quiet + 1, &in, NULL, NULL, &t, NULL), 0);
    raise(SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    check_eq(signals, 2);
    struct itimerval soon = {.it_value = {0, 20000}};
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &soon, NULL);
    FD_SET(quiet, &in);
    check_err(select(quiet + 1, &in, NULL, NULL, &tv), EINTR);
    check(tv.tv_sec < 60 && tv.tv_sec >= 50);
    close(quiet);
}

int main(void)
{
    need(pipe(p) == 0);
    polls();
    selects();
    pselects();
    return check_done();
}
