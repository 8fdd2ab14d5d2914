/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of /proc about the whole system: the enclave's memory, our clock, the host's load and CPU.
 * What the host says (load, CPU model) is shown for information and used for nothing.
 */
#include "abi/host/start.h"
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/mm/epage.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sched/sched.h"
#include "kernel/sys/sysinfo.h"

#define KIB(pages) ((unsigned long)(pages) * (PAGE_SIZE / 1024))

int proc_meminfo_show(struct seq *s, const struct pseudo_inode *i)
{
    size_t total = epage_limit(), used = MIN(epage_count(), total);
    size_t resident = mm_resident(current_process()->mm);
    (void)i;
    seq_printf(s, "MemTotal:       %8lu kB\n", KIB(total));
    seq_printf(s, "MemFree:        %8lu kB\n", KIB(total - used));
    seq_printf(s, "MemAvailable:   %8lu kB\n", KIB(total - used));
    seq_puts(
        s,
        "Buffers:               0 kB\nCached:                0 kB\nSwapCached:            0 kB\n");
    seq_printf(s, "Active:         %8lu kB\n", KIB(used));
    seq_puts(
        s, "Inactive:              0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n"
           "Dirty:                 0 kB\nWriteback:             0 kB\n");
    seq_printf(s, "AnonPages:      %8lu kB\n", KIB(resident));
    seq_puts(s, "Mapped:                0 kB\nShmem:                 0 kB\n");
    seq_printf(s, "Slab:           %8lu kB\n", KIB(used > resident ? used - resident : 0));
    seq_printf(s, "CommitLimit:    %8lu kB\n", KIB(total));
    seq_printf(s, "Committed_AS:   %8lu kB\n", KIB(used));
    seq_puts(
        s,
        "VmallocTotal:   34359738367 kB\nVmallocUsed:           0 kB\nAnonHugePages:         0 kB\n"
        "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
        "HugePages_Surp:        0\nHugepagesize:       2048 kB\nHugetlb:               0 kB\n");
    return 0;
}

struct cpu_facts {
    char vendor[13], brand[49];
    uint32_t family, model, stepping;
    uint32_t ecx, edx, ebx7;
};

static void text_clean(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void cpu_facts_read(struct cpu_facts *c)
{
    uint32_t r[4] = {0};
    memset(c, 0, sizeof(*c));
    if (!ocall_cpuid(0, 0, r)) {
        memcpy(c->vendor, &r[1], 4);
        memcpy(c->vendor + 4, &r[3], 4);
        memcpy(c->vendor + 8, &r[2], 4);
    }
    if (!ocall_cpuid(1, 0, r)) {
        c->stepping = r[0] & 15;
        c->model = (r[0] >> 4 & 15) | (r[0] >> 12 & 0xf0);
        c->family = (r[0] >> 8 & 15) + (r[0] >> 20 & 0xff);
        c->ecx = r[2];
        c->edx = r[3];
    }
    if (!ocall_cpuid(7, 0, r))
        c->ebx7 = r[1];
    for (unsigned leaf = 0; leaf < 3; leaf++)
        if (!ocall_cpuid(0x80000002 + leaf, 0, r))
            memcpy(c->brand + 16 * (size_t)leaf, r, 16);
    text_clean(c->vendor);
    text_clean(c->brand);
}

struct cpu_flag {
    const char *name;
    uint8_t bit;
};

static void flags_show(struct seq *s, uint32_t word, const struct cpu_flag *flags, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (word >> flags[i].bit & 1)
            seq_printf(s, " %s", flags[i].name);
}

static void cpu_flags_show(struct seq *s, const struct cpu_facts *c)
{
    static const struct cpu_flag edx[] = {{"fpu", 0},   {"tsc", 4},   {"cx8", 8},
                                          {"cmov", 15}, {"mmx", 23},  {"fxsr", 24},
                                          {"sse", 25},  {"sse2", 26}, {"ht", 28}};
    static const struct cpu_flag ecx[] = {
        {"pni", 0},     {"pclmulqdq", 1}, {"ssse3", 9},  {"fma", 12},    {"cx16", 13},
        {"sse4_1", 19}, {"sse4_2", 20},   {"movbe", 22}, {"popcnt", 23}, {"aes", 25},
        {"xsave", 26},  {"avx", 28},      {"f16c", 29},  {"rdrand", 30}};
    static const struct cpu_flag ebx7[] = {
        {"fsgsbase", 0},  {"bmi1", 3},      {"avx2", 5},      {"bmi2", 8},     {"erms", 9},
        {"avx512f", 16},  {"avx512dq", 17}, {"rdseed", 18},   {"adx", 19},     {"avx512ifma", 21},
        {"avx512cd", 28}, {"sha_ni", 29},   {"avx512bw", 30}, {"avx512vl", 31}};
    seq_puts(s, "flags\t\t:");
    flags_show(s, c->edx, edx, ARRAY_SIZE(edx));
    flags_show(s, c->ecx, ecx, ARRAY_SIZE(ecx));
    flags_show(s, c->ebx7, ebx7, ARRAY_SIZE(ebx7));
    seq_puts(s, " lm syscall nx\n");
}

int proc_cpuinfo_show(struct seq *s, const struct pseudo_inode *i)
{
    struct cpu_facts c;
    unsigned n = fs_cpu_count();
    (void)i;
    cpu_facts_read(&c);
    for (unsigned cpu = 0; cpu < n; cpu++) {
        seq_printf(s, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", cpu,
                   c.vendor, c.family, c.model);
        seq_printf(s, "model name\t: %s\nstepping\t: %u\n", c.brand, c.stepping);
        seq_printf(s, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", n,
                   cpu, n);
        seq_puts(s, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 7\nwp\t\t: yes\n");
        cpu_flags_show(s, &c);
        seq_puts(s, "bogomips\t: 4000.00\nclflush size\t: 64\ncache_alignment\t: 64\n"
                    "address sizes\t: 46 bits physical, 48 bits virtual\n\n");
    }
    return 0;
}

static long ticks(ktime_t ns)
{
    return (long)(ns / CLOCK_TICK_NS);
}

int proc_system_stat_show(struct seq *s, const struct pseudo_inode *i)
{
    unsigned n = fs_cpu_count();
    struct process *p = current_process();
    long user = ticks(process_cpu_time(p));
    long idle = MAX(ticks(clock_mono() - p->start_time) - user, 0L);
    (void)i;
    seq_printf(s, "cpu  %ld 0 0 %ld 0 0 0 0 0 0\n", user, idle * (long)n);
    for (unsigned cpu = 0; cpu < n; cpu++)
        seq_printf(s, "cpu%u %ld 0 0 %ld 0 0 0 0 0 0\n", cpu, cpu ? 0L : user, idle);
    ktime_t boot = clock_real() - clock_mono() - clock_boot_off();
    seq_printf(s, "intr 0\nctxt 0\nbtime %ld\nprocesses 1\nprocs_running %u\nprocs_blocked 0\n",
               (long)(boot / 1000000000), sched_runnable() + 1);
    return 0;
}

int proc_uptime_show(struct seq *s, const struct pseudo_inode *i)
{
    ktime_t up = clock_mono() + clock_boot_off();
    (void)i;
    seq_printf(s, "%ld.%02ld %ld.%02ld\n", (long)(up / 1000000000), ticks(up) % 100,
               (long)(up / 1000000000), ticks(up) % 100);
    return 0;
}

int proc_loadavg_show(struct seq *s, const struct pseudo_inode *i)
{
    struct host_sysinfo host;
    (void)i;
    ocall_sysinfo(&host);
    for (int k = 0; k < 3; k++) {
        unsigned long load = (unsigned long)host.loads[k];
        seq_printf(s, "%lu.%02lu ", load >> 16, (load & 0xffff) * 100 >> 16);
    }
    seq_printf(s, "%u/%u %d\n", sched_runnable() + 1, current_process()->nthreads,
               current_process()->pid);
    return 0;
}

int proc_version_show(struct seq *s, const struct pseudo_inode *i)
{
    struct new_utsname uts;
    (void)i;
    uts_get(&uts);
    seq_printf(s, "%s version %s %s\n", uts.sysname, uts.release, uts.version);
    return 0;
}

int proc_filesystems_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\tdevtmpfs\nnodev\thost\nnodev\ttrus"
                "ted\nnodev\tmqueue\n");
    return 0;
}

int proc_swaps_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

int proc_cmdline_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "cella\n");
    return 0;
}

int proc_vmstat_show(struct seq *s, const struct pseudo_inode *i)
{
    size_t total = epage_limit(), used = MIN(epage_count(), total);
    (void)i;
    seq_printf(
        s, "nr_free_pages %lu\nnr_anon_pages %lu\npgfault 0\npgmajfault 0\npswpin 0\npswpout 0\n",
        (unsigned long)(total - used), (unsigned long)mm_resident(current_process()->mm));
    return 0;
}
