/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256's buffering and padding; the compression function is libcrypto's.
 */
#include "lib/sha256.h"

/* libcrypto.a: compresses `blocks` blocks of 64 bytes into the 8 words at ctx. */
void sha256_block_data_order(void *ctx, const void *data, size_t blocks);

void sha256_init(struct sha256 *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int i = 0; i < 8; i++)
        s->h[i] = start[i];
    s->len = 0;
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t used = s->len % SHA256_BLOCK;
    if (!len)
        return;
    s->len += len;
    if (used) {
        size_t n = SHA256_BLOCK - used < len ? SHA256_BLOCK - used : len;
        __builtin_memcpy(s->buf + used, p, n);
        p += n;
        len -= n;
        if (used + n < SHA256_BLOCK)
            return;
        sha256_block_data_order(s, s->buf, 1);
    }
    if (len >= SHA256_BLOCK)
        sha256_block_data_order(s, p, len / SHA256_BLOCK);
    __builtin_memcpy(s->buf, p + len / SHA256_BLOCK * SHA256_BLOCK, len % SHA256_BLOCK);
}

void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE])
{
    size_t used = s->len % SHA256_BLOCK;
    uint64_t bits = __builtin_bswap64(s->len * 8);
    s->buf[used++] = 0x80;
    if (used > SHA256_BLOCK - 8) {
        __builtin_memset(s->buf + used, 0, SHA256_BLOCK - used);
        sha256_block_data_order(s, s->buf, 1);
        used = 0;
    }
    __builtin_memset(s->buf + used, 0, SHA256_BLOCK - 8 - used);
    __builtin_memcpy(s->buf + SHA256_BLOCK - 8, &bits, 8);
    sha256_block_data_order(s, s->buf, 1);
    for (int i = 0; i < 8; i++) {
        uint32_t word = __builtin_bswap32(s->h[i]);
        __builtin_memcpy(out + 4 * i, &word, 4);
    }
}

void sha256(const void *data, size_t len, uint8_t out[SHA256_SIZE])
{
    struct sha256 s;
    sha256_init(&s);
    sha256_update(&s, data, len);
    sha256_final(&s, out);
}
