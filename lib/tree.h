/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered tree whose nodes live in the ordered objects: a treap, that is a binary search tree
 * in which random priorities keep the expected depth logarithmic.
 *
 *     static int region_cmp(const struct tree_node *a, const struct tree_node *b);
 *     struct tree t = TREE_INIT(region_cmp);
 *     tree_insert(&t, &region->node);
 *
 * Searches by key descend with the caller's own comparison, which tells where the key lies relative
 * to a node: <0 before it, 0 at it, >0 after it.
 */
#ifndef LIB_TREE_H
#define LIB_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    struct tree_node *left, *right, *parent;
    uint64_t priority;
};

typedef int tree_cmp(const struct tree_node *a, const struct tree_node *b);
typedef int tree_key_cmp(const void *key, const struct tree_node *n);

struct tree {
    struct tree_node *root;
    tree_cmp *cmp;
    size_t count;
};

#define TREE_INIT(fn) \
    {                 \
        NULL, (fn), 0 \
    }
#define tree_entry(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

void tree_init(struct tree *t, tree_cmp *cmp);
/* Inserts n; an equal node already there is returned and nothing done, else NULL. */
struct tree_node *tree_insert(struct tree *t, struct tree_node *n);
/* n must be in the tree. */
void tree_remove(struct tree *t, struct tree_node *n);
/* The node equal to key; the greatest node <= key; the least node >= key; or NULL. */
struct tree_node *tree_find(const struct tree *t, const void *key, tree_key_cmp *cmp);
struct tree_node *tree_floor(const struct tree *t, const void *key, tree_key_cmp *cmp);
struct tree_node *tree_ceil(const struct tree *t, const void *key, tree_key_cmp *cmp);
/* In order; NULL at the ends. */
struct tree_node *tree_first(const struct tree *t);
struct tree_node *tree_last(const struct tree *t);
struct tree_node *tree_next(const struct tree_node *n);
struct tree_node *tree_prev(const struct tree_node *n);

static inline bool tree_empty(const struct tree *t)
{
    return !t->root;
}

#endif
