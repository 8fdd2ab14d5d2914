/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU: a host thread with a TCS.  %gs points to its struct while in the enclave; it is the
 * first of the pages that the builder added for it (abi/host/layout.h), of which the builder wrote
 * and measured the head.
 *
 * Everything here is private to the vCPU, except the fields marked [a] (atomic).
 */
#ifndef KERNEL_ARCH_VCPU_H
#define KERNEL_ARCH_VCPU_H

#include "abi/host/layout.h"
#include "kernel/types.h"

struct thread;
struct xstate;

struct vcpu {
    struct vcpu_head head;        /* self, index: measured */
    uint64_t user_rsp;            /* entry.S: scratch for the program's RSP … */
    uint64_t user_rip;            /* … and RIP on the way in and out */
    uint64_t kstack_top;          /* of the current thread: where user_regs end */
    uint64_t syscall_entry;       /* address of the gate; trampolines jump through it */
    uint64_t ocall_rsp;           /* kernel RSP while outside for an ocall; 0 when not */
    uint64_t canary;              /* what the archives' stack protector reads at %gs:0x28+…  */
    struct thread *current;       /* the thread whose kernel stack or program runs */
    struct thread *idle;          /* runs when nothing else does */
    struct thread *previous;      /* set across a context switch: who was left */
    uint32_t state;               /* enum vcpu_state */
    uint32_t need_resched;        /* [a] a tick or a wake-up asks for schedule() on the way out */
    struct xstate *fpu_save;      /* where kernel_fpu_begin put the live vector state; or NULL */
    struct host_vcpu *host_unsafe; /* untrusted: only through ocall/ */
    uint64_t exits, ticks, faults; /* statistics */
};

enum vcpu_state { VCPU_FRESH, VCPU_BOOTED };

static inline struct vcpu *vcpu_this(void)
{
    struct vcpu *v;
    __asm__("movq %%gs:0, %0" : "=r"(v));
    return v;
}

#endif
