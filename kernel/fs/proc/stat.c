/* SPDX-License-Identifier: Apache-2.0 */
/* stat, statm, status, limits, io: a process's or thread's numbers, in the forms of proc(5). */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/proc/cred.h"
#include "kernel/signal/signal.h"

struct facts {
    struct process *p; /* a reference */
    struct thread *t;  /* a reference */
};

/* -ESRCH when it is gone; else facts_put. */
static int facts_get(const struct pseudo_inode *i, struct facts *f)
{
    f->p = proc_process(i);
    f->t = proc_thread(i);
    if (!f->t && f->p && !i->key.tid) {
        /* The first thread has gone, others live: any of them. */
        spin_lock(&f->p->lock);
        int tid = list_empty(&f->p->threads)
                      ? 0
                      : list_entry(f->p->threads.next, struct thread, process_link)->tid;
        spin_unlock(&f->p->lock);
        f->t = tid ? thread_lookup(tid) : NULL;
    }
    if (f->p && f->t)
        return 0;
    if (f->p)
        process_put(f->p);
    if (f->t)
        thread_put(f->t);
    return -ESRCH;
}

static void facts_put(struct facts *f)
{
    process_put(f->p);
    thread_put(f->t);
}

static char state_of(const struct thread *t)
{
    switch (__atomic_load_n(&t->state, __ATOMIC_RELAXED)) {
    case THREAD_RUNNABLE:
    case THREAD_RUNNING: return 'R';
    case THREAD_BLOCKED: return __atomic_load_n(&t->interruptible, __ATOMIC_RELAXED) ? 'S' : 'D';
    default: return 'Z';
    }
}

/* Process 1 and those that have ended have no memory. */
static size_t total_of(const struct process *p)
{
    return p->mm ? mm_total(p->mm) : 0;
}

static size_t resident_of(const struct process *p)
{
    return p->mm ? mm_resident(p->mm) : 0;
}

static unsigned long ticks(ktime_t ns)
{
    return (unsigned long)(ns / CLOCK_TICK_NS);
}

int proc_stat_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    sigset_t pending, shared, ignored, caught;
    int err = facts_get(i, &f);
    if (err)
        return err;
    signal_sets(f.t, &pending, &shared, &ignored, &caught);
    ktime_t cpu = i->key.tid ? thread_cpu_time(f.t) : process_cpu_time(f.p);
    int ppid = f.p->parent ? f.p->parent->pid : 0;
    seq_printf(s, "%d (%.15s) %c %d %d %d 0 -1 4194304 ", i->key.tid ? f.t->tid : f.p->pid,
               f.t->comm, state_of(f.t), ppid, f.p->pgid, f.p->sid);
    seq_printf(s, "%lu 0 0 0 %lu 0 0 0 20 %d %u 0 ", (unsigned long)f.t->minflt, ticks(cpu),
               f.t->schedparam.nice, f.p->nthreads);
    seq_printf(s, "%lu %lu %lu 18446744073709551615 ", ticks(f.p->start_time + clock_boot_off()),
               (unsigned long)(total_of(f.p) * PAGE_SIZE), (unsigned long)resident_of(f.p));
    struct program *g = process_program(f.p), none = {0}, *at = g ? g : &none;
    seq_printf(s, "%lu %lu %lu 0 0 %lu %lu %lu %lu ", (unsigned long)at->start_code,
               (unsigned long)at->end_code, (unsigned long)at->start_stack, (unsigned long)pending,
               (unsigned long)f.t->blocked, (unsigned long)ignored, (unsigned long)caught);
    seq_printf(s, "0 0 0 17 0 0 0 0 0 0 %lu %lu 0 ", (unsigned long)at->start_data,
               (unsigned long)at->end_data);
    seq_printf(s, "%lu %lu %lu %lu %d\n", (unsigned long)at->arg_start, (unsigned long)at->arg_end,
               (unsigned long)at->env_start, (unsigned long)at->env_end, f.p->exit_status);
    program_put(g);
    facts_put(&f);
    return 0;
}

int proc_statm_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    size_t total = total_of(p), resident = resident_of(p);
    seq_printf(s, "%lu %lu 0 0 0 %lu 0\n", (unsigned long)total, (unsigned long)resident,
               (unsigned long)total);
    process_put(p);
    return 0;
}

static void groups_show(struct seq *s, const struct cred *c)
{
    seq_puts(s, "Groups:\t");
    for (uint32_t i = 0; i < c->ngroups; i++)
        seq_printf(s, "%u ", c->groups[i]);
    seq_puts(s, "\n");
}

static void memory_show(struct seq *s, struct process *p)
{
    unsigned long total = total_of(p) * (PAGE_SIZE / 1024);
    unsigned long rss = resident_of(p) * (PAGE_SIZE / 1024);
    seq_printf(s, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\n", total, total);
    seq_puts(s, "VmLck:\t       0 kB\nVmPin:\t       0 kB\n");
    seq_printf(s, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\n", rss, rss, rss);
    seq_puts(s, "RssFile:\t       0 kB\nRssShmem:\t       0 kB\n");
    seq_printf(s,
               "VmData:\t%8lu kB\nVmStk:\t     132 kB\nVmExe:\t       0 kB\nVmLib:\t       0 kB\n",
               total);
    seq_puts(s, "VmPTE:\t       0 kB\nVmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\n");
}

static void signals_show(struct seq *s, struct thread *t)
{
    sigset_t pending, shared, ignored, caught;
    signal_sets(t, &pending, &shared, &ignored, &caught);
    seq_printf(s, "SigPnd:\t%016lx\nShdPnd:\t%016lx\n", (unsigned long)pending,
               (unsigned long)shared);
    seq_printf(s, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", (unsigned long)t->blocked,
               (unsigned long)ignored, (unsigned long)caught);
}

static void caps_show(struct seq *s, const struct cred *c)
{
    seq_printf(s, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", c->inheritable,
               c->permitted, c->effective);
    seq_printf(s, "CapBnd:\t%016lx\nCapAmb:\t%016lx\n", c->bounding, c->ambient);
}

static const char *state_text(char c)
{
    switch (c) {
    case 'R': return "R (running)";
    case 'S': return "S (sleeping)";
    case 'D': return "D (disk sleep)";
    default: return "Z (zombie)";
    }
}

static void identity_show(struct seq *s, const struct facts *f, const struct cred *c)
{
    seq_printf(s, "Name:\t%.15s\nUmask:\t%04o\nState:\t%s\n", f->t->comm,
               fs_context_umask(f->p->fs), state_text(state_of(f->t)));
    seq_printf(s, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", f->p->pid, f->t->tid,
               f->p->parent ? f->p->parent->pid : 0);
    seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid);
    seq_printf(s, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid, c->fsgid);
    seq_printf(s, "FDSize:\t%u\n", f->p->fds ? fdtable_size(f->p->fds) : 0);
    groups_show(s, c);
    seq_printf(s, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", f->p->pid, f->t->tid,
               f->p->pgid, f->p->sid);
}

static void cpus_show(struct seq *s)
{
    unsigned n = fs_cpu_count();
    unsigned long mask = n >= 64 ? ~0UL : (1UL << n) - 1;
    seq_printf(s, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t0", mask);
    if (n > 1)
        seq_printf(s, "-%u", n - 1);
    seq_puts(s, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_status_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    int err = facts_get(i, &f);
    if (err)
        return err;
    const struct cred *c = thread_cred_get(f.t);
    identity_show(s, &f, c);
    memory_show(s, f.p);
    seq_printf(s, "CoreDumping:\t0\nTHP_enabled:\t0\nThreads:\t%u\nSigQ:\t%u/%lu\n", f.p->nthreads,
               f.p->signals_queued, (unsigned long)f.p->rlimits[RLIMIT_SIGPENDING].rlim_cur);
    signals_show(s, f.t);
    caps_show(s, c);
    cred_put(c);
    seq_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", f.p->no_new_privs);
    seq_puts(s, "Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\n");
    cpus_show(s);
    seq_printf(s, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
               (unsigned long)f.t->nvcsw, (unsigned long)f.t->nivcsw);
    facts_put(&f);
    return 0;
}

static void limit_show(struct seq *s, uint64_t value)
{
    if (value == RLIM64_INFINITY)
        seq_printf(s, "%-20s ", "unlimited");
    else
        seq_printf(s, "%-20lu ", (unsigned long)value);
}

int proc_limits_show(struct seq *s, const struct pseudo_inode *i)
{
    static const struct {
        const char *name, *unit;
    } rows[RLIM_NLIMITS] = {
        [RLIMIT_CPU] = {"Max cpu time", "seconds"},
        [RLIMIT_FSIZE] = {"Max file size", "bytes"},
        [RLIMIT_DATA] = {"Max data size", "bytes"},
        [RLIMIT_STACK] = {"Max stack size", "bytes"},
        [RLIMIT_CORE] = {"Max core file size", "bytes"},
        [RLIMIT_RSS] = {"Max resident set", "bytes"},
        [RLIMIT_NPROC] = {"Max processes", "processes"},
        [RLIMIT_NOFILE] = {"Max open files", "files"},
        [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
        [RLIMIT_AS] = {"Max address space", "bytes"},
        [RLIMIT_LOCKS] = {"Max file locks", "locks"},
        [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
        [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
        [RLIMIT_NICE] = {"Max nice priority", ""},
        [RLIMIT_RTPRIO] = {"Max realtime priority", ""},
        [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
    };
    struct rlimit64 limits[RLIM_NLIMITS];
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    spin_lock(&p->lock);
    memcpy(limits, p->rlimits, sizeof(limits));
    spin_unlock(&p->lock);
    process_put(p);
    seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t k = 0; k < RLIM_NLIMITS; k++) {
        seq_printf(s, "%-25s ", rows[k].name);
        limit_show(s, limits[k].rlim_cur);
        limit_show(s, limits[k].rlim_max);
        seq_printf(s, "%-10s\n", rows[k].unit);
    }
    return 0;
}

int proc_io_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
                "cancelled_write_bytes: 0\n");
    return 0;
}
