/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a number stands for: see named.h.  Lock: the tree's, for looking. */
#include "kernel/proc/named.h"

#include <linux/errno.h>

#include "kernel/proc/pids.h"
#include "kernel/sys/syscall.h"

int named_get(int tid, struct named *out)
{
    spin_lock(&process_tree_lock);
    out->t = tid ? thread_find_locked(tid) : current;
    out->p = out->t ? out->t->process : process_find_locked(tid);
    if (out->t)
        ref_get(&out->t->ref);
    if (out->p)
        process_get(out->p);
    spin_unlock(&process_tree_lock);
    return out->p ? 0 : (int)reject(-ESRCH, "no such thread");
}

void named_put(struct named *n)
{
    if (n->t)
        thread_put(n->t);
    process_put(n->p);
}
