/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A `syscall` instruction that trapped: serve it, and see that it does not trap again.
 */
#include "kernel/sys/patch.h"

#include "kernel/sys/syscall.h"

static struct patch_stats stats;

void patch_stats_get(struct patch_stats *out)
{
    *out = stats;
}

void syscall_trap(struct user_regs *regs)
{
    stats.traps++;
    regs->rip += 2;
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    regs->orig_rax = regs->rax;
    syscall_dispatch(regs);
}
