/* SPDX-License-Identifier: Apache-2.0 */
/* The host kind's global state: see table.c and host_impl.h for the locks. */
#ifndef KERNEL_FS_HOST_TABLE_H
#define KERNEL_FS_HOST_TABLE_H

#include "kernel/fs/host/host_impl.h"

struct host_table {
    struct mutex names;
    uint64_t serial; /* [a] the last one given */
    struct spinlock lock;
    struct list lru;             /* [lock] open directories without pins, oldest first */
    unsigned open;               /* [lock] open directories */
    unsigned fifos;              /* [a] inodes of FIFOs that are ours */
    struct list hash[HOST_HASH]; /* [lock] */
};

extern struct host_table host_table;

/* An open file of the inode (a reference), or NULL; one that can be read from or written to. */
struct host_file *host_inode_open_file(struct host_inode *hi);
struct host_file *host_inode_open_for(struct host_inode *hi, bool write);
/* Takes a reference if the inode is not on its way out. */
bool host_inode_get_live(struct host_inode *hi);

#endif
