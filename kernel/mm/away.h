/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of an overlay group's member that are not in place: copies in the kernel's heap, in blocks of
 * up to AWAY_PAGES, in a tree by address.  A page of a block may be none of the member's (state 0).
 *
 * No lock: see overlay.h.
 */
#ifndef KERNEL_MM_AWAY_H
#define KERNEL_MM_AWAY_H

#include "abi/host/layout.h"
#include "kernel/types.h"
#include "lib/tree.h"

#define AWAY_PAGES 64U

struct away {
    struct tree_node node;
    uaddr_t start;
    unsigned n;                /* pages */
    char *memory;              /* of so many */
    uint8_t state[AWAY_PAGES]; /* pagemap.h: what the page in place will be; 0: none */
};

/* What a member has put away. */
struct away_tree {
    struct tree tree;
    size_t pages; /* [a] of its blocks: for those who look from outside */
};

void away_init(struct away_tree *t);
/* A block for n pages, 1 to AWAY_PAGES, where there is none; the contents are not set.  NULL: no memory. */
struct away *away_add(struct away_tree *t, uaddr_t start, size_t n) MUST_CHECK;
void away_free(struct away_tree *t, struct away *a);
void away_free_all(struct away_tree *t);
/* The block that holds addr, or the next one above; NULL: none. */
struct away *away_find(const struct away_tree *t, uaddr_t addr);
/* The page's state; 0 when it is not here. */
unsigned away_state(const struct away_tree *t, uaddr_t addr);
/* How many of the n > 0 pages from addr on are all here, or all not. */
size_t away_run(const struct away_tree *t, uaddr_t addr, size_t n, bool *here);
/* Puts copies of n pages there.  -ENOMEM: of some of them. */
MUST_CHECK int away_put(struct away_tree *t, uaddr_t addr, size_t n, const void *pages,
                        unsigned state);
/* Blocks of one tree that become another's. */
void away_move(struct away_tree *to, struct away_tree *from, struct away *a);

static inline uaddr_t away_end(const struct away *a)
{
    return a->start + a->n * PAGE_SIZE;
}

static inline char *away_page(const struct away *a, size_t i)
{
    return a->memory + i * PAGE_SIZE;
}

#endif
