/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's cryptography: a thin face over library code, which uses vector registers and so runs
 * between kernel_fpu_begin and kernel_fpu_end.  Nothing here allocates or sleeps.
 */
#ifndef KERNEL_CRYPTO_CRYPTO_H
#define KERNEL_CRYPTO_CRYPTO_H

#include "kernel/types.h"

#define SHA256_HASH_SIZE 32

/* Boot, after kernel.xfrm is known: chooses the code that this CPU can run. */
void crypto_init(void);

/* The digest of n bytes. */
void sha256_hash(const void *data, size_t n, uint8_t out[SHA256_HASH_SIZE]);
/*
 * Hashes of up to 64 pieces of one buffer that is scattered over pages: piece i is len bytes at page[i],
 * the last one last_len.  One switch of the vector state for all of them.
 */
void sha256_hash_pages(void *const page[], size_t n, size_t len, size_t last_len,
                       uint8_t (*out)[SHA256_HASH_SIZE]);
/* True when a and b are equal; the time does not depend on where they differ. */
bool crypto_equal(const void *a, const void *b, size_t n);

#endif
