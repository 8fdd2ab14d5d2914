/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of readiness: who is told (F_SETOWN …), by which signal (F_SETSIG), and that he is (O_ASYNC).
 * It belongs to the open file description, which has none of it until it is asked for.
 */
#ifndef KERNEL_VFS_ASYNC_H
#define KERNEL_VFS_ASYNC_H

#include "kernel/types.h"

struct file;

/* fcntl's F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG, F_GETOWNER_UIDS. */
long async_fcntl(struct file *f, unsigned cmd, uaddr_t arg);
/* F_SETOWN's part, for the ioctls of sockets: who > 0 a process, < 0 a group. */
MUST_CHECK int async_owner_set(struct file *f, int who);
int async_owner_get(struct file *f);
/* O_ASYNC by way of descriptor fd. */
MUST_CHECK int async_switch(struct file *f, int fd, bool on);
/* From file_wake: EPOLL* events, under any spin locks that may come before process_tree_lock. */
void async_tell(struct file *f, uint32_t events);
/* f's owner, or nobody, is told that there is news of what descriptor fd stands for (POLL_MSG): leases, F_NOTIFY.
 * Locks as async_tell. */
void async_message(struct file *f, int fd);
/* If f has no owner it is the current process. */
MUST_CHECK int async_owner_default(struct file *f);
void async_free(struct file *f);

#endif
