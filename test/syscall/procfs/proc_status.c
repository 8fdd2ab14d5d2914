/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/<pid>/status and stat follow what a process does: memory by kind and at most, threads, signals that
 * are blocked, pending, ignored and caught, groups, CPUs; a thread has its own; so does one whose first
 * thread has ended.
 */
#include "check.h"
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define MIB (1024L * 1024)
static char text[1 << 16];

static const char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    need(n > 0);
    close(fd);
    text[n] = 0;
    return text;
}

/* What follows "name:\t" in a status file, up to the end of its line. */
static const char *field(const char *path, const char *name)
{
    static char value[256];
    char key[64];
    snprintf(key, sizeof(key), "\n%s:\t", name);
    char *at = strstr(read_file(path), key);
    need(at);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + strlen(key), "\n"), at + strlen(key));
    return value;
}

static long number(const char *name)
{
    return strtol(field("/proc/self/status", name), NULL, 10);
}

static unsigned long mask(const char *path, const char *name)
{
    return strtoul(field(path, name), NULL, 16);
}

static long stat_field(const char *path, int n)
{
    read_file(path);
    char *at = strrchr(text, ')');
    need(at);
    for (int i = 2; i < n; i++)
        at = strchr(at + 1, ' ');
    return strtol(at + 1, NULL, 10);
}

static long statm_field(int n)
{
    const char *at = read_file("/proc/self/statm");
    for (int i = 0; i < n; i++)
        at = strchr(at, ' ') + 1;
    return strtol(at, NULL, 10);
}

/* The sizes of all mappings. */
static long maps_kib(void)
{
    static char maps[1 << 18];
    FILE *f = fopen("/proc/self/maps", "r");
    unsigned long sum = 0, low, high;
    need(f);
    while (fgets(maps, sizeof(maps), f))
        if (!strstr(maps, "[vsyscall]") && sscanf(maps, "%lx-%lx", &low, &high) == 2)
            sum += high - low;
    fclose(f);
    return (long)(sum / 1024);
}

static void check_lines(void)
{
    static const char *const names[] = {"Umask",
                                        "State",
                                        "Tgid",
                                        "Ngid",
                                        "Pid",
                                        "PPid",
                                        "TracerPid",
                                        "Uid",
                                        "Gid",
                                        "FDSize",
                                        "Groups",
                                        "NStgid",
                                        "NSpid",
                                        "NSpgid",
                                        "NSsid",
                                        "VmPeak",
                                        "VmSize",
                                        "VmLck",
                                        "VmPin",
                                        "VmHWM",
                                        "VmRSS",
                                        "RssAnon",
                                        "RssFile",
                                        "RssShmem",
                                        "VmData",
                                        "VmStk",
                                        "VmExe",
                                        "VmLib",
                                        "VmPTE",
                                        "VmSwap",
                                        "HugetlbPages",
                                        "CoreDumping",
                                        "THP_enabled",
                                        "Threads",
                                        "SigQ",
                                        "SigPnd",
                                        "ShdPnd",
                                        "SigBlk",
                                        "SigIgn",
                                        "SigCgt",
                                        "CapInh",
                                        "CapPrm",
                                        "CapEff",
                                        "CapBnd",
                                        "CapAmb",
                                        "NoNewPrivs",
                                        "Seccomp",
                                        "Seccomp_filters",
                                        "Speculation_Store_Bypass",
                                        "SpeculationIndirectBranch",
                                        "Cpus_allowed",
                                        "Cpus_allowed_list",
                                        "Mems_allowed",
                                        "Mems_allowed_list",
                                        "voluntary_ctxt_switches",
                                        "nonvoluntary_ctxt_switches"};
    const char *at = read_file("/proc/self/status");
    int order = 1;
    char key[64];

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(key, sizeof(key), "\n%s:\t", names[i]);
        char *next = strstr(at, key);
        if (!next)
            printf("# %s\n", names[i]);
        order &= next != NULL;
        at = next ? next + 1 : at;
    }
    check(order);
    prctl(PR_SET_NAME, "a\\b\nc d");
    check(!strncmp(read_file("/proc/self/status"), "Name:\ta\\\\b\\nc d\nUmask:\t", 23));
    check(strstr(read_file("/proc/self/stat"), " (a\\b\nc d) R ") != NULL);
    check_eq(number("Pid"), getpid());
    check_eq(number("PPid"), getppid());
    check_eq(number("NSpgid"), getpgrp());
    check_eq(number("NSsid"), getsid(0));
}

static void check_memory(void)
{
    long data = number("VmData"), anon = number("RssAnon"), stack = number("VmStk");
    char *m = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct rusage ru;

    need(m != MAP_FAILED);
    check_eq(number("VmSize"), maps_kib());
    check_eq(number("VmData") - data, 16 * 1024);
    memset(m, 1, 8 * MIB);
    long more = number("RssAnon") - anon;
    check(more >= 8 * 1024 && more < 17 * 1024);
    check(number("VmRSS") >= number("RssAnon"));
    check_eq(number("VmRSS"), number("RssAnon") + number("RssFile") + number("RssShmem"));
    long size = number("VmSize"), rss = number("VmRSS");
    check(!mprotect(m, 16 * MIB, PROT_READ));
    check_eq(number("VmData"), data);
    check(!munmap(m, 16 * MIB));
    check_eq(number("VmSize"), size - 16 * 1024);
    check(number("VmPeak") >= size);
    check(number("VmHWM") >= rss - 256 && number("VmRSS") < rss - 7 * 1024);
    check(!getrusage(RUSAGE_SELF, &ru));
    check(number("VmExe") > 0 && number("VmLib") >= 0);
    check(stack >= 8 && stack < 1024);
    check_eq(statm_field(0) * 4, number("VmSize"));
    check_eq(statm_field(3) * 4, number("VmExe"));
    check_eq(statm_field(5) * 4, number("VmData") + number("VmStk"));
    check_eq(stat_field("/proc/self/stat", 23), number("VmSize") * 1024);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void check_signals(void)
{
    const char *self = "/proc/self/status";
    sigset_t set;

    signal(SIGUSR1, on_signal);
    signal(SIGWINCH, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_SETMASK, &set, NULL);
    check(mask(self, "SigCgt") >> (SIGUSR1 - 1) & 1);
    check(mask(self, "SigIgn") >> (SIGWINCH - 1) & 1);
    check_eq(mask(self, "SigBlk"), 1UL << (SIGUSR1 - 1) | 3UL << (SIGRTMIN - 1));
    long queued = number("SigQ");
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1});
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 2});
    syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
    check_eq(mask(self, "ShdPnd"), 1UL << (SIGRTMIN - 1));
    check_eq(mask(self, "SigPnd"), 1UL << (SIGUSR1 - 1));
    check(number("SigQ") >= queued + 2);
    check_eq(stat_field("/proc/self/stat", 31), 1L << (SIGUSR1 - 1));
    check_eq(stat_field("/proc/self/stat", 32), 1L << (SIGUSR1 - 1));
    signal(SIGRTMIN, SIG_IGN);
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    check_eq(mask(self, "SigPnd") | mask(self, "ShdPnd"), 0);
}

static void check_rights(void)
{
    gid_t groups[] = {7, 1000, 65534};
    cpu_set_t cpus;

    if (geteuid() == 0) {
        check(!setgroups(3, groups));
        check(!strcmp(field("/proc/self/status", "Groups"), "7 1000 65534 "));
        check(!setgroups(0, NULL));
        check(!strcmp(field("/proc/self/status", "Groups"), " "));
    }
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    if (!sched_setaffinity(0, sizeof(cpus), &cpus)) {
        check_eq(mask("/proc/self/status", "Cpus_allowed"), 1);
        check(!strcmp(field("/proc/self/status", "Cpus_allowed_list"), "0"));
    }
    check_eq(number("NoNewPrivs"), 0);
    check(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    check_eq(number("NoNewPrivs"), 1);
}

static void *rest_main(void *arg)
{
    pthread_t first = *(pthread_t *)arg;
    char path[64];
    sigset_t set;

    prctl(PR_SET_NAME, "second");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    check_eq(number("Threads"), 2);
    check_eq(stat_field("/proc/self/stat", 20), 2);
    check_eq(mask("/proc/thread-self/status", "SigBlk"), 1UL << (SIGUSR2 - 1));
    /* The first one blocks all signals while it makes us. */
    for (int i = 0; i < 1000 && mask("/proc/self/status", "SigBlk"); i++)
        usleep(1000);
    check_eq(mask("/proc/self/status", "SigBlk"), 0);
    check_eq(strtol(field("/proc/thread-self/status", "Pid"), NULL, 10), syscall(SYS_gettid));
    check_eq(strtol(field("/proc/thread-self/status", "Tgid"), NULL, 10), getpid());
    check(strstr(read_file("/proc/thread-self/stat"), " (second) R ") != NULL);
    pthread_join(first, NULL);
    snprintf(path, sizeof(path), "/proc/%d/status", getpid());
    while (strcmp(field(path, "State"), "Z (zombie)"))
        usleep(1000);
    check_eq(number("Threads"), 2);
    check(!strncmp(read_file(path), "Name:\tfirst\n", 12));
    check(strstr(read_file("/proc/self/stat"), " (first) Z ") != NULL);
    exit(check_done());
}

int main(void)
{
    static pthread_t self, second;

    check_lines();
    check_memory();
    check_signals();
    check_rights();
    self = pthread_self();
    prctl(PR_SET_NAME, "first");
    need(!pthread_create(&second, NULL, rest_main, &self));
    pthread_exit(NULL);
}
