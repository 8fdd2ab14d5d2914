/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run queue and what decides who runs.  One FIFO for all vCPUs under one lock (the innermost of
 * all locks); an idle vCPU sleeps outside, in its ring.
 */
#ifndef KERNEL_SCHED_SCHED_H
#define KERNEL_SCHED_SCHED_H

#include "kernel/sched/thread.h"

/* Boot: makes the idle thread of this vCPU out of its boot stack. */
void sched_init_vcpu(void);
/* The idle thread's life; never returns. */
NORETURN void sched_idle(void);
/* Leaves the current thread, whose state the caller has set, and runs the next. */
void schedule(void);
/* On the way out with need_resched: gives others a turn, sees to timers, ring and ticks. */
void sched_resched(void);
/* A tick interrupted the program. */
void sched_tick(void);
/* A timer or a runnable thread may need a tick while the current thread computes. */
void sched_need_tick(void);
/* Number of threads ready to run: for /proc/loadavg. */
unsigned sched_runnable(void);

#endif
