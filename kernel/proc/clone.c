/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone, clone3, fork and vfork: what they ask for, and new threads.  New processes: fork.c.
 *
 * The child starts with a copy of the caller's registers and vector state, rax 0, its own stack and
 * FS base.  All that can fail is done before it becomes runnable.
 */
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/signal.h>

#include "kernel/arch/fpu.h"
#include "kernel/arch/fsbase.h"
#include "kernel/ipc/sysv/sem.h"
#include "kernel/kernel.h"
#include "kernel/proc/clone.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define SIGNAL_MAX 64
#define SET_TID_MAX 32 /* Linux: MAX_PID_NS_LEVEL */

/* What says which parts of the parent a new process shares, and how it begins and ends. */
#define PROCESS_OPTIONS                                                                         \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD | CLONE_VFORK |            \
     CLONE_PARENT | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | \
     CLONE_CHILD_SETTID | CLONE_DETACHED | CLONE_UNTRACED | CLONE_PTRACE | CLONE_IO |           \
     CLONE_CLEAR_SIGHAND)
/* What makes a thread share all that our threads share … */
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
/* … and what may be said besides; of these only the SETTIDs, CLEARTID and SETTLS do something. */
#define THREAD_OPTIONS                                                                \
    (CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |      \
     CLONE_CHILD_SETTID | CLONE_DETACHED | CLONE_UNTRACED | CLONE_PTRACE | CLONE_IO | \
     CLONE_PARENT)
#define NAMESPACES                                                                           \
    ((uint64_t)CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
     CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/* What Linux refuses of thread and process alike. */
static long check_combination(uint64_t flags)
{
    if ((flags & CLONE_FS) && (flags & (CLONE_NEWNS | CLONE_NEWUSER)))
        return reject(-EINVAL, "CLONE_FS with a mount or user namespace");
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return reject(-EINVAL, "CLONE_THREAD without CLONE_SIGHAND");
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return reject(-EINVAL, "CLONE_SIGHAND without CLONE_VM");
    if ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID)))
        return reject(-EINVAL, "a thread in another user or pid namespace");
    if ((flags & CLONE_PIDFD) && (flags & (CLONE_THREAD | CLONE_DETACHED)))
        return reject(-EINVAL, "CLONE_PIDFD for a thread");
    return 0;
}

/* What we have not, beyond Linux's rules. */
static long check_flags(uint64_t flags)
{
    if (flags & NAMESPACES)
        return reject(-EPERM, "no namespaces");
    if (flags & CLONE_INTO_CGROUP)
        return reject(-EBADF, "no descriptor is a cgroup's");
    if (!(flags & CLONE_THREAD))
        return flags & ~(uint64_t)PROCESS_OPTIONS ? reject(-EINVAL, "unknown flag") : 0;
    if ((flags & THREAD_FLAGS) != THREAD_FLAGS)
        return reject(-EINVAL, "a thread must share memory, files and directory");
    if (flags & ~(uint64_t)(THREAD_FLAGS | THREAD_OPTIONS))
        return reject(-EINVAL, "flag not supported for a thread");
    return 0;
}

void clone_child_main(void *arg)
{
    uaddr_t tid_at = (uaddr_t)arg;

    /* Linux ignores a bad address here too. */
    if (tid_at && user_store32(tid_at, (uint32_t)current->tid))
        log_debug("thread %d: bad child_tid address ignored", current->tid);
}

void *clone_child_arg(const struct clone_request *a)
{
    return (a->flags & CLONE_CHILD_SETTID) ? (void *)a->child_tid : NULL;
}

/* SCHED_RESET_ON_FORK: the child starts as an ordinary thread. */
static void inherit_schedparam(struct thread *child, const struct thread *parent)
{
    struct schedparam *s = &child->schedparam;

    spin_lock(&parent->process->lock);
    *s = parent->schedparam;
    spin_unlock(&parent->process->lock);
    if (!s->reset_on_fork)
        return;
    s->reset_on_fork = false;
    if (s->policy == SCHED_FIFO || s->policy == SCHED_RR) {
        s->policy = SCHED_NORMAL;
        s->priority = 0;
        s->nice = 0;
    }
    s->nice = MAX(s->nice, 0);
}

void clone_inherit(struct thread *child, const struct clone_request *a)
{
    const struct thread *parent = current;

    *child->regs = *parent->regs;
    child->regs->rax = 0;
    child->regs->orig_rax = ~0UL;
    if (a->stack)
        child->regs->rsp = a->stack + a->stack_size;
    child->fs_base = (a->flags & CLONE_SETTLS) ? a->tls : fs_base_read();
    fpu_copy(child);
    child->blocked = parent->blocked;
    if ((a->flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
        signal_thread_init(child);
    else
        signal_thread_copy(child, parent);
    if (!(a->flags & CLONE_VM))
        rseq_copy(child, parent);
    memcpy(child->comm, parent->comm, sizeof(child->comm));
    inherit_schedparam(child, parent);
    if (a->flags & CLONE_CHILD_CLEARTID)
        child->clear_child_tid = a->child_tid;
}

void clone_store_tid(const struct clone_request *a, int tid)
{
    /* Linux ignores a bad address here too. */
    if ((a->flags & CLONE_PARENT_SETTID) && user_store32(a->parent_tid, (uint32_t)tid))
        reject(0, "bad parent_tid address ignored");
}

static long thread_clone(const struct clone_request *a)
{
    struct thread *child;

    long err = thread_new(current_process(), clone_child_main, clone_child_arg(a), &child);
    if (err)
        return err;
    clone_inherit(child, a);
    child->tid = a->tid;
    err = sem_undo_clone(child, a->flags);
    if (!err)
        err = thread_attach(child);
    if (err) {
        sem_undo_exit(child);
        thread_put(child);
        return err;
    }
    int tid = child->tid;
    clone_store_tid(a, tid);
    thread_start(child);
    thread_put(child); /* the scheduler has its own */
    return tid;
}

static long do_clone(const struct clone_request *a)
{
    long err = check_combination(a->flags);
    if (!err)
        err = check_flags(a->flags);
    if (err)
        return err;
    if ((a->flags & CLONE_SETTLS) && !user_range_ok(a->tls, 1))
        return reject(-EPERM, "TLS outside the address space");
    return (a->flags & CLONE_THREAD) ? thread_clone(a) : process_clone(a);
}

long sys_clone(unsigned long flags, uaddr_t newsp, uaddr_t parent_tid, uaddr_t child_tid,
               unsigned long tls)
{
    struct clone_request a = {
        .flags = flags & 0xffffffffUL & ~(uint64_t)CSIGNAL,
        .exit_signal = flags & CSIGNAL,
        .stack = newsp,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
        .tls = tls,
        .pidfd = parent_tid,
    };
    if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
        return reject(-EINVAL, "one place for a pidfd and a tid");
    return do_clone(&a);
}

/* The user's struct clone_args in its known sizes; what a newer one has more must be zero. */
static long copy_clone_args(struct clone_args *out, uaddr_t addr, size_t size)
{
    if (size > 4096)
        return reject(-E2BIG, "clone_args larger than a page");
    if (size < CLONE_ARGS_SIZE_VER0)
        return reject(-EINVAL, "clone_args too small");
    memset(out, 0, sizeof(*out));
    if (copy_in(out, addr, MIN(size, sizeof(*out))))
        return -EFAULT;
    for (size_t i = sizeof(*out); i < size; i++) {
        uint8_t byte;
        if (copy_in(&byte, addr + i, 1))
            return -EFAULT;
        if (byte)
            return reject(-E2BIG, "unknown clone_args field is not zero");
    }
    return 0;
}

static long check_clone_args(const struct clone_args *u, size_t size)
{
    const uint64_t extra = CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

    if (u->set_tid_size > SET_TID_MAX || !u->set_tid != !u->set_tid_size)
        return reject(-EINVAL, "set_tid and set_tid_size do not go together");
    if (u->exit_signal > SIGNAL_MAX)
        return reject(-EINVAL, "bad exit_signal");
    if ((u->flags & CLONE_INTO_CGROUP) && (u->cgroup > INT32_MAX || size < CLONE_ARGS_SIZE_VER2))
        return reject(-EINVAL, "CLONE_INTO_CGROUP without a cgroup");
    if (u->flags & ~(UINT32_MAX | extra))
        return reject(-EINVAL, "unknown flag");
    if (u->flags & (CLONE_DETACHED | (CSIGNAL & ~(uint64_t)CLONE_NEWTIME)))
        return reject(-EINVAL, "CLONE_DETACHED or a signal in flags");
    if ((u->flags & CLONE_SIGHAND) && (u->flags & CLONE_CLEAR_SIGHAND))
        return reject(-EINVAL, "CLONE_SIGHAND with CLONE_CLEAR_SIGHAND");
    if ((u->flags & (CLONE_THREAD | CLONE_PARENT)) && u->exit_signal)
        return reject(-EINVAL, "exit_signal with CLONE_THREAD or CLONE_PARENT");
    if (!u->stack != !u->stack_size)
        return reject(-EINVAL, "stack and stack_size do not go together");
    if (u->stack && !user_range_ok(u->stack, u->stack_size))
        return reject(-EINVAL, "stack outside the address space");
    return 0;
}

/* The tid that clone3's caller wants: there is one pid namespace, so at most one number. */
static long take_set_tid(const struct clone_args *u, int *tid)
{
    *tid = 0;
    if (!u->set_tid_size)
        return 0;
    if (copy_in(tid, u->set_tid, sizeof(*tid)))
        return -EFAULT;
    if (u->set_tid_size > 1 || *tid < 1 || *tid >= PID_MAX)
        return reject(-EINVAL, "set_tid is no tid, or more than one");
    return capable(CAP_SYS_ADMIN) || capable(CAP_CHECKPOINT_RESTORE)
               ? 0
               : reject(-EPERM, "set_tid is root's");
}

long sys_clone3(uaddr_t args, size_t size)
{
    struct clone_args u;
    int tid;

    long err = copy_clone_args(&u, args, size);
    if (!err)
        err = check_clone_args(&u, size);
    if (!err)
        err = check_combination(u.flags);
    if (!err)
        err = take_set_tid(&u, &tid);
    if (err)
        return err;
    struct clone_request a = {
        .flags = u.flags,
        .stack = u.stack,
        .stack_size = u.stack_size,
        .parent_tid = u.parent_tid,
        .child_tid = u.child_tid,
        .tls = u.tls,
        .pidfd = u.pidfd,
        .exit_signal = (int)u.exit_signal,
        .tid = tid,
    };
    return do_clone(&a);
}

long sys_fork(void)
{
    struct clone_request a = {.exit_signal = SIGCHLD};
    return do_clone(&a);
}

long sys_vfork(void)
{
    struct clone_request a = {.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD};
    return do_clone(&a);
}
