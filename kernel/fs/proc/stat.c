/* SPDX-License-Identifier: Apache-2.0 */
/* stat, statm, limits, io: a process's or thread's numbers, in the forms of proc(5). */
#include <linux/sched.h>

#include "kernel/fs/proc/proc_impl.h"

#define PF_EXITING 0x00000004U /* Linux's flags of a thread that mean something here */
#define PF_FORKNOEXEC 0x00000040U
#define PF_RANDOMIZE 0x00400000U
#define FIRST_WORD 0x7fffffffUL /* what stat shows of a set of signals */

static unsigned long ticks(ktime_t ns)
{
    return (unsigned long)(ns / CLOCK_TICK_NS);
}

static unsigned long visible(const struct facts *f, unsigned long value)
{
    return f->mm && f->may_look ? value : 0;
}

/* How urgent it is to Linux's scheduler. */
static int priority_of(const struct schedparam *s)
{
    bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;
    return realtime ? -1 - s->priority : 20 + s->nice;
}

static void stat_identity(struct seq *s, const struct facts *f)
{
    unsigned flags = PF_RANDOMIZE | (f->did_exec || f->p == kernel.init ? 0 : PF_FORKNOEXEC) |
                     (f->state == 'Z' ? PF_EXITING : 0);
    seq_printf(s, "%d (%s) %c %d %d %d ", f->id, f->comm, f->state, f->ppid, f->pgid, f->sid);
    seq_printf(s, "%u %d %u ", (unsigned)f->tty, f->foreground, flags);
}

/* minflt … starttime */
static void stat_times(struct seq *s, const struct facts *f)
{
    ktime_t start = f->whole || !f->t ? f->p->start_time : f->t->start_time;

    seq_printf(s, "%lu %lu 0 0 %lu %lu %lu %lu ", (unsigned long)f->usage.minflt,
               (unsigned long)f->children.minflt, ticks(f->usage.cpu - f->usage.sys),
               ticks(f->usage.sys), ticks(f->children.cpu - f->children.sys),
               ticks(f->children.sys));
    seq_printf(s, "%d %d %u 0 %lu ", priority_of(f->param), f->param->nice, f->nthreads,
               ticks(start + clock_boot_off()));
}

/* vsize … kstkeip */
static void stat_memory(struct seq *s, const struct facts *f, const struct program *g)
{
    unsigned long known = f->mm ? !f->may_look : 0; /* what the curious get instead of addresses */
    seq_printf(s, "%lu %lu %lu ", (unsigned long)(f->memory.total * PAGE_SIZE),
               (unsigned long)f->memory.resident,
               (unsigned long)f->p->rlimits[RLIMIT_RSS].rlim_cur);
    seq_printf(s, "%lu %lu %lu 0 0 ", visible(f, g->start_code) + known,
               visible(f, g->end_code) + known, visible(f, g->start_stack));
}

/* signal … cguest_time */
static void stat_signals(struct seq *s, const struct facts *f)
{
    const struct signal_sets *sets = &f->signals;
    unsigned long pending = f->whole ? sets->pending | sets->shared : sets->pending;
    const struct thread *t = f->t;

    seq_printf(s, "%lu %lu %lu %lu %d 0 0 %d ", pending & FIRST_WORD, sets->blocked & FIRST_WORD,
               sets->ignored & FIRST_WORD, sets->caught & FIRST_WORD, t && f->state != 'R',
               f->exit_signal);
    seq_printf(s, "0 %u %u 0 0 0 ", f->param->priority, f->param->policy);
}

/* start_data … exit_code */
static void stat_places(struct seq *s, const struct facts *f, const struct program *g)
{
    seq_printf(s, "%lu %lu %lu ", visible(f, g->start_data), visible(f, g->end_data),
               visible(f, f->memory.brk_start));
    seq_printf(s, "%lu %lu %lu %lu %d\n", visible(f, g->arg_start), visible(f, g->arg_end),
               visible(f, g->env_start), visible(f, g->env_end),
               f->may_look ? f->p->exit_status : 0);
}

int proc_stat_show(struct seq *s, const struct pseudo_inode *i)
{
    static const struct program nowhere;
    struct facts f;
    int err = facts_get(i, &f);
    if (err)
        return err;
    const struct program *g = f.program ? f.program : &nowhere;
    stat_identity(s, &f);
    stat_times(s, &f);
    stat_memory(s, &f, g);
    stat_signals(s, &f);
    stat_places(s, &f, g);
    facts_put(&f);
    return 0;
}

int proc_statm_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    size_t text, libraries;
    int err = facts_get(i, &f);
    if (err)
        return err;
    facts_text(&f, &text, &libraries);
    seq_printf(s, "%lu %lu %lu %lu 0 %lu 0\n", (unsigned long)f.memory.total,
               (unsigned long)f.memory.resident, (unsigned long)(f.memory.file + f.memory.shared),
               (unsigned long)text, (unsigned long)(f.memory.data + f.memory.stack));
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
        if (*rows[k].unit)
            seq_printf(s, "%-10s\n", rows[k].unit);
        else
            seq_puts(s, "\n");
    }
    return 0;
}

/* There is no disk below: what comes from the host counts as little as what a cache has. */
int proc_io_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    int err = facts_get(i, &f);
    if (err)
        return err;
    const struct io_usage *io = &f.usage.io;
    seq_printf(s, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n", io->rchar, io->wchar,
               io->syscr, io->syscw);
    seq_puts(s, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
    facts_put(&f);
    return 0;
}
