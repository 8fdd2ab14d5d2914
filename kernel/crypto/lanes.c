/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of sixteen messages of one length side by side; see lanes.h. */
#include "kernel/crypto/lanes.h"

#include "lib/string.h"

#define BLOCK 64U

/* The layout that the assembler code expects: word j of lane i's digest, then the lanes' data. */
struct lanes {
    uint32_t digest[8][LANES];
    const void *data[LANES];
} __attribute__((aligned(64)));

/* libIPSec_MB.a: `blocks` blocks of all sixteen lanes; follows the C calling convention. */
void call_sha256_x16_avx512_from_c(struct lanes *l, uint64_t blocks);

static void lanes_init(struct lanes *l)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
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
