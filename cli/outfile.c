/* SPDX-License-Identifier: Apache-2.0 */
/*
 * O_TMPFILE, then linkat, which cannot replace: for that the link gets a random name first and is
 * renamed.  File systems without O_TMPFILE get a named temporary file.
 */
#include "cli/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/mem.h"

#ifndef RENAME_NOREPLACE /* not in every C library's headers */
#define RENAME_NOREPLACE 1U
#endif

static char *temp_name(const char *path)
{
    uint64_t r = 0;
    if (getrandom(&r, sizeof r, 0) != sizeof r)
        r = (uint64_t)getpid();
    return mem_format("%s.%016lx.tmp", path, r);
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_string(".");
    return mem_string_n(path, slash == path ? 1 : (size_t)(slash - path));
}

/* A device or pipe (-o /dev/stdout) is written to, never replaced. */
static bool is_special(const char *path)
{
    struct stat st;
    return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int outfile_open(struct outfile *o, const char *path, mode_t mode)
{
    char *dir = directory_of(path);
    *o = (struct outfile){.path = mem_string(path), .special = is_special(path)};
    if (o->special)
        o->fd = memfd_create("outfile", MFD_CLOEXEC);
    else
        o->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    free(dir);
    if (o->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        o->temp = temp_name(path);
        o->fd = open(o->temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
    }
    if (o->fd >= 0)
        return 0;
    int err = -errno;
    free(o->temp);
    o->temp = NULL;
    outfile_abandon(o);
    return err;
}

static void write_at(struct outfile *o, const void *data, size_t len, uint64_t off)
{
    const uint8_t *p = data;
    while (len && !o->error) {
        ssize_t n = pwrite(o->fd, p, len, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            o->error = n < 0 ? errno : ENOSPC;
            return;
        }
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
}

void outfile_write(struct outfile *o, const void *data, size_t len)
{
    write_at(o, data, len, o->written);
    o->written += len;
}

void outfile_align(struct outfile *o, size_t align)
{
    static const uint8_t zero[4096];
    while (o->written % align) {
        size_t n = align - o->written % align;
        outfile_write(o, zero, n < sizeof zero ? n : sizeof zero);
    }
}

void outfile_rewrite(struct outfile *o, uint64_t off, const void *data, size_t len)
{
    write_at(o, data, len, off);
}

/* The unnamed file gets a name: the final one, or o->temp if something is there already. */
static int give_name(struct outfile *o, bool replace)
{
    char proc[64];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", o->fd);
    if (!linkat(AT_FDCWD, proc, AT_FDCWD, o->path, AT_SYMLINK_FOLLOW))
        return 0;
    if (errno != EEXIST || !replace)
        return -errno;
    o->temp = temp_name(o->path);
    if (!linkat(AT_FDCWD, proc, AT_FDCWD, o->temp, AT_SYMLINK_FOLLOW))
        return 0;
    int err = -errno;
    free(o->temp);
    o->temp = NULL;
    return err;
}

static int copy_out(struct outfile *o)
{
    char buf[65536];
    ssize_t n;
    int err = 0;
    int fd = open(o->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (off_t off = 0; !err && (n = pread(o->fd, buf, sizeof buf, off)) > 0;) {
        n = write(fd, buf, (size_t)n);
        if (n < 0)
            err = -errno;
        off += n;
    }
    close(fd);
    return err;
}

int outfile_commit(struct outfile *o, bool replace)
{
    int err = -o->error;
    if (!err && o->special)
        err = copy_out(o);
    else if (!err && !o->temp)
        err = give_name(o, replace);
    if (!err && o->temp) {
        unsigned int flags = replace ? 0 : RENAME_NOREPLACE;
        if (syscall(SYS_renameat2, AT_FDCWD, o->temp, AT_FDCWD, o->path, flags))
            err = -errno;
        else
            o->temp[0] = 0;
    }
    outfile_abandon(o);
    return err;
}

void outfile_abandon(struct outfile *o)
{
    if (o->temp && o->temp[0])
        unlink(o->temp);
    if (o->fd >= 0)
        close(o->fd);
    free(o->temp);
    free(o->path);
    *o = (struct outfile){.fd = -1};
}
