/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sparse array of pagetree.h.
 *
 * Invariants: a node's `used` counts its slots that are not NULL; no node but the root is empty, and
 * an empty root is freed; the tree never shrinks in height while it holds anything.
 */
#include "kernel/fs/pagetree.h"

#include <linux/errno.h>

#include "kernel/mm/heap.h"

#define BITS 6
#define FANOUT (1U << BITS)
#define MAX_HEIGHT 11 /* 66 bits */

struct pagetree_node {
    unsigned used;
    void *slot[FANOUT];
};

static unsigned slot_at(uint64_t index, unsigned level)
{
    return (unsigned)(index >> (BITS * level)) & (FANOUT - 1);
}

static bool index_fits(uint64_t index, unsigned height)
{
    return height >= MAX_HEIGHT || !(index >> (BITS * height));
}

void *pagetree_get(const struct pagetree *t, uint64_t index)
{
    if (!t->root || !index_fits(index, t->height))
        return NULL;
    void *p = t->root;
    for (unsigned level = t->height; level-- > 0 && p;)
        p = ((struct pagetree_node *)p)->slot[slot_at(index, level)];
    return p;
}

static int plant(struct pagetree *t, uint64_t index)
{
    t->root = kzalloc(sizeof(*t->root));
    if (!t->root)
        return -ENOMEM;
    t->height = 1;
    while (!index_fits(index, t->height))
        t->height++;
    return 0;
}

/* Puts nodes on top until index fits. */
static int grow(struct pagetree *t, uint64_t index)
{
    while (!index_fits(index, t->height)) {
        struct pagetree_node *n = kzalloc(sizeof(*n));
        if (!n)
            return -ENOMEM;
        n->slot[0] = t->root;
        n->used = 1;
        t->root = n;
        t->height++;
    }
    return 0;
}

/* Frees the nodes on the way to index that hold nothing. */
static void prune(struct pagetree *t, uint64_t index)
{
    struct pagetree_node *path[MAX_HEIGHT];
    struct pagetree_node *n = t->root;
    unsigned depth = 0;
    for (unsigned level = t->height; level-- > 0 && n; n = n->slot[slot_at(index, level)]) {
        path[depth++] = n;
        if (!level)
            break;
    }
    while (depth && !path[depth - 1]->used) {
        kfree(path[--depth]);
        if (!depth) {
            pagetree_init(t);
            return;
        }
        path[depth - 1]->slot[slot_at(index, t->height - depth)] = NULL;
        path[depth - 1]->used--;
    }
}

int pagetree_set(struct pagetree *t, uint64_t index, void *p)
{
    int err = t->root ? grow(t, index) : plant(t, index);
    struct pagetree_node *n = t->root;
    for (unsigned level = t->height; !err && --level > 0;) {
        void **slot = &n->slot[slot_at(index, level)];
        if (!*slot) {
            *slot = kzalloc(sizeof(*n));
            if (!*slot)
                err = -ENOMEM;
            else
                n->used++;
        }
        n = err ? n : *slot;
    }
    if (err) {
        if (t->root)
            prune(t, index);
        return err;
    }
    void **slot = &n->slot[slot_at(index, 0)];
    if (!*slot)
        n->used++;
    *slot = p;
    return 0;
}

void *pagetree_remove(struct pagetree *t, uint64_t index)
{
    struct pagetree_node *n = t->root;
    if (!n || !index_fits(index, t->height))
        return NULL;
    for (unsigned level = t->height; --level > 0;) {
        n = n->slot[slot_at(index, level)];
        if (!n)
            return NULL;
    }
    void **slot = &n->slot[slot_at(index, 0)];
    void *p = *slot;
    if (!p)
        return NULL;
    *slot = NULL;
    n->used--;
    if (!n->used)
        prune(t, index);
    return p;
}

/*
 * The first entry in the subtree at or above *index; NULL moves *index to the end of the subtree's
 * range (0 where the index space ends).
 */
static void *next_below(struct pagetree_node *n, unsigned level, uint64_t *index)
{
    uint64_t step = 1UL << (BITS * level), base = *index & ~((step << BITS) - 1);
    for (unsigned i = slot_at(*index, level); i < FANOUT; i++) {
        if (n->slot[i]) {
            void *p = level ? next_below(n->slot[i], level - 1, index) : n->slot[i];
            if (p)
                return p;
        }
        *index = base + (i + 1) * step;
        if (!*index)
            break;
    }
    return NULL;
}

void *pagetree_next(const struct pagetree *t, uint64_t *index)
{
    if (!t->root || !index_fits(*index, t->height))
        return NULL;
    return next_below(t->root, t->height - 1, index);
}
