/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names in /dev/pts of the host's terminals that are somebody's standard streams: they are found by the
 * names that the host has for them, since ttyname(3) looks there.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/host/host.h"
#include "kernel/fs/host/host_impl.h"
#include "lib/format.h"

#define TERMINAL_NAME_MAX 64

struct terminal_inode {
    struct inode inode; /* first */
    const char *path;   /* [I] */
};

static struct terminal_inode *terminal_of(struct inode *i)
{
    return container_of(i, struct terminal_inode, inode);
}

/* All the host's, so that it is the same as fstat of the stream. */
static int terminal_getattr(struct inode *i, struct statx *st)
{
    long ret = ocall_statx(0, terminal_of(i)->path, AT_SYMLINK_NOFOLLOW, st);
    return ret < 0 ? (int)ret : host_stat_check(st);
}

static int terminal_open(struct inode *i, uint32_t flags, struct file **out)
{
    int err = host_path_open(terminal_of(i)->path, flags, out);
    if (!err)
        (*out)->name = terminal_of(i)->path;
    return err;
}

static int terminal_setattr(struct inode *i, const struct setattr *a)
{
    (void)i;
    return a->mask & (SETATTR_MODE | SETATTR_UID | SETATTR_GID) ? -EPERM : 0;
}

static void terminal_free(struct inode *i)
{
    kfree(terminal_of(i));
}

static const struct inode_ops terminal_ops = {
    .open = terminal_open,
    .getattr = terminal_getattr,
    .setattr = terminal_setattr,
    .free = terminal_free,
};

static int terminal_new(struct super *sb, const char *path, struct inode **out)
{
    struct statx st;
    long ret = ocall_statx(0, path, AT_SYMLINK_NOFOLLOW, &st);
    int err = ret < 0 ? (int)ret : host_stat_check(&st);
    if (err)
        return err;
    struct terminal_inode *ti = kzalloc(sizeof(*ti));
    if (!ti)
        return -ENOMEM;
    inode_init(&ti->inode, sb, &terminal_ops, S_IFCHR | 0666, st.stx_ino);
    ti->inode.rdev = FS_RDEV(st.stx_rdev_major, st.stx_rdev_minor);
    ti->path = path;
    *out = &ti->inode;
    return 0;
}

int host_terminal_find(struct super *sb, const char *dir, const char *name, struct inode **out)
{
    char path[TERMINAL_NAME_MAX];
    if (strlen(dir) + strlen(name) >= sizeof(path))
        return -ENOENT;
    snprintf(path, sizeof(path), "%s%s", dir, name);
    const char *known = host_tty_named(path);
    return known ? terminal_new(sb, known, out) : -ENOENT;
}
