/* SPDX-License-Identifier: Apache-2.0 */
/* futex(2): see futex.c. */
#ifndef KERNEL_SCHED_FUTEX_FUTEX_H
#define KERNEL_SCHED_FUTEX_FUTEX_H

#include "kernel/types.h"

/*
 * The current thread leaves its address space, because it ends or by exec: the locks that it still
 * holds go to others (robust list, priority-inheriting futexes), clear_child_tid is cleared and its
 * waiter woken.  No lock held; copies to and from the program.
 */
void futex_thread_exit(void);
/* After futex_thread_exit in a thread that lives on (exec): it may own futexes again. */
void futex_thread_reborn(void);

#endif
