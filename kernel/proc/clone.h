/* SPDX-License-Identifier: Apache-2.0 */
/* What clone.c and fork.c share. */
#ifndef KERNEL_PROC_CLONE_H
#define KERNEL_PROC_CLONE_H

#include "kernel/types.h"

struct thread;

/* What clone, clone3, fork and vfork ask for, in one form. */
struct clone_request {
    uint64_t flags, stack, stack_size, parent_tid, child_tid, tls;
    uaddr_t pidfd;   /* CLONE_PIDFD: where its number goes */
    int exit_signal; /* of a new process */
    int tid;         /* the one that it must get; 0: any */
};

/* A new thread's first steps in the kernel; arg: where its tid goes in its memory, or NULL. */
void clone_child_main(void *arg);
void *clone_child_arg(const struct clone_request *a);
/* Registers, vector state, signal mask, name: what a thread has from the one that makes it, the current one. */
void clone_inherit(struct thread *child, const struct clone_request *a);
/* CLONE_PARENT_SETTID. */
void clone_store_tid(const struct clone_request *a, int tid);

/* A new process with the flags of a (fork.c): its pid or -errno. */
MUST_CHECK long process_clone(const struct clone_request *a);

#endif
