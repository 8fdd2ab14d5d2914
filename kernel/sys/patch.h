/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patching of system-call sites: what others may know of it.  The trap itself is syscall_trap
 * (sys/syscall.h).
 */
#ifndef KERNEL_SYS_PATCH_H
#define KERNEL_SYS_PATCH_H

#include "kernel/types.h"

struct mm;

/* How a site was patched; site.c tells them apart. */
enum patch_kind { PATCH_NONE, PATCH_MOV, PATCH_BEFORE, PATCH_CAVE, PATCH_WINDOW, PATCH_KINDS };

struct patch_stats {
    uint64_t patched[PATCH_KINDS]; /* sites, by kind */
    uint64_t waiting;              /* sites that have not trapped often enough yet */
    uint64_t refused;              /* sites that keep trapping */
    uint64_t traps;                /* system calls that came as a trap */
};

void patch_stats_get(struct patch_stats *out);

/*
 * What the program sees of a place in a trampoline, in signal frames and /proc: where it would be
 * if the site had not been patched.  Other addresses come back unchanged.  Does not sleep.
 *
 * A thread that is to go on at RIP - 2, to make an interrupted call again, finds there the
 * `syscall` instruction, or what leads to the same trampoline.
 */
uaddr_t patch_program_rip(struct mm *mm, uaddr_t rip);
/* The way back, for rt_sigreturn: what a patch has overwritten is found in the trampoline. */
uaddr_t patch_resume_rip(struct mm *mm, uaddr_t rip);

/* [start, end) is about to be unmapped or replaced: its sites are forgotten.  Does not sleep. */
void patch_range_gone(struct mm *mm, uaddr_t start, uaddr_t end);
/* All that text was patched with since the start is in place, and more may be patched. */
bool patch_intact(struct mm *mm);
/* child has the same text as mm: they know the same of it. */
MUST_CHECK int patch_mm_fork(struct mm *mm, struct mm *child);
/* The address space is gone: forgets all that was known of it. */
void patch_mm_gone(struct mm *mm);

#endif
