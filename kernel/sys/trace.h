/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --trace: a line in strace's manner for each system call, on the host's standard error.
 */
#ifndef KERNEL_SYS_TRACE_H
#define KERNEL_SYS_TRACE_H

#include "kernel/sys/dispatch.h"

/* Takes the list of calls to trace from kernel.boot_args; with kernel.trace off does nothing. */
void trace_init(void);
/* Calls fn(regs) and writes the line; the call's result.  nr may be any number. */
long trace_call(struct user_regs *regs, uint32_t nr, syscall_fn *fn);
/* "read", or NULL when no line of syscall.tbl has the number. */
const char *syscall_name(uint32_t nr);

#endif
