/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases (fcntl's F_SETLEASE): who holds one on a file is told by a signal before another opens or truncates
 * it in a way that does not go with it, and that one waits until the lease is given up, or its time (45 s) is over.
 *
 * A lease belongs to an open file description.  What is opened by name is counted in its inode (writers,
 * readers), because a lease is only given while nobody has the file open otherwise.  Only programs of
 * this enclave are seen.
 */
#ifndef KERNEL_VFS_LOCK_LEASE_H
#define KERNEL_VFS_LOCK_LEASE_H

#include "kernel/types.h"

struct file;
struct inode;

extern uint32_t lease_count;      /* [a] how many there are */
extern uint64_t lease_break_time; /* [a] seconds: /proc/sys/fs/lease-break-time */

static inline bool lease_any(void)
{
    return unlikely(__atomic_load_n(&lease_count, __ATOMIC_SEQ_CST) != 0);
}

/* fcntl's F_SETLEASE (by descriptor fd) and F_GETLEASE. */
long lease_set(int fd, struct file *f, unsigned long type);
long lease_get(struct file *f);
int lease_break_slow(struct inode *i, uint32_t flags);
/* Before, and once more after, an open with these O_* flags: 0, -EWOULDBLOCK (O_NONBLOCK) or
 * -ERESTARTSYS.  Sleeps. */
static inline MUST_CHECK int lease_break(struct inode *i, uint32_t flags)
{
    return lease_any() ? lease_break_slow(i, flags) : 0;
}
/* The last reference of f goes. */
void lease_release(struct file *f);

/* For /proc: all leases, each before those who wait at it. */
struct lease_line {
    struct inode *inode;     /* a reference; of a waiter NULL */
    const struct file *file; /* only to be compared */
    int pid, type;           /* who holds or waits; what it is, or is asked to become */
    bool breaking;
};
/* An array from the heap, or NULL (nothing, or no memory); the caller drops the inodes. */
struct lease_line *leases_list(size_t *n) MUST_CHECK;

#endif
