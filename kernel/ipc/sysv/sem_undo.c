/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEM_UNDO: what is added to semaphores when those that changed them are gone.
 *
 * The record is kept beside the thread (Linux keeps it there too): threads made with CLONE_SYSVSEM
 * share one, a new process begins with none, and exec keeps it.  The last of those that share
 * it, on its way out, makes the changes; what would go below zero or above the top stops there.
 *
 * A record of one set hangs in two lists, its owner's and the set's; whichever goes first frees it.
 */
#include <linux/errno.h>
#include <linux/sched.h>

#include "kernel/ipc/sysv/sem.h"
#include "kernel/ipc/sysv/sem_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "lib/string.h"

static struct sem_undos *undos_new(void)
{
    struct sem_undos *u = kzalloc(sizeof(*u));
    if (!u)
        return NULL;
    ref_init(&u->ref);
    list_init(&u->undos);
    return u;
}

static struct sem_undos *own_undos(void)
{
    if (!current->sem_undos)
        current->sem_undos = undos_new();
    return current->sem_undos;
}

int sem_undo_clone(struct thread *child, uint64_t flags)
{
    if (!(flags & CLONE_SYSVSEM))
        return 0;
    struct sem_undos *u = own_undos();
    if (!u)
        return -ENOMEM;
    ref_get(&u->ref);
    child->sem_undos = u;
    return 0;
}

static struct sem_undo *find_locked(const struct sem_undos *owner, const struct sem_set *set)
    REQUIRES(sem_ids.lock)
{
    list_for_each(l, &owner->undos) {
        struct sem_undo *u = list_entry(l, struct sem_undo, by_owner);
        if (u->set == set)
            return u;
    }
    return NULL;
}

struct sem_undo *sem_undo_get_locked(struct sem_set *set)
{
    struct sem_undos *owner = own_undos();
    struct sem_undo *u = owner ? find_locked(owner, set) : NULL;
    if (u || !owner)
        return u;
    u = kzalloc(sizeof(*u) + set->n * sizeof(u->adjust[0]));
    if (!u)
        return NULL;
    u->set = set;
    list_add_head(&owner->undos, &u->by_owner);
    list_add_tail(&set->undos, &u->by_set);
    return u;
}

void sem_undo_clear_locked(struct sem_set *set, int n)
{
    list_for_each(l, &set->undos) {
        struct sem_undo *u = list_entry(l, struct sem_undo, by_set);
        if (n >= 0)
            u->adjust[n] = 0;
        else
            memset(u->adjust, 0, set->n * sizeof(u->adjust[0]));
    }
}

static void undo_free_locked(struct sem_undo *u) REQUIRES(sem_ids.lock)
{
    list_del(&u->by_owner);
    list_del(&u->by_set);
    kfree(u);
}

void sem_undo_forget_locked(struct sem_set *set)
{
    list_for_each_safe(l, &set->undos)
        undo_free_locked(list_entry(l, struct sem_undo, by_set));
}

static void undo_now_locked(struct sem_undo *u, int pid) REQUIRES(sem_ids.lock)
{
    struct sem_set *set = u->set;

    for (unsigned i = 0; i < set->n; i++) {
        if (!u->adjust[i])
            continue;
        int value = set->sems[i].value + u->adjust[i];
        set->sems[i].value = MIN(MAX(value, 0), SEMVMX);
        set->sems[i].pid = pid;
    }
    undo_free_locked(u);
    sem_settle_locked(set);
    set->otime = ipc_now();
}

void sem_undo_exit(struct thread *t)
{
    struct sem_undos *owner = t->sem_undos;

    t->sem_undos = NULL;
    if (!owner || !ref_put(&owner->ref))
        return;
    spin_lock(&sem_ids.lock);
    list_for_each_safe(l, &owner->undos)
        undo_now_locked(list_entry(l, struct sem_undo, by_owner), t->process->pid);
    spin_unlock(&sem_ids.lock);
    kfree(owner);
}
