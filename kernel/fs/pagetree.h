/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sparse array: 64-bit index -> pointer, as a radix tree of 64-way nodes that grows upwards.
 * Memory is proportional to the entries (a node is 528 bytes), lookups take one step for each 6 bits of the
 * largest index.  No lock of its own; holds pointers, owns nothing behind them.
 */
#ifndef KERNEL_FS_PAGETREE_H
#define KERNEL_FS_PAGETREE_H

#include "kernel/types.h"

struct pagetree_node;

struct pagetree {
    struct pagetree_node *root; /* NULL: empty */
    unsigned height;            /* levels: indexes below 64^height fit */
};

static inline void pagetree_init(struct pagetree *t)
{
    t->root = NULL;
    t->height = 0;
}

/* NULL where nothing is. */
void *pagetree_get(const struct pagetree *t, uint64_t index);
/* 0 or -ENOMEM; p is not NULL; replaces what is there. */
MUST_CHECK int pagetree_set(struct pagetree *t, uint64_t index, void *p);
/* Takes the entry out: it, or NULL. */
void *pagetree_remove(struct pagetree *t, uint64_t index);
/* The first entry at or above *index, which becomes its index; NULL at the end. */
void *pagetree_next(const struct pagetree *t, uint64_t *index);

#endif
