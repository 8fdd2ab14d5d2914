/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 for the kernel: lib/sha256 with the vector registers to itself. */
#include "kernel/arch/fpu.h"
#include "kernel/crypto/crypto.h"
#include "lib/sha256.h"

void sha256_hash(const void *data, size_t n, uint8_t out[SHA256_HASH_SIZE])
{
    kernel_fpu_begin();
    sha256(data, n, out);
    kernel_fpu_end();
}

void sha256_hash_pages(void *const page[], size_t n, size_t len, size_t last_len,
                       uint8_t (*out)[SHA256_HASH_SIZE])
{
    kernel_fpu_begin();
    for (size_t i = 0; i < n; i++)
        sha256(page[i], i + 1 < n ? len : last_len, out[i]);
    kernel_fpu_end();
}
