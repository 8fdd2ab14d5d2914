/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unshare and setns: a process no longer shares its descriptors, directories or semaphore undos with
 * other processes.  Threads share all that their process has, so one that has several keeps it.  There
 * are no namespaces.
 */
#include <linux/errno.h>
#include <linux/sched.h>

#include "kernel/ipc/sysv/sem.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"

#include "kernel/sys/syscalls.h"

#define NAMESPACES                                                                                \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
     CLONE_NEWNET | CLONE_NEWTIME)
#define OF_ONE_THREAD (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)

long sys_unshare(unsigned flags)
{
    const struct process *p = current_process();
    int err = 0;

    if (flags & ~(unsigned)(NAMESPACES | OF_ONE_THREAD | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM))
        return reject(-EINVAL, "unknown flag");
    if (flags & NAMESPACES)
        return reject(-EPERM, "there are no namespaces inside");
    if ((flags & ~(unsigned)CLONE_SYSVSEM) && p->nthreads > 1)
        return reject(-EINVAL, "threads share all that their process has");
    if (flags & CLONE_SYSVSEM)
        sem_undo_exit(current);
    if (flags & CLONE_FS)
        err = process_unshare_fs();
    if (!err && (flags & CLONE_FILES))
        err = process_unshare_fds();
    return err;
}

long sys_setns(int fd, unsigned nstype)
{
    (void)fd, (void)nstype;
    return reject(-EPERM, "there are no namespaces inside");
}
