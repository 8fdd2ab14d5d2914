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
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/wait.h>

#include "kernel/ipc/sysvsem.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/proc_impl.h"
#include "kernel/proc/process.h"
#include "kernel/sched/futex.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/stats.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/aio.h"
#include "kernel/vfs/vfs.h"

#include "kernel/sys/syscalls.h"

#define WSTATUS_EXIT(code) (((code)&0xff) << 8)

/*
 * The process has no threads left but the caller, which does not go back to user memory.  Memory
 * and host descriptors end with the enclave; what must not be lost is written back first.
 */
static NORETURN void process_finish(struct process *p)
{
    if (p != kernel.first)
        panic("process %d ends and is not the first, %d", p->pid, kernel.first->pid);
    tty_process_exit(p);
    aio_end(p->mm);
    mm_sync(p->mm);
    stats_print(); /* before the program's standard error may be closed */
    fdtable_put(p->fds);
    ocall_exit(p->exit_status);
}

static void account_dead_locked(struct process *p, struct thread *t) REQUIRES(p->lock)
{
    p->cpu_time_dead += thread_cpu_time(t);
    p->minflt_dead += t->minflt;
    p->nvcsw_dead += t->nvcsw;
    p->nivcsw_dead += t->nivcsw;
}

NORETURN void thread_die(void)
{
    struct thread *t = current;
    struct process *p = t->process;

    futex_thread_exit();
    sem_undo_exit(t);
    spin_lock(&process_tree_lock);
    spin_lock(&p->lock);
    bool last = thread_detach_locked(t);
    account_dead_locked(p, t);
    signal_thread_gone_locked(p, t);
    if (last && !p->exiting) {
        p->exiting = true;
        p->exit_status = p->leader_status;
    }
    if (p->exec_thread)
        thread_wake(p->exec_thread);
    spin_unlock(&p->lock);
    spin_unlock(&process_tree_lock);
    if (last)
        process_finish(p);
    thread_exit();
}

/* Tells all threads but the current one to die. */
static void kill_others_locked(struct process *p) REQUIRES(p->lock)
{
    signal_continue_locked(p); /* threads that have stopped are woken by nothing else */
    list_for_each(l, &p->threads) {
        struct thread *t = list_entry(l, struct thread, process_link);
        if (t == current)
            continue;
        __atomic_store_n(&t->exit_signal_code, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&t->signal_pending, 1, __ATOMIC_RELEASE);
        thread_interrupt(t);
    }
}

NORETURN void process_exit(int wait_status)
{
    struct process *p = current_process();

    spin_lock(&p->lock);
    if (!p->exiting) {
        p->exiting = true;
        p->exit_status = wait_status;
        kill_others_locked(p);
    }
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
    kill_others_locked(p);
    while (p->nthreads > 1) {
        spin_unlock(&p->lock);
        thread_block(KTIME_NEVER, false);
        spin_lock(&p->lock);
    }
    p->exec_thread = NULL;
    spin_unlock(&p->lock);
    thread_take_pid(current); /* the survivor takes the first thread's identity, as in Linux */
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

/* There are no children yet; the arguments are still checked in Linux's order. */
long sys_wait4(int pid, uaddr_t status, unsigned options, uaddr_t rusage)
{
    (void)status;
    (void)rusage;
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return reject(-EINVAL, "unknown option");
    if (pid == INT32_MIN)
        return -ESRCH;
    return -ECHILD;
}

/* By a pidfd, which must be one. */
static long no_child_of(int fd)
{
    struct process *p;

    int err = pidfd_process(fd, &p);
    if (err)
        return err;
    process_put(p);
    return -ECHILD;
}

long sys_waitid(int which, int pid, uaddr_t infop, unsigned options, uaddr_t rusage)
{
    (void)infop;
    (void)rusage;
    if (options &
        ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return reject(-EINVAL, "unknown option");
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return reject(-EINVAL, "nothing to wait for");
    switch (which) {
    case P_ALL: return -ECHILD;
    case P_PID: return pid <= 0 ? -EINVAL : -ECHILD;
    case P_PGID: return pid < 0 ? -EINVAL : -ECHILD;
    case P_PIDFD: return pid < 0 ? -EINVAL : no_child_of(pid);
    default: return reject(-EINVAL, "unknown id type");
    }
}
