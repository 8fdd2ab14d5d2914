/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPUs: which there are, making more of them, getting their attention, stopping them.
 */
#ifndef KERNEL_SCHED_VCPUS_H
#define KERNEL_SCHED_VCPUS_H

#include "kernel/arch/vcpu.h"
#include "kernel/types.h"

/* Boot.  `limit`: what the host can run, 1 … VCPU_MAX; `blocks`: its struct host_vcpu[limit]. */
void vcpus_init(unsigned limit, haddr_t blocks);
/* How many there may be: the CPUs that programs see. */
unsigned vcpus_limit(void);
/* How many there are: indices 0 … n-1. */
unsigned vcpus_count(void);
struct vcpu *vcpu_get(unsigned index);

/*
 * Makes one more and lets it in; it goes to sched_idle().  False when there are enough, the host or
 * the enclave's memory has no more, or another vCPU is at it.  Leaves the enclave.
 */
bool vcpu_add(void);

/*
 * Makes another vCPU look at need_resched soon, even if it runs a program.  Any context: the host is
 * asked on this vCPU's way out of the kernel (vcpus_interrupts_send), with no lock held.
 */
void vcpu_interrupt_later(struct vcpu *v);
void vcpus_interrupts_send(void);

/*
 * Calls fn (NULL: nothing) while no other vCPU executes a program: each is in the kernel or outside,
 * and passes a full barrier before it goes on.  fn must not sleep; the caller holds no spin lock.
 */
void vcpus_stopped(void (*fn)(void *), void *arg);
/* On the way to the program with need_resched: waits while there is a stop. */
void vcpu_stop_point(void);
/* Stage one: this vCPU is in the kernel, and looks at need_resched before it leaves that. */
void vcpu_stop_note(void);

#endif
