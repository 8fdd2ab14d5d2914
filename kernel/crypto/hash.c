/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 for the kernel: library code with the vector registers to itself. */
#include "kernel/arch/fpu.h"
#include "kernel/crypto/crypto.h"
#include "kernel/crypto/lanes.h"
#include "lib/sha256.h"

#define LANES_WORTH 4U /* fewer messages are faster one by one */

void sha256_hash(const void *data, size_t n, uint8_t out[SHA256_HASH_SIZE])
{
    kernel_fpu_begin();
    sha256(data, n, out);
    kernel_fpu_end();
}

void sha256_hash_pages(void *const page[], size_t n, size_t len, size_t last_len,
                       uint8_t (*out)[SHA256_HASH_SIZE])
{
    size_t whole = last_len == len ? n : n - 1, i = 0;
    kernel_fpu_begin();
    if (crypto_has_avx512() && !(len % 64))
        for (; whole - i >= LANES_WORTH; i += MIN(whole - i, (size_t)LANES))
            lanes_hash(page + i, MIN(whole - i, (size_t)LANES), len, out + i);
    if (crypto_has_sha() && !(len % 64))
        for (; whole - i >= 2; i += 2)
            pair_hash(page + i, len, out + i);
    for (; i < n; i++)
        sha256(page[i], i + 1 < n ? len : last_len, out[i]);
    kernel_fpu_end();
}
