/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time of threads and processes, and the clocks that tell it: see cputime.c. */
#ifndef KERNEL_SCHED_CPUTIME_H
#define KERNEL_SCHED_CPUTIME_H

#include "kernel/types.h"

struct thread;
struct process;
struct user_regs;

/* A thread's account.  Written by the vCPU that switches to or from it; `told` by readers. */
struct cputime {
    uint32_t seq;      /* [a] odd: being written */
    ktime_t spent;     /* [a] up to the last switch away */
    ktime_t since;     /* [a] CLOCK_MONOTONIC of the last switch to it; 0: not running */
    ktime_t told;      /* [a] the most that anybody was told */
    ktime_t user_told; /* [a] likewise, of what was not in the kernel */
    uint64_t sys;      /* [a] ticks of the TSC in the kernel, where that is counted, without … */
    ktime_t
        elsewhere; /* [a] it runs in another enclave since then, CLOCK_MONOTONIC; 0: it does not */
    uint64_t entered; /* [a] … those since; 0: in the program; 1: asleep in the kernel */
};

/* The scheduler, with its lock held, from prev to next; how long prev ran. */
ktime_t cputime_switch(struct thread *prev, struct thread *next);
/* Of a thread that runs, anywhere, or has run; never goes back. */
ktime_t thread_cpu_time(struct thread *t);
/* The current thread has run so much more, in another enclave. */
void cputime_add(struct thread *t, ktime_t ns);
/* With all its threads, dead ones too.  Takes the process's lock. */
ktime_t process_cpu_time(struct process *p);

/*
 * Time in the program and in the kernel are told apart from the moment on that a process first asks
 * (cpu_split_want), for it and for what it forks since: that takes two looks at the TSC a system call and page
 * fault, which others are spared.  What came before is the program's.
 */
void cpu_split_want(struct process *p);
bool cpu_split_wanted(void); /* by the current one: cheap */
void cpu_split_enter(void);  /* the current thread comes into the kernel … */
void cpu_split_leave(void);  /* … and goes back; without an enter nothing happens */
/* thread_cpu_time, and what of it was in the kernel.  What was not never goes back. */
ktime_t thread_cpu_split(struct thread *t, ktime_t *sys);

/* Does a clock count CPU time? */
bool clock_is_cpu(int id);
/* Reads one that does: 0 or -EINVAL. */
MUST_CHECK int cpu_clock_read(int id, ktime_t *out);
/* An id for the current process's or thread's CPU time that means the same to every thread. */
int clock_id_absolute(int id);
/*
 * How long CLOCK_MONOTONIC takes at least until a CPU clock has gone on by `left`: less when
 * several threads of a process run, but never so short that waiting becomes polling.
 */
ktime_t cpu_clock_wait(int id, ktime_t left);
/* clock_nanosleep on a CPU clock: until `target`; 0, -ERESTARTSYS, -EINVAL (the thread is gone). */
MUST_CHECK int cpu_clock_sleep(int id, ktime_t target);
/* May the caller sleep on it?  0, -EINVAL, -EOPNOTSUPP. */
MUST_CHECK int cpu_clock_sleep_check(int id);

#endif
