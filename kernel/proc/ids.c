/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is: pids, process groups and sessions.  User and group ids: setid.c. */
#include <linux/errno.h>

#include "kernel/fs/tty/tty.h"
#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

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
    const struct process *parent = current_process()->parent;
    return parent ? parent->pid : 0;
}

/* The current process for 0 or its own pid: -ESRCH otherwise, as there is no other. */
static long check_pid(int pid)
{
    return pid == 0 || pid == current_process()->pid ? 0 : -ESRCH;
}

long sys_getpgid(int pid)
{
    long err = check_pid(pid);
    return err ? err : current_process()->pgid;
}

long sys_getpgrp(void)
{
    return current_process()->pgid;
}

long sys_getsid(int pid)
{
    long err = check_pid(pid);
    return err ? err : current_process()->sid;
}

long sys_setpgid(int pid, int pgid)
{
    struct process *p = current_process();

    if (pgid < 0)
        return -EINVAL;
    long err = check_pid(pid);
    if (err)
        return err;
    if (p->sid == p->pid)
        return reject(-EPERM, "a session leader keeps its process group");
    if (pgid != 0 && pgid != p->pid && pgid != p->pgid)
        return reject(-EPERM, "no such process group in this session");
    p->pgid = pgid ? pgid : p->pid;
    return 0;
}

long sys_setsid(void)
{
    struct process *p = current_process();

    if (p->pgid == p->pid)
        return reject(-EPERM, "already a process group leader");
    p->sid = p->pgid = p->pid;
    tty_process_setsid(p);
    return p->sid;
}
