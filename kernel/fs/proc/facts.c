/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stat, status and their like tell of a process or a thread, gathered once: references to what they go on
 * asking, copies of what changes.  A process whose first thread has ended before others, or all whose threads
 * have, shows as a zombie, with what it left.
 */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/proc/id/cred.h"

static char thread_letter(struct process *p, struct thread *t)
{
    if (p->stop_signal && p->nstopped == p->nthreads)
        return 'T';
    switch (__atomic_load_n(&t->state, __ATOMIC_RELAXED)) {
    case THREAD_RUNNABLE:
    case THREAD_PARKED:
    case THREAD_RUNNING: return 'R';
    case THREAD_BLOCKED:
        if (__atomic_load_n(&t->cputime.elsewhere, __ATOMIC_RELAXED))
            return 'R';
        return __atomic_load_n(&t->interruptible, __ATOMIC_RELAXED) ? 'S' : 'D';
    default: return 'X';
    }
}

static void family_of(struct process *p, struct facts *f)
{
    spin_lock(&process_tree_lock);
    f->ppid = p->parent ? p->parent->pid : 0;
    f->pgid = p->pgid;
    f->sid = p->sid;
    f->exit_signal = f->whole ? p->exit_signal : -1;
    f->did_exec = p->did_exec;
    f->children = p->children_usage;
    spin_unlock(&process_tree_lock);
}

/* The first thread counts when it has ended, too. */
static unsigned count_threads_locked(struct process *p) REQUIRES(p->lock)
{
    unsigned n = p->nthreads + 1;
    list_for_each(l, &p->threads)
        n -= list_entry(l, struct thread, process_link)->tid == p->pid;
    return n;
}

static void process_facts(struct process *p, struct facts *f)
{
    spin_lock(&p->lock);
    f->mm = p->mm ? mm_grab(p->mm) : NULL;
    f->state = f->t ? thread_letter(p, f->t) : p == kernel.init ? 'S' : 'Z';
    memcpy(f->comm, f->t ? f->t->comm : p->comm, sizeof(f->comm));
    f->comm[sizeof(f->comm) - 1] = '\0';
    f->nthreads = count_threads_locked(p);
    f->param = f->t ? &f->t->schedparam : &p->schedparam;
    spin_unlock(&p->lock);
    f->cred = f->t ? thread_cred_get(f->t) : process_cred_get(p);
}

int facts_get(const struct pseudo_inode *i, struct facts *f)
{
    *f = (struct facts){.whole = !i->key.tid};
    f->p = proc_process(i);
    f->t = proc_thread(i);
    if (!f->p || (!f->t && i->key.tid && i->key.tid != i->key.pid)) {
        facts_put(f);
        return -ESRCH;
    }
    f->id = i->key.tid ? i->key.tid : f->p->pid;
    family_of(f->p, f);
    tty_of_process(f->p, &f->tty, &f->foreground);
    process_facts(f->p, f);
    f->program = process_program(f->p);
    f->may_look = proc_may_look(f->p);
    if (f->mm)
        mm_usage(f->mm, &f->memory);
    if (f->whole)
        process_usage(f->p, &f->usage);
    else if (f->t)
        usage_add_thread(&f->usage, f->t);
    signal_sets(f->p, f->t, &f->signals);
    return 0;
}

void facts_put(struct facts *f)
{
    if (f->mm)
        mm_drop(f->mm);
    program_put(f->program);
    cred_put(f->cred);
    if (f->t)
        thread_put(f->t);
    if (f->p)
        process_put(f->p);
}

/* Pages of the program's own code, and of its libraries'. */
void facts_text(const struct facts *f, size_t *own, size_t *libraries)
{
    const struct program *g = f->program;
    *own = g ? (ALIGN_UP(g->end_code, PAGE_SIZE) - ALIGN_DOWN(g->start_code, PAGE_SIZE)) / PAGE_SIZE
             : 0;
    *own = MIN(*own, f->memory.exec);
    *libraries = f->memory.exec - *own;
}
