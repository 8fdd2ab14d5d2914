/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers for whom (family.c), for kernel/proc and job control. */
#ifndef KERNEL_PROC_FAMILY_H
#define KERNEL_PROC_FAMILY_H

#include "kernel/proc/process.h"

/*
 * A thread has ended, others of its process live: its children are told, if they asked for it, and have
 * another one as their parent's thread.
 */
void family_thread_gone_locked(struct thread *t) REQUIRES(process_tree_lock);
/* exec: what the process's thread `tid` answered for is its first one's now. */
void family_thread_renamed_locked(struct process *p, int tid) REQUIRES(process_tree_lock);
/* A process that ends gives its children away. */
void family_leave(struct process *p);
/* It has nothing but its status any more: the parent is told, and takes it if it does not care. */
void family_end(struct process *p);
/* A zombie's status was taken: GONE, and the table's reference with it. */
void process_reap_locked(struct process *p) REQUIRES(process_tree_lock);
/* Tells the parent what p->news says.  No lock held. */
void family_tell_news(struct process *p);
/*
 * No member of the process group has a parent in the same session, but another group: nobody would
 * let it go on if it stopped.
 */
bool group_is_orphaned_locked(int pgid, const struct process *ignored) REQUIRES(process_tree_lock);
bool group_is_orphaned(int pgid);

#endif
