/* SPDX-License-Identifier: Apache-2.0 */
/* What processes used: counted by their threads, added up for those who ask or wait (usage.c). */
#ifndef KERNEL_PROC_USAGE_H
#define KERNEL_PROC_USAGE_H

#include "kernel/types.h"

struct process;
struct thread;
struct rusage;

/* Bytes that read(2) and write(2) and their like moved, and how often they were called. */
struct io_usage {
    uint64_t rchar, wchar, syscr, syscw;
};

struct usage {
    ktime_t cpu; /* all, and … */
    ktime_t sys; /* … of it in the kernel, where that is counted (sched/cputime.h) */
    uint64_t minflt, nvcsw, nivcsw;
    uint64_t maxrss; /* pages; of several the largest */
    struct io_usage io;
};

void usage_add(struct usage *sum, const struct usage *more);
void usage_add_thread(struct usage *sum, struct thread *t);
/* Of a process's threads, dead ones too.  Takes its lock. */
void process_usage(struct process *p, struct usage *out);
/* What of a process's CPU time was not in the kernel.  Takes its lock. */
ktime_t process_user_time(struct process *p);
void usage_to_rusage(const struct usage *u, struct rusage *out);

#define NS_PER_TICK 10000000 /* times(2) and siginfo count in 1/100 s */

#endif
