/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state save area (Intel SDM vol. 3D, 38.9): a frame holds, from its start, the XSAVE area, and
 * at its end the general registers, with the MISC region (EXINFO) right below.
 */
#ifndef KERNEL_SGX_SSA_H
#define KERNEL_SGX_SSA_H

#include <stdint.h>

struct ssa_gpr {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags, rip, ursp, urbp;
    uint32_t exitinfo; /* VECTOR 7:0, EXIT_TYPE 10:8, VALID 31 */
    uint32_t reserved;
    uint64_t fsbase, gsbase;
};

struct ssa_exinfo {
    uint64_t maddr;
    uint32_t errcd;
    uint32_t reserved;
};

_Static_assert(sizeof(struct ssa_gpr) == 184, "GPRSGX");
_Static_assert(sizeof(struct ssa_exinfo) == 16, "EXINFO");

#define EXITINFO_VALID 0x80000000U
#define EXITINFO_VECTOR(e) ((e)&0xffU)

enum vector {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_BP = 3,
    VECTOR_BR = 5,
    VECTOR_UD = 6,
    VECTOR_SS = 12,

    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_XM = 19,
    VECTOR_CP = 21,
};

#endif
