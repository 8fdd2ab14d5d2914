/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of what the host says about files: attributes, directory records, link texts.  Pure
 * functions over copies in kernel memory.
 *
 * The host may name any size, time or owner, since host files are not protected; the checks
 * keep its words from being something that no Linux kernel would say, on which programs (and our VFS)
 * could trip: unknown types, negative sizes, names with slashes, records that overlap.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include "kernel/fs/host/host_impl.h"

#define DIRENT_HEAD 19 /* ino 8, off 8, reclen 2, type 1 */
#define DT_DIR_ 4
#define DT_MAX 14

static bool type_known(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK: return true;
    default: return false;
    }
}

static void time_clamp(struct statx_timestamp *t)
{
    if (t->tv_nsec > 999999999)
        t->tv_nsec = 999999999;
    t->__reserved = 0;
}

int host_stat_check(struct statx *st)
{
    if ((st->stx_mask & STATX_BASIC_STATS) != STATX_BASIC_STATS || !type_known(st->stx_mode))
        return -EIO;
    if (st->stx_size > INT64_MAX || st->stx_blocks > INT64_MAX)
        return -EIO;
    st->stx_mask &= STATX_BASIC_STATS | STATX_BTIME;
    if (st->stx_blksize < 512 || st->stx_blksize > (1U << 30))
        st->stx_blksize = 4096;
    time_clamp(&st->stx_atime);
    time_clamp(&st->stx_btime);
    time_clamp(&st->stx_ctime);
    time_clamp(&st->stx_mtime);
    st->stx_attributes = 0;
    st->stx_attributes_mask = 0;
    st->__spare0[0] = 0;
    memset((char *)st + offsetof(struct statx, stx_mnt_id), 0,
           sizeof(*st) - offsetof(struct statx, stx_mnt_id));
    return 0;
}

static bool name_ok(const char *name, size_t len)
{
    return len > 0 && len <= NAME_MAX && !memchr(name, '/', len);
}

static bool is_dot(const char *name, size_t len)
{
    return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

int host_dirent_next(const char *buf, size_t n, size_t *pos, struct host_dirent *out)
{
    uint16_t reclen;
    if (*pos == n)
        return 0;
    const char *rec = buf + *pos;
    size_t room = n - *pos;
    if (room < DIRENT_HEAD + 1)
        return -EIO;
    memcpy(&out->ino, rec, 8);
    memcpy(&out->next, rec + 8, 8);
    memcpy(&reclen, rec + 16, 2);
    if (reclen < DIRENT_HEAD + 1 || reclen > room)
        return -EIO;
    out->type = (uint8_t)rec[18];
    out->name = rec + DIRENT_HEAD;
    out->len = strnlen(out->name, (size_t)reclen - DIRENT_HEAD);
    if (out->len == (size_t)reclen - DIRENT_HEAD || !name_ok(out->name, out->len))
        return -EIO;
    if (out->type > DT_MAX)
        out->type = 0;
    if (is_dot(out->name, out->len))
        out->type = DT_DIR_;
    out->next &= INT64_MAX; /* an offset that lseek can name */
    *pos += reclen;
    return 1;
}

int host_link_check(const char *text, long n, size_t room)
{
    if (n <= 0 || (size_t)n > room || n > PATH_MAX - 1 || memchr(text, 0, (size_t)n))
        return -EIO;
    return 0;
}
