/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the system does: stat, uptime, loadavg.  Time and CPUs are ours (the clock begins with the host's boot, so
 * that times agree with those of files); the load averages are the host's word.
 */
#include "abi/host/start.h"
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sched/sched.h"

static long ticks(ktime_t ns)
{
    return (long)(ns / CLOCK_TICK_NS);
}

static ktime_t uptime(void)
{
    return clock_mono() + clock_boot_off();
}

/* The CPU, or all of them: all that threads run is the user's time, as few processes' is told apart. */
static void cpu_show(struct seq *s, const char *name, ktime_t busy, ktime_t idle)
{
    seq_printf(s, "%s %ld 0 0 %ld 0 0 0 0 0 0\n", name, ticks(busy), ticks(MAX(idle, 0)));
}

int proc_system_stat_show(struct seq *s, const struct pseudo_inode *i)
{
    unsigned n = fs_cpu_count();
    struct sched_usage all = {0}, one;
    ktime_t up = uptime();
    uint64_t made;
    char name[16];

    (void)i;
    for (unsigned cpu = 0; cpu < n; cpu++) {
        sched_usage(cpu, &one);
        all.busy += one.busy;
        all.switches += one.switches;
        all.interrupts += one.interrupts;
    }
    cpu_show(s, "cpu ", all.busy, up * n - all.busy);
    for (unsigned cpu = 0; cpu < n; cpu++) {
        sched_usage(cpu, &one);
        snprintf(name, sizeof(name), "cpu%u", cpu);
        cpu_show(s, name, one.busy, up - one.busy);
    }
    (void)numbers_last(&made);
    seq_printf(s, "intr %lu\nctxt %lu\nbtime %ld\nprocesses %lu\n", all.interrupts, all.switches,
               (long)((clock_real() - up) / 1000000000), made);
    seq_printf(s, "procs_running %u\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
               sched_running());
    return 0;
}

int proc_uptime_show(struct seq *s, const struct pseudo_inode *i)
{
    unsigned n = fs_cpu_count();
    ktime_t up = uptime(), idle = up * n;
    struct sched_usage one;

    (void)i;
    for (unsigned cpu = 0; cpu < n; cpu++) {
        sched_usage(cpu, &one);
        idle -= one.busy;
    }
    seq_printf(s, "%ld.%02ld %ld.%02ld\n", ticks(up) / 100, ticks(up) % 100, ticks(idle) / 100,
               ticks(idle) % 100);
    return 0;
}

int proc_loadavg_show(struct seq *s, const struct pseudo_inode *i)
{
    struct host_sysinfo host;
    uint64_t made;
    (void)i;
    ocall_sysinfo(&host);
    for (int k = 0; k < 3; k++) {
        unsigned long load = (unsigned long)host.loads[k];
        seq_printf(s, "%lu.%02lu ", load >> 16, (load & 0xffff) * 100 >> 16);
    }
    seq_printf(s, "%u/%u %d\n", sched_running(), threads_count() + 1, numbers_last(&made));
    return 0;
}
