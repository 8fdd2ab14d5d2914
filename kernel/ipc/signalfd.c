/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signalfd(2): signals as records that are read.  Whoever reads takes the signals of its own thread
 * and process, and poll says what the caller itself could read; the file belongs to no process.
 *
 * The signals are not in the file, so it has to hear of them: all signalfds are on one list, and
 * sending a signal wakes those whose set has it.  A wake-up for another process's signal is only
 * spurious.
 *
 * Lock: fds_lock, taken under a process's lock, before wait queues.  [a] atomic.
 */
#include <linux/signalfd.h>

#include "kernel/fs/seq.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/vfs/vfs_impl.h"

#include "kernel/sys/syscalls.h"

struct signalfd {
    struct file file; /* first */
    struct list link; /* [fds_lock] */
    sigset_t set;     /* [a] which signals */
};

static struct spinlock fds_lock = SPINLOCK_INIT;
static struct list fds = LIST_INIT(fds); /* [fds_lock] */

static struct signalfd *signalfd_of(struct file *f)
{
    return container_of(f, struct signalfd, file);
}

void signalfd_notify(int sig)
{
    if (list_empty(&fds))
        return;
    spin_lock(&fds_lock);
    list_for_each(l, &fds) {
        struct signalfd *s = list_entry(l, struct signalfd, link);
        if (__atomic_load_n(&s->set, __ATOMIC_RELAXED) & SIG_BIT(sig))
            file_wake(&s->file, EPOLLIN);
    }
    spin_unlock(&fds_lock);
}

static void record_fill(struct signalfd_siginfo *r, const siginfo_t *info)
{
    *r = (struct signalfd_siginfo){
        .ssi_signo = (uint32_t)info->si_signo,
        .ssi_errno = info->si_errno,
        .ssi_code = info->si_code,
    };
    switch (siginfo_layout(info->si_signo, info->si_code)) {
    case LAYOUT_TIMER:
        r->ssi_tid = (uint32_t)info->si_tid;
        r->ssi_overrun = (uint32_t)info->si_overrun;
        r->ssi_ptr = (uint64_t)info->si_ptr;
        r->ssi_int = info->si_int;
        break;
    case LAYOUT_POLL:
        r->ssi_band = (uint32_t)info->si_band;
        r->ssi_fd = info->si_fd;
        break;
    case LAYOUT_FAULT: r->ssi_addr = (uint64_t)info->si_addr; break;
    case LAYOUT_CHLD:
        r->ssi_status = info->si_status;
        r->ssi_utime = (uint64_t)info->si_utime;
        r->ssi_stime = (uint64_t)info->si_stime;
        r->ssi_pid = (uint32_t)info->si_pid;
        r->ssi_uid = info->si_uid;
        break;
    case LAYOUT_RT:
        r->ssi_ptr = (uint64_t)info->si_ptr;
        r->ssi_int = info->si_int;
        r->ssi_pid = (uint32_t)info->si_pid;
        r->ssi_uid = info->si_uid;
        break;
    case LAYOUT_SYS:
        r->ssi_call_addr = (uint64_t)info->si_call_addr;
        r->ssi_syscall = info->si_syscall;
        r->ssi_arch = info->si_arch;
        break;
    case LAYOUT_KILL:
        r->ssi_pid = (uint32_t)info->si_pid;
        r->ssi_uid = info->si_uid;
        break;
    }
}

/* As many whole records as there are signals and room; a signal that faults on the way is lost. */
static int signalfd_read(struct file *f, struct uio *u, int64_t *pos)
{
    sigset_t set = __atomic_load_n(&signalfd_of(f)->set, __ATOMIC_RELAXED);
    struct signalfd_siginfo record;
    siginfo_t info;
    bool any = false;
    (void)pos;

    if (u->left < sizeof(record))
        return -EINVAL;
    while (u->left >= sizeof(record) && signal_take(set, &info)) {
        any = true;
        record_fill(&record, &info);
        int err = uio_put(u, &record, sizeof(record));
        if (err)
            return err;
    }
    return any ? 0 : -EAGAIN;
}

static uint32_t signalfd_poll(struct file *f)
{
    sigset_t set = __atomic_load_n(&signalfd_of(f)->set, __ATOMIC_RELAXED);
    struct thread *t = current;

    spin_lock(&t->process->lock);
    sigset_t pending = t->sigqueue->pending | t->process->sigqueue->pending;
    spin_unlock(&t->process->lock);
    return pending & set ? EPOLLIN : 0;
}

static void signalfd_info(struct file *f, struct seq *s)
{
    seq_printf(s, "sigmask:\t%016lx\n",
               (unsigned long)__atomic_load_n(&signalfd_of(f)->set, __ATOMIC_RELAXED));
}

static void signalfd_release(struct file *f)
{
    spin_lock(&fds_lock);
    list_del(&signalfd_of(f)->link);
    spin_unlock(&fds_lock);
}

static const struct file_ops signalfd_ops = {
    .read = signalfd_read,
    .poll = signalfd_poll,
    .info = signalfd_info,
    .release = signalfd_release,
};

static long change(int fd, sigset_t set)
{
    struct fd_ref r;
    long err = fd_get(fd, &r);

    if (err)
        return err;
    if (r.file->ops != &signalfd_ops) {
        err = reject(-EINVAL, "not a signalfd");
    } else {
        __atomic_store_n(&signalfd_of(r.file)->set, set, __ATOMIC_RELAXED);
        file_wake(r.file, EPOLLIN);
    }
    fd_put(&r);
    return err ? err : fd;
}

long sys_signalfd4(int fd, uaddr_t mask, size_t sizemask, int flags)
{
    sigset_t set;

    if (sizemask != sizeof(set))
        return reject(-EINVAL, "sigset size");
    if (copy_in(&set, mask, sizeof(set)))
        return -EFAULT;
    if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
        return reject(-EINVAL, "unknown flag");
    set &= ~UNBLOCKABLE;
    if (fd != -1)
        return change(fd, set);
    struct signalfd *s = kzalloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    file_init(&s->file, &signalfd_ops, O_RDWR | ((uint32_t)flags & SFD_NONBLOCK));
    s->file.name = "anon_inode:[signalfd]";
    s->set = set;
    spin_lock(&fds_lock);
    list_add_tail(&fds, &s->link);
    spin_unlock(&fds_lock);
    return fd_install(&s->file, flags & SFD_CLOEXEC, 0);
}

long sys_signalfd(int fd, uaddr_t mask, size_t sizemask)
{
    return sys_signalfd4(fd, mask, sizemask, 0);
}
