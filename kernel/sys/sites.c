/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of each address space's sites: a hash table of those that trapped, with what
 * came of it.  Only at a site's first trap may it become a PATCH_WINDOW: before that no thread can be
 * about to return into the window.  So when a site cannot be remembered, nothing is patched any more in its
 * address space, and those forked from it.
 */
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/sys/patch_impl.h"
#include "lib/hash.h"

#include <linux/errno.h>

#define SITES_FIRST 128UL /* places in a new table */
#define SITES_MAX 32768UL /* the most that a program can make the kernel remember */

struct spinlock sites_lock = SPINLOCK_INIT;

/* Of those address spaces that trapped when there was no memory for a record of their own. */
static struct patch_space unknown = {.users = 1, .pools = LIST_INIT(unknown.pools)};

struct patch_space *space_find(struct mm *mm)
{
    return *mm_patch(mm);
}

struct patch_space *space_get(struct mm *mm)
{
    spin_lock(&sites_lock);
    struct patch_space *s = space_find(mm);
    spin_unlock(&sites_lock);
    if (s)
        return s;

    s = kzalloc(sizeof(*s));
    if (!s)
        return NULL;
    s->users = 1;
    list_init(&s->pools);
    spin_lock(&sites_lock);
    struct patch_space *other = space_find(mm); /* a fork and a first trap at the same time */
    if (!other)
        *mm_patch(mm) = s;
    spin_unlock(&sites_lock);
    if (!other)
        return s;
    kfree(s);
    return other;
}

void space_lose(struct mm *mm)
{
    spin_lock(&sites_lock);
    struct patch_space *s = space_find(mm);
    if (!s) {
        s = *mm_patch(mm) = &unknown;
        s->users++;
    }
    s->lost = true;
    spin_unlock(&sites_lock);
}

/* The place of a site, or one where it can be put; NULL when there is neither. */
static struct site_entry *place_find(struct site_entry *entries, size_t capacity, uaddr_t site)
{
    struct site_entry *reuse = NULL;
    size_t hash = hash_u64(site);

    for (size_t i = 0; i < capacity; i++) {
        struct site_entry *e = &entries[(hash + i) & (capacity - 1)];
        if (e->site == site)
            return e;
        if (e->site == SITE_FREE)
            return reuse ? reuse : e;
        if (e->site == SITE_GONE && !reuse)
            reuse = e;
    }
    return reuse;
}

bool site_recall(struct mm *mm, uaddr_t site, struct site_entry *out)
{
    bool known = false;

    spin_lock(&sites_lock);
    const struct patch_space *s = space_find(mm);
    if (s) {
        struct site_entry *e = place_find(s->entries, s->capacity, site);
        known = e && e->site == site;
        if (known) {
            e->waits -= e->waits > 1;
            *out = *e;
        }
    }
    spin_unlock(&sites_lock);
    return known;
}

static size_t table_used(const struct patch_space *s) REQUIRES(sites_lock)
{
    size_t used = 0;

    for (size_t i = 0; i < s->capacity; i++)
        used += s->entries[i].site > SITE_GONE;
    return used;
}

/* Moves what is in the table to a larger one, or to one as large when it is full of what has gone. */
static bool table_grow(struct patch_space *s)
{
    struct site_entry *entries = NULL;
    size_t count = 0;

    spin_lock(&sites_lock);
    bool larger = table_used(s) * 2 >= s->capacity;
    spin_unlock(&sites_lock);
    size_t capacity = s->capacity ? s->capacity << larger : SITES_FIRST;

    if (capacity <= SITES_MAX)
        entries = kzalloc(capacity * sizeof(*entries));
    if (!entries)
        return false;
    spin_lock(&sites_lock);
    struct site_entry *old = s->entries;
    for (size_t i = 0; i < s->capacity; i++) {
        if (old[i].site <= SITE_GONE)
            continue;
        struct site_entry *place = place_find(entries, capacity, old[i].site);
        if (place) { /* always: the new table has room for all */
            *place = old[i];
            count++;
        }
    }
    s->entries = entries;
    s->capacity = capacity;
    s->count = count;
    spin_unlock(&sites_lock);
    kfree(old);
    return true;
}

bool site_record(struct patch_space *s, const struct site_entry *e)
{
    if (s == &unknown)
        return false;
    bool room = (s->count + 1) * 4 <= s->capacity * 3 || table_grow(s);

    spin_lock(&sites_lock);
    struct site_entry *place = place_find(s->entries, s->capacity, e->site);
    if (!place || (!room && place->site != e->site)) {
        spin_unlock(&sites_lock);
        return false;
    }
    if (place->site == SITE_FREE)
        s->count++;
    *place = *e;
    spin_unlock(&sites_lock);
    return true;
}

/* Trampolines that are unmapped are used no more; those of sites that are stand for nothing. */
static void pool_range_gone(struct tramp_pool *p, uaddr_t start, uaddr_t end)
{
    bool gone = p->addr < end && p->addr + POOL_SIZE > start;

    if (gone)
        p->used = POOL_SLOTS;
    for (unsigned i = 0; i < POOL_SLOTS; i++)
        if (gone || (p->slot[i].site >= start && p->slot[i].site < end))
            p->slot[i].kind = PATCH_NONE;
}

static bool has_pool(const struct patch_space *s, uaddr_t start, uaddr_t end)
{
    list_for_each(l, &s->pools) {
        const struct tramp_pool *p = list_entry(l, const struct tramp_pool, link);
        if (p->addr < end && p->addr + POOL_SIZE > start)
            return true;
    }
    return false;
}

bool patch_intact(struct mm *mm)
{
    spin_lock(&sites_lock);
    const struct patch_space *s = space_find(mm);
    bool intact = !s || !(s->damaged || s->lost);
    spin_unlock(&sites_lock);
    return intact;
}

void patch_range_gone(struct mm *mm, uaddr_t start, uaddr_t end)
{
    spin_lock(&sites_lock);
    struct patch_space *s = space_find(mm);
    if (s)
        s->damaged |= has_pool(s, start, end);
    if (s && s->users > 1)
        s = NULL; /* others still have it */
    for (size_t i = 0; s && i < s->capacity; i++)
        if (s->entries[i].site >= start && s->entries[i].site < end)
            s->entries[i].site = SITE_GONE;
    if (s)
        list_for_each(l, &s->pools)
            pool_range_gone(list_entry(l, struct tramp_pool, link), start, end);
    spin_unlock(&sites_lock);
}

int patch_mm_fork(struct mm *mm, struct mm *child)
{
    /* A site that traps later is common to both: so must be what is known of it. */
    struct patch_space *s = space_get(mm);

    if (!s)
        return -ENOMEM;
    spin_lock(&sites_lock);
    *mm_patch(child) = s;
    s->users++;
    spin_unlock(&sites_lock);
    return 0;
}

void patch_mm_gone(struct mm *mm)
{
    spin_lock(&sites_lock);
    struct patch_space *s = space_find(mm);
    *mm_patch(mm) = NULL;
    bool last = s && --s->users == 0;
    spin_unlock(&sites_lock);
    if (!last)
        return;
    for (struct list *l = list_pop(&s->pools); l; l = list_pop(&s->pools))
        kfree(list_entry(l, struct tramp_pool, link));
    kfree(s->entries);
    kfree(s);
}
