/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of root processes: which there are, by the host's word for each, and what it is told of them.
 *
 * Lock: roots_lock guards the list; nothing is taken under it.
 */
#include "abi/host/control.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/proc/root/control.h"
#include "kernel/proc/root/root.h"
#include "kernel/proc/root/root_impl.h"
#include "kernel/sched/waitq.h"

static struct spinlock roots_lock;
static struct list roots = LIST_INIT(roots); /* [roots_lock] */
static unsigned nroots;                      /* [roots_lock] */

static struct root *find_locked(uint64_t id) REQUIRES(roots_lock)
{
    list_for_each(l, &roots) {
        struct root *r = list_entry(l, struct root, link);
        if (r->id == id)
            return r;
    }
    return NULL;
}

struct process *root_lookup(uint64_t id)
{
    spin_lock(&roots_lock);
    struct root *r = find_locked(id);
    struct process *p = r ? r->process : NULL;
    if (p)
        process_get(p);
    spin_unlock(&roots_lock);
    return p;
}

static struct root *find_process_locked(const struct process *p) REQUIRES(roots_lock)
{
    list_for_each(l, &roots) {
        struct root *r = list_entry(l, struct root, link);
        if (r->process == p)
            return r;
    }
    return NULL;
}

bool root_add(struct root *r)
{
    spin_lock(&roots_lock);
    bool fresh = !find_locked(r->id);
    if (fresh) {
        list_add_tail(&roots, &r->link);
        __atomic_store_n(&nroots, nroots + 1, __ATOMIC_RELAXED);
    }
    spin_unlock(&roots_lock);
    return fresh;
}

void root_remove(struct root *r)
{
    spin_lock(&roots_lock);
    list_del(&r->link);
    __atomic_store_n(&nroots, nroots - 1, __ATOMIC_RELAXED);
    spin_unlock(&roots_lock);
}

unsigned roots_count(void)
{
    return __atomic_load_n(&nroots, __ATOMIC_RELAXED);
}

void root_ended(struct process *p, int wait_status)
{
    spin_lock(&roots_lock);
    struct root *r = find_process_locked(p);
    spin_unlock(&roots_lock);
    if (!r)
        return;
    control_tell(r->id, HOST_CONTROL_ENDED, wait_status, "");
    root_remove(r);
    waitq_wake(&kernel.init->child_wait, 0);
    kfree(r);
    process_put(p);
}

bool root_stopped(struct process *p, int sig)
{
    if (!control_open())
        return false;
    spin_lock(&roots_lock);
    struct root *r = find_process_locked(p);
    uint64_t id = r ? r->id : 0;
    spin_unlock(&roots_lock);
    if (r)
        control_tell(id, HOST_CONTROL_HALTED, sig, "");
    return r;
}
