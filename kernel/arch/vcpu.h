/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU: a host thread with a TCS.  %gs points to its struct while in the enclave; it is the
 * first of the pages that the builder added for it (abi/host/layout.h), of which the builder wrote
 * and measured the head.
 *
 * Everything here is private to the vCPU, except the fields marked [a] (atomic) and [r] (the
 * scheduler's lock).
 */
#ifndef KERNEL_ARCH_VCPU_H
#define KERNEL_ARCH_VCPU_H

#include "abi/host/layout.h"
#include "kernel/types.h"

struct thread;
struct host_vcpu;
struct inbox_request;

struct vcpu {
    struct vcpu_head head;       /* self, index: measured, or written by the kernel */
    uint64_t user_rsp;           /* entry.S: scratch for the program's RSP … */
    uint64_t user_rip;           /* … and RIP on the way in and out */
    uint64_t kstack_top;         /* of the current thread: where user_regs end */
    uint64_t syscall_entry;      /* address of the gate; trampolines jump through it */
    uint64_t ocall_rsp;          /* kernel RSP while outside for an ocall; 0 when not */
    uint64_t canary;             /* reserved for archives built with a stack protector */
    struct thread *running;      /* the thread whose kernel stack or program runs */
    uint64_t host_rip;           /* where EEXIT goes: what the last EENTER (CSSA 0) passed */
    uint64_t host_rsp, host_rbp; /* the host's, restored by EEXIT as the vDSO expects */
    uint32_t need_resched;       /* [a] a tick or a wake-up asks for schedule() on the way out */
    uint32_t state;              /* [a] enum vcpu_state; entry.S */
    ktime_t tick_at;             /* [a] when the host was last asked to tick; 0: not */
    /* The last fault, written by stage one of the exception path. */
    uint64_t fault_addr;  /* of a #PF or #GP (EXINFO) */
    uint64_t fault_error; /* its error code: bit 1 write, bit 4 instruction fetch */
    uint64_t fault_vector;
    uint64_t fault_rip;                     /* of a fault in the kernel that has no fix-up */
    struct thread *idle;                    /* runs when nothing else does */
    struct thread *previous;                /* set across a context switch: who was left */
    uint32_t resched_yield;                 /* [a] a tick came: the thread's slice is over */
    uint32_t interrupt;                     /* [a] somebody is to be sent to it: sched/vcpus.c */
    uint32_t stop_seen;                     /* [a] the last stop that it is in the kernel for */
    uint32_t rseq_barriers;                 /* those that its threads have heard of: sched/rseq.c */
    uint32_t rest;                          /* [r] enum vcpu_rest */
    bool watches;                           /* [r] asleep: completions wake it */
    bool called;                            /* [r] was woken for a thread that waited */
    ktime_t wakes_at;                       /* [r] asleep: at this time by itself */
    volatile struct host_vcpu *host_unsafe; /* untrusted: only through ocall/ */
    struct inbox_request *inboxes;          /* ocall/inbox.c: taken along to the host */
    ktime_t busy; /* [a] how long threads ran here, but for the idle one; up to the last switch */
    uint64_t exits, aexs, ticks, switches, faults; /* statistics */
};

/* FRESH lets vCPU 0 boot the kernel, STARTING lets one that the kernel has made come in. */
enum vcpu_state { VCPU_FRESH, VCPU_STARTING, VCPU_BOOTED };

/* Running a thread; in its idle thread and looking for one; or waiting outside. */
enum vcpu_rest { VCPU_BUSY, VCPU_AWAKE, VCPU_ASLEEP };

/* The vCPU with an index; they lie at fixed places. */
static inline struct vcpu *vcpu_at(const struct enclave_params *p, unsigned index)
{
    return (struct vcpu *)(p->vcpu_addr + index * VCPU_STRIDE);
}

static inline struct vcpu *vcpu_this(void)
{
    struct vcpu *v;
    /* Volatile: after a switch a thread may be on another vCPU. */
    __asm__ volatile("movq %%gs:0, %0" : "=r"(v));
    return v;
}

#endif
