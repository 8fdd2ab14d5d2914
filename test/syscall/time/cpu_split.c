/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time in the program and time in the kernel: getrusage, times, a child's and the interval timers tell them apart, and
 * together they are the CPU clock.  Of a process that has asked once before.
 */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>

#define MS 1000000LL
#define WORK (250 * MS)
#define SLACK (60 * MS) /* Linux counts ticks */

static volatile sig_atomic_t fired;
static int zero;

static long long cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long ns_of(struct timeval t)
{
    return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL;
}

struct split {
    long long user, sys;
};

static struct split used(int who)
{
    struct rusage u;
    if (getrusage(who, &u))
        abort();
    return (struct split){ns_of(u.ru_utime), ns_of(u.ru_stime)};
}

/* Until so much CPU time is gone or a signal came. */
static void compute(long long ns)
{
    long long until = cpu() + ns;
    while (cpu() < until && !fired)
        for (volatile int i = 0; i < 200000; i++)
            continue;
}

static void ask_kernel(long long ns)
{
    static char buf[4 << 20];
    long long until = cpu() + ns;
    while (cpu() < until && !fired)
        for (int i = 0; i < 8 && !fired; i++)
            if (read(zero, buf, sizeof(buf)) != sizeof(buf))
                abort();
}

/* Which of the two grew, and the whole of it. */
static void one_kind(void (*work)(long long), int kernel)
{
    struct tms t0, t1;
    struct split a = used(RUSAGE_SELF);
    long long start = cpu(), tick = 1000000000LL / sysconf(_SC_CLK_TCK);
    times(&t0);
    work(WORK);
    times(&t1);
    struct split b = used(RUSAGE_SELF);
    long long all = cpu() - start, user = b.user - a.user, sys = b.sys - a.sys;
    check(kernel ? sys > 3 * user : user > 3 * sys);
    check(llabs(user + sys - all) < SLACK);
    long long tuser = (t1.tms_utime - t0.tms_utime) * tick,
              tsys = (t1.tms_stime - t0.tms_stime) * tick;
    check(llabs(tuser - user) < SLACK);
    check(llabs(tsys - sys) < SLACK);
}

static void never_back(void)
{
    struct split last = used(RUSAGE_SELF);
    int back = 0;
    for (int i = 0; i < 20000; i++) {
        struct split now = used(RUSAGE_SELF);
        back += now.user < last.user || now.sys < last.sys;
        last = now;
    }
    check_eq(back, 0);
}

static void of_child(void)
{
    struct rusage u;
    struct tms before, after;
    int status;

    fflush(stdout);
    times(&before);
    pid_t pid = fork();
    if (!pid) {
        ask_kernel(WORK);
        _exit(0);
    }
    need(pid > 0 && wait4(pid, &status, 0, &u) == pid && !status);
    check(ns_of(u.ru_stime) > 3 * ns_of(u.ru_utime));
    check(ns_of(u.ru_stime) + ns_of(u.ru_utime) > WORK - SLACK);
    struct split all = used(RUSAGE_CHILDREN);
    check(all.sys > 3 * all.user);
    times(&after);
    check(after.tms_cstime - before.tms_cstime > 3 * (after.tms_cutime - before.tms_cutime));
}

/* What the way into an enclave's kernel takes is nobody's to tell apart, so not most of it. */
static void faults(void)
{
    struct split a = used(RUSAGE_SELF);
    long long until = cpu() + WORK;
    while (cpu() < until) {
        char *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            abort();
        for (int i = 0; i < 4 << 20; i += 4096)
            p[i] = 1;
        munmap(p, 4 << 20);
    }
    struct split b = used(RUSAGE_SELF);
    check(b.sys - a.sys > WORK / 50);
}

static void on_timer(int sig)
{
    (void)sig;
    fired = 1;
}

static void set(int which, long long ns)
{
    struct itimerval v = {.it_value = {.tv_usec = (suseconds_t)(ns / 1000)}};
    fired = 0;
    check_ok(setitimer(which, &v, NULL));
}

static void timers(void)
{
    struct itimerval left;
    signal(SIGVTALRM, on_timer);
    signal(SIGPROF, on_timer);

    set(ITIMER_VIRTUAL, 150 * MS); /* does not go on in the kernel */
    ask_kernel(WORK);
    check_eq(fired, 0);
    check_ok(getitimer(ITIMER_VIRTUAL, &left));
    check(ns_of(left.it_value) > 0);
    struct split a = used(RUSAGE_SELF);
    compute(20 * WORK);
    struct split b = used(RUSAGE_SELF);
    check_eq(fired, 1);
    check(b.user - a.user < 150 * MS + SLACK);

    long long start = cpu();
    set(ITIMER_PROF, 150 * MS); /* goes on in both */
    ask_kernel(20 * WORK);
    check_eq(fired, 1);
    check(cpu() - start > 150 * MS - SLACK);
    set(ITIMER_PROF, 150 * MS);
    compute(20 * WORK);
    check_eq(fired, 1);
}

int main(void)
{
    zero = open("/dev/zero", O_RDONLY);
    need(zero >= 0);
    (void)used(RUSAGE_SELF);
    one_kind(compute, 0);
    one_kind(ask_kernel, 1);
    never_back();
    of_child();
    faults();
    timers();
    return check_done();
}
