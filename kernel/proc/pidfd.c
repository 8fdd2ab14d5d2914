/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfd_open(2): a descriptor that stands for a process, whatever becomes of its number.  It is
 * readable when all of the process's threads have ended; it holds a reference on the process's
 * struct, which says so.
 *
 * Lock: the process's.
 */
#include "kernel/proc/pidfd.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "kernel/fs/seq.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/sys/syscall.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/vfs.h"

#include "kernel/sys/syscalls.h"

#define PIDFD_NONBLOCK O_NONBLOCK

static bool process_has_ended(struct process *p)
{
    spin_lock(&p->lock);
    bool ended = p->nthreads == 0;
    spin_unlock(&p->lock);
    return ended;
}

static uint32_t pidfd_poll(struct file *f)
{
    return process_has_ended(f->priv) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void pidfd_info(struct file *f, struct seq *s)
{
    struct process *p = f->priv;
    int pid = process_has_ended(p) ? -1 : p->pid;

    seq_printf(s, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void pidfd_release(struct file *f)
{
    process_put(f->priv);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .info = pidfd_info,
    .release = pidfd_release,
};

int pidfd_process(int fd, struct process **out)
{
    struct file *f;

    int err = fd_lookup(fd, false, &f);
    if (err)
        return err;
    if (f->ops == &pidfd_ops) {
        *out = f->priv;
        ref_get(&(*out)->ref);
    } else {
        err = (int)reject(-EBADF, "no pidfd");
    }
    file_put(f);
    return err;
}

/* A process's pid; a thread's id that is none is -EINVAL. */
static int process_by_pid(int pid, struct process **out)
{
    *out = process_lookup(pid);
    if (*out)
        return 0;
    struct thread *t = thread_lookup(pid);
    if (!t)
        return -ESRCH;
    thread_put(t);
    return (int)reject(-EINVAL, "a thread, not a process");
}

long sys_pidfd_open(int pid, unsigned flags)
{
    struct process *p;

    if ((flags & ~(unsigned)PIDFD_NONBLOCK) || pid <= 0)
        return reject(-EINVAL, "unknown flag, or no pid");
    int err = process_by_pid(pid, &p);
    if (err)
        return err;
    struct file *f = file_new(&pidfd_ops, O_RDWR | flags, "anon_inode:[pidfd]");
    if (!f) {
        process_put(p);
        return -ENOMEM;
    }
    f->priv = p;
    return fd_install(f, true, 0);
}

/* A copy of another process's descriptor; the only process there is is our own. */
long sys_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
    struct process *p;
    struct file *f;

    if (flags)
        return reject(-EINVAL, "pidfd_getfd knows no flags");
    int err = pidfd_process(pidfd, &p);
    if (err)
        return err;
    err = p == current_process() ? fd_lookup(fd, true, &f) : -ESRCH;
    process_put(p);
    return err ? err : fd_install(f, true, 0);
}
