/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several SHA-256 computations at a time: sixteen in AVX-512 registers, or two with the SHA extensions,
 * whose instructions wait for each other within one computation.  libIPSec_MB's compression functions,
 * called without the rest of that library.  Between kernel_fpu_begin and kernel_fpu_end only.
 */
#ifndef KERNEL_CRYPTO_LANES_H
#define KERNEL_CRYPTO_LANES_H

#include "kernel/types.h"

#define LANES 16U

/* True when this CPU and the enclave's attributes allow AVX-512 (cpu.c). */
bool crypto_has_avx512(void);
/* True when the host says that this CPU has the SHA extensions. */
bool crypto_has_sha(void);
/* The digests of n <= LANES messages of len bytes each; len is a multiple of 64. AVX-512. */
void lanes_hash(void *const data[], size_t n, size_t len, uint8_t (*out)[32]);
/* Likewise of two messages. SHA extensions. */
void pair_hash(void *const data[2], size_t len, uint8_t (*out)[32]);

#endif
