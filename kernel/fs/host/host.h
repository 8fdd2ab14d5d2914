/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other kinds use of the host kind: a trusted mount shows allowed files through it, /dev the
 * terminal.  See host_impl.h for how it works.
 */
#ifndef KERNEL_FS_HOST_HOST_H
#define KERNEL_FS_HOST_HOST_H

#include "kernel/types.h"

struct file;
struct process;
struct inode;
struct statx;
struct super;

/* A host directory as a file system of its own. */
MUST_CHECK int host_super_new(const char *source, unsigned flags, struct super **out);
/* Its top directory (borrowed). */
struct inode *host_super_dir(struct super *sb);
/* The operations on names in a host directory; a name may be a path, whose links the host follows but for the last. */
int host_lookup(struct inode *dir, const char *name, struct inode **out);
int host_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                 struct inode **out_ino, struct file **out);
/* The attributes of such a name: the last answer, if it stands, or the host's. */
int host_stat_at(struct inode *dir, const char *name, struct statx *st);
extern const struct inode_ops host_inode_ops;
/* A descriptor for the top directory of a mount, which stays open for ever. */
int host_super_fd(struct super *sb);
/* The checks on what the host says of a file: 0 or -EIO. */
MUST_CHECK int host_stat_check(struct statx *st);
MUST_CHECK int host_link_check(const char *text, long n, size_t room);
/* The name that the host has for a terminal, if it is this one and we have met that terminal; kept for ever. */
const char *host_tty_named(const char *path);
/* The inode of a name in dir ("/dev/pts/"), if a standard stream is the terminal of that name: 0 or -ENOENT … */
MUST_CHECK int host_terminal_find(struct super *sb, const char *dir, const char *name,
                                  struct inode **out);
/* A path of the host as an open file of its own, with flags O_*: /dev/tty. */
MUST_CHECK int host_path_open(const char *path, uint32_t flags, struct file **out);

/* The terminal that cella was started from becomes the controlling one of the first process (tty.c). */
void host_tty_first(struct process *p);
/* /dev/tty of a process that has none: -ENXIO, unless there is one that nobody has asked for yet. */
MUST_CHECK int host_tty_open_late(uint32_t flags, struct file **out);
/* A key's signal or SIGWINCH has come from the host: to the foreground group; false: there is none. */
bool host_tty_signal(int sig);

#endif
