/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a number stands for in calls about threads: a thread, or what is left of a process's first one when that
 * has ended (a zombie's; init has none).  It can be asked about, and told things, until the process is GONE.
 */
#ifndef KERNEL_PROC_NAMED_H
#define KERNEL_PROC_NAMED_H

#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"

struct named {
    struct process *p; /* a reference */
    struct thread *t;  /* a reference; NULL: it has ended */
};

/* 0: the current thread.  0, then named_put; or -ESRCH. */
MUST_CHECK int named_get(int tid, struct named *out);
void named_put(struct named *n);

static inline struct schedparam *named_schedparam_locked(struct named *n) REQUIRES(n->p->lock)
{
    return n->t ? &n->t->schedparam : &n->p->schedparam;
}

static inline const struct cred *named_cred_locked(struct named *n) REQUIRES(n->p->lock)
{
    return n->t ? n->t->cred : n->p->cred;
}

#endif
