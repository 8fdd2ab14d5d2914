/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal(7)'s table: which calls a handler interrupts even with SA_RESTART, and which are then
 * started again; without it all say EINTR.  Another thread sends signals until a call is over, and
 * lets a call that starts again end after a few.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define ENOUGH 4 /* signals that a call survives */

static int in[2], full[2], pair[2], event, signals, lock_held, lock_wanted;
static int word;
static pthread_t main_thread;
static volatile int handled, over;
static struct timespec minute = {60, 0};

static void handler(int sig)
{
    (void)sig;
    handled++;
}

static long call_read(void)
{
    char c;
    return read(in[0], &c, 1);
}

static void end_read(void)
{
    check_eq(write(in[1], "x", 1), 1);
}

static long call_write(void)
{
    return write(full[1], "x", 1);
}

static void end_write(void)
{
    static char buffer[1 << 20];
    check(read(full[0], buffer, sizeof(buffer)) > 0);
}

static long call_recv(void)
{
    char c;
    return recv(pair[0], &c, 1, 0);
}

static void end_recv(void)
{
    check_eq(send(pair[1], "x", 1, 0), 1);
}

static long call_eventfd(void)
{
    uint64_t n;
    return read(event, &n, sizeof(n));
}

static void end_eventfd(void)
{
    uint64_t n = 1;
    check_eq(write(event, &n, sizeof(n)), sizeof(n));
}

static long call_signalfd(void)
{
    struct signalfd_siginfo record;
    return read(signals, &record, sizeof(record));
}

static void end_signalfd(void)
{
    pthread_kill(main_thread, SIGUSR2);
}

static long call_open_fifo(void)
{
    int fd = open("fifo", O_RDONLY);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void end_open_fifo(void)
{
    int fd = open("fifo", O_RDWR);
    check(fd >= 0);
    while (!over)
        sched_yield();
    close(fd);
}

static long call_flock(void)
{
    return flock(lock_wanted, LOCK_EX);
}

static void end_flock(void)
{
    flock(lock_held, LOCK_UN);
}

static void begin_flock(void)
{
    flock(lock_wanted, LOCK_UN);
    check_ok(flock(lock_held, LOCK_EX));
}

static long set_lock(int fd, int command, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    return fcntl(fd, command, &lock);
}

static long call_setlkw(void)
{
    return set_lock(lock_wanted, F_OFD_SETLKW, F_WRLCK);
}

static void end_setlkw(void)
{
    set_lock(lock_held, F_OFD_SETLK, F_UNLCK);
}

static void begin_setlkw(void)
{
    set_lock(lock_wanted, F_OFD_SETLK, F_UNLCK);
    check_ok(set_lock(lock_held, F_OFD_SETLK, F_WRLCK));
}

static long call_futex(void)
{
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void end_futex(void)
{
    while (!over) {
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        usleep(1000);
    }
}

static long call_futex_timed(void)
{
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &minute, NULL, 0);
}

static long call_poll(void)
{
    struct pollfd p = {.fd = in[0], .events = POLLIN};
    return poll(&p, 1, 60000);
}

static long call_ppoll(void)
{
    struct pollfd p = {.fd = in[0], .events = POLLIN};
    return ppoll(&p, 1, NULL, NULL);
}

static long call_select(void)
{
    struct timeval time = {60, 0};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(in[0], &set);
    return select(in[0] + 1, &set, NULL, NULL, &time);
}

static long call_pselect(void)
{
    return pselect(0, NULL, NULL, NULL, &minute, NULL);
}

static long call_epoll(void)
{
    struct epoll_event e;
    int ep = epoll_create1(0);
    long result = epoll_wait(ep, &e, 1, 60000);
    int error = errno;
    close(ep);
    errno = error;
    return result;
}

static long call_nanosleep(void)
{
    struct timespec left = {0, 0};
    long result = nanosleep(&minute, &left);
    check(left.tv_sec >= 1 && left.tv_sec <= 60);
    return result;
}

static long as_errno(int error)
{
    errno = error;
    return error ? -1 : 0;
}

static long call_clock_nanosleep(void)
{
    return as_errno(clock_nanosleep(CLOCK_BOOTTIME, 0, &minute, NULL));
}

static long call_clock_nanosleep_abs(void)
{
    struct timespec then;
    clock_gettime(CLOCK_MONOTONIC, &then);
    then.tv_sec += 60;
    return as_errno(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL));
}

static long call_pause(void)
{
    return pause();
}

static long call_sigsuspend(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigsuspend(&set);
}

static long call_sigtimedwait(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigtimedwait(&set, NULL, &minute);
}

static long call_sigwaitinfo(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8);
}

/* end: what lets the call go on; none: SA_RESTART does not help. */
static const struct call {
    const char *name;
    long (*call)(void);
    void (*end)(void);
    void (*begin)(void);
} calls[] = {
    {"read of a pipe", call_read, end_read, NULL},
    {"write to a full pipe", call_write, end_write, NULL},
    {"recv", call_recv, end_recv, NULL},
    {"read of an eventfd", call_eventfd, end_eventfd, NULL},
    {"read of a signalfd", call_signalfd, end_signalfd, NULL},
    {"open of a FIFO", call_open_fifo, end_open_fifo, NULL},
    {"flock", call_flock, end_flock, begin_flock},
    {"F_OFD_SETLKW", call_setlkw, end_setlkw, begin_setlkw},
    {"FUTEX_WAIT", call_futex, end_futex, NULL},
    {"FUTEX_WAIT with a timeout", call_futex_timed, NULL, NULL},
    {"poll", call_poll, NULL, NULL},
    {"ppoll", call_ppoll, NULL, NULL},
    {"select", call_select, NULL, NULL},
    {"pselect", call_pselect, NULL, NULL},
    {"epoll_wait", call_epoll, NULL, NULL},
    {"nanosleep", call_nanosleep, NULL, NULL},
    {"clock_nanosleep", call_clock_nanosleep, NULL, NULL},
    {"clock_nanosleep, absolute", call_clock_nanosleep_abs, NULL, NULL},
    {"pause", call_pause, NULL, NULL},
    {"sigsuspend", call_sigsuspend, NULL, NULL},
    {"sigtimedwait", call_sigtimedwait, NULL, NULL},
    {"sigwaitinfo", call_sigwaitinfo, NULL, NULL},
};

/* Signals until the call is over, or until it has survived enough of them. */
static void *sender(void *arg)
{
    void (*end)(void) = *(void (**)(void))arg;

    while (!over) {
        pthread_kill(main_thread, SIGUSR1);
        usleep(500);
        if (end && handled >= ENOUGH) {
            end();
            break;
        }
    }
    return NULL;
}

static void try(const struct call *c, int flags, int restarts)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = flags};
    void (*end)(void) = restarts ? c->end : NULL;
    pthread_t thread;
    char what[100];
    long result;
    int error;

    sigaction(SIGUSR1, &act, NULL);
    if (c->begin)
        c->begin();
    handled = over = 0;
    need(pthread_create(&thread, NULL, sender, &end) == 0);
    result = c->call();
    error = errno;
    over = 1;
    pthread_join(thread, NULL);
    snprintf(what, sizeof(what), "%s: %s", c->name, restarts ? "starts again" : "EINTR");
    if (result < 0 && error != EINTR)
        printf("# %s\n", strerror(error));
    if (handled < (restarts ? ENOUGH : 1))
        printf("# %s: %ld after %d signals\n", what, result, handled);
    check_report(restarts ? result >= 0 : result < 0 && error == EINTR, what, __LINE__);
    check_report(handled >= (restarts ? ENOUGH : 1), "handled", __LINE__);
}

int main(void)
{
    static char block[4096];
    sigset_t set;

    main_thread = pthread_self();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    need(pipe(in) == 0 && pipe(full) == 0);
    need(fcntl(full[1], F_SETFL, O_NONBLOCK) == 0);
    while (write(full[1], block, sizeof(block)) > 0)
        ;
    need(fcntl(full[1], F_SETFL, 0) == 0);
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    need((event = eventfd(0, 0)) >= 0);
    need((signals = signalfd(-1, &set, 0)) >= 0);
    need(mkfifo("fifo", 0600) == 0);
    need((lock_held = open("lock", O_RDWR | O_CREAT, 0600)) >= 0);
    need((lock_wanted = open("lock", O_RDWR)) >= 0);

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        try(&calls[i], 0, 0);
        try(&calls[i], SA_RESTART, calls[i].end != NULL);
    }
    return check_done();
}
