// SPDX-License-Identifier: Apache-2.0
/*
 * Threads that wait for each other in every way, for a given time: none may ever wait for nothing.
 *
 *   soak SECONDS [-v]
 *
 * Each worker repeats one step: pass a token, meet at a barrier, take from a queue, be signalled, let a
 * timer expire …; each step needs the wake-up that another thread, a timer or a signal owes it. It
 * counts its steps. A gadfly sends signals to all of them, so that waits are interrupted and
 * restarted at any moment; two threads only compute, so that preemption is needed as well.
 *
 * The watchdog looks once a second: a worker that has done nothing for STUCK seconds ends the run with
 * status 1 and a list of all counters. Numbers that must agree at the end are compared. What is printed
 * on standard output does not depend on speed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define STUCK 30 /* seconds: others may have the CPUs for long */
#define MAX_WORKERS 128
#define QUEUE 8
#define MEET 6

static struct worker {
    const char *name;
    void (*step)(struct worker *);
    int number; /* of its kind: pairs are 0 1, 2 3, … */
    pthread_t thread;
    atomic_int tid;
    atomic_ulong steps;
    unsigned long seen; /* the watchdog's: steps at … */
    double since;       /* … this time */
} workers[MAX_WORKERS];
static int worker_count;

static void fail(const char *what)
{
    fprintf(stderr, "soak: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- tokens between two: pipe, socket, futex, eventfd ------------------------------------------ */

static int token_fd[MAX_WORKERS][2]; /* by worker number: what it reads, what it writes */

static void token_step(struct worker *w)
{
    char c;

    if (read(token_fd[w->number][0], &c, 1) != 1 || write(token_fd[w->number][1], &c, 1) != 1)
        fail(w->name);
}

/* Numbers 0 1, 2 3 … of all kinds of tokens; the first of a pair starts with one to read. */
static void token_pair(int number, bool sockets)
{
    int a[2], b[2];

    if (sockets) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, a))
            fail("socketpair");
        token_fd[number][0] = token_fd[number][1] = a[0];
        token_fd[number + 1][0] = token_fd[number + 1][1] = a[1];
        if (write(a[1], "x", 1) != 1)
            fail("write");
        return;
    }
    if (pipe(a) || pipe(b))
        fail("pipe");
    token_fd[number][0] = a[0];
    token_fd[number][1] = b[1];
    token_fd[number + 1][0] = b[0];
    token_fd[number + 1][1] = a[1];
    if (write(a[1], "x", 1) != 1)
        fail("write");
}

static atomic_uint words[MAX_WORKERS];

/* A word is odd when it is the odd one's turn. */
static void futex_step(struct worker *w)
{
    atomic_uint *word = &words[w->number / 2];
    unsigned mine = (unsigned)w->number % 2, value;

    while ((value = atomic_load(word)) % 2 != mine)
        if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0) && errno != EAGAIN &&
            errno != EINTR)
            fail("futex");
    atomic_fetch_add(word, 1);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static int event_fds[MAX_WORKERS];

static void eventfd_step(struct worker *w)
{
    uint64_t value = 1;
    struct pollfd p = {.fd = event_fds[w->number], .events = POLLIN};

    while (poll(&p, 1, -1) != 1)
        if (errno != EINTR)
            fail("poll");
    if (read(event_fds[w->number], &value, 8) != 8 || value != 1)
        fail("eventfd");
    if (write(event_fds[w->number ^ 1], &value, 8) != 8)
        fail("eventfd");
}

/* --- a queue under a mutex and two condition variables ----------------------------------------- */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t space, data;
    int used;
} queue = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void queue_put_step(struct worker *w)
{
    (void)w;
    pthread_mutex_lock(&queue.mutex);
    while (queue.used == QUEUE)
        pthread_cond_wait(&queue.space, &queue.mutex);
    queue.used++;
    pthread_cond_signal(&queue.data);
    pthread_mutex_unlock(&queue.mutex);
    sched_yield(); /* the mutex is not fair: let the others in */
}

static void queue_take_step(struct worker *w)
{
    (void)w;
    pthread_mutex_lock(&queue.mutex);
    while (queue.used == 0)
        pthread_cond_wait(&queue.data, &queue.mutex);
    queue.used--;
    pthread_cond_signal(&queue.space);
    pthread_mutex_unlock(&queue.mutex);
    sched_yield();
}

/* --- barriers, semaphores, read-write locks ----------------------------------------------------- */

static pthread_barrier_t barrier;
static sem_t semaphores[MAX_WORKERS];
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static long guarded[2];

static void barrier_step(struct worker *w)
{
    (void)w;
    pthread_barrier_wait(&barrier);
}

static void sem_step(struct worker *w)
{
    while (sem_wait(&semaphores[w->number]))
        if (errno != EINTR)
            fail("sem_wait");
    sem_post(&semaphores[w->number ^ 1]);
}

static void rwlock_step(struct worker *w)
{
    if (w->number == 0) {
        pthread_rwlock_wrlock(&rwlock);
        guarded[0]++;
        sched_yield();
        guarded[1]++;
    } else {
        pthread_rwlock_rdlock(&rwlock);
        if (guarded[0] != guarded[1])
            fail("a reader beside a writer");
    }
    pthread_rwlock_unlock(&rwlock);
    if (w->steps % 64 == 0)
        usleep(100);
}

/* --- epoll: an edge for each event, one shot, any of the waiters -------------------------------- */

static int epoll_instance, epoll_sources[4];
static sem_t epoll_done[4];

static void epoll_source_step(struct worker *w)
{
    uint64_t one = 1;

    if (write(epoll_sources[w->number], &one, 8) != 8)
        fail("epoll source");
    while (sem_wait(&epoll_done[w->number]))
        if (errno != EINTR)
            fail("sem_wait");
}

static void epoll_wait_step(struct worker *w)
{
    struct epoll_event event;
    uint64_t value;
    int n;

    (void)w;
    while ((n = epoll_wait(epoll_instance, &event, 1, -1)) != 1)
        if (n == 0 || errno != EINTR)
            fail("epoll_wait");
    int source = (int)event.data.u32;
    if (read(epoll_sources[source], &value, 8) != 8 || value != 1)
        fail("epoll event");
    event.events = EPOLLIN | EPOLLET | EPOLLONESHOT;
    if (epoll_ctl(epoll_instance, EPOLL_CTL_MOD, epoll_sources[source], &event))
        fail("epoll_ctl");
    sem_post(&epoll_done[source]);
}

/* --- signals and timers ------------------------------------------------------------------------- */

static _Thread_local volatile sig_atomic_t signalled;
static atomic_ulong gadfly_signals;

static void on_usr1(int sig)
{
    (void)sig;
    signalled++;
}

static void on_usr2(int sig)
{
    (void)sig;
    atomic_fetch_add(&gadfly_signals, 1);
}

static struct worker *partner(const struct worker *w)
{
    for (int i = 0; i < worker_count; i++)
        if (workers[i].step == w->step && workers[i].number == (w->number ^ 1))
            return &workers[i];
    return NULL;
}

/* SIGUSR1 is blocked but while it waits: one is never merged with the next, as they take turns. */
static void suspend_step(struct worker *w)
{
    static atomic_bool started[MAX_WORKERS];
    struct worker *other = partner(w);
    sigset_t open;

    pthread_sigmask(SIG_SETMASK, NULL, &open);
    sigdelset(&open, SIGUSR1);
    if (w->number % 2 == 0 && !atomic_exchange(&started[w->number], true))
        signalled = 1;
    while (!signalled)
        sigsuspend(&open);
    signalled = 0;
    while (!atomic_load(&other->tid))
        sched_yield();
    if (syscall(SYS_tgkill, getpid(), other->tid, SIGUSR1))
        fail("tgkill");
}

/* Queued real-time signals with numbers, taken by sigwaitinfo: none is lost, none comes twice. */
static void queue_signal_step(struct worker *w)
{
    static atomic_int next_sent, next_seen;
    siginfo_t info;
    sigset_t set;

    if (w->number % 2 == 0) {
        union sigval value = {.sival_int = atomic_fetch_add(&next_sent, 1)};
        struct worker *other = partner(w);
        while (atomic_load(&next_sent) - atomic_load(&next_seen) > 20)
            usleep(100);
        while (!atomic_load(&other->tid))
            sched_yield();
        if (pthread_sigqueue(other->thread, SIGRTMIN + 1, value))
            fail("pthread_sigqueue");
        return;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    while (sigwaitinfo(&set, &info) < 0)
        if (errno != EINTR)
            fail("sigwaitinfo");
    if (info.si_value.sival_int != atomic_fetch_add(&next_seen, 1))
        fail("a queued signal is lost");
}

static void timerfd_step(struct worker *w)
{
    static _Thread_local int fd = -1;
    struct itimerspec spec = {.it_interval.tv_nsec = 700000 + 100000 * w->number};
    uint64_t expired;

    spec.it_value = spec.it_interval;
    if (fd < 0) {
        fd = timerfd_create(CLOCK_MONOTONIC, 0);
        if (fd < 0 || timerfd_settime(fd, 0, &spec, NULL))
            fail("timerfd");
    }
    if (read(fd, &expired, 8) != 8 || expired == 0)
        fail("timerfd");
}

static void timer_step(struct worker *w)
{
    static _Thread_local timer_t timer;
    static _Thread_local bool made;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 2};
    struct itimerspec spec = {.it_value.tv_nsec = 300000 + 70000 * w->number};
    sigset_t set;

    if (!made) {
        event._sigev_un._tid = w->tid;
        if (timer_create(CLOCK_MONOTONIC, &event, &timer))
            fail("timer_create");
        made = true;
    }
    if (timer_settime(timer, 0, &spec, NULL))
        fail("timer_settime");
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    while (sigwaitinfo(&set, NULL) < 0)
        if (errno != EINTR)
            fail("sigwaitinfo");
}

static void sleep_step(struct worker *w)
{
    struct timespec ts = {.tv_nsec = 200000 + 300000 * w->number};

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
        ;
}

/* A wait that only its time ends. */
static void timedwait_step(struct worker *w)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec ts;

    (void)w;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += 500000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }
    pthread_mutex_lock(&mutex);
    while (pthread_cond_timedwait(&never, &mutex, &ts) == 0)
        ;
    pthread_mutex_unlock(&mutex);
}

/* --- threads that come and go, memory, computing ------------------------------------------------ */

static void *brief(void *argument)
{
    return argument;
}

static void churn_step(struct worker *w)
{
    pthread_t threads[4];
    void *value;

    for (long i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, brief, (void *)(i + w->number)))
            fail("pthread_create");
    for (long i = 0; i < 4; i++)
        if (pthread_join(threads[i], &value) || (long)value != i + w->number)
            fail("pthread_join");
}

static void memory_step(struct worker *w)
{
    size_t size = (size_t)(1 + w->steps % 40) << 12;
    unsigned char *area =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        fail("mmap");
    for (size_t i = 0; i < size; i += 4096) {
        if (area[i])
            fail("new memory is not zero");
        area[i] = (unsigned char)w->number + 1;
    }
    if (w->steps % 3 == 0 && mprotect(area, 4096, PROT_READ))
        fail("mprotect");
    if (w->steps % 5 == 0)
        madvise(area + 4096, size - 4096, MADV_DONTNEED);
    if (munmap(area, size))
        fail("munmap");
}

static void compute_step(struct worker *w)
{
    volatile double x = w->number;

    for (int i = 0; i < 1000000; i++)
        x = x * 0.999 + 1;
}

static void gadfly_step(struct worker *w)
{
    for (int i = 0; i < worker_count; i++)
        if (atomic_load(&workers[i].tid) && &workers[i] != w)
            syscall(SYS_tgkill, getpid(), workers[i].tid, SIGUSR2);
    usleep(20000);
}

/* --- all of it ---------------------------------------------------------------------------------- */

static const struct kind {
    const char *name;
    void (*step)(struct worker *);
    int first, count; /* numbers */
} kinds[] = {
    {"pipe", token_step, 0, 6},
    {"socket", token_step, 6, 4},
    {"futex", futex_step, 0, 6},
    {"eventfd", eventfd_step, 0, 4},
    {"queue put", queue_put_step, 0, 4},
    {"queue take", queue_take_step, 0, 4},
    {"barrier", barrier_step, 0, MEET},
    {"semaphore", sem_step, 0, 4},
    {"rwlock", rwlock_step, 0, 4},
    {"epoll source", epoll_source_step, 0, 4},
    {"epoll wait", epoll_wait_step, 0, 3},
    {"sigsuspend", suspend_step, 0, 4},
    {"sigqueue", queue_signal_step, 0, 2},
    {"timerfd", timerfd_step, 0, 2},
    {"timer", timer_step, 0, 3},
    {"sleep", sleep_step, 0, 4},
    {"timed wait", timedwait_step, 0, 2},
    {"create and join", churn_step, 0, 2},
    {"memory", memory_step, 0, 2},
    {"compute", compute_step, 0, 2},
    {"gadfly", gadfly_step, 0, 1},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void *work(void *argument)
{
    struct worker *w = argument;

    atomic_store(&w->tid, (int)syscall(SYS_gettid));
    for (;;) {
        w->step(w);
        atomic_fetch_add(&w->steps, 1);
    }
    return NULL;
}

static void setup(void)
{
    struct sigaction usr1 = {.sa_handler = on_usr1};
    struct sigaction usr2 = {.sa_handler = on_usr2, .sa_flags = SA_RESTART};
    sigset_t set;

    sigaction(SIGUSR1, &usr1, NULL);
    sigaction(SIGUSR2, &usr2, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGRTMIN + 2);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* all threads inherit it */
    for (int i = 0; i < 6; i += 2)
        token_pair(i, false);
    for (int i = 6; i < 10; i += 2)
        token_pair(i, true);
    for (int i = 0; i < 4; i++) {
        event_fds[i] = eventfd(i % 2 == 0, 0);
        sem_init(&semaphores[i], 0, i % 2 == 0);
        sem_init(&epoll_done[i], 0, 0);
    }
    pthread_barrier_init(&barrier, NULL, MEET);
    epoll_instance = epoll_create1(0);
    for (unsigned i = 0; i < 4; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLONESHOT, .data.u32 = i};
        epoll_sources[i] = eventfd(0, 0);
        if (epoll_ctl(epoll_instance, EPOLL_CTL_ADD, epoll_sources[i], &event))
            fail("epoll_ctl");
    }
}

static void start(void)
{
    for (size_t k = 0; k < KINDS; k++)
        for (int i = 0; i < kinds[k].count; i++) {
            struct worker *w = &workers[worker_count++];
            w->name = kinds[k].name;
            w->step = kinds[k].step;
            w->number = kinds[k].first + i;
            w->since = now();
        }
    for (int i = 0; i < worker_count; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
            fail("pthread_create");
}

static void report(FILE *out)
{
    for (int i = 0; i < worker_count; i++)
        fprintf(out, "  %-16s %2d  thread %5d  %10lu steps, the last %5.1f s ago or less\n",
                workers[i].name, workers[i].number, workers[i].tid, workers[i].steps,
                now() - workers[i].since);
    fprintf(out, "  %lu signals by the gadfly\n", gadfly_signals);
    fflush(out);
}

/* Whether all have moved within the last STUCK seconds. */
static bool all_move(void)
{
    bool good = true;

    for (int i = 0; i < worker_count; i++) {
        struct worker *w = &workers[i];
        unsigned long steps = atomic_load(&w->steps);
        if (steps != w->seen || steps == 0) {
            w->since = steps != w->seen ? now() : w->since;
            w->seen = steps;
        }
        if (now() - w->since > STUCK) {
            printf("%s %d waits for ever after %lu steps\n", w->name, w->number, steps);
            good = false;
        }
    }
    return good;
}

/* Until everybody has moved again: the last wake-ups must come, too. */
static bool all_move_on(void)
{
    unsigned long before[MAX_WORKERS];
    double end = now() + STUCK;
    bool all = false;

    for (int i = 0; i < worker_count; i++)
        before[i] = workers[i].steps;
    while (!all && now() < end) {
        all = true;
        for (int i = 0; i < worker_count; i++)
            all = all && workers[i].steps != before[i];
        usleep(10000);
    }
    return all;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 10, end;
    bool verbose = argc > 2 && !strcmp(argv[2], "-v");

    setup();
    start();
    end = now() + seconds;
    for (int tick = 0; now() < end; tick++) {
        if (!all_move()) {
            report(stdout);
            _exit(1);
        }
        if (verbose && tick % 30 == 29)
            report(stderr);
        usleep(seconds < 1 ? 10000 : 1000000);
    }
    if (!all_move_on()) {
        puts("somebody does not move at the end");
        report(stdout);
        _exit(1);
    }
    if (verbose)
        report(stderr);
    printf("%d workers of %zu kinds, none of which waited for nothing\n", worker_count, KINDS);
    fflush(stdout);
    _exit(0); /* whatever they are waiting for */
}
