/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files about the whole system count what happens: processes and threads made, context switches, time that CPUs
 * were busy; and agree with each other: stat, uptime, loadavg, meminfo, sysinfo(2).
 */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/sysinfo.h>
#include <time.h>

static char text[1 << 16];

static const char *rd(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t sum = 0, n;
    need(fd >= 0);
    while ((n = read(fd, text + sum, sizeof(text) - 1 - (size_t)sum)) > 0)
        sum += n;
    close(fd);
    text[sum] = 0;
    return text;
}

/* The number after a word at the start of a line. */
static long after(const char *path, const char *word)
{
    char key[64];
    snprintf(key, sizeof(key), "\n%s", word);
    const char *at = strstr(rd(path), key);
    need(at);
    return strtol(at + strlen(key), NULL, 10);
}

static long busy_ticks(void)
{
    long user, nice, system;
    need(sscanf(rd("/proc/stat"), "cpu %ld %ld %ld", &user, &nice, &system) == 3);
    return user + nice + system;
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *nothing(void *arg)
{
    return arg;
}

static int ping[2], pong[2];

static void *answer(void *arg)
{
    char c;
    while (read(ping[0], &c, 1) == 1 && c)
        if (write(pong[1], &c, 1) != 1)
            break;
    return arg;
}

static void check_counts(void)
{
    long made = after("/proc/stat", "processes "), switches = after("/proc/stat", "ctxt ");
    pthread_t thread;
    char c = 1;

    for (int i = 0; i < 10; i++) {
        need(!pthread_create(&thread, NULL, nothing, NULL));
        pthread_join(thread, NULL);
    }
    check(after("/proc/stat", "processes ") >= made + 10);
    need(!pipe(ping) && !pipe(pong));
    need(!pthread_create(&thread, NULL, answer, NULL));
    for (int i = 0; i < 100; i++)
        need(write(ping[1], &c, 1) == 1 && read(pong[0], &c, 1) == 1);
    c = 0;
    need(write(ping[1], &c, 1) == 1);
    pthread_join(thread, NULL);
    check(after("/proc/stat", "ctxt ") >= switches + 100);
    check(after("/proc/stat", "procs_running ") >= 1);
    check_eq(after("/proc/stat", "procs_blocked ") < 0, 0);
}

static void check_time(void)
{
    double up, idle, end;
    long before = busy_ticks();

    for (end = now(CLOCK_PROCESS_CPUTIME_ID) + 0.2; now(CLOCK_PROCESS_CPUTIME_ID) < end;)
        ;
    check(busy_ticks() >= before + 15);
    need(sscanf(rd("/proc/uptime"), "%lf %lf", &up, &idle) == 2);
    double boot = now(CLOCK_BOOTTIME);
    check(up <= boot + 0.02 && up > boot - 5);
    check(idle > 0);
    long btime = after("/proc/stat", "btime "), want = (long)(now(CLOCK_REALTIME) - boot);
    check(btime >= want - 2 && btime <= want + 2);
}

static void check_load(void)
{
    float load[3];
    unsigned running, all;
    int last;
    struct sysinfo info;

    check_eq(sscanf(rd("/proc/loadavg"), "%f %f %f %u/%u %d\n", &load[0], &load[1], &load[2],
                    &running, &all, &last),
             6);
    check(running >= 1 && all >= 1 && last >= 1);
    check_ok(sysinfo(&info));
    check(info.procs >= 1);
    check_eq(after("/proc/meminfo", "MemFree: ") <= 0, 0);
    long total = (long)(info.totalram / 1024 * info.mem_unit);
    need(sscanf(rd("/proc/meminfo"), "MemTotal: %ld kB", &total) == 1);
    check_eq(total, (long)(info.totalram / 1024 * info.mem_unit));
    check(after("/proc/meminfo", "MemFree: ") <= total);
    check(after("/proc/meminfo", "MemAvailable: ") <= total);
}

static void check_rest(void)
{
    int fd;
    check(strstr(rd("/proc/filesystems"), "nodev\tproc\n") != NULL);
    check(!strncmp(rd("/proc/swaps"), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", 40));
    check(strstr(rd("/proc/devices"), "Character devices:\n") != NULL);
    check(strstr(rd("/proc/tty/drivers"), "/dev/pts") != NULL);
    check(strtol(rd("/proc/sys/kernel/ns_last_pid"), NULL, 10) >= 1);
    check(strtol(rd("/proc/sys/kernel/pid_max"), NULL, 10) >= 32768);
    check(strtol(rd("/proc/sys/kernel/threads-max"), NULL, 10) >= 100);
    check(strtol(rd("/proc/sys/fs/file-nr"), NULL, 10) >= 3);
    fd = (int)check_ok(open("/proc/sys/kernel/ns_last_pid", O_WRONLY));
    check_err(write(fd, "x", 1), EINVAL);
    check_err(write(fd, "-1", 2), EINVAL);
    close(fd);
}

int main(void)
{
    check_counts();
    check_time();
    check_load();
    check_rest();
    return check_done();
}
