/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enters the kernel's gate again for a call that a signal interrupted: RAX is the number, RCX the address
 * to return to, everything else as at the first time.  Unwinders see the caller, whose address RCX holds.
 */
#include "kernel/arch/asm.h"

    .section .text.restart, "ax", @progbits
    .globl __cella_restart
    .hidden __cella_restart
    .type __cella_restart, @function
__cella_restart:
    .cfi_startproc
    .cfi_def_cfa rsp, 0
    .cfi_register rip, rcx
    jmp *%gs:VCPU_SYSCALL_ENTRY
    .cfi_endproc
    .size __cella_restart, . - __cella_restart

    .section .note.GNU-stack, "", @progbits
