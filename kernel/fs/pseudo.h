/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File systems whose files are made up when looked at: /proc and /sys.
 *
 * A directory is a table of entries, each with the functions that make its text or its target; a directory whose
 * names come and go (processes, threads, descriptors) has functions that find and list them besides.  An
 * inode is a table entry plus the numbers that say whose file it is.
 *
 * A regular file's text is made when it is first read, and again when it is read from the start (pseudo_text.c).
 * No locks of its own: entries are constant, an inode's numbers are immutable.
 */
#ifndef KERNEL_FS_PSEUDO_H
#define KERNEL_FS_PSEUDO_H

#include <linux/stat.h>

#include "kernel/fs/seq.h"
#include "kernel/sched/clock.h"
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
    /* Regular files that can be written: n bytes of text (no NUL). */
    int (*store)(const struct pseudo_inode *i, const char *text, size_t n);
    /* Links: the target into buf: its length or -errno. */
    int64_t (*link)(const struct pseudo_inode *i, char *buf, size_t size);
    unsigned link_size; /* links: st_size, which need not be the target's */
    /* Magic links: the place itself (a reference). */
    int (*follow)(const struct pseudo_inode *i, struct dentry **out);
    /* Directories with names that come and go.  find: what a name means; next: the first number >= *n that
     * is there, whose name is written to name; false at the end. */
    int (*find)(struct pseudo_inode *dir, const char *name, struct inode **out);
    bool (*next)(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX]);
    unsigned next_type; /* DT_* of what next lists */
    /* Directories: how many directories next would list.  Absent: none */
    unsigned (*count)(const struct pseudo_inode *dir);
    /* May it be used so (MAY_*)?  said: what the mode's bits say, 0 or -EACCES.  Absent: that, or as the file
     * system's own. */
    int (*allowed)(const struct pseudo_inode *i, unsigned mask, int said);
    const void *data; /* what show and store are about, where they serve many entries */
};

/* Whose file it is; what is not used is 0.  A number can be given to another process later: the times when
 * process and thread began tell them apart. */
struct pseudo_key {
    int pid, tid, fd;
    ktime_t process_began, thread_began;
};

struct pseudo_inode {
    struct inode inode; /* first */
    const struct pseudo_entry *entry;
    struct pseudo_key key;
    ktime_t made; /* CLOCK_REALTIME: all three of its times */
};

/* A file system. */
struct pseudo_fs {
    const char *type;
    uint64_t magic; /* what statfs says */
    const struct pseudo_entry *root;
    /* Is what i tells of still there?  Absent: always */
    bool (*alive)(const struct pseudo_inode *i);
    /* Whose it is.  Absent: user 0's */
    void (*owner)(const struct pseudo_inode *i, uint32_t *uid, uint32_t *gid);
    int (*allowed)(const struct pseudo_inode *i, unsigned mask,
                   int said); /* of entries without one */
};

static inline struct pseudo_inode *pseudo_inode_of(struct inode *i)
{
    return container_of(i, struct pseudo_inode, inode);
}

/* A new inode for an entry: a reference. */
MUST_CHECK int pseudo_inode_new(struct super *sb, const struct pseudo_entry *e,
                                struct pseudo_key key, struct inode **out);
/* fs is static. */
MUST_CHECK int pseudo_super_new(const struct pseudo_fs *fs, unsigned flags, struct super **out);
/* `allowed` where not even user 0 may do more than the mode lets the owner do: settings. */
int pseudo_allowed_strictly(const struct pseudo_inode *i, unsigned mask, int said);
/* Opens a regular file (pseudo_text.c). */
MUST_CHECK int pseudo_text_open(struct pseudo_inode *i, uint32_t flags, struct file **out);
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
