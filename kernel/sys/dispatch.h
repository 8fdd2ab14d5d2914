/* SPDX-License-Identifier: Apache-2.0 */
/* What dispatch.c, trace.c and stats.c share. */
#ifndef KERNEL_SYS_DISPATCH_H
#define KERNEL_SYS_DISPATCH_H

#include "kernel/arch/regs.h"
#include "kernel/types.h"

/* Takes the arguments out of the registers and calls the handler. */
typedef long syscall_fn(const struct user_regs *r);

/* How often each call was made, by number; SYSCALL_COUNT entries. */
extern uint64_t syscall_counts[];
/* True when the number has a handler. */
bool syscall_served(uint32_t nr);

#endif
