/* SPDX-License-Identifier: Apache-2.0 */
/* AES-128-CMAC (RFC 4493) with AES-NI, which every CPU with FSGSBASE has. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("aes,sse4.1"))), apply_to = function)
#else
#pragma GCC target("aes,sse4.1")
#endif

#include "softsgx/keys/cmac.h"

#include <string.h>
#include <wmmintrin.h>

struct aes {
    __m128i key[11];
};

static __m128i key_step(__m128i k, __m128i assist)
{
    assist = _mm_shuffle_epi32(assist, 0xff);
    k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
    k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
    k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
    return _mm_xor_si128(k, assist);
}

static void aes_expand(struct aes *a, const uint8_t key[16])
{
    __m128i k = _mm_loadu_si128((const __m128i *)key);
    a->key[0] = k;
#define STEP(i, rcon) a->key[i] = k = key_step(k, _mm_aeskeygenassist_si128(k, rcon))
    STEP(1, 0x01);
    STEP(2, 0x02);
    STEP(3, 0x04);
    STEP(4, 0x08);
    STEP(5, 0x10);
    STEP(6, 0x20);
    STEP(7, 0x40);
    STEP(8, 0x80);
    STEP(9, 0x1b);
    STEP(10, 0x36);
#undef STEP
}

static __m128i aes_encrypt(const struct aes *a, __m128i b)
{
    b = _mm_xor_si128(b, a->key[0]);
    for (int i = 1; i < 10; i++)
        b = _mm_aesenc_si128(b, a->key[i]);
    return _mm_aesenclast_si128(b, a->key[10]);
}

/* Doubling in GF(2^128), big-endian. */
static void gf_double(uint8_t b[16])
{
    uint8_t carry = b[0] >> 7;
    for (int i = 0; i < 15; i++)
        b[i] = (uint8_t)(b[i] << 1 | b[i + 1] >> 7);
    b[15] = (uint8_t)(b[15] << 1 ^ (carry ? 0x87 : 0));
}

void cmac(const uint8_t key[16], const void *data, size_t len, uint8_t out[16])
{
    struct aes a;
    uint8_t sub[16], last[16] = {0};
    const uint8_t *p = data;
    aes_expand(&a, key);
    _mm_storeu_si128((__m128i *)sub, aes_encrypt(&a, _mm_setzero_si128()));
    gf_double(sub);
    __m128i x = _mm_setzero_si128();
    for (; len > 16; len -= 16, p += 16)
        x = aes_encrypt(&a, _mm_xor_si128(x, _mm_loadu_si128((const __m128i *)p)));
    memcpy(last, p, len);
    if (len < 16) {
        last[len] = 0x80;
        gf_double(sub);
    }
    x = _mm_xor_si128(x, _mm_loadu_si128((const __m128i *)last));
    x = _mm_xor_si128(x, _mm_loadu_si128((const __m128i *)sub));
    _mm_storeu_si128((__m128i *)out, aes_encrypt(&a, x));
}
#ifdef __clang__
#pragma clang attribute pop
#endif
