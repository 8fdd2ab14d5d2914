/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New processes: fork, vfork, and clone without CLONE_THREAD.
 *
 * The child shares or copies what its parent has, one by one as the flags say, and has one thread, a
 * copy of the caller.  All that can fail is done before it is in the table of numbers and becomes
 * runnable; until then nobody knows of it.
 *
 * Not inherited: pending signals, interval and POSIX timers, AIO, record locks, what was used so far.
 *
 * vfork: the calling thread sleeps until the child, which uses its memory, has another one or ends.  Only
 * its own death ends that sleep, and then the child goes on without it.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>

#include "kernel/fs/tty/tty.h"
#include "kernel/ipc/sysv/sem.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/clone.h"
#include "kernel/proc/exec/program.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/turns.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

/* --- what the child has ------------------------------------------------------------------- */

static struct sighand *sighand_for(struct sighand *s, uint64_t flags)
{
    if (flags & CLONE_SIGHAND)
        return sighand_get(s);
    struct sighand *copy = sighand_clone(s);
    if (copy && (flags & CLONE_CLEAR_SIGHAND))
        sighand_exec(copy);
    return copy;
}

static int memory_for(struct process *p, struct process *parent, uint64_t flags)
{
    if (flags & CLONE_VM) {
        p->mm = mm_get(parent->mm);
        return 0;
    }
    return mm_fork(parent->mm, &p->mm);
}

/* Small things, under the parent's lock. */
static void copy_state_locked(struct process *p, const struct process *parent)
    REQUIRES(parent->lock)
{
    memcpy(p->rlimits, parent->rlimits, sizeof(p->rlimits));
    p->exe = parent->exe ? file_get(parent->exe) : NULL;
    p->program = parent->program ? program_get(parent->program) : NULL;
    p->vdso = parent->vdso;
    p->dumpable = parent->dumpable;
    p->cpu_split = __atomic_load_n(&parent->cpu_split, __ATOMIC_RELAXED);
    p->no_new_privs = parent->no_new_privs;
    p->membarrier = parent->membarrier;
    p->personality = parent->personality;
    p->notes = parent->notes;
}

/* A child of the current process that nobody knows yet. */
static int process_copy(uint64_t flags, struct process **out)
{
    struct process *parent = current_process();
    struct process *p = process_alloc();

    if (!p)
        return -ENOMEM;
    spin_lock(&parent->lock);
    copy_state_locked(p, parent);
    spin_unlock(&parent->lock);
    int err = -ENOMEM;
    p->sighand = sighand_for(parent->sighand, flags);
    p->fs = (flags & CLONE_FS) ? fs_context_get(parent->fs) : fs_context_clone(parent->fs);
    p->fds = (flags & CLONE_FILES) ? fdtable_share(parent->fds) : fdtable_clone(parent->fds);
    if (p->sighand && p->fs && p->fds)
        err = memory_for(p, parent, flags);
    if (err)
        goto undo;
    *out = p;
    return 0;

undo:
    process_release(p);
    process_put(p);
    return err;
}

/* --- vfork -------------------------------------------------------------------------------- */

void process_vfork_done(struct process *p)
{
    spin_lock(&p->lock);
    struct thread *t = p->vfork_parent;
    p->vfork_parent = NULL;
    spin_unlock(&p->lock);
    if (t) {
        thread_wake(t);
        thread_put(t);
    }
}

/* True: the child still has our memory, and we wait. */
static bool vfork_waits(struct process *p)
{
    spin_lock(&p->lock);
    bool waits = p->vfork_parent != NULL;
    spin_unlock(&p->lock);
    return waits;
}

static void vfork_wait(struct process *p)
{
    while (vfork_waits(p) && !thread_block_killable())
        ;
    process_vfork_done(p); /* we die: nobody waits any more */
}

/* With these the child shares our memory, or we have written to it since the copy was made. */
#define OWN_MEMORY_ONLY (CLONE_VM | CLONE_PARENT_SETTID | CLONE_PIDFD)

/* --- making it ---------------------------------------------------------------------------- */

/* The parent's new descriptor of the child: its number, or -errno. */
static long give_pidfd(struct process *p, const struct clone_request *a)
{
    long fd = pidfd_new(p, 0);

    if (fd >= 0 && user_store32(a->pidfd, (uint32_t)fd)) {
        (void)sys_close((int)fd);
        fd = -EFAULT;
    }
    return fd;
}

/* p and its thread are complete: they get their number. */
static long process_publish(struct process *p, struct thread *t, const struct clone_request *a)
{
    struct process *parent = current_process();
    long fd = -1;

    if (a->flags & CLONE_PIDFD) {
        fd = give_pidfd(p, a);
        if (fd < 0)
            return fd;
    }
    p->exit_signal = a->exit_signal;
    tty_process_fork(parent, p);
    t->tid = a->tid;
    int err = process_attach(t, parent, a->flags & CLONE_PARENT);
    if (err && fd >= 0)
        (void)sys_close((int)fd);
    return err;
}

long process_clone(const struct clone_request *a)
{
    struct process *p = NULL;
    struct thread *t;

    /* What was sent before the fork is the parent's, and is seen to first. */
    if (thread_interrupted())
        return -ERESTARTNOINTR;
    long err = process_copy(a->flags, &p);
    if (err)
        return err;
    err = thread_new(p, clone_child_main, clone_child_arg(a), &t);
    if (err)
        goto undo_process;
    clone_inherit(t, a);
    err = sem_undo_clone(t, a->flags);
    if (err)
        goto undo_thread;
    err = process_publish(p, t, a);
    if (err)
        goto undo_sem;
    int pid = p->pid;
    clone_store_tid(a, pid);
    if (a->flags & CLONE_VFORK) {
        ref_get(&current->ref);
        p->vfork_parent = current;
    }
    cpu_limit_changed(p);
    /* What has been written to our memory since it was copied would be the child's. */
    if (!(a->flags & OWN_MEMORY_ONLY))
        mm_fork_child_first(current_process()->mm, p->mm);
    thread_start(t);
    turn_enter();
    if (a->flags & CLONE_VFORK)
        vfork_wait(p);
    thread_put(t);  /* the scheduler has its own */
    process_put(p); /* its thread has its own */
    return pid;

undo_sem:
    sem_undo_exit(t);
undo_thread:
    thread_put(t);
undo_process:
    process_release(p);
    process_put(p);
    return err;
}
