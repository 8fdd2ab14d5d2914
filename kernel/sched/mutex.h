/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock whose waiters sleep.  May be held across ocalls and allocations; across user copies only
 * where serving a page fault can never need it (ARCHITECTURE.md, lock order).  Not recursive, not
 * fair: whoever finds it free takes it.
 */
#ifndef KERNEL_SCHED_MUTEX_H
#define KERNEL_SCHED_MUTEX_H

#include "kernel/sched/waitq.h"

struct CAPABILITY("mutex") mutex {
    uint32_t held; /* [a] 0: free; see mutex.c */
    struct waitq waitq;
};

void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m) ACQUIRE(*m);
bool mutex_trylock(struct mutex *m) TRY_ACQUIRE(true, *m);
void mutex_unlock(struct mutex *m) RELEASE(*m);

#endif
