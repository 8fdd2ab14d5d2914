/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See hash.h.  hash_bytes takes eight bytes a step and mixes with hash_u64, which is enough for
 * file names and addresses.
 */
#include "lib/hash.h"

#include "lib/string.h"

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
    const unsigned char *s = p;
    uint64_t h = seed ^ n * 0x9e3779b97f4a7c15UL;
    uint64_t w;

    for (; n >= 8; n -= 8, s += 8) {
        memcpy(&w, s, 8);
        h = (h ^ hash_u64(w)) * 0x9e3779b97f4a7c15UL;
    }
    w = 0;
    memcpy(&w, s, n);
    return hash_u64(h ^ w);
}

void hash_init(struct hash_table *t, struct hash_link **buckets, size_t n)
{
    t->buckets = buckets;
    t->mask = n - 1;
    t->count = 0;
}

void hash_add(struct hash_table *t, struct hash_link *l, uint64_t hash)
{
    struct hash_link **b = &t->buckets[hash & t->mask];
    l->hash = hash;
    l->next = *b;
    *b = l;
    t->count++;
}

void hash_del(struct hash_table *t, struct hash_link *l)
{
    struct hash_link **b = &t->buckets[l->hash & t->mask];
    while (*b != l)
        b = &(*b)->next;
    *b = l->next;
    t->count--;
}

static struct hash_link *hash_skip(struct hash_link *l, uint64_t hash)
{
    while (l && l->hash != hash)
        l = l->next;
    return l;
}

struct hash_link *hash_first(const struct hash_table *t, uint64_t hash)
{
    return hash_skip(t->buckets[hash & t->mask], hash);
}

struct hash_link *hash_next(const struct hash_link *l)
{
    return hash_skip(l->next, l->hash);
}
