/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread does: sched, schedstat, wchan, syscall; and stack, which is refused, as to anybody who is not the
 * administrator of the machine.
 */
#include <linux/sched.h>

#include "kernel/fs/proc/proc_impl.h"

#define NICE_0_LOAD 1048576 /* Linux's weight of a thread with nice 0 */
#define PRIO_0 120          /* its priority in sched */

static void time_show(struct seq *s, const char *name, ktime_t ns)
{
    seq_printf(s, "%-45s:%14ld.%06ld\n", name, (long)(ns / 1000000), (long)(ns % 1000000));
}

static void number_show(struct seq *s, const char *name, long v)
{
    seq_printf(s, "%-45s:%21ld\n", name, v);
}

int proc_sched_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    int err = facts_get(i, &f);
    if (err)
        return err;
    ktime_t cpu = f.t ? thread_cpu_time(f.t) : 0;
    seq_printf(s, "%s (%d, #threads: %u)\n", f.comm, f.id, f.nthreads);
    seq_puts(s, "-------------------------------------------------------------------\n");
    time_show(s, "se.exec_start", clock_mono());
    time_show(s, "se.vruntime", cpu);
    time_show(s, "se.sum_exec_runtime", cpu);
    number_show(s, "se.nr_migrations", 0);
    number_show(s, "nr_switches", f.t ? (long)(f.t->nvcsw + f.t->nivcsw) : 0);
    number_show(s, "nr_voluntary_switches", f.t ? (long)f.t->nvcsw : 0);
    number_show(s, "nr_involuntary_switches", f.t ? (long)f.t->nivcsw : 0);
    number_show(s, "se.load.weight", NICE_0_LOAD);
    number_show(s, "policy", f.param->policy);
    number_show(s, "prio", PRIO_0 + f.param->nice);
    number_show(s, "clock-delta", 0);
    facts_put(&f);
    return 0;
}

/* Writing to it would start the counts over. */
int proc_sched_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    struct process *p = proc_process(i);
    (void)text;
    (void)n;
    if (!p)
        return -ESRCH;
    process_put(p);
    return 0;
}

/* Time that a thread waited for a CPU is not counted. */
int proc_schedstat_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    int err = facts_get(i, &f);
    if (err)
        return err;
    seq_printf(s, "%ld 0 %lu\n", f.t ? (long)thread_cpu_time(f.t) : 0L,
               f.t ? (unsigned long)(f.t->nvcsw + f.t->nivcsw + 1) : 0UL);
    facts_put(&f);
    return 0;
}

/* The kernel's functions have no names at run time. */
int proc_wchan_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    process_put(p);
    seq_puts(s, "0");
    return 0;
}

int proc_stack_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)s;
    (void)i;
    return -EACCES;
}

/* A thread that sleeps is in a call, and its registers are on its kernel stack as the call found them. */
int proc_syscall_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    int err = facts_get(i, &f);
    if (err)
        return err;
    if (!f.may_look) {
        err = -EPERM;
    } else if (!f.t) {
        seq_puts(s, "-1 0x0 0x0\n");
    } else if (f.state == 'R' && f.t != current) {
        seq_puts(s, "running\n");
    } else {
        const struct user_regs *r = f.t->regs;
        seq_printf(s, "%ld 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", (long)r->orig_rax,
                   r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9, r->rsp, r->rip);
    }
    facts_put(&f);
    return err;
}

/* The children that this thread made, or that were left to it. */
struct children {
    struct seq *s;
    struct process *parent;
    int tid;
};

static int child_show(struct process *p, void *arg)
{
    struct children *c = arg;
    if (p->parent == c->parent && p->parent_tid == c->tid)
        seq_printf(c->s, "%d ", p->pid);
    return 0;
}

int proc_children_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    struct children c = {.s = s, .parent = p, .tid = i->key.tid};
    (void)process_for_each(child_show, &c);
    process_put(p);
    return 0;
}
