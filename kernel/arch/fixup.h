/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault fix-ups: a kernel instruction that may fault, and where to go on when it does.  The
 * exception path leaves all registers as they were at the fault, changes RIP, and notes the
 * address, error code and vector in struct vcpu.
 */
#ifndef KERNEL_ARCH_FIXUP_H
#define KERNEL_ARCH_FIXUP_H

/* clang-format off */
#ifdef __ASSEMBLER__
#define EXTABLE(insn, fixup)                                                                      \
    .pushsection .fixup_table, "a";                                                               \
    .balign 4;                                                                                    \
    .long (insn)-., (fixup)-.;                                                                     \
    .popsection
/* Every instruction of [start, end). */
#define EXRANGE(start, end, fixup)                                                                \
    .pushsection .fixup_ranges, "a";                                                              \
    .balign 4;                                                                                    \
    .long (start)-., (end)-., (fixup)-.;                                                          \
    .popsection
#else
#define EXTABLE(insn, fixup)                                                                      \
    ".pushsection .fixup_table,\"a\"\n.balign 4\n.long (" insn ")-., (" fixup ")-.\n.popsection\n"

/* clang-format on */

#include <stdint.h>
/* The fix-up of an instruction, or 0. */
uint64_t fixup_find(uint64_t rip);
#endif

#endif
