/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets and macros for assembly.  Each number is asserted against its struct in offsets.c.
 */
#ifndef KERNEL_ARCH_ASM_H
#define KERNEL_ARCH_ASM_H

#define VCPU_INDEX 8
#define VCPU_USER_RSP 16
#define VCPU_USER_RIP 24
#define VCPU_KSTACK_TOP 32
#define VCPU_SYSCALL_ENTRY 40
#define VCPU_OCALL_RSP 48
#define VCPU_CURRENT 64
#define VCPU_HOST_RIP 72
#define VCPU_HOST_RSP 80
#define VCPU_HOST_RBP 88
#define VCPU_NEED_RESCHED 96
#define VCPU_STATE 100
#define VCPU_TICK_AT 104
#define VCPU_STATE_STARTING 1
#define VCPU_STATE_BOOTED 2

#define THREAD_KSP 0
#define THREAD_FPU_PARKED 24
#define THREAD_EXIT_WORK 28
#define THREAD_SIGNAL_PENDING 32

#define REGS_SIZE 152
#define REGS_RFLAGS 136

#define SGX_EEXIT 4

/* clang-format off */
#ifdef __ASSEMBLER__
/*
 * ENCLU with 13 bytes of padding: a software CPU may, after it has measured the page, turn the 16
 * bytes into a call through a pointer.  Clobbers what the leaf clobbers.
 */
.macro ENCLU_SITE
    .byte 0x0f, 0x01, 0xd7
    .byte 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
.endm
/* WRFSBASE of RAX with 11 bytes of padding: likewise, where the host may lose FS.  Clobbers flags. */
.macro WRFSBASE_SITE
    .byte 0xf3, 0x48, 0x0f, 0xae, 0xd0
    .byte 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00
    .byte 0x0f, 0x1f, 0x00
.endm
#else
#define ENCLU_SITE                                                                                \
    ".byte 0x0f,0x01,0xd7, 0x0f,0x1f,0x84,0x00,0x00,0x00,0x00,0x00, 0x0f,0x1f,0x44,0x00,0x00\n"
#define WRFSBASE_SITE                                                                             \
    ".byte 0xf3,0x48,0x0f,0xae,0xd0, 0x0f,0x1f,0x84,0x00,0x00,0x00,0x00,0x00, 0x0f,0x1f,0x00\n"
#endif
/* clang-format on */

#endif
