/* SPDX-License-Identifier: Apache-2.0 */
/* A lock whose waiters sleep.  May be held across ocalls and allocations, not across user copies. */
#ifndef KERNEL_SCHED_MUTEX_H
#define KERNEL_SCHED_MUTEX_H

#include "kernel/sched/waitq.h"

struct CAPABILITY("mutex") mutex {
    uint32_t held;       /* [a] */
    struct waitq waitq;
};

void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m) ACQUIRE(*m);
bool mutex_trylock(struct mutex *m) TRY_ACQUIRE(true, *m);
void mutex_unlock(struct mutex *m) RELEASE(*m);

#endif
