/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending signals by system call: kill, tkill, tgkill and the queueing forms.  There is one
 * process, so a process group has one member at most.
 */
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/proc/pidfd.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

/* The process that kill's pid names; NULL: none.  A thread's id names its process, as in Linux. */
static struct process *kill_target(int pid)
{
    struct process *p = current_process();

    if (pid == 0 || pid == p->pid || (pid < -1 && pid == -p->pgid))
        return p;
    if (pid < 0)
        return NULL; /* -1 means all but us and the first: nobody */
    struct thread *t = thread_lookup(pid);
    if (!t)
        return NULL;
    thread_put(t);
    return p;
}

long sys_kill(int pid, int sig)
{
    siginfo_t info;
    struct process *p = kill_target(pid);

    if (!p)
        return -ESRCH;
    if (sig == 0)
        return 0;
    if (!sig_valid(sig))
        return reject(-EINVAL, "no such signal");
    siginfo_from_self(&info, sig, SI_USER);
    return signal_send_process(p, sig, &info);
}

/* tgid 0: any. */
static long send_to_thread(int tgid, int tid, int sig, const siginfo_t *info)
{
    struct thread *t = thread_lookup(tid);

    if (!t)
        return -ESRCH;
    long err = tgid && t->process->pid != tgid ? -ESRCH : 0;
    if (!err && sig && !sig_valid(sig))
        err = reject(-EINVAL, "no such signal");
    if (!err && sig)
        err = signal_send_thread(t, sig, info);
    thread_put(t);
    return err;
}

long sys_tgkill(int tgid, int tid, int sig)
{
    siginfo_t info;

    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    siginfo_from_self(&info, sig, SI_TKILL);
    return send_to_thread(tgid, tid, sig, &info);
}

long sys_tkill(int tid, int sig)
{
    siginfo_t info;

    if (tid <= 0)
        return -EINVAL;
    siginfo_from_self(&info, sig, SI_TKILL);
    return send_to_thread(0, tid, sig, &info);
}

/*
 * A siginfo that the program made: it may not claim to be the kernel's or a kill's but to the
 * thread itself.  id: whom it is for.
 */
static long take_info(uaddr_t uinfo, int sig, int id, siginfo_t *info)
{
    int err = siginfo_in(info, uinfo, sig);
    if (err)
        return err;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) && id != current->tid)
        return reject(-EPERM, "si_code of another sender");
    return 0;
}

long sys_rt_sigqueueinfo(int pid, int sig, uaddr_t uinfo)
{
    siginfo_t info;

    long err = take_info(uinfo, sig, pid, &info);
    if (err)
        return err;
    struct process *p = pid > 0 ? kill_target(pid) : NULL;
    if (!p)
        return -ESRCH;
    if (sig == 0)
        return 0;
    if (!sig_valid(sig))
        return reject(-EINVAL, "no such signal");
    return signal_send_process(p, sig, &info);
}

long sys_rt_tgsigqueueinfo(int tgid, int tid, int sig, uaddr_t uinfo)
{
    siginfo_t info;

    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    long err = take_info(uinfo, sig, tid, &info);
    return err ? err : send_to_thread(tgid, tid, sig, &info);
}

/* To the process of a pidfd; only its first thread may make its own process any siginfo. */
long sys_pidfd_send_signal(int pidfd, int sig, uaddr_t uinfo, unsigned flags)
{
    struct process *p;
    siginfo_t info;

    if (flags)
        return reject(-EINVAL, "pidfd_send_signal knows no flags");
    long err = pidfd_process(pidfd, &p);
    if (err)
        return err;
    if (!uinfo)
        siginfo_from_self(&info, sig, SI_USER);
    else
        err = siginfo_in(&info, uinfo, -1);
    if (!err && info.si_signo != sig)
        err = reject(-EINVAL, "siginfo of another signal");
    if (!err && uinfo && (info.si_code >= 0 || info.si_code == SI_TKILL) && current->tid != p->pid)
        err = reject(-EPERM, "si_code of another sender");
    if (!err && sig && !sig_valid(sig))
        err = reject(-EINVAL, "no such signal");
    if (!err && sig)
        err = signal_send_process(p, sig, &info);
    process_put(p);
    return err;
}
