/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays of bits in 64-bit words.  Plain memory operations: the caller holds whatever lock guards
 * the bitmap.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
    return map[bit / 64] >> bit % 64 & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= 1UL << bit % 64;
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(1UL << bit % 64);
}

/* Sets or clears bits [from, from + n). */
void bitmap_fill(uint64_t *map, size_t from, size_t n, bool value);
/* The first bit at or after `from` that is set (clear), below `bits`; `bits` when there is none. */
size_t bitmap_find_set(const uint64_t *map, size_t bits, size_t from);
size_t bitmap_find_clear(const uint64_t *map, size_t bits, size_t from);
/* The number of bits set among the first `bits`. */
size_t bitmap_count(const uint64_t *map, size_t bits);

#endif
