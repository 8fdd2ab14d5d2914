/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process and thread tables.  There is one process for now, kernel.first; a tid finds a
 * thread by a walk over its list.  Threads hold no reference on their process: it lives until the
 * enclave ends.
 *
 * Locks: see process.h.
 */
#include "kernel/proc/process.h"

#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

static struct spinlock tid_lock;
static int tid_last;    /* [tid_lock] */
static bool tids_mixed; /* [tid_lock] they wrapped, or a program chose one: any can be in use */

static struct thread *find_thread_locked(struct process *p, int tid) REQUIRES(p->lock)
{
    list_for_each(l, &p->threads) {
        struct thread *t = list_entry(l, struct thread, process_link);
        if (t->tid == tid)
            return t;
    }
    return NULL;
}

static bool tid_is_group_locked(const struct process *p, int tid)
{
    return tid == p->pid || tid == p->pgid || tid == p->sid;
}

static bool tid_in_use(int tid)
{
    struct process *p = kernel.first;
    if (!p)
        return false;
    spin_lock(&p->lock);
    bool used = tid_is_group_locked(p, tid) || find_thread_locked(p, tid);
    spin_unlock(&p->lock);
    return used;
}

int tid_alloc(void)
{
    spin_lock(&tid_lock);
    do {
        if (++tid_last >= PID_MAX) {
            tid_last = 300; /* as Linux: leave the low ones to the system */
            tids_mixed = true;
        }
    } while (tids_mixed && tid_in_use(tid_last));
    int tid = tid_last;
    spin_unlock(&tid_lock);
    return tid;
}

struct process *process_lookup(int pid)
{
    struct process *p = kernel.first;
    if (!p || p->pid != pid)
        return NULL;
    ref_get(&p->ref);
    return p;
}

void process_put(struct process *p)
{
    /* The first process is never freed: the enclave ends with it. */
    if (ref_put(&p->ref))
        p->ref.count = 0;
}

struct thread *thread_lookup(int tid)
{
    struct process *p = kernel.first;
    if (!p)
        return NULL;
    if (current->tid == tid) {
        ref_get(&current->ref);
        return current;
    }
    spin_lock(&p->lock);
    struct thread *t = find_thread_locked(p, tid);
    if (t)
        ref_get(&t->ref);
    spin_unlock(&p->lock);
    return t;
}

static void tid_chosen(void)
{
    spin_lock(&tid_lock);
    tids_mixed = true;
    spin_unlock(&tid_lock);
}

int thread_attach(struct thread *t)
{
    struct process *p = t->process;
    bool chosen = t->tid != 0;
    int err = 0;

    if (chosen)
        tid_chosen();
    else
        t->tid = tid_alloc();
    t->sigqueue = sigqueue_new(&p->signals_queued);
    if (!t->sigqueue)
        return -ENOMEM;
    spin_lock(&p->lock);
    if (p->exiting || p->exec_thread || p->nthreads >= p->rlimits[RLIMIT_NPROC].rlim_cur) {
        err = -EAGAIN;
    } else if (__atomic_load_n(&tids_mixed, __ATOMIC_RELAXED) &&
               (find_thread_locked(p, t->tid) || (chosen && tid_is_group_locked(p, t->tid)))) {
        err = chosen ? -EEXIST : -EAGAIN; /* who did not choose has had the worst of luck */
    } else {
        list_add_tail(&p->threads, &t->process_link);
        p->nthreads++;
        t->signal_pending = p->stop_signal != 0;
    }
    spin_unlock(&p->lock);
    return err;
}

long sys_set_tid_address(uaddr_t tidptr)
{
    current->clear_child_tid = tidptr;
    return current->tid;
}

long sys_get_robust_list(int pid, uaddr_t head_ptr, uaddr_t len_ptr)
{
    struct thread *t = thread_lookup(pid ? pid : current->tid);
    if (!t)
        return -ESRCH;
    uaddr_t head = t->robust_list;
    size_t len = 3 * sizeof(uint64_t); /* struct robust_list_head */
    thread_put(t);
    if (copy_out(len_ptr, &len, sizeof(len)) || copy_out(head_ptr, &head, sizeof(head)))
        return -EFAULT;
    return 0;
}
