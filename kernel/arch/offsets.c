/* SPDX-License-Identifier: Apache-2.0 */
/* Holds the numbers of asm.h against the structs that they describe; generates no code. */
#include "kernel/arch/asm.h"
#include "kernel/sched/thread.h"

#define CHECK(s, m, off) _Static_assert(offsetof(struct s, m) == (off), #s "." #m)

CHECK(vcpu, head.index, VCPU_INDEX);
CHECK(vcpu, user_rsp, VCPU_USER_RSP);
CHECK(vcpu, user_rip, VCPU_USER_RIP);
CHECK(vcpu, kstack_top, VCPU_KSTACK_TOP);
CHECK(vcpu, syscall_entry, VCPU_SYSCALL_ENTRY);
CHECK(vcpu, ocall_rsp, VCPU_OCALL_RSP);
CHECK(vcpu, running, VCPU_CURRENT);
CHECK(vcpu, host_rip, VCPU_HOST_RIP);
CHECK(vcpu, host_rsp, VCPU_HOST_RSP);
CHECK(vcpu, host_rbp, VCPU_HOST_RBP);
CHECK(vcpu, need_resched, VCPU_NEED_RESCHED);
CHECK(vcpu, state, VCPU_STATE);
CHECK(vcpu, tick_at, VCPU_TICK_AT);
_Static_assert((int)VCPU_STARTING == VCPU_STATE_STARTING, "state");
_Static_assert((int)VCPU_BOOTED == VCPU_STATE_BOOTED, "state");
CHECK(thread, ksp, THREAD_KSP);
CHECK(thread, fpu_parked, THREAD_FPU_PARKED);
CHECK(thread, exit_work, THREAD_EXIT_WORK);
CHECK(thread, signal_pending, THREAD_SIGNAL_PENDING);
CHECK(user_regs, rflags, REGS_RFLAGS);
_Static_assert(sizeof(struct user_regs) == REGS_SIZE, "user_regs");
_Static_assert(sizeof(struct vcpu) <= VCPU_GS_PAGES * PAGE_SIZE, "vcpu");
