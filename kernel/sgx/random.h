/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the CPU.  The host has no part in them. */
#ifndef KERNEL_SGX_RANDOM_H
#define KERNEL_SGX_RANDOM_H

#include "kernel/types.h"

/* Fills buf from RDRAND; panics when the CPU fails ten times in a row (Intel's advice). */
void random_bytes(void *buf, size_t n);
uint64_t random_u64(void);

#endif
