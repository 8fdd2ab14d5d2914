/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls: one line in abi/linux/syscall.tbl, one function sys_<name>.
 *
 * SYSCALL lines carry the number, name, typed arguments, support level and a note; from them come
 * the prototypes (sys/syscalls.h, include it where a sys_* is defined), the unpackers, the trace
 * format and the manual's table.  A handler decodes (copy in, check all, change nothing), looks up,
 * acts, puts, returns a value or -errno.
 */
#ifndef KERNEL_SYS_SYSCALL_H
#define KERNEL_SYS_SYSCALL_H

#include "kernel/arch/regs.h"
#include "kernel/types.h"

/*
 * Serves the call in regs (number in orig_rax); the result goes to regs->rax.  Called by the gate.
 */
void syscall_dispatch(struct user_regs *regs);
/* The call alone, without what is done around it: its result. */
long syscall_serve(const struct user_regs *regs, uint32_t nr);
/*
 * A #UD at a `syscall` instruction of the program: serves the call as above after having patched
 * the site where that is proven safe (regs->rip is at the instruction).
 */
void syscall_trap(struct user_regs *regs);
/*
 * A handler rejects: remembers why, for the trace; returns err.  `return reject(-EINVAL,
 * "unaligned");`
 */
long syscall_reject(long err, const char *why);
#define reject(err, why)                   \
    ({                                     \
        long err_ = (err);                 \
        (void)syscall_reject(err_, (why)); \
        err_;                              \
    })

#endif
