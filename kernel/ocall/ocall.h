/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only door out.  Each ocall_<name> does one request of abi/host/ocall.tbl with kernel memory
 * as arguments: it bounces data through untrusted buffers and checks what comes back (errno range,
 * counts not above what was asked, descriptors not negative).  The vCPU leaves the enclave for the
 * time of the call; nothing else runs on it: only calls that do not block for long go this way,
 * the rest through the rings (ring.h).
 *
 * No spin lock may be held.  Results: >= 0 or -errno.
 */
#ifndef KERNEL_OCALL_OCALL_H
#define KERNEL_OCALL_OCALL_H

#include <linux/stat.h>

#include "kernel/types.h"

struct uio;
struct statfs_info;
struct host_clock;
struct host_sysinfo;

/*
 * A number that changes whenever anything comes in from the host: the result of an ocall, a
 * completion, a signal. While it stands still, nobody in the enclave can have learned that the
 * host's files have changed, so the last answer may be given again (for a millisecond, since clocks
 * go on).
 */
uint64_t ocall_epoch(void);
void ocall_epoch_end(void); /* something has come in */
#define OCALL_EPOCH_NS 1000000L

void ocall_closing_init(void);
NORETURN void ocall_exit(int wait_status);
void ocall_log(const char *text, size_t n);

/* dirfd must be a host descriptor. st may be NULL. */
MUST_CHECK long ocall_open(int dirfd, const char *name, uint32_t flags, uint32_t mode,
                           struct statx *st);
void ocall_close(int fd);
/* Closed together with whatever the next exit is for; only for what nobody outside waits to see
 * closed. */
void ocall_close_later(int fd);
/* The same after a millisecond, or with the next exit that brings news; until then ocall_close_undo
 * gives the descriptor back.  The ticket; 0: there is no room, and the descriptor is still the caller's. */
MUST_CHECK uint32_t ocall_close_keep(int fd);
/* The descriptor that a ticket stands for, open, or -1. Takes no lock but its own. */
MUST_CHECK int ocall_close_undo(uint32_t ticket);
MUST_CHECK long ocall_statx(int dirfd, const char *name, uint32_t flags, struct statx *st);
/* Those two end no epoch: the caller does (ocall_epoch_end), unless the answer is no news. */
MUST_CHECK long ocall_open_quiet(int dirfd, const char *name, uint32_t flags, uint32_t mode,
                                 struct statx *st);
MUST_CHECK long ocall_statx_quiet(int dirfd, const char *name, uint32_t flags, struct statx *st);
/* Move data straight between untrusted memory and the uio, in pieces; u->done grows. 0 or
 * -errno. A short read ends it. */
MUST_CHECK int ocall_pread_uio(int fd, struct uio *u, int64_t off);
/* off < 0: append */
MUST_CHECK int ocall_pwrite_uio(int fd, struct uio *u, int64_t off);
MUST_CHECK int ocall_read_uio(int fd, struct uio *u);  /* streams; -EAGAIN when it would block */
MUST_CHECK int ocall_write_uio(int fd, struct uio *u); /* likewise */
/* Into kernel memory, n <= HOSTBUF_SIZE. */
MUST_CHECK long ocall_pread(int fd, void *buf, size_t n, int64_t off);
MUST_CHECK long ocall_poll_now(int fd, uint32_t events); /* POLL* bits */
/* Has a host's FIFO, open for reading, no writer yet?  0: none; -EAGAIN: one is or was there. */
MUST_CHECK long ocall_fifo_lonely(int fd);
/* Raw linux_dirent64 records, NOT yet checked. */
MUST_CHECK long ocall_getdents(int fd, void *buf, size_t n);
MUST_CHECK int64_t ocall_lseek(int fd, int64_t off, int whence);
MUST_CHECK long ocall_readlink(int dirfd, const char *name, char *buf, size_t n);
MUST_CHECK int ocall_mkdir(int dirfd, const char *name, uint32_t mode);
MUST_CHECK int ocall_unlink(int dirfd, const char *name, uint32_t flags);
MUST_CHECK int ocall_rename(int olddir, const char *old, int newdir, const char *new_name,
                            uint32_t flags);
MUST_CHECK int ocall_link(int fd, int newdir, const char *name);
MUST_CHECK int ocall_symlink(const char *target, int dirfd, const char *name);
MUST_CHECK int ocall_mknod(int dirfd, const char *name, uint32_t mode, uint64_t rdev);
MUST_CHECK int ocall_chmod(int fd, uint32_t mode);
MUST_CHECK int ocall_chown(int fd, uint32_t uid, uint32_t gid);
/* sec, nsec, sec, nsec; UTIME_OMIT allowed */
MUST_CHECK int ocall_utimens(int fd, const int64_t ts[4]);
MUST_CHECK int ocall_ftruncate(int fd, int64_t size);
MUST_CHECK int ocall_fallocate(int fd, int mode, int64_t off, int64_t len);
MUST_CHECK int ocall_fsync(int fd, bool data_only);
MUST_CHECK int ocall_statfs(int fd, struct statfs_info *out);
/* The size of a regular file: >= 0 or -errno.  Ends no epoch: the caller does if the size is
 * another than it was. */
MUST_CHECK int64_t ocall_size(int fd);
/* A read-only view of len bytes of a file (whole pages) in untrusted memory, which reads copy
 * from: the address, or -errno. Its pages beyond the end of the file fault; copy with a fault
 * fix-up only (copy_out_host). */
MUST_CHECK int64_t ocall_map(int fd, int64_t off, size_t len);
void ocall_unmap(haddr_t addr, size_t len);
/* Terminal requests: `in`/`out` bytes of buf cross. n <= 256. */
MUST_CHECK long ocall_ioctl(int fd, uint32_t request, void *buf, size_t in, size_t out);
MUST_CHECK int ocall_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
void ocall_clock(struct host_clock *out); /* the host's words as they are: clock.c judges them */
void ocall_sysinfo(struct host_sysinfo *out);
void ocall_tick(ktime_t ns); /* 0: no more ticks */
MUST_CHECK int ocall_vcpu_start(unsigned index);
void ocall_vcpu_wake(unsigned index);
void ocall_vcpu_interrupt(unsigned index);
struct host_control;
/* The control channel (abi/host/control.h).  The host's words as they are: true if there is a request. */
bool ocall_control_next(struct host_control *out);
/* The data of the last one: 0 or -errno. */
MUST_CHECK int ocall_control_data(void *buf, size_t n);
/* n <= HOSTBUF_SIZE */
void ocall_control_tell(uint64_t id, unsigned what, int64_t value, const char *text, size_t n);
/*
 * Links between a base and its satellites (abi/host/start.h).  The descriptor may be polled by the ring, for
 * POLLOUT, messages may be waited for by inbox.h, and it is closed by ocall_close.
 *
 * A new satellite: the base's end of its link, or -errno.  It is built meanwhile; that it could not be is seen as
 * the end of the link.
 */
MUST_CHECK long ocall_satellite_start(void);
/*
 * One message from or to a bounce buffer of the caller's, n and size <= HOST_LINK_MAX.  The host may change its
 * bytes at any time: what is opened is copied in before.  No news of the host's files comes this way, so no
 * epoch ends.
 *
 * Sends all of it: 0, -EAGAIN (no room now), -EPIPE or -ECONNRESET (the other end has ended), another errno.
 */
MUST_CHECK int ocall_link_send(int fd, haddr_t buf, size_t n);
/* The message's length; 0: the other end has ended; -EAGAIN: none is there; -EMSGSIZE: one of more than `size`
 * bytes was there, and is lost.  wait, in a satellite only: the vCPU waits outside for one; -EINTR: it was called
 * away, by ocall_satellite_kick for one, and there was none. */
MUST_CHECK long ocall_link_receive(int fd, haddr_t buf, size_t size, bool wait);
/* The satellite at the other end of our link's descriptor gets a tick, also while it waits.  The host may not obey. */
void ocall_satellite_kick(int fd);
void ocall_yield(void);
int ocall_raise(int sig);
MUST_CHECK int ocall_restrict_perm(uintptr_t addr, size_t len, unsigned perm);
MUST_CHECK int ocall_modify_type(uintptr_t addr, size_t len, unsigned type);
MUST_CHECK int ocall_remove_pages(uintptr_t addr, size_t len);

#endif
