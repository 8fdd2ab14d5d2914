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

/* --- AES-256-GCM (NIST SP 800-38D), IVs of 96 bits, tags of 128 ---------------------------------- */

#define GCM_KEY_SIZE 32
#define GCM_IV_SIZE 12
#define GCM_TAG_SIZE 16

/* An expanded key: libIPSec_MB's struct gcm_key_data.  Read only once made: any number of threads. */
struct gcm_key {
    uint8_t expanded[1024];
} __attribute__((aligned(64)));

void gcm_init(struct gcm_key *k, const uint8_t key[GCM_KEY_SIZE]);
/*
 * Encrypts n bytes to out, which may be in, and makes the tag of them and of aad.  An IV must not be used
 * twice with a key.  All of it trusted memory: the code looks at what it has written.
 */
void gcm_seal(const struct gcm_key *k, const uint8_t iv[GCM_IV_SIZE], const void *aad,
              size_t aad_len, const void *in, size_t n, void *out, uint8_t tag[GCM_TAG_SIZE]);
/*
 * The reverse; out may be in.  False: not what gcm_seal made, and out is zeros.  Trusted memory too:
 * the code reads what it decrypts more than once.
 */
MUST_CHECK bool gcm_open(const struct gcm_key *k, const uint8_t iv[GCM_IV_SIZE], const void *aad,
                         size_t aad_len, const void *in, size_t n, void *out,
                         const uint8_t tag[GCM_TAG_SIZE]);

#endif
