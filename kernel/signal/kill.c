/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending signals by system call: kill, tkill, tgkill and the queueing forms, and who may.
 */
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/pidfd.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

static bool may_signal(struct process *p, int sig)
{
    if (p == current_process() || (sig == SIGCONT && p->sid == current_process()->sid))
        return true;
    const struct cred *c = process_cred_get(p);
    bool may = cred_may_signal(c);
    cred_put(c);
    return may;
}

/* Those who have ended, and process 1, take none. */
static int send_to_process(struct process *p, int sig, const siginfo_t *info)
{
    if (!may_signal(p, sig))
        return -EPERM;
    int err = sig ? signal_send_process(p, sig, info) : 0;
    return err == -ESRCH ? 0 : err;
}

/* A signal to many: to those of one process group, or (pgid 0) to all but us and process 1. */
struct many {
    int pgid, sig;
    siginfo_t info;
    int tried, sent, err;
};

static int send_to_member(struct process *p, void *arg)
{
    struct many *m = arg;

    if (m->pgid ? p->pgid != m->pgid : p == kernel.init || p == current_process())
        return 0;
    int err = send_to_process(p, m->sig, &m->info);
    m->tried++;
    m->sent += !err;
    if (err && (m->pgid || err != -EPERM))
        m->err = err;
    return 0;
}

static long send_to_many(int pgid, int sig)
{
    struct many m = {.pgid = pgid, .sig = sig};

    siginfo_from_self(&m.info, sig, SI_USER);
    (void)process_for_each(send_to_member, &m);
    if (!m.tried)
        return -ESRCH;
    return pgid && m.sent ? 0 : m.err;
}

long sys_kill(int pid, int sig)
{
    siginfo_t info;

    if (pid == INT32_MIN)
        return -ESRCH;
    if (sig && !sig_valid(sig))
        return reject(-EINVAL, "no such signal");
    if (pid <= 0)
        return send_to_many(pid == 0 ? current_process()->pgid : pid == -1 ? 0 : -pid, sig);
    struct process *p = process_lookup_any(pid);
    if (!p)
        return -ESRCH;
    siginfo_from_self(&info, sig, SI_USER);
    long err = send_to_process(p, sig, &info);
    process_put(p);
    return err;
}

/* A process whose first thread has ended still has its number. */
static long send_to_ended(int tgid, int tid, int sig)
{
    struct process *p = process_lookup(tid);

    if (!p)
        return -ESRCH;
    long err = tgid && p->pid != tgid ? -ESRCH : may_signal(p, sig) ? 0 : -EPERM;
    process_put(p);
    return err;
}

/* tgid 0: any. */
static long send_to_thread(int tgid, int tid, int sig, const siginfo_t *info)
{
    struct thread *t = thread_lookup(tid);

    if (sig && !sig_valid(sig)) {
        if (t)
            thread_put(t);
        return reject(-EINVAL, "no such signal");
    }
    if (!t)
        return send_to_ended(tgid, tid, sig);
    long err = tgid && t->process->pid != tgid ? -ESRCH : 0;
    if (!err && !may_signal(t->process, sig))
        err = -EPERM;
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
    struct process *p = pid > 0 ? process_lookup_any(pid) : NULL;
    if (!p)
        return -ESRCH;
    err =
        sig && !sig_valid(sig) ? reject(-EINVAL, "no such signal") : send_to_process(p, sig, &info);
    process_put(p);
    return err;
}

long sys_rt_tgsigqueueinfo(int tgid, int tid, int sig, uaddr_t uinfo)
{
    siginfo_t info;

    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    long err = take_info(uinfo, sig, tid, &info);
    return err ? err : send_to_thread(tgid, tid, sig, &info);
}

static bool process_is_gone(const struct process *p)
{
    return __atomic_load_n(&p->state, __ATOMIC_ACQUIRE) == PROCESS_GONE;
}

/* To the process of a pidfd; only its first thread may make its own process any siginfo. */
long sys_pidfd_send_signal(int pidfd, int sig, uaddr_t uinfo, unsigned flags)
{
    struct process *p;
    siginfo_t info;

    if (flags)
        return reject(-EINVAL, "pidfd_send_signal knows no flags");
    long err = pidfd_process_or_dir(pidfd, &p);
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
    if (!err)
        err = process_is_gone(p) ? -ESRCH : send_to_process(p, sig, &info);
    process_put(p);
    return err;
}
