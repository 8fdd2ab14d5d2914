/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy instructions with fault fix-ups (kernel/arch/usercopy.S).  For usercopy.c only:
 * addresses must have been checked.  A fault is noted in struct vcpu (fault_addr, fault_error).
 */
#ifndef KERNEL_SYS_RAW_COPY_H
#define KERNEL_SYS_RAW_COPY_H

#include "kernel/types.h"

/* Bytes not copied; raw_copy may say n when it stopped on the way, raw_copy_exact does not. */
size_t raw_copy(void *dst, const void *src, size_t n);
size_t raw_copy_exact(void *dst, const void *src, size_t n);
size_t raw_zero(void *dst, size_t n);             /* bytes not zeroed */
bool raw_load8(const uint8_t *src, uint8_t *val); /* these: false on a fault */
bool raw_load32(const uint32_t *src, uint32_t *val);
bool raw_load64(const uint64_t *src, uint64_t *val);
bool raw_store32(uint32_t *dst, uint32_t val);
bool raw_cmpxchg32(uint32_t *dst, uint32_t *old, uint32_t new_val);

#endif
