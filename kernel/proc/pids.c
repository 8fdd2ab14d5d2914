/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of numbers: which thread a tid is, which process a pid is.  Threads and processes hang in
 * buckets by number, under the tree lock.
 *
 * Numbers are given in order.  Until they wrap, or a program chooses one, each new one is free; from
 * then on each is looked for among threads, processes, groups and sessions.
 */
#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/proc/pids.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"

#define BUCKETS 1024 /* a power of two */
#define LOW_PIDS 300 /* as Linux: after a wrap the low ones are left to the system */

struct bucket {
    struct list threads, processes;
};

static struct bucket buckets[BUCKETS]; /* [t] a link is NULL until the bucket is used */
static int last;                       /* [t] */
static uint64_t given;                 /* [t] since the start */
static bool mixed; /* [t] they wrapped, or a program chose one: any can be in use */

static struct bucket *bucket_of(int number)
{
    struct bucket *b = &buckets[(unsigned)number % BUCKETS];
    if (!b->threads.next) {
        list_init(&b->threads);
        list_init(&b->processes);
    }
    return b;
}

struct process *process_find_locked(int pid)
{
    list_for_each(l, &bucket_of(pid)->processes) {
        struct process *p = list_entry(l, struct process, number_link);
        if (p->pid == pid)
            return p;
    }
    return NULL;
}

struct thread *thread_find_locked(int tid)
{
    list_for_each(l, &bucket_of(tid)->threads) {
        struct thread *t = list_entry(l, struct thread, number_link);
        if (t->tid == tid)
            return t;
    }
    return NULL;
}

bool number_in_use_locked(int number)
{
    return thread_find_locked(number) || process_find_locked(number) ||
           process_group_find_locked(number) || session_find_locked(number);
}

/* A free number; 0: all are in use. */
static int number_next_locked(void) REQUIRES(process_tree_lock)
{
    for (int tried = 0; tried < PID_MAX; tried++) {
        if (++last >= PID_MAX) {
            last = LOW_PIDS;
            mixed = true;
        }
        if (!mixed || !number_in_use_locked(last))
            return last;
    }
    return 0;
}

int number_take_locked(int chosen)
{
    int number = chosen;

    if (!chosen) {
        number = number_next_locked();
    } else {
        mixed = true;
        if (number_in_use_locked(chosen))
            number = 0;
    }
    given += number != 0;
    return number;
}

int numbers_last(uint64_t *since_start)
{
    spin_lock(&process_tree_lock);
    int number = last;
    *since_start = given;
    spin_unlock(&process_tree_lock);
    return number;
}

void numbers_set_last(int number)
{
    spin_lock(&process_tree_lock);
    last = number;
    mixed = true;
    spin_unlock(&process_tree_lock);
}

void thread_number_locked(struct thread *t)
{
    list_add_tail(&bucket_of(t->tid)->threads, &t->number_link);
}

void process_number_locked(struct process *p)
{
    list_add_tail(&bucket_of(p->pid)->processes, &p->number_link);
}

struct process *process_lookup(int pid)
{
    spin_lock(&process_tree_lock);
    struct process *p = process_find_locked(pid);
    if (p)
        process_get(p);
    spin_unlock(&process_tree_lock);
    return p;
}

struct process *process_lookup_any(int number)
{
    spin_lock(&process_tree_lock);
    struct process *p = process_find_locked(number);
    struct thread *t = p ? NULL : thread_find_locked(number);
    if (t)
        p = t->process;
    if (p)
        process_get(p);
    spin_unlock(&process_tree_lock);
    return p;
}

struct thread *thread_lookup(int tid)
{
    struct thread *t = current;

    if (t->tid == tid) {
        ref_get(&t->ref);
        return t;
    }
    spin_lock(&process_tree_lock);
    t = thread_find_locked(tid);
    if (t)
        ref_get(&t->ref);
    spin_unlock(&process_tree_lock);
    return t;
}
