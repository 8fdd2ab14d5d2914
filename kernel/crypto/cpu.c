/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instructions libcrypto's assembler code may use: OPENSSL_ia32cap_P, which it consults itself.
 *
 * cpuid is the host's word only, and it may lie.  What depends on register state (AVX, AVX-512) is
 * allowed only if the enclave's measured attributes (XFRM) enable that state.  For the rest (SSSE3, SHA
 * extensions) the host is asked: a lie that denies them costs speed, a lie that claims them ends in #UD.
 * Neither changes a result: every variant computes the same function.
 */
#include "kernel/crypto/crypto.h"
#include "kernel/crypto/lanes.h"
#include "kernel/kernel.h"
#include "kernel/ocall/ocall.h"
#include "lib/string.h"

#define XFRM_AVX 0x4UL
#define XFRM_AVX512 0xe0UL

/* Leaf 1 ECX */
#define CAP1_SSSE3 (1U << 9)
#define CAP1_SSE41 (1U << 19)
#define CAP1_MOVBE (1U << 22)
#define CAP1_AESNI (1U << 25)
#define CAP1_PCLMUL (1U << 1)
#define CAP1_AVX (1U << 28)
#define CAP1_KEEP (CAP1_SSSE3 | CAP1_SSE41 | CAP1_MOVBE | CAP1_AESNI | CAP1_PCLMUL)
/* Leaf 1 EDX: FXSR, SSE, SSE2 are part of x86-64; bit 30 says "Intel" and picks shld over rotates. */
#define CAP0_BASE ((1U << 24) | (1U << 25) | (1U << 26))
/* Leaf 7 EBX */
#define CAP2_BMI1 (1U << 3)
#define CAP2_AVX2 (1U << 5)
#define CAP2_BMI2 (1U << 8)
#define CAP2_ADX (1U << 19)
#define CAP2_SHA (1U << 29)
#define CAP2_AVX512 ((1U << 16) | (1U << 17) | (1U << 30) | (1U << 31)) /* F, DQ, BW, VL */

extern uint32_t OPENSSL_ia32cap_P[4];
uint32_t OPENSSL_ia32cap_P[4];

static bool has_avx512; /* [I] after crypto_init */

bool crypto_has_avx512(void)
{
    return has_avx512;
}

bool crypto_has_sha(void)
{
    return (OPENSSL_ia32cap_P[2] & CAP2_SHA) != 0;
}

void crypto_init(void)
{
    uint32_t one[4], seven[4];
    bool avx = (kernel.xfrm & XFRM_AVX) != 0;
    OPENSSL_ia32cap_P[0] = CAP0_BASE;
    if (ocall_cpuid(1, 0, one) || ocall_cpuid(7, 0, seven))
        return;
    OPENSSL_ia32cap_P[1] = one[2] & (CAP1_KEEP | (avx ? CAP1_AVX : 0));
    OPENSSL_ia32cap_P[2] =
        seven[1] & (CAP2_BMI1 | CAP2_BMI2 | CAP2_ADX | CAP2_SHA | (avx ? CAP2_AVX2 : 0));
    has_avx512 =
        (kernel.xfrm & XFRM_AVX512) == XFRM_AVX512 && (seven[1] & CAP2_AVX512) == CAP2_AVX512;
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    uint64_t diff = 0, u, v;
    size_t i = 0;
    for (; i + sizeof(u) <= n; i += sizeof(u)) {
        memcpy(&u, x + i, sizeof(u));
        memcpy(&v, y + i, sizeof(v));
        diff |= u ^ v;
    }
    for (; i < n; i++)
        diff |= x[i] ^ y[i];
    return !diff;
}
