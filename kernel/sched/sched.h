/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run queue and what decides who runs, and which vCPUs.  One FIFO for all vCPUs under one lock
 * (the innermost of all locks); an idle vCPU looks around for a moment, then waits outside.
 */
#ifndef KERNEL_SCHED_SCHED_H
#define KERNEL_SCHED_SCHED_H

#include "kernel/sched/thread.h"

/* Makes the idle thread of a vCPU, which runs on its boot stack; false: no memory. */
MUST_CHECK bool sched_init_vcpu(struct vcpu *v);
/* The idle thread's life; never returns. */
NORETURN void sched_idle(void);
/* Has nothing to run, or not yet. */
bool sched_vcpu_idle(const struct vcpu *v);
/* Leaves the current thread, whose state the caller has set, and runs the next. */
void schedule(void);
/* On the way out with need_resched: gives others a turn, sees to timers, ring and ticks. */
void sched_resched(void);
/* A tick interrupted the program. */
void sched_tick(void);
/* A timer or a runnable thread may need a tick while the current thread computes. */
void sched_need_tick(void);
/* This vCPU is about to be outside, perhaps for long: what it has woken must not wait for it. */
void sched_leaving(void);
/* The current thread, which is about to wait here, runs in another enclave; or does so no more. */
void sched_elsewhere(bool runs);
/* Number of threads ready to run. */
unsigned sched_runnable(void);
/* Of threads that run or are ready to. */
unsigned sched_running(void);
/* What CPU `index` did since the start, for /proc/stat; all 0 when there has been no need of it yet. */
struct sched_usage {
    ktime_t busy;
    uint64_t switches, interrupts;
};
void sched_usage(unsigned index, struct sched_usage *out);

#endif
