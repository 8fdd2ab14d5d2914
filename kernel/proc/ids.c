/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a process says it is: pids, process groups and sessions, user and group ids.  The ids are
 * kept with Linux's rules, and nothing more follows from them inside an enclave; being
 * "privileged" means an effective uid of 0.  All threads of a process share them (Linux keeps
 * them per thread and leaves the sharing to the C library).
 */
#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define KEEP 0xffffffffU /* "leave as it is" in setres*id; never a valid id */

bool cred_in_group(const struct creds *c, uint32_t gid)
{
    if (gid == c->fsgid)
        return true;
    for (uint32_t i = 0; i < c->ngroups; i++)
        if (c->groups[i] == gid)
            return true;
    return false;
}

bool cred_may_exec(const struct creds *c, uint32_t mode, uint32_t uid, uint32_t gid)
{
    if (c->fsuid == 0)
        return (mode & 0111) != 0;
    if (c->fsuid == uid)
        return (mode & 0100) != 0;
    return (mode & (cred_in_group(c, gid) ? 0010 : 0001)) != 0;
}

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

long sys_getuid(void)
{
    return current_process()->creds.uid;
}

long sys_geteuid(void)
{
    return current_process()->creds.euid;
}

long sys_getgid(void)
{
    return current_process()->creds.gid;
}

long sys_getegid(void)
{
    return current_process()->creds.egid;
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
    return p->sid;
}

/* One kind of id (user or group) by reference, so that the rules are written once. */
struct idset {
    uint32_t *real, *effective, *saved, *fs;
};

static struct idset uids(struct creds *c)
{
    return (struct idset){&c->uid, &c->euid, &c->suid, &c->fsuid};
}

static struct idset gids(struct creds *c)
{
    return (struct idset){&c->gid, &c->egid, &c->sgid, &c->fsgid};
}

static bool is_one_of(struct idset s, uint32_t id)
{
    return id == *s.real || id == *s.effective || id == *s.saved;
}

static long set_id(struct creds *c, struct idset s, uint32_t id)
{
    if (id == KEEP)
        return -EINVAL;
    if (c->euid == 0)
        *s.real = *s.saved = id;
    else if (id != *s.real && id != *s.saved)
        return -EPERM;
    *s.effective = *s.fs = id;
    return 0;
}

static long set_re_id(struct creds *c, struct idset s, uint32_t real, uint32_t effective)
{
    bool privileged = c->euid == 0;
    uint32_t old_real = *s.real;

    if (real != KEEP && !privileged && real != *s.real && real != *s.effective)
        return -EPERM;
    if (effective != KEEP && !privileged && !is_one_of(s, effective))
        return -EPERM;
    if (real != KEEP)
        *s.real = real;
    if (effective != KEEP)
        *s.effective = effective;
    if (real != KEEP || (effective != KEEP && effective != old_real))
        *s.saved = *s.effective;
    *s.fs = *s.effective;
    return 0;
}

static long set_res_id(struct creds *c, struct idset s, uint32_t real, uint32_t effective,
                       uint32_t saved)
{
    if (c->euid != 0 &&
        ((real != KEEP && !is_one_of(s, real)) || (effective != KEEP && !is_one_of(s, effective)) ||
         (saved != KEEP && !is_one_of(s, saved))))
        return -EPERM;
    if (real != KEEP)
        *s.real = real;
    if (effective != KEEP)
        *s.effective = effective;
    if (saved != KEEP)
        *s.saved = saved;
    *s.fs = *s.effective;
    return 0;
}

/* Returns the old one, whatever happens. */
static long set_fs_id(struct creds *c, struct idset s, uint32_t id)
{
    uint32_t old = *s.fs;
    if (id != KEEP && (c->euid == 0 || is_one_of(s, id) || id == old))
        *s.fs = id;
    return old;
}

/* Runs a change of the current process's credentials under its lock. */
#define WITH_CREDS(c, expr)                       \
    ({                                            \
        struct process *wc_p = current_process(); \
        struct creds *c = &wc_p->creds;           \
        spin_lock(&wc_p->lock);                   \
        long wc_ret = (expr);                     \
        spin_unlock(&wc_p->lock);                 \
        wc_ret;                                   \
    })

long sys_setuid(unsigned uid)
{
    return WITH_CREDS(c, set_id(c, uids(c), uid));
}

long sys_setgid(unsigned gid)
{
    return WITH_CREDS(c, set_id(c, gids(c), gid));
}

long sys_setreuid(unsigned ruid, unsigned euid)
{
    return WITH_CREDS(c, set_re_id(c, uids(c), ruid, euid));
}

long sys_setregid(unsigned rgid, unsigned egid)
{
    return WITH_CREDS(c, set_re_id(c, gids(c), rgid, egid));
}

long sys_setresuid(unsigned ruid, unsigned euid, unsigned suid)
{
    return WITH_CREDS(c, set_res_id(c, uids(c), ruid, euid, suid));
}

long sys_setresgid(unsigned rgid, unsigned egid, unsigned sgid)
{
    return WITH_CREDS(c, set_res_id(c, gids(c), rgid, egid, sgid));
}

long sys_setfsuid(unsigned uid)
{
    return WITH_CREDS(c, set_fs_id(c, uids(c), uid));
}

long sys_setfsgid(unsigned gid)
{
    return WITH_CREDS(c, set_fs_id(c, gids(c), gid));
}

static long store_three(uaddr_t a, uint32_t va, uaddr_t b, uint32_t vb, uaddr_t c, uint32_t vc)
{
    if (copy_out(a, &va, sizeof(va)) || copy_out(b, &vb, sizeof(vb)) ||
        copy_out(c, &vc, sizeof(vc)))
        return -EFAULT;
    return 0;
}

long sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
    const struct creds *c = &current_process()->creds;
    return store_three(ruid, c->uid, euid, c->euid, suid, c->suid);
}

long sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
    const struct creds *c = &current_process()->creds;
    return store_three(rgid, c->gid, egid, c->egid, sgid, c->sgid);
}

long sys_getgroups(int size, uaddr_t list)
{
    const struct creds *c = &current_process()->creds;

    if (size < 0)
        return -EINVAL;
    if (size == 0)
        return c->ngroups;
    if ((uint32_t)size < c->ngroups)
        return -EINVAL;
    if (copy_out(list, c->groups, c->ngroups * sizeof(c->groups[0])))
        return -EFAULT;
    return c->ngroups;
}

long sys_setgroups(int size, uaddr_t list)
{
    struct process *p = current_process();
    uint32_t groups[NGROUPS_KEPT];

    if (p->creds.euid != 0)
        return -EPERM;
    if (size < 0 || size > 65536)
        return -EINVAL;
    if (size > NGROUPS_KEPT)
        return reject(-EINVAL, "more than 32 groups");
    if (copy_in(groups, list, (size_t)size * sizeof(groups[0])))
        return -EFAULT;
    spin_lock(&p->lock);
    p->creds.ngroups = (uint32_t)size;
    for (int i = 0; i < size; i++)
        p->creds.groups[i] = groups[i];
    spin_unlock(&p->lock);
    return 0;
}
