/* SPDX-License-Identifier: Apache-2.0 */
/* futex(2): see futex.c. */
#ifndef KERNEL_SCHED_FUTEX_H
#define KERNEL_SCHED_FUTEX_H

#include "kernel/types.h"

/* Wakes up to n waiters on a word of the current process; returns how many. */
int futex_wake(uaddr_t addr, int n);
/* Linux's exit_robust_list and clear_child_tid for the current thread. */
void futex_thread_exit(void);

#endif
