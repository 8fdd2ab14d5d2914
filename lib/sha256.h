/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) over libcrypto.a's sha256_block_data_order, which picks SHA-NI, AVX2 or
 * plain code from OPENSSL_ia32cap_P.  Freestanding; no allocation, no lock: a struct sha256 belongs
 * to one thread.  Host programs also link lib/sha256_host.c, which sets OPENSSL_ia32cap_P; the
 * kernel sets it itself from the enclave's attributes.
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_BLOCK 64

struct sha256 {
    uint32_t h[8]; /* first: the block function's context */
    uint64_t len;  /* bytes so far */
    uint8_t buf[SHA256_BLOCK];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
/* Writes the digest; *s must be initialised again before it is used again. */
void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE]);

/* init, update, final in one call. */
void sha256(const void *data, size_t len, uint8_t out[SHA256_SIZE]);

#endif
