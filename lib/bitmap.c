/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of lib/bitmap.h, a word at a time.
 */
#include "lib/bitmap.h"

/* Bits from..63 of a word. */
static uint64_t mask_from(size_t from)
{
    return ~0UL << from;
}

void bitmap_fill(uint64_t *map, size_t from, size_t n, bool value)
{
    while (n) {
        size_t off = from % 64;
        size_t take = n < 64 - off ? n : 64 - off;
        uint64_t mask = (take == 64 ? ~0UL : (1UL << take) - 1) << off;
        if (value)
            map[from / 64] |= mask;
        else
            map[from / 64] &= ~mask;
        from += take;
        n -= take;
    }
}

/* flip is 0 to look for ones, ~0 to look for zeros. */
static size_t bitmap_find(const uint64_t *map, size_t bits, size_t from, uint64_t flip)
{
    while (from < bits) {
        uint64_t w = (map[from / 64] ^ flip) & mask_from(from % 64);
        if (w) {
            size_t bit = from / 64 * 64 + (size_t)__builtin_ctzl(w);
            return bit < bits ? bit : bits;
        }
        from = from / 64 * 64 + 64;
    }
    return bits;
}

size_t bitmap_find_set(const uint64_t *map, size_t bits, size_t from)
{
    return bitmap_find(map, bits, from, 0);
}

size_t bitmap_find_clear(const uint64_t *map, size_t bits, size_t from)
{
    return bitmap_find(map, bits, from, ~0UL);
}

static unsigned word_count(uint64_t w)
{
    w -= w >> 1 & 0x5555555555555555UL;
    w = (w & 0x3333333333333333UL) + (w >> 2 & 0x3333333333333333UL);
    w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
    return (unsigned)(w * 0x0101010101010101UL >> 56);
}

size_t bitmap_count(const uint64_t *map, size_t bits)
{
    size_t n = 0;
    for (size_t i = 0; i < bits / 64; i++)
        n += word_count(map[i]);
    if (bits % 64)
        n += word_count(map[bits / 64] & ~mask_from(bits % 64));
    return n;
}
