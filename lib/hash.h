/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash functions, and a hash table of chained links that live in the hashed objects.
 *
 * The functions are not for keys that an adversary picks, unless mixed with a secret seed.  A
 * table's number of buckets is a power of two and fixed; the caller provides the array.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t hash_u64(uint64_t v)
{
    v ^= v >> 32;
    v *= 0xd6e8feb86659fd93UL;
    v ^= v >> 32;
    v *= 0xd6e8feb86659fd93UL;
    return v ^ v >> 32;
}

/* n bytes at p, mixed with seed. */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);

struct hash_link {
    struct hash_link *next;
    uint64_t hash;
};

struct hash_table {
    struct hash_link **buckets;
    size_t mask;  /* number of buckets - 1 */
    size_t count; /* links in the table */
};

/* buckets: an array of n NULLs, n a power of two. */
void hash_init(struct hash_table *t, struct hash_link **buckets, size_t n);
void hash_add(struct hash_table *t, struct hash_link *l, uint64_t hash);
/* The link must be in the table. */
void hash_del(struct hash_table *t, struct hash_link *l);
/* The first link with this hash, or the next one after `l`; NULL at the end.  Compare the keys! */
struct hash_link *hash_first(const struct hash_table *t, uint64_t hash);
struct hash_link *hash_next(const struct hash_link *l);

#define hash_entry(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
