/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ocalls about the host's files.  Names and data are bounced; descriptors that come back are
 * only numbers to be given to the host again, so a wrong one harms nobody but the host's own files,
 * which are untrusted anyway.  Counts are held against what was asked.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>

#include "kernel/kernel.h"
#include "kernel/ocall/hostcall.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/ocall/ocall.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/uio.h"
#include "lib/string.h"

#define FD_MAX 0x7fffffffL
#define NAME_BUF 4608UL /* PATH_MAX and a struct statx behind it */
#define STATX_OFF 4096UL

/* A bounced name; returns its length with NUL, 0 when too long. */
static size_t name_out(haddr_t buf, const char *name)
{
    size_t n = strlen(name) + 1;
    if (n > PATH_MAX)
        return 0;
    host_out(buf, name, n);
    return n;
}

static long open_once(int dirfd, const char *name, uint32_t flags, uint32_t mode, struct statx *st)
{
    haddr_t buf = hostbuf_get(NAME_BUF);
    int64_t ret = -ENAMETOOLONG;

    if (name_out(buf, name)) {
        ret = host_result(host_call_quiet(OCALL_open, (uint64_t)dirfd, buf, flags, mode,
                                          st ? buf + STATX_OFF : 0, 0),
                          FD_MAX);
        if (ret >= 0 && st)
            host_in(st, buf + STATX_OFF, sizeof(*st));
    }
    hostbuf_put(buf, NAME_BUF);
    return ret;
}

/* The host may be short of descriptors only because some are still kept here: the second time
 * around they are closed. */
long ocall_open_quiet(int dirfd, const char *name, uint32_t flags, uint32_t mode, struct statx *st)
{
    long fd = open_once(dirfd, name, flags, mode, st);
    if (likely(fd != -EMFILE && fd != -ENFILE))
        return fd;
    host_call1(close, (uint64_t)-1);
    return open_once(dirfd, name, flags, mode, st);
}

long ocall_open(int dirfd, const char *name, uint32_t flags, uint32_t mode, struct statx *st)
{
    long fd = ocall_open_quiet(dirfd, name, flags, mode, st);
    ocall_epoch_end();
    return fd;
}

void ocall_close(int fd)
{
    host_call_quiet(OCALL_close, (uint64_t)fd, 0, 0, 0, 0, 0);
}

long ocall_statx(int dirfd, const char *name, uint32_t flags, struct statx *st)
{
    long ret = ocall_statx_quiet(dirfd, name, flags, st);
    ocall_epoch_end();
    return ret;
}

long ocall_statx_quiet(int dirfd, const char *name, uint32_t flags, struct statx *st)
{
    haddr_t buf = hostbuf_get(NAME_BUF);
    int64_t ret = -ENAMETOOLONG;

    if (name_out(buf, name)) {
        ret = host_result(
            host_call_quiet(OCALL_statx, (uint64_t)dirfd, buf, flags, buf + STATX_OFF, 0, 0), 0);
        host_in(st, buf + STATX_OFF, sizeof(*st));
    }
    hostbuf_put(buf, NAME_BUF);
    return ret;
}

enum transfer { READ_AT, READ_STREAM, WRITE_AT, WRITE_APPEND, WRITE_STREAM };

static int64_t transfer_once(enum transfer kind, int fd, haddr_t buf, size_t n, int64_t off)
{
    switch (kind) {
    case READ_AT: return host_call4(pread, (uint64_t)fd, buf, n, (uint64_t)off);
    case READ_STREAM: return host_call3(read_ready, (uint64_t)fd, buf, n);
    case WRITE_AT: return host_call4(pwrite, (uint64_t)fd, buf, n, (uint64_t)off);
    case WRITE_APPEND: return host_call3(pwritev_append, (uint64_t)fd, buf, n);
    default: return host_call3(write_ready, (uint64_t)fd, buf, n);
    }
}

/* One piece into the uio: bytes the host gave, or -errno. */
static int64_t piece_in(enum transfer kind, int fd, struct uio *u, haddr_t buf, size_t n,
                        int64_t off)
{
    int64_t got = host_result(transfer_once(kind, fd, buf, n, off), (int64_t)n);
    if (got <= 0)
        return got;
    int err = uio_put_host(u, buf, (size_t)got);
    return err ? err : got;
}

/* One piece out of the uio, which advances by what the host took. */
static int64_t piece_out(enum transfer kind, int fd, struct uio *u, haddr_t buf, size_t n,
                         int64_t off)
{
    struct uio ahead = *u;
    int err = uio_get_host(&ahead, buf, n);
    size_t have = ahead.done - u->done;
    if (!have && err)
        return err;
    int64_t got = host_result(transfer_once(kind, fd, buf, have, off), (int64_t)have);
    if (got > 0)
        uio_skip(u, (size_t)got);
    return got;
}

/* Moves u->left bytes in pieces of a bounce buffer; a short piece ends it. */
static int transfer(enum transfer kind, int fd, struct uio *u, int64_t off)
{
    bool in = kind == READ_AT || kind == READ_STREAM;
    size_t size = MIN(u->left, HOSTBUF_SIZE), start = u->done;
    int64_t got;

    if (!size && kind == READ_AT)
        return 0;
    haddr_t buf = hostbuf_get(size);
    for (;;) {
        size_t n = MIN(u->left, size);
        got = in ? piece_in(kind, fd, u, buf, n, off) : piece_out(kind, fd, u, buf, n, off);
        if (got < (int64_t)n || !u->left || kind == READ_STREAM)
            break;
        off += got;
    }
    hostbuf_put(buf, size);
    return got < 0 && u->done == start ? (int)got : 0;
}

int ocall_pread_uio(int fd, struct uio *u, int64_t off)
{
    return transfer(READ_AT, fd, u, off);
}

int ocall_pwrite_uio(int fd, struct uio *u, int64_t off)
{
    return transfer(off < 0 ? WRITE_APPEND : WRITE_AT, fd, u, off);
}

int ocall_read_uio(int fd, struct uio *u)
{
    return transfer(READ_STREAM, fd, u, 0);
}

int ocall_write_uio(int fd, struct uio *u)
{
    return transfer(WRITE_STREAM, fd, u, 0);
}

long ocall_pread(int fd, void *dst, size_t n, int64_t off)
{
    haddr_t buf = hostbuf_get(n);
    int64_t got = host_result(host_call4(pread, (uint64_t)fd, buf, n, (uint64_t)off), (int64_t)n);
    if (got > 0)
        host_in(dst, buf, (size_t)got);
    hostbuf_put(buf, n);
    return got;
}

long ocall_poll_now(int fd, uint32_t events)
{
    return host_result(host_call2(poll_now, (uint64_t)fd, events), 0xffff);
}

long ocall_fifo_lonely(int fd)
{
    return host_result(host_call3(read_ready, (uint64_t)fd, 0, 0), 0);
}

long ocall_getdents(int fd, void *dst, size_t n)
{
    n = MIN(n, HOSTBUF_SIZE);
    haddr_t buf = hostbuf_get(n);
    int64_t got = host_result(host_call3(getdents, (uint64_t)fd, buf, n), (int64_t)n);
    if (got > 0)
        host_in(dst, buf, (size_t)got);
    hostbuf_put(buf, n);
    return got;
}

int64_t ocall_lseek(int fd, int64_t off, int whence)
{
    return host_result(host_call3(lseek, (uint64_t)fd, (uint64_t)off, (uint64_t)whence), INT64_MAX);
}

long ocall_readlink(int dirfd, const char *name, char *dst, size_t n)
{
    haddr_t buf = hostbuf_get(2 * PATH_MAX);
    int64_t ret = -ENAMETOOLONG;

    n = MIN(n, (size_t)PATH_MAX);
    if (name_out(buf, name)) {
        ret =
            host_result(host_call4(readlink, (uint64_t)dirfd, buf, buf + PATH_MAX, n), (int64_t)n);
        if (ret > 0)
            host_in(dst, buf + PATH_MAX, (size_t)ret);
    }
    hostbuf_put(buf, 2 * PATH_MAX);
    return ret;
}

/* A call with one or two names; `nr` gets the first at arg 1 and, if there is one, the second at
 * arg 3. */
static int name_call(enum ocall_nr nr, int dir, const char *name, uint64_t a2, const char *name2,
                     uint64_t a4)
{
    haddr_t buf = hostbuf_get(2 * PATH_MAX);
    int64_t ret = -ENAMETOOLONG;

    if (name_out(buf, name) && (!name2 || name_out(buf + PATH_MAX, name2)))
        ret = host_result(
            host_call(nr, (uint64_t)dir, buf, a2, name2 ? buf + PATH_MAX : a4, name2 ? a4 : 0, 0),
            0);
    hostbuf_put(buf, 2 * PATH_MAX);
    return (int)ret;
}

int ocall_mkdir(int dirfd, const char *name, uint32_t mode)
{
    return name_call(OCALL_mkdir, dirfd, name, mode, NULL, 0);
}

int ocall_unlink(int dirfd, const char *name, uint32_t flags)
{
    return name_call(OCALL_unlink, dirfd, name, flags, NULL, 0);
}

int ocall_rename(int olddir, const char *old, int newdir, const char *new_name, uint32_t flags)
{
    return name_call(OCALL_rename, olddir, old, (uint64_t)newdir, new_name, flags);
}

int ocall_mknod(int dirfd, const char *name, uint32_t mode, uint64_t rdev)
{
    return name_call(OCALL_mknod, dirfd, name, mode, NULL, rdev);
}

int ocall_link(int fd, int newdir, const char *name)
{
    haddr_t buf = hostbuf_get(PATH_MAX);
    int64_t ret = -ENAMETOOLONG;
    if (name_out(buf, name))
        ret = host_result(host_call3(link, (uint64_t)fd, (uint64_t)newdir, buf), 0);
    hostbuf_put(buf, PATH_MAX);
    return (int)ret;
}

int ocall_symlink(const char *target, int dirfd, const char *name)
{
    haddr_t buf = hostbuf_get(2 * PATH_MAX);
    int64_t ret = -ENAMETOOLONG;
    if (name_out(buf, target) && name_out(buf + PATH_MAX, name))
        ret = host_result(host_call3(symlink, buf, (uint64_t)dirfd, buf + PATH_MAX), 0);
    hostbuf_put(buf, 2 * PATH_MAX);
    return (int)ret;
}

int ocall_chmod(int fd, uint32_t mode)
{
    return (int)host_result(host_call2(chmod, (uint64_t)fd, mode), 0);
}

int ocall_chown(int fd, uint32_t uid, uint32_t gid)
{
    return (int)host_result(host_call3(chown, (uint64_t)fd, uid, gid), 0);
}

int ocall_utimens(int fd, const int64_t ts[4])
{
    haddr_t buf = hostbuf_get(32);
    host_out(buf, ts, 32);
    int64_t ret = host_result(host_call2(utimens, (uint64_t)fd, buf), 0);
    hostbuf_put(buf, 32);
    return (int)ret;
}

int ocall_ftruncate(int fd, int64_t size)
{
    return (int)host_result(host_call2(ftruncate, (uint64_t)fd, (uint64_t)size), 0);
}

int ocall_fallocate(int fd, int mode, int64_t off, int64_t len)
{
    return (int)host_result(
        host_call4(fallocate, (uint64_t)fd, (uint64_t)mode, (uint64_t)off, (uint64_t)len), 0);
}

int ocall_fsync(int fd, bool data_only)
{
    return (int)host_result(host_call2(fsync, (uint64_t)fd, data_only), 0);
}

/* struct statfs of x86-64: eleven words and the flags. */
struct host_statfs {
    uint64_t type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize, flags,
        spare[4];
};

int ocall_statfs(int fd, struct statfs_info *out)
{
    struct host_statfs s;
    haddr_t buf = hostbuf_get(sizeof(s));
    int64_t ret = host_result(host_call2(statfs, (uint64_t)fd, buf), 0);
    host_in(&s, buf, sizeof(s));
    hostbuf_put(buf, sizeof(s));
    *out = (struct statfs_info){s.type,  s.bsize, s.blocks,  s.bfree, s.bavail,
                                s.files, s.ffree, s.namelen, s.flags};
    return (int)ret;
}

long ocall_ioctl(int fd, uint32_t request, void *data, size_t in, size_t out)
{
    haddr_t buf = hostbuf_get(256);
    if (in)
        host_out(buf, data, in);
    int64_t ret = host_result(host_call3(ioctl, (uint64_t)fd, request, buf), INT32_MAX);
    if (ret >= 0 && out)
        host_in(data, buf, out);
    hostbuf_put(buf, 256);
    return ret;
}

int64_t ocall_map(int fd, int64_t off, size_t len)
{
    int64_t at = host_result(host_call3(map, (uint64_t)fd, (uint64_t)off, len), INT64_MAX);
    if (at >= 0 && ((at & (int64_t)(PAGE_SIZE - 1)) || !host_range_ok((haddr_t)at, len)))
        return -EIO;
    return at;
}

void ocall_unmap(haddr_t addr, size_t len)
{
    host_call_quiet(OCALL_unmap, addr, len, 0, 0, 0, 0);
}

int64_t ocall_size(int fd)
{
    return host_result(host_call_quiet(OCALL_lseek, (uint64_t)fd, 0, SEEK_END, 0, 0, 0), INT64_MAX);
}
