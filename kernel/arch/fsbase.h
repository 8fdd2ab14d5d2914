/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FS, which is the program's alone: the base of its thread's memory.
 */
#ifndef KERNEL_ARCH_FSBASE_H
#define KERNEL_ARCH_FSBASE_H

#include "kernel/arch/asm.h"
#include "kernel/types.h"

static inline uint64_t fs_base_read(void)
{
    uint64_t v;
    __asm__ volatile("rdfsbase %0" : "=r"(v));
    return v;
}

static inline void fs_base_write(uint64_t v)
{
    __asm__ volatile(WRFSBASE_SITE ::"a"(v) : "cc");
}

#endif
