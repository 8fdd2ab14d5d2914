/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prctl, arch_prctl and personality: attributes of a process or thread that
 * programs set and read back.  Most have no effect inside an enclave; those that promise a
 * protection which is not there (seccomp) are refused.
 */
#include <asm/prctl.h>
#include <linux/errno.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>

#include "kernel/arch/fsbase.h"
#include "kernel/kernel.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

/* Newer than Debian 12's headers where missing. */
#ifndef ARCH_GET_XCOMP_SUPP
#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif
#define FS_BASE_MAX 0x7ffffffff000UL /* TASK_SIZE_MAX */
#define XFEATURES_MAX 63

static long get_name(uaddr_t addr)
{
    return copy_out(addr, current->comm, sizeof(current->comm));
}

static long set_name(uaddr_t addr)
{
    char name[16];

    long n = copy_in_str(name, addr, sizeof(name));
    if (n == -ENAMETOOLONG) {
        n = copy_in(name, addr, sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
    }
    if (n < 0)
        return n;
    memset(current->comm, 0, sizeof(current->comm));
    str_copy(current->comm, name, sizeof(current->comm));
    return 0;
}

static long store_int(uaddr_t addr, int v)
{
    return copy_out(addr, &v, sizeof(v));
}

static long set_flag(bool *flag, unsigned long v)
{
    if (v > 1)
        return -EINVAL;
    *flag = v != 0;
    return 0;
}

/* Options that only read. */
static long prctl_get(struct process *p, int option, unsigned long arg2)
{
    switch (option) {
    case PR_GET_NAME: return get_name(arg2);
    case PR_GET_DUMPABLE: return p->dumpable;
    case PR_GET_PDEATHSIG: return store_int(arg2, p->pdeath_signal);
    case PR_GET_CHILD_SUBREAPER: return store_int(arg2, p->subreaper);
    case PR_GET_NO_NEW_PRIVS: return p->no_new_privs;
    case PR_GET_TIMERSLACK: return (long)current->timer_slack;
    case PR_GET_SECCOMP:
    case PR_GET_THP_DISABLE:
    case PR_GET_TIMING: return 0;
    case PR_GET_TSC: return store_int(arg2, PR_TSC_ENABLE);
    case PR_GET_TID_ADDRESS: {
        uaddr_t addr = current->clear_child_tid;
        return copy_out(arg2, &addr, sizeof(addr));
    }
    case PR_MCE_KILL_GET: return PR_MCE_KILL_DEFAULT;
    default: return reject(-EINVAL, "unknown option");
    }
}

long sys_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
               unsigned long arg5)
{
    struct process *p = current_process();
    long ret = cap_prctl(option, arg2, arg3, arg4, arg5);

    if (ret != -ENOSYS)
        return ret;
    switch (option) {
    case PR_SET_NAME: return set_name(arg2);
    case PR_SET_DUMPABLE: return set_flag(&p->dumpable, arg2);
    case PR_SET_NO_NEW_PRIVS:
        if (arg2 != 1 || arg3 || arg4 || arg5)
            return -EINVAL;
        p->no_new_privs = true;
        return 0;
    case PR_SET_TIMERSLACK:
        current->timer_slack = (long)arg2 > 0 ? arg2 : current->timer_slack_default;
        return 0;
    case PR_SET_PDEATHSIG:
        if (arg2 > 64)
            return -EINVAL;
        __atomic_store_n(&p->pdeath_signal, (int)arg2, __ATOMIC_RELAXED);
        return 0;
    case PR_SET_CHILD_SUBREAPER:
        __atomic_store_n(&p->subreaper, arg2 != 0, __ATOMIC_RELAXED);
        return 0;
    case PR_SET_THP_DISABLE:
    case PR_SET_PTRACER:
    case PR_SET_VMA: return 0;
    case PR_SET_TIMING: return arg2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_SET_TSC:
        return arg2 == PR_TSC_ENABLE ? 0 : reject(-EINVAL, "rdtsc cannot be forbidden");
    case PR_SET_SECCOMP: return reject(-EINVAL, "seccomp is not supported");
    case PR_SET_MM: return reject(-EPERM, "no such privilege in an enclave");
    default: return prctl_get(p, option, arg2);
    }
}

static long request_component(unsigned long nr)
{
    if (nr > XFEATURES_MAX)
        return -EINVAL;
    return (kernel.xfrm >> nr) & 1 ? 0 : -EOPNOTSUPP;
}

long sys_arch_prctl(int option, uaddr_t addr)
{
    uint64_t v;

    switch (option) {
    case ARCH_SET_FS:
        if (addr >= FS_BASE_MAX)
            return -EPERM;
        fs_base_write(addr);
        return 0;
    case ARCH_GET_FS: v = fs_base_read(); return copy_out(addr, &v, sizeof(v));
    case ARCH_SET_GS: return addr == 0 ? 0 : reject(-EINVAL, "GS belongs to the kernel");
    case ARCH_GET_GS: v = 0; return copy_out(addr, &v, sizeof(v));
    case ARCH_GET_CPUID: return 1;
    case ARCH_SET_CPUID: return addr ? 0 : reject(-ENODEV, "cpuid cannot be forbidden");
    case ARCH_GET_XCOMP_SUPP:
    case ARCH_GET_XCOMP_PERM: return copy_out(addr, &kernel.xfrm, sizeof(kernel.xfrm));
    case ARCH_REQ_XCOMP_PERM: return request_component(addr);
    default: return reject(-EINVAL, "unknown option");
    }
}

long sys_personality(unsigned persona)
{
    struct process *p = current_process();
    uint32_t old = p->personality;

    if (persona != 0xffffffff)
        p->personality = persona;
    return old;
}

long sys_seccomp(unsigned op, unsigned flags, uaddr_t uargs)
{
    (void)op;
    (void)flags;
    (void)uargs;
    return reject(-EINVAL, "seccomp is not supported");
}

long sys_ptrace(long request, long pid, unsigned long addr, unsigned long data)
{
    (void)pid, (void)addr, (void)data;
    if (request == PTRACE_TRACEME || request == PTRACE_ATTACH || request == PTRACE_SEIZE)
        return reject(-EPERM, "processes of an enclave are not traced");
    return -ESRCH; /* who does not trace it already */
}
