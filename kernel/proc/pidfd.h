/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of processes: see pidfd.c. */
#ifndef KERNEL_PROC_PIDFD_H
#define KERNEL_PROC_PIDFD_H

#include "kernel/types.h"

struct process;

/* The process that a descriptor stands for, with a reference: 0 or -EBADF. */
MUST_CHECK int pidfd_process(int fd, struct process **out);

#endif
