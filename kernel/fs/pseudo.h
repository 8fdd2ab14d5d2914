/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems whose files are made up when looked at: /proc and /sys.
 *
 * A directory is a table of entries, each with the functions that make its text or its target; a directory whose
 * names come and go (processes, threads, descriptors) has functions that find and list them besides.  An
 * inode is a table entry plus the numbers that say whose file it is.
 *
 * A regular file's text is made when it is first read, and again when it is read from the start.
 * No locks of its own: entries are constant, an inode's numbers are immutable.
 */
#ifndef KERNEL_FS_PSEUDO_H
#define KERNEL_FS_PSEUDO_H

#include <linux/stat.h>

#include "kernel/fs/seq.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"

#define PSEUDO_NAME_MAX 32 /* of names that are made up, with NUL */

struct pseudo_inode;

struct pseudo_entry {
    const char *name;                    /* NULL ends a table */
    uint32_t mode;                       /* type and permissions */
    const struct pseudo_entry *children; /* directories; may be NULL */
    /* Regular files: the whole text; -ESRCH when what it tells of is gone. */
    int (*show)(struct seq *s, const struct pseudo_inode *i);
    /* Regular files that can be written: n bytes of text (no NUL).  Absent: -EPERM */
    int (*store)(const struct pseudo_inode *i, const char *text, size_t n);
    /* Links: the target into buf: its length or -errno. */
    int64_t (*link)(const struct pseudo_inode *i, char *buf, size_t size);
    /* Magic links: the place itself (a reference). */
    int (*follow)(const struct pseudo_inode *i, struct dentry **out);
    /* Directories with names that come and go.  find: what a name means; next: the first number >= *n that
     * is there, whose name is written to name; false at the end. */
    int (*find)(struct pseudo_inode *dir, const char *name, struct inode **out);
    bool (*next)(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX]);
    unsigned next_type; /* DT_* of what next lists */
};

/* Whose file it is; what is not used is 0. */
struct pseudo_key {
    int pid, tid, fd;
};

struct pseudo_inode {
    struct inode inode; /* first */
    const struct pseudo_entry *entry;
    struct pseudo_key key;
};

static inline struct pseudo_inode *pseudo_inode_of(struct inode *i)
{
    return container_of(i, struct pseudo_inode, inode);
}

/* A new inode for an entry: a reference. */
MUST_CHECK int pseudo_inode_new(struct super *sb, const struct pseudo_entry *e,
                                struct pseudo_key key, struct inode **out);
/* A file system whose root directory is `root`. magic: what statfs says. */
MUST_CHECK int pseudo_super_new(const char *type, uint64_t magic, const struct pseudo_entry *root,
                                unsigned flags, struct super **out);
/* The number that name spells, without sign and leading zeros; -1: none. */
int pseudo_number(const char *name);

#define PSEUDO_FILE(n, fn)                                \
    {                                                     \
        .name = (n), .mode = S_IFREG | 0444, .show = (fn) \
    }
#define PSEUDO_DIR(n, table)                                     \
    {                                                            \
        .name = (n), .mode = S_IFDIR | 0555, .children = (table) \
    }
#define PSEUDO_LINK(n, fn)                                \
    {                                                     \
        .name = (n), .mode = S_IFLNK | 0777, .link = (fn) \
    }
#define PSEUDO_END   \
    {                \
        .name = NULL \
    }

#endif
