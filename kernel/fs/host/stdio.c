/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that the host process was started with, and single host paths, as files without a
 * mount.  What kind of file it is, and whether it may be read or written, the host tells: the mode of
 * /proc/self/fd/N as a link says how N was opened.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/host/host.h"
#include "kernel/fs/host/host_impl.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"

#define NAME_SIZE 128

static const struct super_ops no_super_ops;
static struct super stdio_super = {.type = "host", .ops = &no_super_ops, .flags = SUPER_VOLATILE};

static uint32_t access_mode(int fd, const char *link)
{
    struct statx st;
    if (ocall_statx(fd, link, AT_SYMLINK_NOFOLLOW, &st) < 0 || !S_ISLNK(st.stx_mode))
        return fd ? O_WRONLY : O_RDONLY;
    bool r = st.stx_mode & 0400, w = st.stx_mode & 0200;
    return r && w ? O_RDWR : w ? O_WRONLY : O_RDONLY;
}

/* What /proc/self/fd shows: what the host shows, if it is one printable word. */
static char *display_name(int fd, const char *link)
{
    char text[NAME_SIZE];
    long n = ocall_readlink(fd, link, text, sizeof(text) - 1);
    bool ok = n > 0 && (size_t)n < sizeof(text) - 1;
    for (long i = 0; ok && i < n; i++)
        ok = text[i] > ' ' && text[i] < 0x7f;
    if (!ok)
        n = snprintf(text, sizeof(text), "host:[%d]", fd);
    text[n] = '\0';
    return kstrdup(text);
}

static int file_for(int fd, const struct statx *st, uint32_t flags, struct file **out)
{
    struct inode *i;
    int err = host_inode_make(&stdio_super, NULL, "(descriptor)", st, -1, &i);
    if (err) {
        ocall_close(fd);
        return err;
    }
    err = host_file_make(i, fd, flags, out);
    inode_put(i);
    return err;
}

int host_stdio_open(int host_fd, struct file **out)
{
    char link[32];
    struct statx st;
    long ret = ocall_statx(host_fd, "", AT_EMPTY_PATH, &st);
    int err = ret < 0 ? (int)ret : host_stat_check(&st);
    if (err)
        return err;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", host_fd);
    err = file_for(host_fd, &st, access_mode(host_fd, link), out);
    if (err)
        return err;
    char *name = display_name(host_fd, link);
    (*out)->name = name;
    host_file_of(*out)->shown_name = name;
    struct tty *t = host_stream_tty(*out);
    if (t)
        host_tty_stdio(t, host_fd, name);
    host_file_of(*out)->shared_pos = S_ISREG(st.stx_mode);
    return 0;
}

int host_path_open(const char *path, uint32_t flags, struct file **out)
{
    struct statx st;
    long fd = ocall_open(0, path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOFOLLOW, 0, &st);
    if (fd < 0)
        return (int)fd;
    int err = host_stat_check(&st);
    if (err) {
        ocall_close((int)fd);
        return err;
    }
    return file_for((int)fd, &st, flags, out);
}
