/* SPDX-License-Identifier: Apache-2.0 */
/* The cpuid instruction, which an enclave may not execute, emulated for the program. */
#ifndef KERNEL_SYS_CPUID_H
#define KERNEL_SYS_CPUID_H

#include "kernel/arch/regs.h"

/* regs->rip is at the instruction; sets the four registers and moves on. */
void cpuid_emulate(struct user_regs *regs);

#endif
