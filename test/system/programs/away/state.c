/* SPDX-License-Identifier: Apache-2.0 */
/* Registers, clocks, limits, and what /proc says, of a process that is away or has been. */
#define _GNU_SOURCE
#include "away.h"

#include <errno.h>
#include <fcntl.h>
#include <immintrin.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1UL << 20)
#define JOURNEYS 5

static __thread uint64_t local = 12345;

/* There and back, by a call that only the base can serve. */
static void journey(void)
{
    go_away();
    if (syscall(SYS_membarrier, 0, 0, 0) < 0)
        say("FAIL membarrier %s", strerror(errno));
}

/* All vector registers, x87 stack and flags that calls keep, around a loop that is interrupted while it goes. */
static uint64_t registers_once(uint64_t seed)
{
    uint64_t in[16] = {seed}, after[16], h = 0;

    for (int i = 1; i < 16; i++)
        in[i] = in[i - 1] * 6364136223846793005UL + 1;
    __asm__ volatile("movq 0(%0), %%xmm0\n movq 8(%0), %%xmm1\n movq 16(%0), %%xmm2\n"
                     "movq 24(%0), %%xmm7\n movq 32(%0), %%xmm8\n movq 40(%0), %%xmm15\n"
                     "fldpi\n fldl2e\n std\n"
                     "mov $30000000, %%rcx\n1: dec %%rcx\n jnz 1b\n"
                     "pushfq\n popq %%rax\n cld\n and $0x400, %%eax\n mov %%rax, 48(%1)\n"
                     "fstpl 56(%1)\n fstpl 64(%1)\n"
                     "movq %%xmm0, 0(%1)\n movq %%xmm1, 8(%1)\n movq %%xmm2, 16(%1)\n"
                     "movq %%xmm7, 24(%1)\n movq %%xmm8, 32(%1)\n movq %%xmm15, 40(%1)\n"
                     :
                     : "r"(in), "r"(after)
                     : "rax", "rcx", "xmm0", "xmm1", "xmm2", "xmm7", "xmm8", "xmm15", "memory",
                       "cc");
    for (int i = 0; i < 9; i++)
        h = h * 31 + after[i];
    return h;
}

static __attribute__((target("avx"), noinline)) void avx_once(uint64_t seed)
{
    __m256i a = _mm256_set_epi64x((long long)seed, 2, 3, (long long)~seed);
    uint64_t v[4];

    __asm__ volatile("vmovdqu %0, %%ymm5\n mov $30000000, %%rcx\n1: dec %%rcx\n jnz 1b\n"
                     "vmovdqu %%ymm5, %1\n vzeroupper\n"
                     : "+m"(a), "=m"(v)
                     :
                     : "xmm5", "rcx");
    check(v[0] == ~seed && v[1] == 3 && v[2] == 2 && v[3] == seed, "ymm");
}

static void registers(void)
{
    uint16_t x87;
    uint64_t h = 0;

    _mm_setcsr((_mm_getcsr() & ~0x6000U) | 0x4000); /* rounds up */
    x87 = 0xb7f;
    __asm__ volatile("fldcw %0" : : "m"(x87));
    for (uint64_t i = 0; i < JOURNEYS; i++) {
        h = h * 31 + registers_once(i);
        if (__builtin_cpu_supports("avx"))
            avx_once(i);
        local += i;
        journey();
        __asm__ volatile("fnstcw %0" : "=m"(x87));
        say("round %x %x %lu", x87, _mm_getcsr() & ~0x3fU, local);
    }
    say("all %016lx", h);
    say("errno %d %s", open("/no", O_RDONLY), strerror(errno));
}

static void clocks(void)
{
    static const clockid_t ids[] = {CLOCK_MONOTONIC,         CLOCK_REALTIME,
                                    CLOCK_BOOTTIME,          CLOCK_PROCESS_CPUTIME_ID,
                                    CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_COARSE};
    enum { N = sizeof(ids) / sizeof(ids[0]) };
    uint64_t last[N] = {0};
    struct timespec t;

    for (int i = 0; i < 3 * JOURNEYS * 100; i++) {
        for (int k = 0; k < N; k++) {
            if (i % 2 ? clock_gettime(ids[k], &t) : syscall(SYS_clock_gettime, ids[k], &t))
                say("FAIL clock %d: %s", ids[k], strerror(errno));
            uint64_t now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
            /* Coarse clocks tick. */
            if (ids[k] != CLOCK_MONOTONIC_COARSE || i % 2)
                check(now >= last[k], "clock %d goes back by %lu ns", ids[k], last[k] - now);
            if (ids[k] != CLOCK_MONOTONIC_COARSE || i % 2)
                last[k] = now;
        }
        if (i % 300 == 299)
            journey();
    }
    uint64_t start = now_ns();
    usleep(20000);
    say("sleep %d", now_ns() - start >= 20000000);
}

static double cpu_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static double cpu_now(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* About as much, 30 % or what the clock of ticks cannot tell. */
static void near(const char *what, double value, double want)
{
    check(value > want * 0.7 - 0.03 && value < want * 1.3 + 0.03, "%s: %.3f s for %.3f", what,
          value, want);
}

static void spin(double seconds)
{
    double end = cpu_now(CLOCK_PROCESS_CPUTIME_ID) + seconds;

    while (cpu_now(CLOCK_PROCESS_CPUTIME_ID) < end)
        for (volatile int i = 0; i < 10000; i++)
            ;
}

static void cpu_time(void)
{
    struct rusage u;
    struct tms t;

    pid_t pid = fork();
    if (pid == 0) {
        double start = cpu_now(CLOCK_PROCESS_CPUTIME_ID);
        go_away();
        spin(0.2);
        double all = cpu_now(CLOCK_PROCESS_CPUTIME_ID);
        near("thread", cpu_now(CLOCK_THREAD_CPUTIME_ID), all);
        near("clock", (double)clock() / CLOCKS_PER_SEC, all);
        getrusage(RUSAGE_SELF, &u);
        near("rusage", cpu_of(&u), all);
        times(&t);
        near("times", (double)(t.tms_utime + t.tms_stime) / 100, all);
        say("more than nothing %d", all - start >= 0.2);
        journey();
        near("later", cpu_now(CLOCK_PROCESS_CPUTIME_ID), all);
        _exit(0);
    }
    double start = (double)now_ns() / 1e9;
    int status;
    wait4(pid, &status, 0, &u);
    double took = (double)now_ns() / 1e9 - start;
    say("child %x %d %d", status, cpu_of(&u) >= 0.19, cpu_of(&u) <= took + 0.05);
}

static void limit(int what, uint64_t n)
{
    struct rlimit l;

    getrlimit(what, &l);
    l.rlim_cur = n;
    say("limit %d %d", what, setrlimit(what, &l));
}

static void limits(void)
{
    const struct rlimit small = {1000, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    limit(RLIMIT_NOFILE, 20);
    int fd = 0;
    for (int next; (next = open("/dev/null", O_RDONLY)) >= 0;)
        fd = next;
    say("files %d %s", fd, strerror(errno));
    limit(RLIMIT_AS, 64 * MIB);
    say("space %d %s",
        mmap(NULL, 64 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
        strerror(errno));
    say("some %d",
        mmap(NULL, 8 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    say("more %d %s", mremap(p, MIB, 64 * MIB, MREMAP_MAYMOVE) == MAP_FAILED, strerror(errno));
    say("heap %d %s", sbrk(64 * MIB) == (void *)-1, strerror(errno));
    limit(RLIMIT_AS, RLIM_INFINITY);
    limit(RLIMIT_DATA, 16 * MIB);
    say("data %d %s", sbrk(20 * MIB) == (void *)-1, strerror(errno));
    say("data %d %s",
        mmap(NULL, 20 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
            MAP_FAILED,
        strerror(errno));
    say("less %d", sbrk(MIB) != (void *)-1);
    limit(RLIMIT_DATA, RLIM_INFINITY);
    go_away();
    say("now %d", sbrk(20 * MIB) != (void *)-1);
    signal(SIGXFSZ, SIG_IGN);
    limit(RLIMIT_NOFILE, 100);
    fd = open("limited", O_RDWR | O_CREAT | O_TRUNC, 0600);
    setrlimit(RLIMIT_FSIZE, &small);
    ssize_t first = write(fd, p, 1500), second = write(fd, p, 1500);
    int err = errno;
    setrlimit(RLIMIT_FSIZE, &none);
    say("file %zd %zd %s", first, second, strerror(err));
}

static __attribute__((noinline)) int deep(int n)
{
    volatile char here[1000];

    here[0] = 1;
    return n ? deep(n - 1) + here[0] : 0;
}

static void stack_limit(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        go_away();
        limit(RLIMIT_STACK, MIB);
        go_away();
        say("little %d", deep(600));
        say("FAIL much %d", deep(2000));
        _exit(0);
    }
    say_end("child", pid);
}

/* Another process sets them. */
static void limited(void)
{
    struct rlimit low = {.rlim_cur = 64 * MIB, .rlim_max = RLIM_INFINITY};
    int there[2], back[2];
    char c = 0;

    if (pipe(there) || pipe(back))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        go_away();
        say("ask %zd %zd", write(there[1], "x", 1), read(back[0], &c, 1));
        say("space %d %s",
            mmap(NULL, 64 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
            strerror(errno));
        _exit(0);
    }
    if (read(there[0], &c, 1) != 1)
        return;
    int err = prlimit(pid, RLIMIT_AS, &low, NULL);
    if (write(back[1], "x", 1) != 1)
        return;
    say_end("child", pid);
    say("prlimit %d", err);
}

static size_t text_of(const char *path, char *text, size_t n)
{
    int fd = open(path, O_RDONLY);
    ssize_t all = 0, part;

    while ((part = read(fd, text + all, n - 1 - (size_t)all)) > 0)
        all += part;
    text[all] = 0;
    close(fd);
    return (size_t)all;
}

static long value_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);

    return at ? atol(at + strlen(key)) : -1;
}

/* What /proc says of a process that computes. */
static void look(const char *who, const char *pid)
{
    static char text[65536];
    char path[64], state = 0;
    long total = 0, resident = 0;

    snprintf(path, sizeof(path), "/proc/%s/status", pid);
    text_of(path, text, sizeof(text));
    say("%s: state %d, threads %ld, name %d", who, strstr(text, "State:\tR") != NULL,
        value_of(text, "Threads:"), strstr(text, "Name:\taway\n") != NULL);
    check(value_of(text, "VmRSS:") > 100 && value_of(text, "VmSize:") > 1000,
          "%s: VmRSS %ld VmSize %ld", who, value_of(text, "VmRSS:"), value_of(text, "VmSize:"));
    snprintf(path, sizeof(path), "/proc/%s/statm", pid);
    text_of(path, text, sizeof(text));
    sscanf(text, "%ld %ld", &total, &resident);
    check(total > 100 && resident > 20 && total >= resident, "%s: statm %s", who, text);
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    text_of(path, text, sizeof(text));
    sscanf(text, "%*d (%*[^)]) %c", &state);
    say("%s: stat %c", who, state);
    snprintf(path, sizeof(path), "/proc/%s/maps", pid);
    size_t n = text_of(path, text, sizeof(text));
    say("%s: maps %d %d %d %d", who, n > 500, strstr(text, "[stack]") != NULL,
        strstr(text, "/away") != NULL, strstr(text, "/libc") != NULL);
    snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
    n = text_of(path, text, sizeof(text));
    say("%s: cmdline %d", who, n > 3 && strstr(text, "away"));
}

static void procfs(void)
{
    char name[20], c, buf[20] = "";
    int there[2];
    ssize_t n;

    look("self", "self");
    n = readlink("/proc/self", buf, sizeof(buf) - 1);
    say("self %d", n > 0 && atoi(buf) == getpid());
    if (pipe(there))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        go_away();
        if (write(there[1], "x", 1) == 1)
            burn(20000);
        _exit(0);
    }
    snprintf(name, sizeof(name), "%d", pid);
    say("ready %zd", read(there[0], &c, 1));
    usleep(5000);
    look("child", name);
    kill(pid, SIGKILL);
    say_end("child", pid);
}

/* What the C library registers, at both ends. */
static void sequences(void)
{
    const struct rseq *r = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
    unsigned cpu, node;

    for (int i = 0; i < JOURNEYS; i++) {
        say("registered %d %d", __rseq_size > 0, (int)r->cpu_id >= 0 && r->cpu_id < 4096);
        say("getcpu %d %d", getcpu(&cpu, &node), cpu < 4096 && sched_getcpu() >= 0);
        journey();
    }
    say("again %ld %s",
        syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, 0, RSEQ_SIG),
        strerror(errno));
}

const struct property state_properties[] = {
    {"registers", registers}, {"clocks", clocks},       {"cpu-time", cpu_time},
    {"limits", limits},       {"limited", limited},     {"stack-limit", stack_limit},
    {"procfs", procfs},       {"sequences", sequences}, {NULL, NULL}};
