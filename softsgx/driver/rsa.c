/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA-3072 with exponent 3 as EINIT checks it: the signer supplies q1 = s*s div n and
 * q2 = s*(s*s mod n) div n, so that s^3 mod n takes multiplications and subtractions only.
 * Nothing here is secret; time may depend on the values.
 */
#include "softsgx/driver/driver.h"

#include <string.h>

#define WORDS 48 /* of 64 bits */

/* out = a * b */
static void big_mul(uint64_t out[2 * WORDS], const uint64_t a[WORDS], const uint64_t b[WORDS])
{
    memset(out, 0, 2 * WORDS * sizeof(*out));
    for (int i = 0; i < WORDS; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < WORDS; j++) {
            unsigned __int128 t = (unsigned __int128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        out[i + WORDS] = carry;
    }
}

/* a -= b over 2 * WORDS words; true if it would be negative. */
static bool big_sub(uint64_t a[2 * WORDS], const uint64_t b[2 * WORDS])
{
    uint64_t borrow = 0;
    for (int i = 0; i < 2 * WORDS; i++) {
        unsigned __int128 t = (unsigned __int128)a[i] - b[i] - borrow;
        a[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 64) & 1;
    }
    return borrow;
}

static bool big_less(const uint64_t a[WORDS], const uint64_t b[WORDS])
{
    for (int i = WORDS - 1; i >= 0; i--)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

/* r = a * b - q * n; true if that is in [0, n). */
static bool mul_reduce(uint64_t r[WORDS], const uint64_t a[WORDS], const uint64_t b[WORDS],
                       const uint64_t q[WORDS], const uint64_t n[WORDS])
{
    uint64_t ab[2 * WORDS], qn[2 * WORDS];
    big_mul(ab, a, b);
    big_mul(qn, q, n);
    if (big_sub(ab, qn))
        return false;
    for (int i = WORDS; i < 2 * WORDS; i++)
        if (ab[i])
            return false;
    memcpy(r, ab, WORDS * sizeof(*r));
    return big_less(r, n);
}

/* EMSA-PKCS1-v1_5 with SHA-256, little-endian. */
static void pad_digest(uint8_t out[384], const uint8_t digest[32])
{
    static const uint8_t info[19] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t em[384];
    memset(em, 0xff, sizeof(em));
    em[0] = 0;
    em[1] = 1;
    em[384 - 32 - 19 - 1] = 0;
    memcpy(em + 384 - 32 - 19, info, 19);
    memcpy(em + 384 - 32, digest, 32);
    for (int i = 0; i < 384; i++)
        out[i] = em[383 - i];
}

bool rsa_verify(const uint8_t n[384], const uint8_t sig[384], const uint8_t q1[384],
                const uint8_t q2[384], const uint8_t digest[32])
{
    uint64_t bn[WORDS], bs[WORDS], b1[WORDS], b2[WORDS], r[WORDS];
    uint8_t want[384];
    memcpy(bn, n, 384);
    memcpy(bs, sig, 384);
    memcpy(b1, q1, 384);
    memcpy(b2, q2, 384);
    if (!big_less(bs, bn))
        return false;
    if (!mul_reduce(r, bs, bs, b1, bn) || !mul_reduce(r, bs, r, b2, bn))
        return false;
    pad_digest(want, digest);
    return !memcmp(want, r, 384);
}
