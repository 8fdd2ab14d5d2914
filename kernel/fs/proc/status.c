/* SPDX-License-Identifier: Apache-2.0 */
/* status: the lines of Linux 6.1, in their order.  A process without memory has none of those about it. */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/proc/id/cred.h"

static const char *state_text(char c)
{
    switch (c) {
    case 'R': return "R (running)";
    case 'S': return "S (sleeping)";
    case 'D': return "D (disk sleep)";
    case 'T': return "T (stopped)";
    case 'X': return "X (dead)";
    default: return "Z (zombie)";
    }
}

/* A name may hold anything; Linux shows these two so that a line stays one. */
static void name_show(struct seq *s, const struct facts *f)
{
    struct fs_context *fs = process_fs_get(f->p);
    seq_puts(s, "Name:\t");
    for (const char *c = f->comm; *c; c++)
        if (*c == '\n' || *c == '\\')
            seq_puts(s, *c == '\n' ? "\\n" : "\\\\");
        else
            seq_write(s, c, 1);
    seq_puts(s, "\n");
    if (fs) {
        seq_printf(s, "Umask:\t%04o\n", fs_context_umask(fs));
        fs_context_put(fs);
    }
}

static void ids_show(struct seq *s, const struct facts *f, const struct cred *c)
{
    struct fdtable *fds = process_fds_get(f->p);
    seq_printf(s, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
               state_text(f->state), f->p->pid, f->id, f->ppid);
    seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
    seq_printf(s, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
    seq_printf(s, "FDSize:\t%u\nGroups:\t", fds ? fdtable_size(fds) : 0);
    for (uint32_t i = 0; i < c->ngroups; i++)
        seq_printf(s, i ? " %u" : "%u", c->groups[i]);
    seq_printf(s, " \nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", f->p->pid, f->id,
               f->pgid, f->sid);
    if (fds)
        fdtable_put(fds);
}

static void kib_show(struct seq *s, const char *name, size_t pages)
{
    seq_printf(s, "%s:\t%8lu kB\n", name, (unsigned long)(pages * (PAGE_SIZE / 1024)));
}

/* VmPTE: the host's page tables, as far as we know them. */
static void memory_show(struct seq *s, const struct facts *f)
{
    const struct mm_usage *m = &f->memory;
    size_t own, libraries;
    facts_text(f, &own, &libraries);
    kib_show(s, "VmPeak", m->total_peak);
    kib_show(s, "VmSize", m->total);
    seq_puts(s, "VmLck:\t       0 kB\nVmPin:\t       0 kB\n");
    kib_show(s, "VmHWM", m->resident_peak);
    kib_show(s, "VmRSS", m->resident);
    kib_show(s, "RssAnon", m->anon);
    kib_show(s, "RssFile", m->file);
    kib_show(s, "RssShmem", m->shared);
    kib_show(s, "VmData", m->data);
    kib_show(s, "VmStk", m->stack);
    kib_show(s, "VmExe", own);
    kib_show(s, "VmLib", libraries);
    kib_show(s, "VmPTE", ALIGN_UP(m->resident * sizeof(uint64_t), PAGE_SIZE) / PAGE_SIZE);
    seq_puts(s, "VmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\n");
    seq_puts(s, "CoreDumping:\t0\nTHP_enabled:\t0\n");
}

static void signals_show(struct seq *s, const struct facts *f)
{
    const struct signal_sets *sets = &f->signals;
    seq_printf(s, "Threads:\t%u\nSigQ:\t%u/%lu\n", f->nthreads, sets->queued,
               (unsigned long)f->p->rlimits[RLIMIT_SIGPENDING].rlim_cur);
    seq_printf(s, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n",
               (unsigned long)sets->pending, (unsigned long)sets->shared,
               (unsigned long)sets->blocked);
    seq_printf(s, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", (unsigned long)sets->ignored,
               (unsigned long)sets->caught);
}

static void rights_show(struct seq *s, const struct facts *f, const struct cred *c)
{
    seq_printf(s, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", c->inheritable,
               c->permitted, c->effective);
    seq_printf(s, "CapBnd:\t%016lx\nCapAmb:\t%016lx\n", c->bounding, c->ambient);
    seq_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", f->p->no_new_privs);
    seq_puts(s, "Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n");
}

static bool cpu_allowed(const struct facts *f, unsigned cpu)
{
    return !f->param->affinity_is_set || (f->param->affinity[cpu / 64] >> cpu % 64 & 1);
}

/* The mask, in words of 32 bits, the highest first. */
static void cpu_mask_show(struct seq *s, const struct facts *f, unsigned n)
{
    for (unsigned word = (n + 31) / 32; word-- > 0;) {
        uint32_t bits = 0;
        for (unsigned cpu = word * 32; cpu < MIN(n, word * 32 + 32); cpu++)
            bits |= (uint32_t)cpu_allowed(f, cpu) << cpu % 32;
        if (word == (n + 31) / 32 - 1)
            seq_printf(s, "%x", bits);
        else
            seq_printf(s, "%08x", bits);
        seq_puts(s, word ? "," : "\n");
    }
}

static void cpu_list_show(struct seq *s, const struct facts *f, unsigned n)
{
    const char *comma = "";
    for (unsigned cpu = 0; cpu < n; cpu++) {
        unsigned end = cpu;
        if (!cpu_allowed(f, cpu))
            continue;
        while (end + 1 < n && cpu_allowed(f, end + 1))
            end++;
        if (end > cpu)
            seq_printf(s, "%s%u-%u", comma, cpu, end);
        else
            seq_printf(s, "%s%u", comma, cpu);
        comma = ",";
        cpu = end;
    }
    seq_puts(s, "\n");
}

static void cpus_show(struct seq *s, const struct facts *f)
{
    unsigned n = MIN(fs_cpu_count(), CPU_MASK_WORDS * 64U);
    seq_puts(s, "Cpus_allowed:\t");
    cpu_mask_show(s, f, n);
    seq_puts(s, "Cpus_allowed_list:\t");
    cpu_list_show(s, f, n);
    seq_puts(s, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_status_show(struct seq *s, const struct pseudo_inode *i)
{
    static const struct cred init_cred = {
        .permitted = CAPS_ALL, .effective = CAPS_ALL, .bounding = CAPS_ALL};
    struct facts f;
    int err = facts_get(i, &f);
    if (err)
        return err;
    const struct cred *c = f.cred ? f.cred : &init_cred;
    name_show(s, &f);
    ids_show(s, &f, c);
    if (f.mm)
        memory_show(s, &f);
    signals_show(s, &f);
    rights_show(s, &f, c);
    cpus_show(s, &f);
    seq_printf(s, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
               (unsigned long)f.usage.nvcsw, (unsigned long)f.usage.nivcsw);
    facts_put(&f);
    return 0;
}
