/* SPDX-License-Identifier: Apache-2.0 */
/* Restartable sequences: see rseq.c. */
#ifndef KERNEL_SCHED_RSEQ_H
#define KERNEL_SCHED_RSEQ_H

#include "kernel/types.h"

struct thread;
struct user_regs;

/* A thread's registration.  All zero: none. */
struct rseq_state {
    uaddr_t area;   /* [o] the program's struct rseq; 0: not registered */
    uint32_t size;  /* [o] as registered */
    uint32_t sig;   /* [o] stands before each abort handler */
    uint32_t event; /* [a] preempted, or a barrier asked for it: look before going back */
    uint32_t cpu;   /* [o] what the area says, + 1; 0: unknown */
};

/* What these entries of the auxiliary vector say; Linux has them since 6.3. */
#define AT_RSEQ_FEATURE_SIZE 27
#define AT_RSEQ_ALIGN 28
#define RSEQ_FEATURE_SIZE 28
#define RSEQ_ALIGN 32

/* A new thread in a copy of its creator's memory has its registration, which says another CPU. */
void rseq_copy(struct thread *t, const struct thread *from);
/* The thread was switched to, on a vCPU. */
void rseq_switched(struct thread *t, unsigned vcpu);
/*
 * The thread was interrupted in the program: it must not finish a critical section that it is in.
 * Any context; takes effect on its way to the program.
 */
void rseq_interrupted(struct thread *t);
/*
 * Before a stop of all vCPUs (vcpus_stopped): those that run on after it make their threads start
 * over (rseq_after_stop, with need_resched, which a stop sets).
 */
void rseq_interrupt_all(void);
void rseq_after_stop(void);
/* On the way to the program, with t->exit_work: aborts a critical section, tells the CPU. */
void rseq_resume(struct user_regs *regs);
/*
 * Before a handler's frame is made: the frame shows the abort handler, not the critical section.
 * -EFAULT or -EINVAL when the section is none.
 */
MUST_CHECK int rseq_signal(struct user_regs *regs);

#endif
