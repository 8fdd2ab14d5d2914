/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enclave of test_enclave.c: one page of code at TEXT, data at DATA, run at RDI = command.
 * Entered with CSSA > 0 it handles the exception in SSA[CSSA - 1]: #UD skips two bytes and sets
 * RAX, an interrupt counts.
 */
#include "softsgx/test/enclave.h"

    /* The padded form, which softsgx rewrites. */
    .macro enclu_padded
    .byte 0x0f, 0x01, 0xd7
    .byte 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
    .endm

    .macro wrfsbase_padded
    .byte 0xf3, 0x48, 0x0f, 0xae, 0xd0
    .byte 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00
    .byte 0x0f, 0x1f, 0x00
    .endm

    .section .rodata
    .balign 4096
    .globl enclave_text
enclave_text:
    test %rax, %rax
    jnz .Lexception
    mov %rsp, %gs:GS_HOST_RSP
    mov %rcx, %gs:GS_RETURN
    mov %gs:GS_STACK, %rsp
    cmp $CMD_COUNT, %rdi
    jae .Lexit
    lea .Lcommands(%rip), %rax
    movslq (%rax, %rdi, 4), %rcx
    add %rcx, %rax
    call *%rax
.Lexit:
    mov %rax, %rdi
    mov %gs:GS_RETURN, %rbx
    mov %gs:GS_HOST_RSP, %rsp
    mov $4, %eax
    enclu_padded

.Lexception:
    mov %rcx, %rbx
    lea -1(%rax), %rdx /* the frame before */
    imul $SSA_FRAME_SIZE, %rdx, %rdx
    add %gs:GS_SSA0_GPRS, %rdx
    mov 160(%rdx), %eax
    test %eax, %eax
    jns 1f
    movzbl %al, %eax
    mov %rax, %gs:GS_VECTOR
    cmp $6, %eax
    jne 2f
    addq $2, 136(%rdx)
    movq $0x1234, (%rdx)
    jmp 2f
1:
    incq %gs:GS_TICKS
2:
    cmpq $0, %gs:GS_DECCSSA
    je 3f
    mov $9, %eax
    enclu_padded
3:
    mov $4, %eax
    enclu_padded

    .balign 4
.Lcommands:
    .long .Lnop - .Lcommands
    .long .Lsyscall - .Lcommands
    .long .Laccept - .Lcommands
    .long .Lwrite - .Lcommands
    .long .Lspin - .Lcommands
    .long .Lhammer - .Lcommands
    .long .Lleaf - .Lcommands
    .long .Lraw_leaf - .Lcommands
    .long .Lcpuid - .Lcommands
    .long .Lbases - .Lcommands
    .long .Lsum - .Lcommands

.Lnop:
    mov %rsi, %rax
    ret

    /* RSI system calls, each trapping */
.Lsyscall:
    mov $39, %eax
    syscall
    dec %rsi
    jnz .Lsyscall
    ret

    /* EACCEPT RDX pages from RSI with the SECINFO at R8; RAX: the first error */
.Laccept:
    mov %rdx, %r9
1:
    mov $5, %eax
    mov %r8, %rbx
    mov %rsi, %rcx
    enclu_padded
    jz 2f
    add $4096, %rsi
    dec %r9
    jnz 1b
2:
    ret

    /* touch RDX pages from RSI */
.Lwrite:
    mov %rsi, (%rsi)
    mov (%rsi), %rax
    add $4096, %rsi
    dec %rdx
    jnz .Lwrite
    ret

    /* compute with live registers until *RSI becomes non-zero; RAX: 0 if they survived */
.Lspin:
    push %rbp
    mov $0x1111, %r8
    mov $0x2222, %r12
    movq %r8, %xmm0
    movq %r12, %xmm15
    vpbroadcastq %xmm0, %ymm1
    pushq $0x3333
    fildq (%rsp)
    mov $0x4444, %rbp
    stc
1:
    mov (%rsi), %rax
    pause
    test %rax, %rax
    jz 1b
    movq %xmm0, %rax
    sub %r8, %rax
    movq %xmm15, %rcx
    sub %r12, %rcx
    or %rcx, %rax
    vextracti128 $1, %ymm1, %xmm1
    movq %xmm1, %rcx
    sub %r8, %rcx
    or %rcx, %rax
    fistpq (%rsp)
    pop %rcx
    sub $0x3333, %rcx
    or %rcx, %rax
    sub $0x4444, %rbp
    or %rbp, %rax
    sub $0x1111, %r8
    or %r8, %rax
    sub $0x2222, %r12
    or %r12, %rax
    pop %rbp
    ret

    /* EACCEPT of an accepted page (an error each time) until *RSI becomes non-zero, page RDX */
.Lhammer:
    xor %r9d, %r9d
    mov $0x5555, %r10
    mov $0x6666, %r11
    movq %r10, %xmm7
1:
    mov $5, %eax
    mov %r8, %rbx
    mov %rdx, %rcx
    enclu_padded
    jnz 2f
    cmp $19, %eax
    jne 2f
    inc %r9
    cmpq $0, (%rsi)
    je 1b
    cmp $0x5555, %r10
    jne 2f
    cmp $0x6666, %r11
    jne 2f
    movq %xmm7, %rax
    cmp %r10, %rax
    jne 2f
    mov %r9, %rax
    ret
2:
    mov $-1, %rax
    ret

    /* leaf RSI with RBX = RDX, RCX = R8, RDX = R9 */
.Lleaf:
    mov %rsi, %rax
    mov %rdx, %rbx
    mov %r8, %rcx
    mov %r9, %rdx
    enclu_padded
    ret
.Lraw_leaf:
    mov %rsi, %rax
    mov %rdx, %rbx
    mov %r8, %rcx
    mov %r9, %rdx
    .byte 0x0f, 0x01, 0xd7
    ret
.Lcpuid:
    xor %eax, %eax
    cpuid
    ret

    /* sets FS to one value after the other until *RSI becomes non-zero; RAX: how often FS or GS was another */
.Lbases:
    xor %r9d, %r9d
    rdgsbase %r8
    mov $0x100000, %eax
1:
    add $64, %rax
    wrfsbase_padded
    mov $2000, %ecx
2:
    rdfsbase %rdx
    rdgsbase %rdi
    xor %rax, %rdx
    xor %r8, %rdi
    or %rdi, %rdx
    jz 3f
    inc %r9
3:
    dec %ecx
    jnz 2b
    cmpq $0, (%rsi)
    je 1b
    mov %r9, %rax
    ret

    /* FS + GS; if RSI is not 0, after FS was set to it and an exception */
.Lsum:
    test %rsi, %rsi
    jz 1f
    mov %rsi, %rax
    wrfsbase_padded
    mov $39, %eax
    syscall
1:
    rdgsbase %rax
    rdfsbase %rcx
    add %rcx, %rax
    ret
    .balign 4096
    .globl enclave_text_end
enclave_text_end:

/*
 * softsgx_enter_enclave() as a C function: like the vDSO's, it keeps RBX and RBP only, and what
 * else the enclave or the AEX changes stays changed.
 */
    .text
    .globl enter_saving
enter_saving:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    push 64(%rsp)
    call softsgx_enter_enclave
    add $16, %rsp
    cld
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

/* uint64_t enter_raw(tcs, cmd, arg): EENTER by an ENCLU of the host's own, with its own AEP. */
    .globl enter_raw
enter_raw:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rdi, %rbx
    mov %rsi, %rdi
    mov %rdx, %rsi
    lea 1f(%rip), %rcx
    mov $2, %eax
    .byte 0x0f, 0x01, 0xd7
    mov %rdi, %rax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
1:
    .byte 0x0f, 0x01, 0xd7

    .section .note.GNU-stack, "", @progbits
