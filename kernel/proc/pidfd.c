/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfd_open(2): a descriptor that stands for a process, whatever becomes of its number.  It is
 * readable when the process has ended; it holds a reference on the process's struct, which says so.
 *
 * Lock: the tree lock, for the process's list of them.
 */
#include "kernel/proc/pidfd.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "kernel/fs/fs.h"
#include "kernel/fs/seq.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/sys/syscall.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/vfs.h"

#include "kernel/sys/syscalls.h"

#define PIDFD_NONBLOCK O_NONBLOCK

struct pidfd {
    struct file file;
    struct process *process; /* [I] a reference */
    struct list link;        /* [tree lock] */
};

static enum process_state state_of(const struct process *p)
{
    return __atomic_load_n(&p->state, __ATOMIC_ACQUIRE);
}

static struct process *process_of(struct file *f)
{
    return container_of(f, struct pidfd, file)->process;
}

static uint32_t pidfd_poll(struct file *f)
{
    return state_of(process_of(f)) != PROCESS_LIVE ? EPOLLIN | EPOLLRDNORM : 0;
}

static void pidfd_info(struct file *f, struct seq *s)
{
    const struct process *p = process_of(f);
    int pid = state_of(p) == PROCESS_GONE ? -1 : p->pid;

    seq_printf(s, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void pidfd_release(struct file *f)
{
    struct pidfd *fd = container_of(f, struct pidfd, file);

    spin_lock(&process_tree_lock);
    list_del(&fd->link);
    spin_unlock(&process_tree_lock);
    process_put(fd->process);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .info = pidfd_info,
    .release = pidfd_release,
};

void pidfds_wake_locked(struct process *p)
{
    list_for_each(l, &p->pidfds)
        file_wake(&list_entry(l, struct pidfd, link)->file, EPOLLIN | EPOLLRDNORM);
}

long pidfd_new(struct process *p, uint32_t flags)
{
    struct pidfd *fd = kzalloc(sizeof(*fd));
    if (!fd)
        return -ENOMEM;
    file_init(&fd->file, &pidfd_ops, O_RDWR | flags);
    fd->file.name = "anon_inode:[pidfd]";
    process_get(p);
    fd->process = p;
    spin_lock(&process_tree_lock);
    list_add_tail(&p->pidfds, &fd->link);
    spin_unlock(&process_tree_lock);
    return fd_install(&fd->file, true, 0);
}

/* With a reference, or NULL. */
static struct process *process_of_pidfd(struct file *f, bool *nonblock)
{
    if (f->ops != &pidfd_ops)
        return NULL;
    if (nonblock)
        *nonblock = f->flags & O_NONBLOCK;
    process_get(process_of(f));
    return process_of(f);
}

int pidfd_process(int fd, struct process **out, bool *nonblock)
{
    struct file *f;

    int err = fd_lookup(fd, false, &f);
    if (err)
        return err;
    *out = process_of_pidfd(f, nonblock);
    file_put(f);
    return *out ? 0 : (int)reject(-EBADF, "no pidfd");
}

int pidfd_process_or_dir(int fd, struct process **out)
{
    struct file *f;

    int err = fd_lookup(fd, false, &f);
    if (err)
        return err;
    *out = process_of_pidfd(f, NULL);
    if (!*out)
        err = proc_process_of_dir(f, out);
    file_put(f);
    return err ? (int)reject(err, "neither a pidfd nor a process's directory that is left") : 0;
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
    long fd = pidfd_new(p, flags);
    process_put(p);
    return fd;
}

/* A copy of another process's descriptor, for those who may look into it. */
long sys_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
    struct process *p;
    struct file *f;

    if (flags)
        return reject(-EINVAL, "pidfd_getfd knows no flags");
    int err = pidfd_process(pidfd, &p, NULL);
    if (err)
        return err;
    struct fdtable *t = process_fds_get(p);
    err = !t ? -ESRCH : process_may_look(p) ? fdtable_lookup(t, fd, &f) : -EPERM;
    if (t)
        fdtable_put(t);
    process_put(p);
    return err ? err : fd_install(f, true, 0);
}
