/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions that touch program (or untrusted) memory, each with an entry in the fix-up
 * table.
 *
 * size_t raw_copy(void *dst, const void *src, size_t n) returns the number of bytes NOT copied, in
 * which a fault within the first 256 bytes' plain moves counts all: the caller, once it has
 * dealt with the fault, starts over.  raw_copy_exact stops at the very byte that cannot be copied.
 *
 * System V calling convention; only rax, rcx, rdx, rsi, rdi, r8-r11 change.
 */
#include "kernel/arch/fixup.h"

    .text

/* One access that may fault; 9 returns n. */
#define MAY_FAULT(...) 77: __VA_ARGS__; EXTABLE(77b, 9f)

    .globl raw_copy
    .type raw_copy, @function
    .balign 16
raw_copy:
    cmpq $16, %rdx
    ja .Lcopy_big
    cmpq $8, %rdx
    jb .Lcopy_tiny
    MAY_FAULT(movq (%rsi), %rax)
    MAY_FAULT(movq -8(%rsi,%rdx), %rcx)
    MAY_FAULT(movq %rax, (%rdi))
    MAY_FAULT(movq %rcx, -8(%rdi,%rdx))
    xorl %eax, %eax
    ret
.Lcopy_tiny:
    cmpq $4, %rdx
    jb .Lcopy_few
    MAY_FAULT(movl (%rsi), %eax)
    MAY_FAULT(movl -4(%rsi,%rdx), %ecx)
    MAY_FAULT(movl %eax, (%rdi))
    MAY_FAULT(movl %ecx, -4(%rdi,%rdx))
    xorl %eax, %eax
    ret
.Lcopy_few:
    testq %rdx, %rdx
    jz .Lcopy_none
    movq %rdx, %r8
    shrq $1, %r8
    MAY_FAULT(movzbl (%rsi), %eax)
    MAY_FAULT(movzbl (%rsi,%r8), %ecx)
    MAY_FAULT(movzbl -1(%rsi,%rdx), %r9d)
    MAY_FAULT(movb %al, (%rdi))
    MAY_FAULT(movb %cl, (%rdi,%r8))
    MAY_FAULT(movb %r9b, -1(%rdi,%rdx))
.Lcopy_none:
    xorl %eax, %eax
    ret
.Lcopy_big:
    cmpq $256, %rdx
    ja raw_copy_exact
    /* 17..256: the last 16 bytes are loaded first and stored last. */
    MAY_FAULT(movq -16(%rsi,%rdx), %r10)
    MAY_FAULT(movq -8(%rsi,%rdx), %r11)
    xorl %r8d, %r8d
1:
    MAY_FAULT(movq (%rsi,%r8), %rax)
    MAY_FAULT(movq 8(%rsi,%r8), %rcx)
    MAY_FAULT(movq %rax, (%rdi,%r8))
    MAY_FAULT(movq %rcx, 8(%rdi,%r8))
    addq $16, %r8
    leaq 16(%r8), %r9
    cmpq %rdx, %r9
    jb 1b
    MAY_FAULT(movq %r10, -16(%rdi,%rdx))
    MAY_FAULT(movq %r11, -8(%rdi,%rdx))
    xorl %eax, %eax
    ret
9:
    movq %rdx, %rax
    ret
    .size raw_copy, . - raw_copy

    .globl raw_copy_exact
    .type raw_copy_exact, @function
    .balign 16
raw_copy_exact:
    movq %rdx, %rcx
8:  rep movsb
7:  movq %rcx, %rax
    ret
    EXTABLE(8b, 7b)
    .size raw_copy_exact, . - raw_copy_exact

/* size_t raw_zero(void *dst, size_t n): bytes NOT zeroed. */
    .globl raw_zero
    .type raw_zero, @function
    .balign 16
raw_zero:
    movq %rsi, %rcx
    xorl %eax, %eax
8:  rep stosb
7:  movq %rcx, %rax
    ret
    EXTABLE(8b, 7b)
    .size raw_zero, . - raw_zero

/*
 * bool raw_load32(const uint32_t *src, uint32_t *val), bool raw_load64(...): false on a fault.
 * bool raw_store32(uint32_t *dst, uint32_t val).
 */
    .globl raw_load32
    .type raw_load32, @function
    .balign 16
raw_load32:
8:  movl (%rdi), %eax
    movl %eax, (%rsi)
    movl $1, %eax
    ret
    EXTABLE(8b, raw_failed)
    .size raw_load32, . - raw_load32

    .globl raw_load64
    .type raw_load64, @function
    .balign 16
raw_load64:
8:  movq (%rdi), %rax
    movq %rax, (%rsi)
    movl $1, %eax
    ret
    EXTABLE(8b, raw_failed)
    .size raw_load64, . - raw_load64

    .globl raw_load8
    .type raw_load8, @function
    .balign 16
raw_load8:
8:  movzbl (%rdi), %eax
    movb %al, (%rsi)
    movl $1, %eax
    ret
    EXTABLE(8b, raw_failed)
    .size raw_load8, . - raw_load8

    .globl raw_store32
    .type raw_store32, @function
    .balign 16
raw_store32:
8:  movl %esi, (%rdi)
    movl $1, %eax
    ret
    EXTABLE(8b, raw_failed)
    .size raw_store32, . - raw_store32

/*
 * bool raw_cmpxchg32(uint32_t *dst, uint32_t *old, uint32_t new_val): *old in: expected, out:
 * found.
 */
    .globl raw_cmpxchg32
    .type raw_cmpxchg32, @function
    .balign 16
raw_cmpxchg32:
    movl (%rsi), %eax
8:  lock cmpxchgl %edx, (%rdi)
    movl %eax, (%rsi)
    movl $1, %eax
    ret
    EXTABLE(8b, raw_failed)
    .size raw_cmpxchg32, . - raw_cmpxchg32

    .type raw_failed, @function
raw_failed:
    xorl %eax, %eax
    ret
    .size raw_failed, . - raw_failed

    .section .note.GNU-stack, "", @progbits
