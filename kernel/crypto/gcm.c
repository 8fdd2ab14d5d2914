/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM by libIPSec_MB's code for AES-NI and PCLMULQDQ in SSE registers, which every CPU with SGX
 * has: nothing is to be chosen, so the host's cpuid has no part in it.  The variant for VAES is three
 * times as fast on long messages, and would make the measured image larger by half a megabyte.
 */
#include "kernel/arch/fpu.h"
#include "kernel/crypto/crypto.h"
#include "lib/string.h"

/* The state of one computation, the library's struct gcm_context_data; nothing that outlives it. */
struct gcm_context {
    uint8_t state[128];
} __attribute__((aligned(64)));

struct gcm_key_data;
struct gcm_context_data;
typedef void gcm_fn(const struct gcm_key_data *k, struct gcm_context_data *c, uint8_t *out,
                    const uint8_t *in, uint64_t n, const uint8_t *iv, const uint8_t *aad,
                    uint64_t aad_len, uint8_t *tag, uint64_t tag_len);

/* libIPSec_MB.a, as in its header, which is not for freestanding code. */
void aes_keyexp_256_enc_sse(const void *key, void *expanded);
void aes_gcm_precomp_256_sse(struct gcm_key_data *k);
gcm_fn aes_gcm_enc_256_sse, aes_gcm_dec_256_sse;

/* Where that code says which operand was NULL, out of a table; none is here. */
extern int imb_errno;
extern const int imb_errno_types[108];
int imb_errno;
const int imb_errno_types[108];

static void gcm_run(gcm_fn *fn, const struct gcm_key *k, const uint8_t *iv, const void *aad,
                    size_t aad_len, const void *in, size_t n, void *out, uint8_t *tag)
{
    struct gcm_context c;

    kernel_fpu_begin();
    fn((const struct gcm_key_data *)k, (struct gcm_context_data *)&c, out, in, n, iv, aad, aad_len,
       tag, GCM_TAG_SIZE);
    kernel_fpu_end();
}

void gcm_init(struct gcm_key *k, const uint8_t key[GCM_KEY_SIZE])
{
    kernel_fpu_begin();
    aes_keyexp_256_enc_sse(key, k);
    aes_gcm_precomp_256_sse((struct gcm_key_data *)k);
    kernel_fpu_end();
}

void gcm_seal(const struct gcm_key *k, const uint8_t iv[GCM_IV_SIZE], const void *aad,
              size_t aad_len, const void *in, size_t n, void *out, uint8_t tag[GCM_TAG_SIZE])
{
    gcm_run(aes_gcm_enc_256_sse, k, iv, aad, aad_len, in, n, out, tag);
}

bool gcm_open(const struct gcm_key *k, const uint8_t iv[GCM_IV_SIZE], const void *aad,
              size_t aad_len, const void *in, size_t n, void *out, const uint8_t tag[GCM_TAG_SIZE])
{
    uint8_t right[GCM_TAG_SIZE];

    gcm_run(aes_gcm_dec_256_sse, k, iv, aad, aad_len, in, n, out, right);
    if (crypto_equal(right, tag, GCM_TAG_SIZE))
        return true;
    memset(out, 0, n);
    return false;
}
