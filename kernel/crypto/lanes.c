/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of several messages of one length side by side; see lanes.h. */
#include "kernel/crypto/lanes.h"

#include "lib/string.h"

#define BLOCK 64U

/* The layouts that the assembler code expects: word j of lane i's digest, then the lanes' data … */
struct lanes {
    uint32_t digest[8][LANES];
    const void *data[LANES];
} __attribute__((aligned(64)));

/* … and each lane's digest, then data; of sixteen it uses two. */
struct pair {
    uint32_t digest[LANES][8];
    const void *data[LANES];
} __attribute__((aligned(64)));

/* libIPSec_MB.a: `blocks` blocks of all sixteen, or of the first two, lanes; C calling convention. */
void call_sha256_x16_avx512_from_c(struct lanes *l, uint64_t blocks);
void call_sha256_ni_x2_sse_from_c(struct pair *p, uint64_t blocks);

/* FIPS 180-4, 4.2.2: the constants, which the second one takes from here. */
extern const uint32_t K256[64];
const uint32_t K256[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* 5.3.3: the initial hash value. */
static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static void lanes_init(struct lanes *l)
{
    for (unsigned j = 0; j < 8; j++)
        for (unsigned i = 0; i < LANES; i++)
            l->digest[j][i] = start[j];
}

/* The padding of a message whose length is a multiple of the block is one block, the same for all lanes. */
static void padding_make(uint8_t pad[BLOCK], size_t len)
{
    uint64_t bits = __builtin_bswap64((uint64_t)len * 8);
    memset(pad, 0, BLOCK);
    pad[0] = 0x80;
    memcpy(pad + BLOCK - sizeof(bits), &bits, sizeof(bits));
}

void lanes_hash(void *const data[], size_t n, size_t len, uint8_t (*out)[32])
{
    struct lanes l;
    uint8_t pad[BLOCK];
    lanes_init(&l);
    for (unsigned i = 0; i < LANES; i++)
        l.data[i] = data[i < n ? i : 0]; /* idle lanes repeat the first */
    call_sha256_x16_avx512_from_c(&l, len / BLOCK);
    padding_make(pad, len);
    for (unsigned i = 0; i < LANES; i++)
        l.data[i] = pad;
    call_sha256_x16_avx512_from_c(&l, 1);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < 8; j++) {
            uint32_t word = __builtin_bswap32(l.digest[j][i]);
            memcpy(out[i] + 4 * (size_t)j, &word, 4);
        }
}

void pair_hash(void *const data[2], size_t len, uint8_t (*out)[32])
{
    struct pair p = {.data = {data[0], data[1]}};
    uint8_t pad[BLOCK];
    for (unsigned i = 0; i < 2; i++)
        memcpy(p.digest[i], start, sizeof(start));
    call_sha256_ni_x2_sse_from_c(&p, len / BLOCK);
    padding_make(pad, len);
    p.data[0] = p.data[1] = pad;
    call_sha256_ni_x2_sse_from_c(&p, 1);
    for (unsigned i = 0; i < 2; i++)
        for (unsigned j = 0; j < 8; j++) {
            uint32_t word = __builtin_bswap32(p.digest[i][j]);
            memcpy(out[i] + 4 * (size_t)j, &word, 4);
        }
}
