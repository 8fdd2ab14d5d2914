/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the measured configuration vouches for.
 *
 * The configuration's node table (abi/config/config.h) is the directory tree: what it does not name
 * does not exist here (table.c brings it in).  A trusted mount shows the part of the tree below its path:
 *
 *   NODE_DIR   a directory of the table; read-only
 *   NODE_REG   a file whose bytes are verified, page by page, before anybody sees them
 *   NODE_LNK   a symbolic link of the table
 *   NODE_HOST  an allowed file: an inode of the host kind, with the host's names below it, except
 *              where the table knows better (allowed.c)
 *
 * A name that is not in the table but is there on the host is denied: -EACCES, and with -v a line that
 * says so.  With the policy "allow_all_but_log" it is treated as allowed, and logged always.
 *
 * Regular files' inodes are found by node number and stay for ever once they were touched: they own the
 * verified pages and the leaf hashes.  Host descriptors behind them are opened when pages are missing and
 * at most TRUSTED_FDS_MAX are kept.
 *
 * Locks, outer first:
 *   inode's cache.lock (mutex)  leaves, fd; held while pages are filled
 *   verify.c's fds.lock, table.c's table.lock (spin)  the list of open descriptors; the node table
 * and node.c's files.lock (mutex) for the table of inodes, which is never held with another.
 */
#ifndef KERNEL_FS_TRUSTED_TRUSTED_IMPL_H
#define KERNEL_FS_TRUSTED_TRUSTED_IMPL_H

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include "abi/host/layout.h"
#include "kernel/crypto/crypto.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host/host.h"
#include "kernel/fs/pagecache.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/config.h"
#include "lib/string.h"

#define TRUSTED_FDS_MAX 128
#define TRUSTED_LINKS_MAX 8 /* of the host, followed one after the other */

struct trusted_super {
    struct super sb;    /* first */
    struct super *host; /* [I] the source as a host file system: the way to the files' bytes */
    const struct config *config; /* [I] */
    uint32_t top;         /* [I] the node that is mounted; CONFIG_NO_NODE: an empty directory */
    const char *top_name; /* [I] when the source is a single file: its name in its directory */
    uint32_t uid, gid;    /* [I] whom stat names as owner */
};

struct trusted_inode {
    struct inode inode; /* first */
    uint32_t node;      /* [I] */
    /* regular files */
    struct pagecache cache;
    uint8_t (*leaves)[CONFIG_HASH_SIZE]; /* [cache.lock] checked against the root; NULL: not yet */
    int fd;                              /* [cache.lock] host descriptor, -1: none */
    struct list fd_link;                 /* [fds.lock] while fd is open */
    bool reported;                       /* [cache.lock] a mismatch has been logged */
};

static inline struct trusted_inode *trusted_inode_of(struct inode *i)
{
    return container_of(i, struct trusted_inode, inode);
}

static inline struct trusted_super *trusted_super_of(struct super *sb)
{
    return container_of(sb, struct trusted_super, sb);
}

static inline const struct config_node *trusted_node(const struct trusted_super *ts, uint32_t node)
{
    return config_node(ts->config, node);
}

/* The super of a host inode that was reached through a trusted mount. */
static inline struct trusted_super *trusted_super_of_host(struct super *host)
{
    return host->priv;
}

/* node.c */
extern const struct inode_ops trusted_inode_ops;
MUST_CHECK int trusted_inode_get(struct trusted_super *ts, uint32_t node, struct inode **out);
/* What a node of the table is, as an inode (a reference): of this kind or of the host's. */
MUST_CHECK int trusted_node_lookup(struct trusted_super *ts, uint32_t node, struct inode **out);
void trusted_table_init(void);

/* path.c: the host's name for a node, or for a name below one that the table does not have. */
MUST_CHECK int trusted_host_path(const struct trusted_super *ts, uint32_t node, const char *name,
                                 char *buf, size_t size);
/* The path by which the program knows a node; false: it is too long. */
bool trusted_table_path(const struct trusted_super *ts, uint32_t node, char *buf, size_t size);
/* Replaces the last component of a host path by what the link there says; 0 or -errno. */
MUST_CHECK int trusted_host_follow(struct trusted_super *ts, char *path, size_t size);

/* allowed.c */
MUST_CHECK int allowed_lookup(struct trusted_super *ts, uint32_t node, struct inode **out);
/* A name that the table does not have, below node: -ENOENT, -EACCES, or by policy the host's inode. */
MUST_CHECK int allowed_unlisted(struct trusted_super *ts, uint32_t node, const char *name,
                                struct inode **out);
/* True when names may be changed on the host: path gets the host's. */
MUST_CHECK int allowed_change(struct trusted_super *ts, uint32_t node, const char *name, char *path,
                              size_t size);

/* file.c: regular files and directories, opened. */
int trusted_open(struct inode *i, uint32_t flags, struct file **out);

/* verify.c */
pagecache_fill trusted_fill;
/* Makes sure that the file is there with its size and its leaf hashes are right. */
MUST_CHECK int trusted_verify_begin(struct trusted_inode *ti);

#endif
