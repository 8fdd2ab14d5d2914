/* SPDX-License-Identifier: Apache-2.0 */
/* The radix tree of EPCM words: see epcm.h. */
#include "softsgx/pages/epcm.h"

#include <errno.h>

#define FAN_MASK (EPCM_FANOUT - 1)

static unsigned int level_shift(unsigned int level)
{
    return level * EPCM_FANOUT_BITS;
}

int epcm_init(struct epcm *m, struct arena *a, uint64_t pages)
{
    *m = (struct epcm){.levels = 1, .pages = pages};
    while (level_shift(m->levels) < 64 && (pages - 1) >> level_shift(m->levels))
        m->levels++;
    m->root = arena_alloc(a, m->levels == 1 ? EPCM_FANOUT * sizeof(epcm_t)
                                            : EPCM_FANOUT * sizeof(void *));
    return m->root ? 0 : -ENOMEM;
}

/* The leaf that holds `page`; with an arena, made if missing. */
static epcm_t *leaf_walk(struct epcm *m, struct arena *a, uint64_t page)
{
    void *node = m->root;
    for (unsigned int level = m->levels - 1; level > 0; level--) {
        void **slot = (void **)node + ((page >> level_shift(level)) & FAN_MASK);
        if (!*slot && a)
            *slot = arena_alloc(a, EPCM_FANOUT * (level > 1 ? sizeof(void *) : sizeof(epcm_t)));
        if (!*slot)
            return NULL;
        node = *slot;
    }
    uint64_t index = page >> EPCM_FANOUT_BITS;
    m->cache[index % EPCM_CACHE].leaf = node;
    m->cache[index % EPCM_CACHE].index = index;
    return node;
}

static epcm_t *word_find(struct epcm *m, struct arena *a, uint64_t page)
{
    uint64_t index = page >> EPCM_FANOUT_BITS;
    if (page >= m->pages)
        return NULL;
    epcm_t *leaf = m->cache[index % EPCM_CACHE].leaf;
    if (!leaf || m->cache[index % EPCM_CACHE].index != index)
        leaf = leaf_walk(m, a, page);
    return leaf ? leaf + (page & FAN_MASK) : NULL;
}

epcm_t *epcm_find(struct epcm *m, uint64_t page)
{
    return word_find(m, NULL, page);
}

epcm_t *epcm_get(struct epcm *m, struct arena *a, uint64_t page)
{
    return word_find(m, a, page);
}

/* The first page at or after `page` whose leaf exists, or the end. */
static uint64_t leaf_next(const struct epcm *m, uint64_t page)
{
    while (page < m->pages) {
        void *node = m->root;
        unsigned int level = m->levels - 1;
        while (level > 0) {
            void *child = ((void **)node)[(page >> level_shift(level)) & FAN_MASK];
            if (!child)
                break;
            node = child;
            level--;
        }
        if (level == 0)
            return page;
        uint64_t span = 1UL << level_shift(level);
        page = (page | (span - 1)) + 1;
    }
    return m->pages;
}

uint64_t epcm_next(struct epcm *m, uint64_t page, uint64_t end)
{
    while (page < end) {
        page = leaf_next(m, page);
        if (page >= end)
            break;
        const epcm_t *leaf = leaf_walk(m, NULL, page);
        uint64_t stop = (page | FAN_MASK) + 1;
        for (; page < stop && page < end; page++)
            if (leaf[page & FAN_MASK])
                return page;
    }
    return end;
}
