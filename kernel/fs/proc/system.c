/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of /proc about the whole system: version, CPUs, devices, kinds of file systems.  What the host says of the
 * CPU is shown for information and used for nothing.
 */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sys/sysinfo.h"

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

int proc_version_show(struct seq *s, const struct pseudo_inode *i)
{
    struct new_utsname uts;
    (void)i;
    uts_get(&uts);
    seq_printf(s, "%s version %s %s\n", uts.sysname, uts.release, uts.version);
    return 0;
}

static int filesystem_show(const struct fs_type *t, void *arg)
{
    seq_printf(arg, "nodev\t%s\n", t->name);
    return 0;
}

int proc_filesystems_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    return fs_types_for_each(filesystem_show, s);
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

/* The major numbers of what is in /dev. */
int proc_devices_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n"
                "136 pts\n\nBlock devices:\n");
    return 0;
}

/* By which ps knows the names of terminals. */
static int tty_drivers_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
                "/dev/console         /dev/console    5       1 system:console\n"
                "/dev/ptmx            /dev/ptmx       5       2 system\n"
                "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
                "pty_master           /dev/ptm      128 0-1048575 pty:master\n");
    return 0;
}

const struct pseudo_entry proc_tty_dir[] = {
    PSEUDO_FILE("drivers", tty_drivers_show),
    PSEUDO_END,
};

/* There are no disks. */
int proc_empty_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)s;
    (void)i;
    return 0;
}
