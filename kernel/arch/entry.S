/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doors between the host, the kernel and the program.
 *
 *   enclave_entry     EENTER.  RAX = CSSA.  CSSA 0: the first entry of a vCPU, or the return from
 *                     an ocall.  CSSA 1: an exception or a tick; only stage one, on its own stack.
 *                     CSSA 2: a tick in stage one.
 *   ocall_leave       EEXIT for an ocall; returns when the host enters again.
 *   syscall_gate      from a trampoline in the program: RAX number, RCX return address.
 *   exception_stage2  the program's exception, resumed at CSSA 0 on its thread's kernel stack.
 *   exit_to_user      all registers back to the program.
 *
 * An enclave has no IRET: RIP is loaded from %gs:VCPU_USER_RIP after everything else is back, so no
 * byte of the program's stack is touched. The host sets every register and flag at EENTER, so DF
 * and AC are cleared before any C code, and RSP comes from the vCPU's own page.
 */
#include "abi/host/layout.h"
#include "kernel/arch/asm.h"

#define XSTACK_TOP ((VCPU_XSTACK_PAGE + VCPU_XSTACK_PAGES) * 4096)
#define STACK_TOP ((VCPU_STACK_PAGE + VCPU_STACK_PAGES) * 4096)
#define RFLAGS_FIXED 2

    .text
    .globl enclave_entry
    .type enclave_entry, @function
enclave_entry:
    cld
    cmpq $0, %rax
    jne entry_exception

    /* Nothing of the host's but RCX, RSP, RBP (opaque, only given back) and RDI is used. */
    movq %rcx, %gs:VCPU_HOST_RIP
    movq %rsp, %gs:VCPU_HOST_RSP
    movq %rbp, %gs:VCPU_HOST_RBP
    movq %gs:VCPU_OCALL_RSP, %rsp
    testq %rsp, %rsp
    jz entry_first
    movq $0, %gs:VCPU_OCALL_RSP
    pushq $RFLAGS_FIXED
    popfq
    popq %rax                       /* EENTER has loaded FS from the TCS */
    WRFSBASE_SITE
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* vCPU 0 boots the kernel, once; each of the others comes in once, when the kernel has made it. */
entry_first:
    movl $VCPU_STATE_BOOTED, %eax
    xchgl %eax, %gs:VCPU_STATE
    cmpl $VCPU_STATE_BOOTED, %eax
    je entry_refused                /* in already: the host replays an entry */
    movq %gs:0, %rsp
    addq $STACK_TOP, %rsp
    pushq $RFLAGS_FIXED
    popfq
    xorl %ebp, %ebp
    pushq $0
    cmpl $VCPU_STATE_STARTING, %eax
    je 1f
    cmpl $0, %gs:VCPU_INDEX
    jne entry_refused
    call vcpu_main                  /* rdi: struct host_start, untrusted; does not return */
1:
    call vcpu_secondary             /* does not return */
entry_refused:
    ud2

entry_exception:
    cmpq $1, %rax
    jne entry_nested
    movq %rsp, %rax
    movq %gs:0, %rsp
    addq $XSTACK_TOP, %rsp
    pushq %rax                      /* host RSP, RBP, RIP */
    pushq %rbp
    pushq %rcx
    pushq $RFLAGS_FIXED
    popfq
    xorl %ebp, %ebp
    subq $8, %rsp
    call exception_stage1
    addq $8, %rsp
    popq %rbx
    popq %rbp
    popq %rsp
    jmp leave

/*
 * A tick came while stage one was running: its stack is in use, and it needs nothing but a note.
 * (After a fault in stage one the host does not enter again; if it did, it would only waste its
 * time.)
 */
entry_nested:
    movl $1, %gs:VCPU_NEED_RESCHED
    movq $0, %gs:VCPU_TICK_AT       /* it may have been the one that was asked for */
    movq %rcx, %rbx
    jmp leave

/* void ocall_leave(void): the request is in the shared block. */
    .globl ocall_leave
    .type ocall_leave, @function
ocall_leave:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    rdfsbase %rax
    pushq %rax
    movq %rsp, %gs:VCPU_OCALL_RSP
    movq %gs:VCPU_HOST_RIP, %rbx
    movq %gs:VCPU_HOST_RBP, %rbp
    movq %gs:VCPU_HOST_RSP, %rsp
    /* Fall through: scrub what the host would otherwise read in the registers. */
leave:
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    movl $SGX_EEXIT, %eax
    .balign 16
    ENCLU_SITE
    ud2

    .globl syscall_gate
    .type syscall_gate, @function
    .balign 16
syscall_gate:
    movq %rsp, %gs:VCPU_USER_RSP
    movq %gs:VCPU_KSTACK_TOP, %rsp
    pushq %gs:VCPU_USER_RSP
    pushfq
    pushq %rcx                      /* rip */
    pushq %rax                      /* orig_rax */
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq 80(%rsp)                  /* r11: the flags, as `syscall` leaves them */
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    testl $0x40500, REGS_RFLAGS(%rsp) /* AC, DF, TF must not be on in the kernel */
    jnz gate_odd_flags
1:
    movq %rsp, %rdi
    subq $8, %rsp
    call syscall_dispatch
    addq $8, %rsp

/* RSP: the user_regs of the current thread.  A tick up to the jump starts over: see tick_kernel. */
    .globl exit_to_user
exit_to_user:
    movq %gs:VCPU_CURRENT, %rax
    movl THREAD_FPU_PARKED(%rax), %ecx
    orl THREAD_EXIT_WORK(%rax), %ecx
    orl THREAD_SIGNAL_PENDING(%rax), %ecx
    orl %gs:VCPU_NEED_RESCHED, %ecx
    jnz exit_slow
    .globl exit_to_user_end
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    addq $8, %rsp
    popq %gs:VCPU_USER_RIP
    popfq
    popq %rsp
    jmp *%gs:VCPU_USER_RIP
exit_to_user_end:

exit_slow:
    movq %rsp, %rdi
    subq $8, %rsp
    call exit_work                  /* signals, scheduling; last of all the vector state */
    addq $8, %rsp
    jmp exit_to_user                /* a tick may have come after the last look */

gate_odd_flags:
    /* TF: softsgx only (README.md, Limits). The way out would trap in the kernel. */
    andl $~0x100, REGS_RFLAGS(%rsp)
    pushq $RFLAGS_FIXED
    popfq
    jmp 1b

/* Stage one has copied the registers and set RSP to them. */
    .globl exception_stage2
    .type exception_stage2, @function
exception_stage2:
    movq %rsp, %rdi
    subq $8, %rsp
    call exception_user
    addq $8, %rsp
    jmp exit_to_user

/* A fault of the kernel without a fix-up, resumed at CSSA 0 on what was its stack. */
    .globl exception_kernel_panic
exception_kernel_panic:
    andq $-16, %rsp
    call exception_fatal
    ud2

/* A new thread's first instruction: rbx = fn, r12 = arg (context_switch popped them). */
    .globl thread_trampoline
thread_trampoline:
    movq %rbx, %rdi
    movq %r12, %rsi
    call thread_begin
    movq %gs:VCPU_KSTACK_TOP, %rsp
    subq $REGS_SIZE, %rsp
    jmp exit_to_user

/* void context_switch(struct thread *from, struct thread *to) */
    .globl context_switch
    .type context_switch, @function
context_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, THREAD_KSP(%rdi)
    movq THREAD_KSP(%rsi), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

    .section .note.GNU-stack, "", @progbits
