/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's general registers while its thread is in the kernel.  They lie at the top of the
 * thread's kernel stack; entry.S knows this layout (offsets are asserted in offsets.c).
 */
#ifndef KERNEL_ARCH_REGS_H
#define KERNEL_ARCH_REGS_H

#include <stdint.h>

struct user_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
    uint64_t rax, rcx, rdx, rsi, rdi;
    uint64_t orig_rax; /* the system call's number; ~0 when the kernel was entered otherwise */
    uint64_t rip, rflags, rsp;
};

/* Flags that a program may set for itself (CF PF AF ZF SF TF DF OF AC ID, NT excluded). */
#define RFLAGS_USER 0x240dd5UL
#define RFLAGS_FIXED 0x202UL
#define RFLAGS_TF 0x100UL
#define RFLAGS_DF 0x400UL
#define RFLAGS_AC 0x40000UL

#endif
