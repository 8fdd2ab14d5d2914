/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways into and out of an enclave, and everything that runs with one foot on each side.
 *
 * All of it lies between softsgx_text and softsgx_text_end: the signal handler takes an instruction
 * pointer in there for host mode, whatever FS, GS and the selector say at that moment, and puts
 * back exactly what it found.  The same range is where syscall user dispatch lets system calls
 * through. Order that the handler relies on: the selector says BLOCK before FS or GS is the
 * enclave's, and until after both are the host's again.
 */
#include "softsgx/lp.h"

#define SIGTRAP 5
#define TRAP_PERF 6

    .macro global_hidden name
    .globl \name
    .hidden \name
\name:
    .endm

    .macro enclu
    .byte 0x0f, 0x01, 0xd7
    .endm

    .section .text.softsgx, "ax", @progbits
    .balign 64
global_hidden softsgx_text

#define RUN_TCS 0
#define RUN_FUNCTION 8
#define RUN_VECTOR 12
#define RUN_ERROR 14
#define RUN_ADDR 16
#define RUN_HANDLER 24
#define RUN_RESERVED 40
#define RUN_END 256

/*
 * int softsgx_enter_enclave(rdi, rsi, rdx, function (ecx), r8, r9, run (stack))
 * The frame: 16(%rbp) run, 8(%rbp) return address, (%rbp) caller's RBP, -8(%rbp) caller's RBX.
 */
    .globl softsgx_enter_enclave
    .type softsgx_enter_enclave, @function
    .balign 64
softsgx_enter_enclave:
    .cfi_startproc
    push %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    push %rbx
    .cfi_rel_offset %rbx, -8
    mov %ecx, %eax
.Lenclu:
    lea -2(%rax), %ecx
    cmp $1, %ecx
    ja .Linvalid
    mov 16(%rbp), %rcx
    /* The reserved words must be zero. */
    mov RUN_RESERVED(%rcx), %rbx
    .set off, RUN_RESERVED + 8
    .rept (RUN_END - RUN_RESERVED - 8) / 8
    or off(%rcx), %rbx
    .set off, off + 8
    .endr
    test %rbx, %rbx
    jnz .Linvalid
    mov RUN_TCS(%rcx), %rbx
    cmp $2, %eax
    jne .Leresume

    /* EENTER: only RAX and RCX are free.  Fast if this thread entered this TCS before. */
    mov softsgx_lp@gottpoff(%rip), %rax
    mov %fs:(%rax), %rax
    test %rax, %rax
    jz .Leenter_slow
    cmp %rbx, LP_CACHED_ADDR(%rax)
    jne .Leenter_slow
    /* An alternate stack must be armed, and not over the stack that we stand on. */
    mov LP_ALT_TOP(%rax), %rcx
    test %rcx, %rcx
    jz .Leenter_slow
    cmp %rsp, %rcx
    jbe 1f
    cmp %rax, %rsp
    jae .Leenter_slow
1:
    mov %rdx, LP_SCRATCH(%rax)
    mov LP_CACHED(%rax), %rdx
    mov $1, %ecx
    xchg %ecx, TCS_BUSY(%rdx)
    test %ecx, %ecx
    jnz .Leenter_busy
    cmpl $0, TCS_READY(%rdx)
    je .Leenter_undo
    cmp %rax, TCS_OWNER(%rdx)
    jne .Leenter_undo
    mov TCS_GPRS(%rdx), %rcx
    mov %rsp, GPR_URSP(%rcx)
    mov %rbp, GPR_URBP(%rcx)
    lea softsgx_aep(%rip), %rcx
    mov %rcx, LP_AEP(%rax)
    mov %rdx, LP_CUR(%rax)
    mov TCS_FSBASE(%rdx), %rcx
    mov %rcx, LP_FS(%rax)
    mov TCS_GSBASE(%rdx), %rcx
    mov %rcx, LP_GS(%rax)
    rdgsbase %rcx
    cmp TCS_GSBASE(%rdx), %rcx /* left there by the last exit? */
    je 2f
    cmpb $0, softsgx_bases_lost(%rip)
    jne 2f                     /* it may be another thread's */
    mov %rcx, LP_HOST_GS(%rax)
2:
    movb $LP_BLOCK_SYSCALLS, LP_SELECTOR(%rax)
    /*
     * Until here a context switch could change it unnoticed.  From here on a signal notes in LP_FS and LP_GS
     * what it finds, which may be the host's still: what they are to be comes from the TCS.
     */
    rdgsbase %rcx
    cmp TCS_GSBASE(%rdx), %rcx
    je 3f
    mov TCS_GSBASE(%rdx), %rcx
    wrgsbase %rcx
3:
    mov TCS_FSBASE(%rdx), %rcx
    wrfsbase %rcx
    mov TCS_ENTRY(%rdx), %rcx
    mov %rcx, -8(%rsp)
    mov TCS_CSSA(%rdx), %ecx
    mov LP_SCRATCH(%rax), %rdx
    mov %ecx, %eax
    lea softsgx_after_enclu(%rip), %rcx
    jmp *-8(%rsp)

.Leenter_undo:
    movl $0, TCS_BUSY(%rdx)
.Leenter_busy:
    mov LP_SCRATCH(%rax), %rdx
.Leenter_slow:
    push %rdi
    push %rsi
    push %rdx
    push %r8
    push %r9
    push %r10
    push %r11
    mov %rbx, %rdi
    lea 56(%rsp), %rsi
    mov %rsp, %rbx
    and $-16, %rsp
    call softsgx_eenter_slow
    mov %rbx, %rsp
    test %rax, %rax
    jnz .Leenter_fault
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdx
    pop %rsi
    pop %rdi
    mov $2, %eax
    jmp .Lenclu
.Leenter_fault:
    add $56, %rsp
    mov $2, %ecx
    jmp .Lfault

.Leresume:
    mov %rbx, %rdi
    mov %rsp, %rsi
    mov %rbp, %rdx
    lea softsgx_aep(%rip), %rcx
    mov %rsp, %rbx
    and $-16, %rsp
    call softsgx_eresume
    mov %rbx, %rsp
    test %rax, %rax
    mov $3, %ecx
    jnz .Lfault
    /* RDX is the lp.  From here on nothing may fail but xrstor and iretq. */
    mov %rdx, %rbx
    mov LP_CACHED(%rbx), %rcx
    mov %rcx, LP_CUR(%rbx)
    mov LP_GPRS(%rbx), %rcx
    mov GPR_FSBASE(%rcx), %rax
    mov %rax, LP_FS(%rbx)
    mov GPR_GSBASE(%rcx), %rdx
    mov %rdx, LP_GS(%rbx)
    movb $LP_BLOCK_SYSCALLS, LP_SELECTOR(%rbx)
    /* By registers: LP_FS and LP_GS may be what a signal has found meanwhile. */
    wrgsbase %rdx
    wrfsbase %rax
    mov LP_XFRM(%rbx), %eax
    mov LP_XFRM+4(%rbx), %edx
    mov LP_XSAVE(%rbx), %rsi
global_hidden softsgx_resume_begin
    xrstor64 (%rsi)
    mov %rcx, %rax
    lea LP_IRET(%rbx), %rsp
    mov 8(%rax), %rcx
    mov 16(%rax), %rdx
    mov 24(%rax), %rbx
    mov 40(%rax), %rbp
    mov 48(%rax), %rsi
    mov 56(%rax), %rdi
    mov 64(%rax), %r8
    mov 72(%rax), %r9
    mov 80(%rax), %r10
    mov 88(%rax), %r11
    mov 96(%rax), %r12
    mov 104(%rax), %r13
    mov 112(%rax), %r14
    mov 120(%rax), %r15
    mov (%rax), %rax
    iretq
global_hidden softsgx_resume_end

/* RAX: struct fault's code, RDX its address, ECX the leaf. */
.Lfault:
    movzbl %al, %edi
    mov %eax, %esi
    shr $16, %esi
    mov %ecx, %eax
    jmp softsgx_exception

    /* The one ENCLU: where an AEX leads, with RAX = ERESUME. */
global_hidden softsgx_aep
    enclu
global_hidden softsgx_after_enclu
    mov 16(%rbp), %rbx
    movl $4, RUN_FUNCTION(%rbx)
.Lexit:
    cmpq $0, RUN_HANDLER(%rbx)
    jne .Lhandler
    xor %eax, %eax
.Lout:
    .cfi_remember_state
    pop %rbx
    leave
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_restore_state

.Linvalid:
    mov $-22, %eax
    jmp .Lout

    /* An exception in the enclave or on ENCLU: EAX leaf, DI vector, SI error code, RDX address. */
global_hidden softsgx_exception
    mov 16(%rbp), %rbx
    mov %eax, RUN_FUNCTION(%rbx)
    mov %di, RUN_VECTOR(%rbx)
    mov %si, RUN_ERROR(%rbx)
    mov %rdx, RUN_ADDR(%rbx)
    jmp .Lexit

    /* The run's own handler: RCX is the stack pointer that the enclave left. */
.Lhandler:
    mov %rsp, %rcx
    mov %rbx, %rax
    mov %rsp, %rbx
    and $15, %ebx
    and $-16, %rsp
    push %rax
    push %rax
    cld
    call *RUN_HANDLER(%rax)
    lea 16(%rsp, %rbx), %rsp
    test %eax, %eax
    jle .Lout
    jmp .Lenclu
    .cfi_endproc
    .size softsgx_enter_enclave, . - softsgx_enter_enclave

/*
 * The target of the enclave's patched ENCLU sites (patch.c), on the enclave's stack, with the
 * enclave's FS and GS: EAX the leaf, (%rsp) the site + 6.
 */
    /* reg = this thread's lp; tmp and reg are clobbered, the slow label has both to restore. */
    .macro find_lp reg, tmp, slow
    rdgsbase \tmp
    mov \tmp, \reg
    shr $12, \reg
    imul $GS_HASH_MUL - 0x100000000, \reg, \reg
    shl $32, \reg
    shr $(64 - GS_SLOTS_LOG2), \reg
    shl $4, \reg
    push \tmp
    lea softsgx_gs_table(%rip), \tmp
    add \tmp, \reg
    pop \tmp
    cmp \tmp, (\reg)
    jne \slow
    mov 8(\reg), \reg
    test \reg, \reg
    jz \slow
    .endm

    .balign 64
global_hidden softsgx_leaf_entry
    cmp $4, %eax
    jne .Lleaf
    find_lp %rax, %rcx, .Leexit_slow
    /* A host that keeps nothing in GS gets it back at the next entry only: wrgsbase is dear. */
    mov LP_HOST_GS(%rax), %rcx
    test %rcx, %rcx
    jz 1f
    mov %rcx, LP_GS(%rax)
    wrgsbase %rcx
1:
    mov LP_HOST_FS(%rax), %rcx
    mov %rcx, LP_FS(%rax)
    wrfsbase %rcx
    movb $LP_ALLOW, LP_SELECTOR(%rax)
    mov LP_CUR(%rax), %rcx
    movq $0, LP_CUR(%rax)
    movl $0, TCS_BUSY(%rcx)
    mov LP_AEP(%rax), %rcx
    mov $4, %eax
    /*
     * ret, not jmp: the site's call is undone, and the return stack level for the host's returns.
     */
    mov %rbx, (%rsp)
    ret

.Leexit_slow:
    mov $4, %eax
    jmp softsgx_leaf_slow

.Lleaf:
    push %rdi
    push %rsi
    find_lp %rdi, %rsi, .Lleaf_slow
    movl $1, LP_IN_LEAF(%rdi)
    mov %rax, LP_REGS(%rdi)
    mov %rbx, LP_REGS+8(%rdi)
    mov %rcx, LP_REGS+16(%rdi)
    mov %rdx, LP_REGS+24(%rdi)
    pop LP_REGS+40(%rdi)
    pop LP_REGS+48(%rdi)
    mov %r8, LP_REGS+56(%rdi)
    mov %r9, LP_REGS+64(%rdi)
    mov %r10, LP_REGS+72(%rdi)
    mov %r11, LP_SCRATCH(%rdi)
    mov %rsp, %rsi
    lea LP_LEAF_TOP-16(%rdi), %rsp
    mov %rsi, (%rsp)
    mov %rdi, 8(%rsp)
    cld
    call softsgx_leaf_direct
    mov 8(%rsp), %rdi
    mov (%rsp), %rsp
    mov LP_REGS+16(%rdi), %rcx
    mov LP_REGS+24(%rdi), %rdx
    mov LP_REGS+40(%rdi), %rsi
    mov LP_REGS+56(%rdi), %r8
    mov LP_REGS+64(%rdi), %r9
    mov LP_REGS+72(%rdi), %r10
    mov LP_SCRATCH(%rdi), %r11
    movl $0, LP_IN_LEAF(%rdi)
    test %rax, %rax
    js .Lleaf_again
    cmpl $0, LP_DEFERRED(%rdi)
    jne .Lleaf_deferred
    /* RAX is 0 if the leaf set ZF; CF, OF and SF become 0. */
    test %eax, %eax
    mov LP_REGS(%rdi), %rax
    mov LP_REGS+48(%rdi), %rdi
    ret

    /* A signal came in the meantime and is blocked: the SIGILL handler returns to the site. */
.Lleaf_deferred:
    test %eax, %eax
    mov LP_REGS(%rdi), %rax
    mov LP_REGS+48(%rdi), %rdi
global_hidden softsgx_leaf_deferred
    enclu

.Lleaf_slow:
    pop %rsi
    pop %rdi
    jmp softsgx_leaf_slow
    /* It faulted, or needs a signal's context: the SIGILL handler takes the site's place. */
.Lleaf_again:
    mov LP_REGS(%rdi), %rax
    mov LP_REGS+48(%rdi), %rdi
global_hidden softsgx_leaf_slow
    enclu

/*
 * Every signal that softsgx handles comes in here, with the FS, GS and selector of wherever it hit.
 * RBX: lp, RBP: the frame, R12: struct world.  Nothing needs saving: sigreturn restores it all.
 */
    .balign 64
global_hidden softsgx_signal_stub
    cmp $SIGTRAP, %edi
    je .Ltrap
.Lsignal:
    mov %rsp, %rbp
    mov %rsp, %rbx
    and $-LP_BLOCK, %rbx
    mov %rbx, %rcx
    sub softsgx_lp_arena(%rip), %rcx
    cmp $(LP_BLOCK * LP_MAX), %rcx
    jae .Lforeign
    rdfsbase %rax
    rdgsbase %r8
    movzbl LP_SELECTOR(%rbx), %r9d
    test %r9b, softsgx_bases_lost(%rip)
    jz 1f
    mov LP_FS(%rbx), %rax
    mov LP_GS(%rbx), %r8
1:
    push LP_ALT_TOP(%rbx)
    push %r9
    push %r8
    push %rax
    movq $0, LP_ALT_TOP(%rbx)
    test %r9d, %r9d
    jz 1f
    mov LP_HOST_FS(%rbx), %rcx
    mov %rcx, LP_FS(%rbx)
    wrfsbase %rcx
    mov LP_HOST_GS(%rbx), %rcx
    mov %rcx, LP_GS(%rbx)
    wrgsbase %rcx
    movb $LP_ALLOW, LP_SELECTOR(%rbx)
1:
    mov %rsp, %r12
    mov %rsp, %rcx
    mov %rbx, %r8
    and $-16, %rsp
    call softsgx_signal
    mov %r12, %rsp
    pop %rax
    pop %r8
    pop %r9
    pop LP_ALT_TOP(%rbx)
    test %r9d, %r9d
    jz 2f
    mov %rax, LP_FS(%rbx)
    mov %r8, LP_GS(%rbx)
    movb $LP_BLOCK_SYSCALLS, LP_SELECTOR(%rbx)
    wrfsbase %rax
    wrgsbase %r8
2:
    lea 8(%rbp), %rsp
global_hidden softsgx_restorer
    mov $15, %eax
    syscall

    /* A thread that never entered an enclave. */
.Lforeign:
    xor %ecx, %ecx
    xor %r8d, %r8d
    and $-16, %rsp
    call softsgx_signal
    lea 8(%rbp), %rsp
    jmp softsgx_restorer

    /* A context switch, which may have lost the enclave's FS and GS.  It can hit the stub itself, too. */
.Ltrap:
    cmpl $TRAP_PERF, SI_CODE(%rsi)
    jne .Lsignal
    movabs $SWITCHED, %rax
    cmp %rax, SI_PERF_DATA(%rsi)
    jne .Lsignal
    mov %rsp, %rbx
    and $-LP_BLOCK, %rbx
    mov %rbx, %rcx
    sub softsgx_lp_arena(%rip), %rcx
    cmp $(LP_BLOCK * LP_MAX), %rcx
    jae 1f
    cmpb $LP_ALLOW, LP_SELECTOR(%rbx)
    je 1f
    mov LP_FS(%rbx), %rax
    wrfsbase %rax
    mov LP_GS(%rbx), %rax
    wrgsbase %rax
1:
    add $8, %rsp
    jmp softsgx_restorer

/*
 * The target of the enclave's patched WRFSBASE sites: RAX the value, (%rsp) the site + 6.
 */
    .balign 16
global_hidden softsgx_wrfsbase_entry
    push %rdi
    push %rsi
    find_lp %rdi, %rsi, softsgx_wrfsbase_slow
    mov %rax, LP_FS(%rdi)
    wrfsbase %rax
1:
    pop %rsi
    pop %rdi
    ret
    /* The lp is not known by its GS: the SIGILL handler, which finds it by its stack, does it. */
global_hidden softsgx_wrfsbase_slow
    ud2
    jmp 1b

/* Whether RDFSBASE and its like can be executed. */
    .balign 16
global_hidden softsgx_bases_usable
global_hidden softsgx_probe
    rdfsbase %rax
    mov $1, %eax
    ret
global_hidden softsgx_probe_fault
    xor %eax, %eax
    ret

    .balign 16
global_hidden softsgx_syscall
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    mov 8(%rsp), %r9
    syscall
    ret

/* int softsgx_copy(void *dst, const void *src, size_t len): faults lead to softsgx_copy_fault. */
    .balign 16
global_hidden softsgx_copy
    mov %rdx, %rcx
    cmp $64, %rdx
    jne 1f
global_hidden softsgx_copy_begin
    .set off, 0
    .rept 8
    mov off(%rsi), %rax
    mov %rax, off(%rdi)
    .set off, off + 8
    .endr
    xor %eax, %eax
    ret
1:
    rep movsb
    xor %eax, %eax
global_hidden softsgx_copy_end
    ret
global_hidden softsgx_copy_fault
    mov $-1, %eax
    ret

global_hidden softsgx_text_end

    .section .note.GNU-stack, "", @progbits
