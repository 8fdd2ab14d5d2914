/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of processes: see pidfd.c. */
#ifndef KERNEL_PROC_PIDFD_H
#define KERNEL_PROC_PIDFD_H

#include "kernel/sched/lock.h"
#include "kernel/types.h"

struct process;
extern struct spinlock process_tree_lock;

/* A new descriptor of the current process for p; flags: O_NONBLOCK.  Its number, or -errno. */
MUST_CHECK long pidfd_new(struct process *p, uint32_t flags);
/*
 * The process that a descriptor stands for, with a reference: 0 or -EBADF.  nonblock (may be NULL): is it
 * O_NONBLOCK.
 */
MUST_CHECK int pidfd_process(int fd, struct process **out, bool *nonblock);
/* The same, and a directory /proc/<pid> stands for its process too: for pidfd_send_signal. */
MUST_CHECK int pidfd_process_or_dir(int fd, struct process **out);
/* The process has ended: whoever watches a descriptor of it is told. */
void pidfds_wake_locked(struct process *p) REQUIRES(process_tree_lock);

#endif
