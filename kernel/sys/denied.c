/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that change the machine, not the process: mounting, modules, rebooting.  Inside
 * there is no machine to change, and no process has the capabilities for it, whatever its user
 * number: the answer is that of a Linux container without capabilities, EPERM before anything is
 * looked at.
 */
#include <linux/errno.h>

#include "kernel/sys/syscall.h"
#include "kernel/sys/syscalls.h"

#define WHY "no process has the capability for it"

long sys_mount(uaddr_t source, uaddr_t target, uaddr_t type, unsigned long flags, uaddr_t data)
{
    (void)source, (void)target, (void)type, (void)flags, (void)data;
    return reject(-EPERM, "mounts are the configuration's");
}

long sys_umount2(uaddr_t target, int flags)
{
    (void)target, (void)flags;
    return reject(-EPERM, "mounts are the configuration's");
}

long sys_pivot_root(uaddr_t new_root, uaddr_t put_old)
{
    (void)new_root, (void)put_old;
    return reject(-EPERM, "mounts are the configuration's");
}

long sys_reboot(int magic1, int magic2, unsigned cmd, uaddr_t arg)
{
    (void)magic1, (void)magic2, (void)cmd, (void)arg;
    return reject(-EPERM, WHY);
}

long sys_swapon(uaddr_t special, int flags)
{
    (void)special, (void)flags;
    return reject(-EPERM, WHY);
}

long sys_swapoff(uaddr_t special)
{
    (void)special;
    return reject(-EPERM, WHY);
}

long sys_acct(uaddr_t name)
{
    (void)name;
    return reject(-EPERM, WHY);
}

long sys_iopl(unsigned level)
{
    (void)level;
    return reject(-EPERM, "an enclave has no I/O instructions");
}

long sys_ioperm(unsigned long from, unsigned long num, int on)
{
    (void)from, (void)num, (void)on;
    return reject(-EPERM, "an enclave has no I/O instructions");
}

long sys_init_module(uaddr_t umod, unsigned long len, uaddr_t uargs)
{
    (void)umod, (void)len, (void)uargs;
    return reject(-EPERM, WHY);
}

long sys_finit_module(int fd, uaddr_t uargs, int flags)
{
    (void)fd, (void)uargs, (void)flags;
    return reject(-EPERM, WHY);
}

long sys_delete_module(uaddr_t name, unsigned flags)
{
    (void)name, (void)flags;
    return reject(-EPERM, WHY);
}

long sys_kexec_load(unsigned long entry, unsigned long nr_segments, uaddr_t segments,
                    unsigned long flags)
{
    (void)entry, (void)nr_segments, (void)segments, (void)flags;
    return reject(-EPERM, WHY);
}

long sys_kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len, uaddr_t cmdline,
                         unsigned long flags)
{
    (void)kernel_fd, (void)initrd_fd, (void)cmdline_len, (void)cmdline, (void)flags;
    return reject(-EPERM, WHY);
}

long sys_bpf(int cmd, uaddr_t attr, unsigned size)
{
    (void)cmd, (void)attr, (void)size;
    return reject(-EPERM, WHY);
}

long sys_perf_event_open(uaddr_t attr, int pid, int cpu, int group_fd, unsigned long flags)
{
    (void)attr, (void)pid, (void)cpu, (void)group_fd, (void)flags;
    return reject(-EACCES, "as with perf_event_paranoid = 4");
}

long sys_open_by_handle_at(int mount_fd, uaddr_t handle, int flags)
{
    (void)mount_fd, (void)handle, (void)flags;
    return reject(-EPERM, WHY);
}
