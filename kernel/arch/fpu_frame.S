/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector state between the registers and a signal frame by plain moves.  The image has XSAVE's
 * standard format, but only components in use are written: XSAVE and XRSTOR take three times as
 * long, and would leave x87 in use.  For states in which x87 is as after reset; fpu.c uses XSAVE
 * and XRSTOR for the others, and when the CPU's format has the components elsewhere.
 *
 * The image is program memory: a fault anywhere ends the routine with -1.  Nothing is believed that
 * is read there; a bad MXCSR faults.
 *
 *     0     FCW FSW FTW FOP FIP FDP    576    upper halves of ymm0 … ymm15
 *     24    MXCSR, its mask            1088   k0 … k7
 *     32    st0 … st7                  1152   upper halves of zmm0 … zmm15
 *     160   xmm0 … xmm15               1664   zmm16 … zmm31
 */
#include "kernel/arch/fixup.h"

#define FCW_INIT 0x37f
#define MXCSR_MASK 0xffff
#define OFF_MXCSR 24
#define OFF_ST 32
#define OFF_XMM 160
#define OFF_YMM 576
#define OFF_K 1088
#define OFF_ZMM 1152
#define OFF_HIGH 1664
#define BIT_SSE 2
#define BIT_AVX 4
#define BIT_K 0x20
#define BIT_ZMM 0x40
#define BIT_HIGH 0x80

#define EACH_LOW 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
#define EACH_HIGH 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31

    .text

/* int fpu_frame_store(void *image, uint32_t in_use): 0, or -1 on a fault; registers stay. */
    .globl fpu_frame_store
    .type fpu_frame_store, @function
    .balign 16
fpu_frame_store:
1:  movq $FCW_INIT, (%rdi)
    xorl %eax, %eax
    movq %rax, 8(%rdi)
    movq %rax, 16(%rdi)
    stmxcsr OFF_MXCSR(%rdi)
    movl $MXCSR_MASK, OFF_MXCSR+4(%rdi)
    .set i, 0
    .rept 16
    movq %rax, (OFF_ST + 8 * i)(%rdi)
    .set i, i + 1
    .endr
    .set i, 0
    .irp r, EACH_LOW
    vmovdqu %xmm\r, (OFF_XMM + 16 * i)(%rdi)
    .set i, i + 1
    .endr
    testb $BIT_AVX, %sil
    jz 2f
    .set i, 0
    .irp r, EACH_LOW
    vextractf128 $1, %ymm\r, (OFF_YMM + 16 * i)(%rdi)
    .set i, i + 1
    .endr
2:  testl $(BIT_K | BIT_ZMM | BIT_HIGH), %esi
    jz 5f
    testb $BIT_K, %sil
    jz 3f
    .set i, 0
    .irp r, 0,1,2,3,4,5,6,7
    kmovq %k\r, (OFF_K + 8 * i)(%rdi)
    .set i, i + 1
    .endr
3:  testb $BIT_ZMM, %sil
    jz 4f
    .set i, 0
    .irp r, EACH_LOW
    vextracti64x4 $1, %zmm\r, (OFF_ZMM + 32 * i)(%rdi)
    .set i, i + 1
    .endr
4:  testb $BIT_HIGH, %sil
    jz 5f
    .set i, 0
    .irp r, EACH_HIGH
    vmovdqu64 %zmm\r, (OFF_HIGH + 64 * i)(%rdi)
    .set i, i + 1
    .endr
5:  ret
    EXRANGE(1b, 5b, frame_fault)
    .size fpu_frame_store, . - fpu_frame_store

frame_fault:
    movl $-1, %eax
    ret

/* void fpu_frame_clear(uint32_t in_use): what is in use as after reset. */
    .globl fpu_frame_clear
    .type fpu_frame_clear, @function
    .balign 16
fpu_frame_clear:
    ldmxcsr mxcsr_init(%rip)
    testb $(BIT_SSE | BIT_AVX | BIT_ZMM), %dil
    jz 1f
    vzeroall
1:  testl $(BIT_K | BIT_HIGH), %edi
    jnz clear_more
    ret
clear_more:
    testb $BIT_HIGH, %dil
    jz 1f
    .irp r, EACH_HIGH
    vpxorq %xmm\r, %xmm\r, %xmm\r
    .endr
1:  testb $BIT_K, %dil
    jz 2f
    .irp r, 0,1,2,3,4,5,6,7
    kxorq %k\r, %k\r, %k\r
    .endr
2:  ret
    .size fpu_frame_clear, . - fpu_frame_clear

/*
 * int fpu_frame_load(const void *image, uint32_t xstate_bv, uint32_t in_use): the image's components
 * of xstate_bv are loaded, others that are in use cleared.  0; 1: the image's x87 state is not that
 * after reset, nothing has changed; -1 on a fault, registers are a mixture.
 */
    .globl fpu_frame_load
    .type fpu_frame_load, @function
    .balign 16
fpu_frame_load:
    movq (%rdi), %rax
    xorq $FCW_INIT, %rax
    .set i, 0
    .rept 16
    orq (OFF_ST + 8 * i)(%rdi), %rax
    .set i, i + 1
    .endr
    orq 8(%rdi), %rax
    orq 16(%rdi), %rax
    testb $1, %sil
    jz 2f
    testq %rax, %rax
    jnz 9f
2:  ldmxcsr OFF_MXCSR(%rdi)
    testb $(BIT_SSE | BIT_AVX | BIT_ZMM), %sil
    jnz 3f
    vzeroall
    jmp 5f
3:  testb $BIT_SSE, %sil
    jz 8f
    .set i, 0
    .irp r, EACH_LOW
    vmovdqu (OFF_XMM + 16 * i)(%rdi), %xmm\r
    .set i, i + 1
    .endr
4:  testb $BIT_AVX, %sil
    jz 5f
    .set i, 0
    .irp r, EACH_LOW
    vinsertf128 $1, (OFF_YMM + 16 * i)(%rdi), %ymm\r, %ymm\r
    .set i, i + 1
    .endr
5:  movl %esi, %ecx
    orl %edx, %ecx
    testl $(BIT_K | BIT_ZMM | BIT_HIGH), %ecx
    jnz load_more
    xorl %eax, %eax
    ret
8:  vzeroall
    jmp 4b
9:  movl $1, %eax
    ret
load_more:
    testb $BIT_ZMM, %sil
    jz 1f
    .set i, 0
    .irp r, EACH_LOW
    vinserti64x4 $1, (OFF_ZMM + 32 * i)(%rdi), %zmm\r, %zmm\r
    .set i, i + 1
    .endr
1:  testb $BIT_HIGH, %sil
    jz 2f
    .set i, 0
    .irp r, EACH_HIGH
    vmovdqu64 (OFF_HIGH + 64 * i)(%rdi), %zmm\r
    .set i, i + 1
    .endr
2:  testb $BIT_K, %sil
    jz 3f
    .set i, 0
    .irp r, 0,1,2,3,4,5,6,7
    kmovq (OFF_K + 8 * i)(%rdi), %k\r
    .set i, i + 1
    .endr
3:  movl %edx, %edi                 /* in use, but not in the image */
    notl %esi
    andl %esi, %edi
    andl $(BIT_K | BIT_HIGH), %edi
    xorl %eax, %eax
    testl %edi, %edi
    jnz clear_more
    ret
load_end:
    EXRANGE(fpu_frame_load, load_end, frame_fault)
    .size fpu_frame_load, . - fpu_frame_load

    .section .rodata
    .balign 4
mxcsr_init:
    .long 0x1f80

    .section .note.GNU-stack, "", @progbits
