/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ENCLU leaves that the kernel uses besides EEXIT (SDM vol. 3D, 41).  A leaf that returns an error
 * code does so in RAX; one that is given bad operands raises #PF or #GP, which in the kernel is a
 * panic: operands here are always the kernel's own.
 */
#ifndef KERNEL_SGX_ENCLU_H
#define KERNEL_SGX_ENCLU_H

#include <stdint.h>

#include "kernel/arch/asm.h"
#include "kernel/types.h"

#define ENCLU_EREPORT 0
#define ENCLU_EGETKEY 1
#define ENCLU_EACCEPT 5
#define ENCLU_EMODPE 6
#define ENCLU_EACCEPTCOPY 7

#define SECINFO_R 1UL
#define SECINFO_W 2UL
#define SECINFO_X 4UL
#define SECINFO_PENDING 8UL
#define SECINFO_MODIFIED 0x10UL
#define SECINFO_PR 0x20UL
#define SECINFO_TCS (1UL << 8)
#define SECINFO_REG (2UL << 8)
#define SECINFO_TRIM (4UL << 8)

struct secinfo {
    uint64_t flags;
    uint64_t reserved[7];
} __attribute__((aligned(64)));

static inline int enclu(unsigned leaf, const void *rbx, uint64_t rcx, uint64_t rdx)
{
    uint64_t rax = leaf;
    __asm__ volatile(ENCLU_SITE : "+a"(rax) : "b"(rbx), "c"(rcx), "d"(rdx) : "memory", "cc");
    return (int)rax;
}

#endif
