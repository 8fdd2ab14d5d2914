/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V semaphores, for the rest of the kernel: what a thread did with SEM_UNDO is undone when it
 * ends, or when the last of those ends that share this (CLONE_SYSVSEM), as all threads of a library do.
 */
#ifndef KERNEL_IPC_SYSV_SEM_H
#define KERNEL_IPC_SYSV_SEM_H

#include "kernel/types.h"

struct thread;
struct seq;

/* A new thread or process, of the current thread, by clone's flags: 0 or -ENOMEM. */
MUST_CHECK int sem_undo_clone(struct thread *child, uint64_t flags);
/* t ends, or was never started, or shares no longer. No lock held. */
void sem_undo_exit(struct thread *t);
/* /proc/sysvipc/sem */
void sem_list(struct seq *s);

#endif
