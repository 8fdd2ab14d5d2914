/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a process is: pids, process groups and sessions, with Linux's rules for who may put whom into
 * which group.  User and group ids: id/setid.c.
 *
 * A session leader is a process whose session has its number; a process keeps no list of its group's
 * or session's members, who are found by a walk over all.
 *
 * Lock: the tree lock.
 */
#include <linux/errno.h>

#include "kernel/fs/tty/tty.h"
#include "kernel/kernel.h"
#include "kernel/proc/pids.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"

#include "kernel/sys/syscalls.h"

long sys_getpid(void)
{
    return current_process()->pid;
}

long sys_gettid(void)
{
    return current->tid;
}

long sys_getppid(void)
{
    spin_lock(&process_tree_lock);
    int pid = current_process()->parent->pid;
    spin_unlock(&process_tree_lock);
    return pid;
}

/* 0: the current one; a thread's number stands for its process. */
static struct process *process_named_locked(int pid) REQUIRES(process_tree_lock)
{
    if (pid == 0)
        return current_process();
    struct process *p = process_find_locked(pid);
    struct thread *t = p ? NULL : thread_find_locked(pid);
    return t ? t->process : p;
}

long sys_getpgid(int pid)
{
    spin_lock(&process_tree_lock);
    const struct process *p = process_named_locked(pid);
    long ret = p ? p->pgid : -ESRCH;
    spin_unlock(&process_tree_lock);
    return ret;
}

long sys_getpgrp(void)
{
    return current_process()->pgid;
}

long sys_getsid(int pid)
{
    spin_lock(&process_tree_lock);
    const struct process *p = process_named_locked(pid);
    long ret = p ? p->sid : -ESRCH;
    spin_unlock(&process_tree_lock);
    return ret;
}

static bool group_in_session_locked(int pgid, int sid) REQUIRES(process_tree_lock)
{
    list_for_each(l, &process_list) {
        const struct process *p = list_entry(l, struct process, all_link);
        if (p->pgid == pgid)
            return p->sid == sid; /* a group lies in one session */
    }
    return false;
}

static long set_group_locked(int pid, int pgid) REQUIRES(process_tree_lock)
{
    struct process *me = current_process(), *p = process_find_locked(pid);

    if (!p)
        return thread_find_locked(pid) ? reject(-EINVAL, "a thread, not a process") : -ESRCH;
    if (p->parent == me) {
        if (p->sid != me->sid)
            return reject(-EPERM, "a child in another session");
        if (p->did_exec)
            return reject(-EACCES, "the child has another program already");
    } else if (p != me) {
        return -ESRCH;
    }
    if (p->sid == p->pid)
        return reject(-EPERM, "a session leader keeps its process group");
    if (pgid != pid && !group_in_session_locked(pgid, me->sid))
        return reject(-EPERM, "no such process group in this session");
    p->pgid = pgid;
    return 0;
}

long sys_setpgid(int pid, int pgid)
{
    if (pid == 0)
        pid = current_process()->pid;
    if (pgid == 0)
        pgid = pid;
    if (pgid < 0)
        return -EINVAL;
    spin_lock(&process_tree_lock);
    long err = set_group_locked(pid, pgid);
    spin_unlock(&process_tree_lock);
    return err;
}

long sys_setsid(void)
{
    struct process *p = current_process();
    long ret = p->pid;

    spin_lock(&process_tree_lock);
    if (p->sid == p->pid || process_group_find_locked(p->pid))
        ret = reject(-EPERM, "already a process group's leader");
    else
        p->sid = p->pgid = p->pid;
    spin_unlock(&process_tree_lock);
    if (ret > 0)
        tty_process_setsid(p);
    return ret;
}
