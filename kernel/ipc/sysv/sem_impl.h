/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of System V semaphores share.  The lock of sem_ids guards all of it, legend [l].
 * Nothing here keeps a set that is not in the table: whoever sleeps in a set is told when it goes, before it
 * is freed.
 */
#ifndef KERNEL_IPC_SYSV_SEM_IMPL_H
#define KERNEL_IPC_SYSV_SEM_IMPL_H

#include <linux/sem.h>

#include "kernel/ipc/sleeper.h"
#include "kernel/ipc/sysv/ipcid.h"
#include "lib/list.h"

struct sem {
    int value; /* [l] 0 … SEMVMX */
    int pid;   /* [l] who changed it last */
};

struct sem_set {
    struct ipc_object object;
    int64_t otime, ctime; /* [l] seconds */
    unsigned n;           /* [I] semaphores */
    unsigned many;        /* [l] in `takers`: those that want more than one operation */
    struct list zero;     /* [l] sleepers that change nothing: they wait for zero */
    struct list takers;   /* [l] sleepers that change something, longest first */
    struct list undos;    /* [l] struct sem_undo, by_set */
    struct sem sems[];    /* [l] */
};

/* What the threads that share a struct sem_undos did to one set. */
struct sem_undo {
    struct list by_owner, by_set; /* [l] */
    struct sem_set *set;          /* [I] */
    int16_t adjust[];             /* [l] to be added at the end, by semaphore */
};

struct sem_undos {
    struct ref ref;
    struct list undos; /* [l] by_owner */
};

/* A semop that is being tried, and sleeps if it must. */
struct sem_call {
    struct sleeper s; /* first; [l] in set->zero or set->takers */
    int pid;          /* [I] whose */
    const struct sembuf *ops;
    unsigned n;
    bool changes;                  /* not all operations wait for zero */
    struct sem_undo *undo;         /* [l] NULL without SEM_UNDO */
    const struct sembuf *blocking; /* [l] the operation that could not be done */
};

extern struct ipc_ids sem_ids;
extern uint64_t sem_used; /* [l] semaphores in all sets */

static inline struct sem_set *sem_set_of(struct ipc_object *o)
{
    return o ? container_of(o, struct sem_set, object) : NULL;
}

/* After a change: does what can be done now of what sleeps in the set.  True if that changed anything. */
bool sem_settle_locked(struct sem_set *set) REQUIRES(sem_ids.lock);
/* Takes the set out of the table, tells its sleepers, forgets its undos, and frees it. */
void sem_destroy_locked(struct sem_set *set) REQUIRES(sem_ids.lock);
/* The current thread's undo record for the set, made if needed; NULL without memory. */
struct sem_undo *sem_undo_get_locked(struct sem_set *set) REQUIRES(sem_ids.lock) MUST_CHECK;
/* The value was set: nothing is left to undo for semaphore n; n < 0: for all. */
void sem_undo_clear_locked(struct sem_set *set, int n) REQUIRES(sem_ids.lock);
/* The set goes. */
void sem_undo_forget_locked(struct sem_set *set) REQUIRES(sem_ids.lock);

#endif
