/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's direct requests, one function each, found by number.  The enclave does not trust the
 * answers; this side trusts the enclave's requests as much as its user trusts the program that he
 * started: they are made with his rights and no others.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/control/control.h"
#include "host/ring.h"
#include "host/runtime_impl.h"
#include "lib/cpu_host.h"

#ifndef RWF_APPEND /* musl has none */
#define RWF_APPEND 0x10
#endif

#define ARG(i) (v->ocall.arg[i])
#define FD(i) ((int)v->ocall.arg[i])
#define PTR(i) ((void *)v->ocall.arg[i])
#define STR(i) ((const char *)v->ocall.arg[i])

/* Inline results of system calls: value or -errno. */
static int64_t result(long ret)
{
    return ret < 0 ? -errno : ret;
}

static int64_t do_exit(struct host_vcpu *v)
{
    if (host.options->control_listen >= 0)
        control_end();
    satellites_end();
    host.options->finish((int)ARG(0));
    return 0; /* it does not */
}

static int64_t do_ring_enter(struct host_vcpu *v)
{
    int64_t ret = 0, timeout = (int64_t)ARG(1);
    if (ARG(0) || !timeout)
        ret = host.ring->submit(host.ring, (uint32_t)ARG(0));
    if (timeout || v->inbox_count)
        vcpu_wait(timeout, ARG(2));
    return ret;
}

static int64_t do_tick(struct host_vcpu *v)
{
    tick_set((int64_t)ARG(0));
    return 0;
}

static int64_t do_clock_get(struct host_vcpu *v)
{
    clock_sample(PTR(0));
    return 0;
}

/* The kernel's messages begin with "cella: ", its traced calls with "[thread] ". */
static int64_t do_log(struct host_vcpu *v)
{
    bool traced = ARG(1) && STR(0)[0] == '[';
    return result(write(traced ? host.trace_fd : host.log_fd, PTR(0), ARG(1)));
}

static int64_t do_open(struct host_vcpu *v)
{
    int flags = (int)ARG(2) | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    int fd = openat(FD(0), STR(1), flags, (mode_t)ARG(3));
    if (fd < 0)
        return -errno;
    if (ARG(4) &&
        syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, PTR(4))) {
        int err = errno;
        close(fd);
        return -err;
    }
    return fd;
}

static int64_t do_close(struct host_vcpu *v)
{
    return result(close(FD(0)));
}

static int64_t do_statx(struct host_vcpu *v)
{
    return result(
        syscall(SYS_statx, FD(0), STR(1), (int)ARG(2), STATX_BASIC_STATS | STATX_BTIME, PTR(3)));
}

static int64_t do_pread(struct host_vcpu *v)
{
    return result(pread(FD(0), PTR(1), ARG(2), (off_t)ARG(3)));
}

static int64_t do_pwrite(struct host_vcpu *v)
{
    return result(pwrite(FD(0), PTR(1), ARG(2), (off_t)ARG(3)));
}

static int64_t do_pwritev_append(struct host_vcpu *v)
{
    struct iovec iov = {PTR(1), ARG(2)};
    return result(syscall(SYS_pwritev2, FD(0), &iov, 1L, -1L, -1L, RWF_APPEND));
}

/* Even without a wait poll(2) says EINTR when a signal is on its way, and is never restarted. */
static int64_t poll_fd(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&p, 1, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : p.revents;
}

static int64_t do_poll_now(struct host_vcpu *v)
{
    return poll_fd(FD(0), (short)ARG(1));
}

/*
 * Nothing to read on our terminal, which another job has: who reads it all the same is stopped, with all of its
 * job.  Here, since a read(2) that goes on in the foreground would then wait for a line.
 */
static int64_t background_read(int fd)
{
    struct sigaction action;
    pid_t foreground = tcgetpgrp(fd);
    if (foreground <= 0 || foreground == getpgrp())
        return -EAGAIN;
    if (sigaction(SIGTTIN, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
        return -EIO;
    kill(0, SIGTTIN);
    return -EAGAIN;
}

/*
 * With n = 0 a question about a FIFO: 0 while nobody has it open for writing or has written, else -EAGAIN.
 * poll says nothing of a writer that has not written yet; a read does, and to nowhere it takes nothing.
 */
static int64_t do_read_ready(struct host_vcpu *v)
{
    int64_t ready = poll_fd(FD(0), POLLIN);
    if (ready < 0)
        return ready;
    if (!ready && !(fcntl(FD(0), F_GETFL) & O_NONBLOCK))
        return background_read(FD(0));
    if (!ARG(2))
        return ready || syscall(SYS_read, FD(0), 8, 1) ? -EAGAIN : 0;
    return result(read(FD(0), PTR(1), ARG(2)));
}

/*
 * A blocking descriptor that poll calls writable may still block in the middle of a large write: a
 * pipe with one free page is writable. At most PIPE_BUF goes at a time unless it is not a pipe.
 */
static int64_t do_write_ready(struct host_vcpu *v)
{
    size_t n = ARG(2);
    int64_t ready = poll_fd(FD(0), POLLOUT);
    if (ready <= 0)
        return ready ? ready : -EAGAIN;
    int room = 0, size = fcntl(FD(0), F_GETPIPE_SZ);
    if (size > 0 && n > 4096) {
        if (ioctl(FD(0), FIONREAD, &room) || room < 0 || room > size)
            room = size;
        size_t space = (size_t)(size - room) & ~4095UL;
        n = space < 4096 ? 4096 : n < space ? n : space;
    }
    return result(write(FD(0), PTR(1), n));
}

static int64_t do_getdents(struct host_vcpu *v)
{
    return result(syscall(SYS_getdents64, FD(0), PTR(1), ARG(2)));
}

static int64_t do_lseek(struct host_vcpu *v)
{
    return result(lseek(FD(0), (off_t)ARG(1), (int)ARG(2)));
}

static int64_t do_readlink(struct host_vcpu *v)
{
    return result(readlinkat(FD(0), STR(1), PTR(2), ARG(3)));
}

static int64_t do_mkdir(struct host_vcpu *v)
{
    return result(mkdirat(FD(0), STR(1), (mode_t)ARG(2)));
}

static int64_t do_unlink(struct host_vcpu *v)
{
    return result(unlinkat(FD(0), STR(1), (int)ARG(2)));
}

static int64_t do_rename(struct host_vcpu *v)
{
    return result(syscall(SYS_renameat2, FD(0), STR(1), FD(2), STR(3), (unsigned)ARG(4)));
}

/* /proc/self/fd/N: the way to an object of which only an O_PATH descriptor is held. */
static const char *fd_path(int fd, char buf[32])
{
    snprintf(buf, 32, "/proc/self/fd/%d", fd);
    return buf;
}

static int64_t do_link(struct host_vcpu *v)
{
    char buf[32];
    return result(linkat(AT_FDCWD, fd_path(FD(0), buf), FD(1), STR(2), AT_SYMLINK_FOLLOW));
}

static int64_t do_symlink(struct host_vcpu *v)
{
    return result(symlinkat(STR(0), FD(1), STR(2)));
}

static int64_t do_mknod(struct host_vcpu *v)
{
    return result(mknodat(FD(0), STR(1), (mode_t)ARG(2), (dev_t)ARG(3)));
}

static int64_t do_chmod(struct host_vcpu *v)
{
    char buf[32];
    return result(chmod(fd_path(FD(0), buf), (mode_t)ARG(1)));
}

static int64_t do_chown(struct host_vcpu *v)
{
    return result(fchownat(FD(0), "", (uid_t)ARG(1), (gid_t)ARG(2), AT_EMPTY_PATH));
}

static int64_t do_utimens(struct host_vcpu *v)
{
    const struct timespec *ts = PTR(1);
    if (utimensat(FD(0), "", ts, AT_EMPTY_PATH) == 0)
        return 0;
    char buf[32]; /* before Linux 5.8 AT_EMPTY_PATH is not known there */
    return result(utimensat(AT_FDCWD, fd_path(FD(0), buf), ts, 0));
}

static int64_t do_ftruncate(struct host_vcpu *v)
{
    return result(ftruncate(FD(0), (off_t)ARG(1)));
}

static int64_t do_fallocate(struct host_vcpu *v)
{
    return result(fallocate(FD(0), (int)ARG(1), (off_t)ARG(2), (off_t)ARG(3)));
}

static int64_t do_fsync(struct host_vcpu *v)
{
    return result(ARG(1) ? fdatasync(FD(0)) : fsync(FD(0)));
}

static int64_t do_statfs(struct host_vcpu *v)
{
    return result(fstatfs(FD(0), PTR(1)));
}

/* Requests whose argument is a number, not a pointer. */
static bool ioctl_takes_value(unsigned long request)
{
    return request == TCSBRK || request == TCSBRKP || request == TCXONC || request == TCFLSH ||
           request == TIOCSCTTY;
}

static int64_t do_ioctl(struct host_vcpu *v)
{
    unsigned long request = ARG(1);
    if (ioctl_takes_value(request))
        return result(ioctl(FD(0), request, *(const uint64_t *)PTR(2)));
    return result(ioctl(FD(0), request, PTR(2)));
}

/*
 * The driver lets one ioctl in at a time and tells the others EBUSY: vCPUs wait for each other here.
 * 0 when it is to be asked for the rest, if there is one; a positive SGX error is -EIO.
 */
static int enclave_ioctl(unsigned long request, void *arg)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&one);
    int ret = host.device->ioctl(host.fd, request, arg);
    pthread_mutex_unlock(&one);
    if (ret == -EINTR || ret == -EAGAIN)
        return 0;
    return ret > 0 ? -EIO : ret;
}

static int64_t do_restrict_perm(struct host_vcpu *v)
{
    int ret = 0;
    for (uint64_t done = 0; done < ARG(1) && !ret;) {
        struct sgx_enclave_restrict_permissions a = {
            .offset = ARG(0) + done, .length = ARG(1) - done, .permissions = ARG(2)};
        ret = enclave_ioctl(SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &a);
        done += a.count;
    }
    return ret;
}

static int64_t do_modify_type(struct host_vcpu *v)
{
    int ret = 0;
    for (uint64_t done = 0; done < ARG(1) && !ret;) {
        struct sgx_enclave_modify_types a = {
            .offset = ARG(0) + done, .length = ARG(1) - done, .page_type = ARG(2)};
        ret = enclave_ioctl(SGX_IOC_ENCLAVE_MODIFY_TYPES, &a);
        done += a.count;
    }
    return ret;
}

static int64_t do_remove_pages(struct host_vcpu *v)
{
    int ret = 0;
    for (uint64_t done = 0; done < ARG(1) && !ret;) {
        struct sgx_enclave_remove_pages a = {.offset = ARG(0) + done, .length = ARG(1) - done};
        ret = enclave_ioctl(SGX_IOC_ENCLAVE_REMOVE_PAGES, &a);
        done += a.count;
    }
    return ret;
}

static int64_t do_map(struct host_vcpu *v)
{
    void *at = mmap(NULL, ARG(2), PROT_READ, MAP_SHARED, FD(0), (off_t)ARG(1));
    return at == MAP_FAILED ? -errno : (int64_t)at;
}

static int64_t do_unmap(struct host_vcpu *v)
{
    return result(munmap(PTR(0), ARG(1)));
}

/* What every start asks for is known already: a cpuid takes 20 us in a virtual machine. */
static int64_t do_cpuid(struct host_vcpu *v)
{
    uint32_t leaf = (uint32_t)ARG(0), subleaf = (uint32_t)ARG(1), *r = PTR(2);
    if ((leaf == 1 || leaf == 7) && !subleaf)
        memcpy(r, leaf == 1 ? cpu_host_leaf1 : cpu_host_leaf7, sizeof(cpu_host_leaf1));
    else
        __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
    return 0;
}

static int64_t do_vcpu_start(struct host_vcpu *v)
{
    return ARG(0) < host.vcpu_count ? vcpu_start((unsigned)ARG(0)) : -EINVAL;
}

static int64_t do_vcpu_wake(struct host_vcpu *v)
{
    if (ARG(0) >= host.vcpu_count)
        return -EINVAL;
    vcpu_wake((unsigned)ARG(0));
    return 0;
}

static int64_t do_vcpu_interrupt(struct host_vcpu *v)
{
    if (ARG(0) >= host.vcpu_count)
        return -EINVAL;
    vcpu_interrupt((unsigned)ARG(0));
    return 0;
}

static int64_t do_yield(struct host_vcpu *v)
{
    (void)v;
    return sched_yield();
}

/*
 * The job stops as the program did.  Our own handler for the signal must not see it again, and it has
 * to take effect here and now, although only the first vCPU's thread lets such signals in.
 */
static int64_t do_raise(struct host_vcpu *v)
{
    const struct sigaction stop = {.sa_handler = SIG_DFL};
    struct sigaction old;
    sigset_t set, blocked;
    int sig = (int)ARG(0);
    bool handled = sig != SIGSTOP && sigaction(sig, &stop, &old) == 0;

    sigemptyset(&set);
    sigaddset(&set, sig);
    pthread_sigmask(SIG_UNBLOCK, &set, &blocked);
    satellites_signal(SIGSTOP);
    int ret = raise(sig);
    satellites_signal(SIGCONT);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    if (handled)
        sigaction(sig, &old, NULL);
    return result(ret);
}

static int64_t do_sysinfo(struct host_vcpu *v)
{
    struct host_sysinfo *out = PTR(0);
    struct sysinfo s;
    if (sysinfo(&s))
        return -errno;
    *out = (struct host_sysinfo){
        .uptime = (uint64_t)s.uptime,
        .loads = {s.loads[0], s.loads[1], s.loads[2]},
        .total_ram = s.totalram * s.mem_unit,
        .free_ram = s.freeram * s.mem_unit,
        .ncpu = host.start->ncpu,
        .procs = s.procs,
    };
    return 0;
}

static int64_t do_control_next(struct host_vcpu *v)
{
    return control_next(PTR(0));
}

static int64_t do_control_data(struct host_vcpu *v)
{
    return control_data(PTR(0), ARG(1), ARG(2));
}

static int64_t do_control_tell(struct host_vcpu *v)
{
    return control_tell(ARG(0), ARG(1), (int64_t)ARG(2), STR(3), ARG(4));
}

static int64_t do_satellite_start(struct host_vcpu *v)
{
    (void)v;
    return satellite_start();
}

static int64_t do_link_send(struct host_vcpu *v)
{
    return result(send(FD(0), PTR(1), ARG(2), MSG_DONTWAIT | MSG_NOSIGNAL));
}

static int64_t do_link_receive(struct host_vcpu *v)
{
    return vcpu_receive(FD(0), PTR(1), ARG(2), ARG(3));
}

static int64_t do_satellite_kick(struct host_vcpu *v)
{
    return satellite_kick(FD(0));
}

/* What the program has closed since the last exit. */
static void close_pending(struct host_vcpu *v)
{
    uint32_t n = v->close_count < HOST_CLOSE_MAX ? v->close_count : HOST_CLOSE_MAX;
    v->close_count = 0;
    for (uint32_t i = 0; i < n; i++)
        close(v->close_fds[i]);
}

int64_t ocall_serve(struct host_vcpu *v)
{
    static int64_t (*const table[])(struct host_vcpu *) = {
#define OCALL(nr, name, argc) [nr] = do_##name,
#include "abi/host/ocall.tbl"
#undef OCALL
    };
    if (v->close_count)
        close_pending(v);
    uint64_t nr = v->ocall.nr;
    if (nr >= sizeof(table) / sizeof(table[0]) || !table[nr])
        return -ENOSYS;
    return table[nr](v);
}
