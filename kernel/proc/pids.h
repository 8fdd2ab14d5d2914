/* SPDX-License-Identifier: Apache-2.0 */
/* The table of numbers (pids.c) and the family (process.c), for kernel/proc; the tree lock is held. */
#ifndef KERNEL_PROC_PIDS_H
#define KERNEL_PROC_PIDS_H

#include "kernel/proc/process.h"

/* Borrowed, or NULL. */
struct thread *thread_find_locked(int tid) REQUIRES(process_tree_lock);
/* A member of a process group or session, zombies too; or NULL. */
struct process *process_group_find_locked(int pgid) REQUIRES(process_tree_lock);
struct process *session_find_locked(int sid) REQUIRES(process_tree_lock);
/* Is it a thread's, process's, group's or session's number? */
bool number_in_use_locked(int number) REQUIRES(process_tree_lock);
/* The chosen number, or for 0 a free one; 0: it is in use. */
int number_take_locked(int chosen) REQUIRES(process_tree_lock);
/* From here on it is found by its number. */
void thread_number_locked(struct thread *t) REQUIRES(process_tree_lock);
void process_number_locked(struct process *p) REQUIRES(process_tree_lock);

/* A GONE process is not found any more; the table's reference stays the caller's. */
void process_forget_locked(struct process *p) REQUIRES(process_tree_lock);
/* No new processes from here on. */
void processes_close(void);

#endif
