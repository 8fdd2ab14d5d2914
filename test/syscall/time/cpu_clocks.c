/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time: clocks of the process, of each thread, by id; while a thread runs elsewhere its clock
 * goes on, and never back; sleeping on them; getrusage, times and the clocks agree.
 */
#include "futex.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/times.h>

#define THREAD_CLOCK(tid) ((int)(~(unsigned)(tid) << 3 | 6))
#define PROCESS_CLOCK(pid) ((int)(~(unsigned)(pid) << 3 | 2))

static unsigned stop, worker_tid;

static int64_t read_clock(int id)
{
    struct timespec t;

    check_ok(syscall(SYS_clock_gettime, id, &t));
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int64_t quiet(int id)
{
    struct timespec t;

    syscall(SYS_clock_gettime, id, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void *compute(void *arg)
{
    (void)arg;
    store(&worker_tid, self_tid());
    while (!load(&stop))
        continue;
    return NULL;
}

static void spend(int64_t ns)
{
    int64_t until = quiet(CLOCK_THREAD_CPUTIME_ID) + ns;

    while (quiet(CLOCK_THREAD_CPUTIME_ID) < until)
        continue;
}

static void check_ids(void)
{
    clockid_t id;
    struct timespec t;
    int64_t before = read_clock(CLOCK_THREAD_CPUTIME_ID);

    spend(5000000);
    check(read_clock(THREAD_CLOCK(0)) - before >= 5000000);
    check(read_clock(THREAD_CLOCK(self_tid())) - before >= 5000000);
    check(read_clock(CLOCK_PROCESS_CPUTIME_ID) >= 5000000);
    check_eq(pthread_getcpuclockid(pthread_self(), &id), 0);
    check_eq(id, THREAD_CLOCK(self_tid()));
    check_eq(clock_getcpuclockid(0, &id), 0);
    check_eq(clock_getcpuclockid(getpid(), &id), 0);
    check_eq(id, PROCESS_CLOCK(getpid()));
    check_eq(clock_getcpuclockid(0x3ffffff0, &id), ESRCH);
    check_ok(clock_getres(CLOCK_PROCESS_CPUTIME_ID, &t));
    check(t.tv_sec == 0 && t.tv_nsec > 0);
    check_ok(clock_getres(THREAD_CLOCK(self_tid()), &t));
    check_err(syscall(SYS_clock_gettime, THREAD_CLOCK(0x1fffff0), &t), EINVAL);
    check_err(syscall(SYS_clock_gettime, PROCESS_CLOCK(0x1fffff0), &t), EINVAL);
    check_err(syscall(SYS_clock_gettime, -1, &t), EINVAL);
    check_err(syscall(SYS_clock_gettime, 12, &t), EINVAL);
    check_err(syscall(SYS_clock_gettime, 10, &t), EINVAL);
}

/* Another thread's clock, while that computes. */
static void check_other(void)
{
    store(&stop, 0);
    pthread_t t = spawn(compute, NULL);
    check(eventually(load(&worker_tid)));
    int id = THREAD_CLOCK(load(&worker_tid)), back = 0;
    int64_t first = quiet(id), last = first, process = quiet(CLOCK_PROCESS_CPUTIME_ID);

    for (int i = 0; i < 1000000 && last - first < 20000000; i++) {
        int64_t now = quiet(id), whole = quiet(CLOCK_PROCESS_CPUTIME_ID);
        back += now < last || whole < process;
        last = now;
        process = whole;
        if (i % 100 == 0)
            sched_yield();
    }
    check(last - first >= 20000000);
    check_eq(back, 0);
    store(&stop, 1);
    pthread_join(t, NULL);
}

static void check_sleep(void)
{
    struct timespec some = {0, 20000000}, t, bad = {0, 1000000000}, left = {7, 7};

    store(&stop, 0);
    store(&worker_tid, 0);
    pthread_t worker = spawn(compute, NULL);
    check(eventually(load(&worker_tid)));
    int64_t before = quiet(CLOCK_PROCESS_CPUTIME_ID);
    check_eq(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &some, &left), 0);
    check(quiet(CLOCK_PROCESS_CPUTIME_ID) - before >= 20000000);
    check_eq(left.tv_sec, 7);
    int64_t until = quiet(THREAD_CLOCK(load(&worker_tid))) + 20000000;
    t.tv_sec = until / 1000000000;
    t.tv_nsec = until % 1000000000;
    check_eq(syscall(SYS_clock_nanosleep, THREAD_CLOCK(load(&worker_tid)), TIMER_ABSTIME, &t, NULL),
             0);
    check(quiet(THREAD_CLOCK(load(&worker_tid))) >= until);
    check_eq(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME,
                     &(struct timespec){0, 1}, NULL),
             0);
    store(&stop, 1);
    pthread_join(worker, NULL);

    check_err(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &bad, NULL), EINVAL);
    check_err(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &some, NULL), EOPNOTSUPP);
    check_err(syscall(SYS_clock_nanosleep, THREAD_CLOCK(0), 0, &some, NULL), EINVAL);
    check_err(syscall(SYS_clock_nanosleep, THREAD_CLOCK(self_tid()), 0, &some, NULL), EINVAL);
    check_err(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &some, NULL), EOPNOTSUPP);
    check_err(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &some, NULL), EOPNOTSUPP);
    check_err(syscall(SYS_clock_nanosleep, 77, 0, &some, NULL), EINVAL);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void *sleeper(void *arg)
{
    struct timespec half = {1000, 0};

    (void)arg;
    store(&worker_tid, self_tid());
    long ret = syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &half, &half);
    check_eq(ret == -1 ? errno : 0, EINTR);
    check(half.tv_sec > 900 && half.tv_sec < 1000);
    store(&stop, 1);
    return NULL;
}

/* What is left of an interrupted one. */
static void check_interrupted(void)
{
    struct sigaction act = {.sa_handler = on_signal};

    sigaction(SIGUSR1, &act, NULL);
    store(&stop, 0);
    pthread_t t = spawn(sleeper, NULL);
    spend(5000000);
    check(eventually(load(&stop) || (pthread_kill(t, SIGUSR1), 0)));
    pthread_join(t, NULL);
}

static int64_t usage(int who)
{
    struct rusage u;

    check_ok(getrusage(who, &u));
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ll +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ll;
}

static void *spend_some(void *arg)
{
    (void)arg;
    spend(10000000);
    return NULL;
}

static void check_usage(void)
{
    struct tms tms;
    struct rusage u;
    int64_t before = usage(RUSAGE_SELF), thread = usage(RUSAGE_THREAD);

    pthread_join(spawn(spend_some, NULL), NULL);
    /* Dead threads' time stays the process's; the caller's own is hardly more. Ticks round. */
    check(usage(RUSAGE_SELF) - before >= 5000000);
    check(usage(RUSAGE_THREAD) - thread <= usage(RUSAGE_SELF) - before);
    check_eq(usage(RUSAGE_CHILDREN), 0);
    check(times(&tms) > 0);
    check((tms.tms_utime + tms.tms_stime) * 10000000ll <= usage(RUSAGE_SELF) + 20000000);
    check_eq(tms.tms_cutime, 0);
    check_err(getrusage(5, &u), EINVAL);
    check_err(getrusage(RUSAGE_SELF, (void *)8), EFAULT);
    check_ok(getrusage(RUSAGE_SELF, &u));
    check(u.ru_maxrss > 0);
}

int main(void)
{
    check_ids();
    check_other();
    check_sleep();
    check_interrupted();
    check_usage();
    return check_done();
}
