/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions and ticks. Stage one runs with CSSA 1 on the vCPU's exception stack: it may only look
 * at the SSA frame and redirect it. Stage two is ordinary kernel code on the thread's kernel stack.
 */
#ifndef KERNEL_ARCH_EXCEPTION_H
#define KERNEL_ARCH_EXCEPTION_H

#include "kernel/arch/regs.h"
#include "kernel/types.h"

/* Called by entry.S only. */
void exception_stage1(void);
void exception_user(struct user_regs *regs);
NORETURN void exception_fatal(void);
void exit_work(struct user_regs *regs);
/* stack_fault.c: the program's next instruction will be a #SS.  May sleep. */
bool stack_fault_due(const struct user_regs *regs);

#endif
