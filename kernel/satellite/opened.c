/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that a guest has opened to read: what it holds, or begins with, goes along with the answer (ahead.c), as long as the
 * guest makes use of it.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/unistd.h>
#include <asm/unistd.h>

#include "kernel/kernel.h"
#include "kernel/satellite/base.h"
#include "kernel/sys/syscalls.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

#define FROM_START 0  /* SEEK_SET: <linux/fs.h> has another LINK_MAX */
#define HEAD 4096U    /* of a large file: a loader looks at that */
#define UNUSED_MAX 8U /* in a row: this guest opens files for something else */

/* To be read, and nothing else. */
static bool opens(const struct user_regs *regs)
{
    uint64_t flags;

    if (regs->orig_rax == __NR_openat)
        flags = regs->rdx;
    else if (regs->orig_rax == __NR_open)
        flags = regs->rsi;
    else
        return false;
    return (int64_t)regs->rax >= 0 && (flags & O_ACCMODE) == O_RDONLY &&
           !(flags & (O_PATH | O_DIRECTORY | O_DIRECT));
}

/* A regular file, not one of those that the kernel makes up when they are read. */
static bool is_plain(const struct file *f)
{
    const struct inode *i = f->inode;

    return i && i->super && S_ISREG(i->mode) &&
           (i->super->flags & (SUPER_VOLATILE | SUPER_HOST)) != SUPER_VOLATILE;
}

/* st and data, at room: bytes; 0: nothing goes along. */
static size_t look(int fd, char *room)
{
    struct statx *st = (struct statx *)room;
    struct file *f;
    size_t n = 0;

    if (fd_lookup(fd, false, &f))
        return 0;
    bool plain = is_plain(f) && !file_stat(f, st);
    if (plain)
        n = st->stx_size <= WIRE_AHEAD_MAX ? (size_t)st->stx_size : HEAD;
    if (n && file_read_exact(f, room + sizeof(*st), n, 0))
        n = 0;
    file_put(f);
    return plain ? sizeof(*st) + n : 0;
}

size_t opened_tell(struct stay *y, const struct user_regs *regs)
{
    if (y->out_used || y->unused >= UNUSED_MAX || !opens(regs))
        return 0;
    size_t n = look((int)regs->rax, y->out);
    y->unused += n > 0;
    return n;
}

void opened_used(struct stay *y, const struct wire_used *u)
{
    if (u->ahead_used != y->used.ahead_used)
        y->unused = 0;
    y->used.ahead_used = u->ahead_used;
    if (u->ahead_fd >= 0)
        (void)sys_lseek(u->ahead_fd, u->ahead_pos, FROM_START);
}
