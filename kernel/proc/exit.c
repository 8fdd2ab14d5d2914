/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How threads and processes end.
 *
 *   exit            this thread: thread_die.  The last one ends the process.
 *   exit_group      all: p->exiting, every other thread is told to die (exit_signal_code) and
 *                   woken; each dies on its way back to the program, the last one ends the process.
 *   exec            all but the caller, which waits for them.
 *
 * A thread dies on its own kernel stack with no lock held.  The wait status is that of the group
 * exit, or the first thread's when all threads went one by one.
 *
 * The last thread gives up what the process has, then its parent is told (family.c).  When it is the
 * first program's, all others are killed and waited for, and the enclave ends.
 */
#include <linux/errno.h>
#include <linux/signal.h>

#include "kernel/fs/tty/tty.h"
#include "kernel/ipc/sysv/sem.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/exec/program.h"
#include "kernel/proc/family.h"
#include "kernel/proc/pids.h"
#include "kernel/proc/root/root.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/futex/futex.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/turns.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/stats.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/vfs.h"

#include "kernel/sys/syscalls.h"

#define WSTATUS_EXIT(code) (((code)&0xff) << 8)
#define LAST_WAIT_NS 5000000000 /* for others to end, when the enclave does */

/* --- what it had -------------------------------------------------------------------------- */

/* Others see each of them whole, or not at all (process_fds_get and its like). */
void process_release(struct process *p)
{
    if (p->fds)
        fdtable_leave(fdtable_get(p->fds)); /* while it is found: its locks are this table's */
    spin_lock(&p->lock);
    struct mm *mm = p->mm;
    struct fdtable *fds = p->fds;
    struct fs_context *fs = p->fs;
    struct file *exe = p->exe;
    struct program *program = p->program;
    p->mm = NULL;
    p->fds = NULL;
    p->fs = NULL;
    p->exe = NULL;
    p->program = NULL;
    spin_unlock(&p->lock);
    process_vfork_done(p);
    program_put(program);
    if (mm && p == current_process())
        mm_leave(mm);
    else
        mm_put(mm);
    if (fds)
        fdtable_put(fds);
    if (fs)
        fs_context_put(fs);
    if (exe)
        file_put(exe);
    tty_process_exit(p);
}

static int kill_other(struct process *p, void *arg)
{
    (void)arg;
    if (p == kernel.init || p == kernel.first)
        return 0;
    spin_lock(&p->lock);
    process_kill_locked(p, SIGKILL);
    spin_unlock(&p->lock);
    return 0;
}

static void others_end(void)
{
    struct waiter w;
    ktime_t deadline = clock_mono() + LAST_WAIT_NS;

    processes_close();
    waitq_add(&kernel.init->child_wait, &w);
    (void)process_for_each(kill_other, NULL);
    while ((processes_count() > 1 || roots_count() > 1) && clock_mono() < deadline)
        (void)thread_block(deadline, false);
    waitq_del(&kernel.init->child_wait, &w);
}

/*
 * Memory and host descriptors end with the enclave; what must not be lost is written back first.
 */
static NORETURN void enclave_finish(struct process *p)
{
    others_end();
    if (p->mm) /* it may never have had a program */
        mm_sync(p->mm);
    stats_print(); /* before the program's standard error may be closed */
    fdtable_leave(p->fds);
    ocall_exit(p->exit_status);
}

/* The process has no threads left but the caller, which does not go back to user memory. */
static void process_finish(struct process *p)
{
    itimers_end(p);
    ptimers_exec(p);
    family_leave(p);
    if (p == kernel.first)
        enclave_finish(p);
    if (p->mm) /* it may never have had a program */
        p->dead_usage.maxrss = MAX(p->dead_usage.maxrss, mm_resident_peak(p->mm));
    process_release(p);
    family_end(p);
    root_ended(p, p->exit_status);
}

/* --- threads ------------------------------------------------------------------------------ */

static bool thread_gone_locked(struct thread *t) REQUIRES(process_tree_lock)
{
    struct process *p = t->process;

    spin_lock(&p->lock);
    bool last = thread_detach_locked(t);
    usage_add_thread(&p->dead_usage, t);
    signal_thread_gone_locked(p, t);
    if (last && !p->exiting) {
        p->exiting = true;
        p->exit_status = p->leader_status;
    }
    if (p->exec_thread)
        thread_wake(p->exec_thread);
    spin_unlock(&p->lock);
    if (!last) {
        family_thread_gone_locked(t);
        turn_move(NULL); /* the last one may take the memory away at any time */
    }
    return last;
}

NORETURN void thread_die(void)
{
    struct thread *t = current;

    satellite_end(); /* first: who is told to die while it computes there answers nothing any more */
    futex_thread_exit();
    sem_undo_exit(t);
    spin_lock(&process_tree_lock);
    bool last = thread_gone_locked(t);
    spin_unlock(&process_tree_lock);
    if (last)
        process_finish(t->process);
    thread_exit();
}

/* Tells all threads to die, but `spared`. */
static void kill_threads_locked(struct process *p, const struct thread *spared)
{
    signal_continue_locked(p, SIGKILL); /* threads that have stopped are woken by nothing else */
    list_for_each(l, &p->threads) {
        struct thread *t = list_entry(l, struct thread, process_link);
        if (spared && t == spared)
            continue;
        __atomic_store_n(&t->exit_signal_code, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&t->signal_pending, 1, __ATOMIC_RELEASE);
        if (t != current)
            thread_interrupt(t);
    }
}

void process_kill_locked(struct process *p, int wait_status)
{
    if (p->exiting)
        return;
    p->exiting = true;
    p->exit_status = wait_status;
    kill_threads_locked(p, NULL);
}

NORETURN void process_exit(int wait_status)
{
    struct process *p = current_process();

    spin_lock(&p->lock);
    process_kill_locked(p, wait_status);
    spin_unlock(&p->lock);
    thread_die();
}

int process_kill_threads(struct process *p)
{
    spin_lock(&p->lock);
    if (p->exiting || p->exec_thread) {
        spin_unlock(&p->lock);
        return -EAGAIN; /* another thread ends us: our own death is on its way */
    }
    p->exec_thread = current;
    kill_threads_locked(p, current);
    while (p->nthreads > 1) {
        spin_unlock(&p->lock);
        thread_block(KTIME_NEVER, false);
        spin_lock(&p->lock);
    }
    p->exec_thread = NULL;
    spin_unlock(&p->lock);
    return 0;
}

long sys_exit(int status)
{
    struct process *p = current_process();

    spin_lock(&p->lock);
    if (current->tid == p->pid)
        p->leader_status = WSTATUS_EXIT(status);
    spin_unlock(&p->lock);
    thread_die();
}

long sys_exit_group(int status)
{
    process_exit(WSTATUS_EXIT(status));
}
