/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait4 and waitid: a parent learns what became of its children, and takes the status of those that
 * have ended.
 *
 * One look goes over all children under the tree lock; who finds none that has news, but some that may
 * have later, sleeps on the process's child_wait.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "kernel/kernel.h"
#include "kernel/proc/family.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/pidfd.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

/* What is waited for, and what came of it. */
struct wait {
    int which;              /* P_ALL, P_PID, P_PGID, P_PIDFD */
    int id;                 /* for P_PID and P_PGID */
    struct process *target; /* for P_PIDFD; a reference, or NULL */
    unsigned options;
    int pid; /* the child's; 0: none has news */
    uint32_t uid;
    int code, value; /* CLD_*, and exit code or signal */
    int status;      /* as wait4 tells it */
    struct usage usage;
};

static bool is_meant_locked(const struct process *child, const struct wait *w)
    REQUIRES(process_tree_lock)
{
    switch (w->which) {
    case P_PID:
        if (child->pid != w->id)
            return false;
        break;
    case P_PGID:
        if (child->pgid != w->id)
            return false;
        break;
    case P_PIDFD:
        if (child != w->target)
            return false;
        break;
    default: break;
    }
    if ((w->options & __WNOTHREAD) && child->parent_tid != current->tid)
        return false;
    return (w->options & __WALL) || (child->exit_signal != SIGCHLD) == !!(w->options & __WCLONE);
}

static void child_used(struct process *child, struct usage *out)
{
    process_usage(child, out);
    usage_add(out, &child->children_usage);
}

static void took(struct wait *w, struct process *child, int code, int value, int status)
{
    w->pid = child->pid;
    const struct cred *c = process_cred_get(child);
    w->uid = c->uid;
    cred_put(c);
    w->code = code;
    w->value = value;
    w->status = status;
    child_used(child, &w->usage);
}

static bool take_end_locked(struct process *child, struct wait *w) REQUIRES(process_tree_lock)
{
    int value;

    if (!(w->options & WEXITED) || child->state != PROCESS_ZOMBIE)
        return false;
    int code = wait_status_code(child->exit_status, &value);
    took(w, child, code, value, child->exit_status);
    if (!(w->options & WNOWAIT)) {
        usage_add(&current_process()->children_usage, &w->usage);
        process_reap_locked(child);
    }
    return true;
}

/* A stop, or its end, that nobody has taken yet. */
static bool take_stop_locked(struct process *child, struct wait *w) REQUIRES(process_tree_lock)
{
    bool keep = w->options & WNOWAIT;

    if (child->state != PROCESS_LIVE)
        return false;
    spin_lock(&child->lock);
    int stop = (w->options & WSTOPPED) ? child->wait_stop : 0;
    bool continued = !stop && (w->options & WCONTINUED) && child->wait_continued;
    if (stop && !keep)
        child->wait_stop = 0;
    if (continued && !keep)
        child->wait_continued = false;
    spin_unlock(&child->lock);
    if (stop)
        took(w, child, CLD_STOPPED, stop, stop << 8 | 0x7f);
    else if (continued)
        took(w, child, CLD_CONTINUED, SIGCONT, 0xffff);
    return stop || continued;
}

/* 0: w has a child's news, or none has any (w->pid 0); -ECHILD: there is none to wait for. */
static int look(struct wait *w)
{
    int ret = -ECHILD;

    spin_lock(&process_tree_lock);
    list_for_each_safe(l, &current_process()->children) {
        struct process *child = list_entry(l, struct process, sibling);
        if (!is_meant_locked(child, w))
            continue;
        ret = 0;
        if (take_end_locked(child, w) || take_stop_locked(child, w))
            break;
    }
    spin_unlock(&process_tree_lock);
    return ret;
}

static int wait_for(struct wait *w)
{
    struct waiter waiter;
    int ret;

    w->pid = 0;
    waitq_add(&current_process()->child_wait, &waiter);
    for (;;) {
        ret = look(w);
        if (ret || w->pid || (w->options & WNOHANG))
            break;
        ret = thread_block(KTIME_NEVER, true);
        if (ret)
            break;
    }
    waitq_del(&current_process()->child_wait, &waiter);
    return ret;
}

static long store_rusage(uaddr_t addr, const struct wait *w)
{
    struct rusage ru;

    if (addr)
        cpu_split_want(current_process()); /* for the next child */

    if (!addr)
        return 0;
    usage_to_rusage(&w->usage, &ru);
    return copy_out(addr, &ru, sizeof(ru));
}

long sys_wait4(int pid, uaddr_t status, unsigned options, uaddr_t rusage)
{
    struct wait w = {.which = P_ALL, .options = options | WEXITED};

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return reject(-EINVAL, "unknown option");
    if (pid == INT32_MIN)
        return -ESRCH;
    if (pid > 0) {
        w.which = P_PID;
        w.id = pid;
    } else if (pid != -1) {
        w.which = P_PGID;
        w.id = pid ? -pid : current_process()->pgid;
    }
    int err = wait_for(&w);
    if (err || !w.pid)
        return err;
    if (status && copy_out(status, &w.status, sizeof(w.status)))
        return -EFAULT;
    return store_rusage(rusage, &w) ? -EFAULT : w.pid;
}

/* Whom waitid means. */
static long decode_id(struct wait *w, int which, int id, bool *nonblock)
{
    w->which = which;
    w->id = id;
    switch (which) {
    case P_ALL: return 0;
    case P_PID: return id > 0 ? 0 : -EINVAL;
    case P_PGID:
        if (!id)
            w->id = current_process()->pgid;
        return id >= 0 ? 0 : -EINVAL;
    case P_PIDFD: return id >= 0 ? pidfd_process(id, &w->target, nonblock) : -EINVAL;
    default: return reject(-EINVAL, "unknown id type");
    }
}

static long store_info(uaddr_t addr, const struct wait *w)
{
    siginfo_t info;

    if (!addr)
        return 0;
    memset(&info, 0, sizeof(info));
    if (w->pid) {
        info.si_signo = SIGCHLD;
        info.si_code = w->code;
        info.si_pid = w->pid;
        info.si_uid = w->uid;
        info.si_status = w->value;
    }
    /* Only what Linux writes: padding behind it stays the caller's. */
    return copy_out(addr, &info, offsetof(siginfo_t, si_status) + sizeof(info.si_status));
}

long sys_waitid(int which, int pid, uaddr_t infop, unsigned options, uaddr_t rusage)
{
    struct wait w = {.options = options};
    bool nonblock = false;

    if (options &
        ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
        return reject(-EINVAL, "unknown option");
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return reject(-EINVAL, "nothing to wait for");
    long err = decode_id(&w, which, pid, &nonblock);
    if (err)
        return err;
    if (nonblock)
        w.options |= WNOHANG;
    err = wait_for(&w);
    if (!err && !w.pid && nonblock && !(options & WNOHANG))
        err = -EAGAIN;
    if (w.target)
        process_put(w.target);
    if (err)
        return err;
    if (w.pid && store_rusage(rusage, &w))
        return -EFAULT;
    return store_info(infop, &w);
}
