/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The treap of tree.h.  Every node's priority is not below its children's; insertion rotates a new
 * leaf up until that holds, removal rotates a node down until it is a leaf.  Priorities come from
 * hashing the node's address with the tree's count: a program cannot steer them to good effect.
 */
#include "lib/tree.h"

#include "lib/hash.h"

void tree_init(struct tree *t, tree_cmp *cmp)
{
    *t = (struct tree)TREE_INIT(cmp);
}

/* Where the tree points to n. */
static struct tree_node **tree_slot(struct tree *t, struct tree_node *n)
{
    if (!n->parent)
        return &t->root;
    return n->parent->left == n ? &n->parent->left : &n->parent->right;
}

/* Makes n's parent a child of n. */
static void tree_rotate_up(struct tree *t, struct tree_node *n)
{
    struct tree_node *p = n->parent;
    struct tree_node *child;

    *tree_slot(t, p) = n;
    n->parent = p->parent;
    p->parent = n;
    if (p->left == n) {
        child = n->right;
        p->left = child;
        n->right = p;
    } else {
        child = n->left;
        p->right = child;
        n->left = p;
    }
    if (child)
        child->parent = p;
}

struct tree_node *tree_insert(struct tree *t, struct tree_node *n)
{
    struct tree_node **slot = &t->root;
    struct tree_node *parent = NULL;

    while (*slot) {
        int c = t->cmp(n, *slot);
        if (!c)
            return *slot;
        parent = *slot;
        slot = c < 0 ? &parent->left : &parent->right;
    }
    n->left = n->right = NULL;
    n->parent = parent;
    n->priority = hash_u64((uintptr_t)n ^ ++t->count << 48);
    *slot = n;
    while (n->parent && n->parent->priority < n->priority)
        tree_rotate_up(t, n);
    return NULL;
}

void tree_remove(struct tree *t, struct tree_node *n)
{
    while (n->left || n->right) {
        struct tree_node *up = n->left;
        if (!up || (n->right && n->right->priority > up->priority))
            up = n->right;
        tree_rotate_up(t, up);
    }
    *tree_slot(t, n) = NULL;
    n->parent = NULL;
    t->count--;
}

struct tree_node *tree_find(const struct tree *t, const void *key, tree_key_cmp *cmp)
{
    struct tree_node *n = t->root;
    while (n) {
        int c = cmp(key, n);
        if (!c)
            return n;
        n = c < 0 ? n->left : n->right;
    }
    return NULL;
}

struct tree_node *tree_floor(const struct tree *t, const void *key, tree_key_cmp *cmp)
{
    struct tree_node *best = NULL;
    struct tree_node *n = t->root;
    while (n) {
        if (cmp(key, n) < 0) {
            n = n->left;
        } else {
            best = n;
            n = n->right;
        }
    }
    return best;
}

struct tree_node *tree_ceil(const struct tree *t, const void *key, tree_key_cmp *cmp)
{
    struct tree_node *best = NULL;
    struct tree_node *n = t->root;
    while (n) {
        if (cmp(key, n) > 0) {
            n = n->right;
        } else {
            best = n;
            n = n->left;
        }
    }
    return best;
}

struct tree_node *tree_first(const struct tree *t)
{
    struct tree_node *n = t->root;
    while (n && n->left)
        n = n->left;
    return n;
}

struct tree_node *tree_last(const struct tree *t)
{
    struct tree_node *n = t->root;
    while (n && n->right)
        n = n->right;
    return n;
}

struct tree_node *tree_next(const struct tree_node *n)
{
    if (n->right) {
        for (n = n->right; n->left; n = n->left)
            ;
        return (struct tree_node *)(uintptr_t)n;
    }
    while (n->parent && n->parent->right == n)
        n = n->parent;
    return n->parent;
}

struct tree_node *tree_prev(const struct tree_node *n)
{
    if (n->left) {
        for (n = n->left; n->right; n = n->right)
            ;
        return (struct tree_node *)(uintptr_t)n;
    }
    while (n->parent && n->parent->left == n)
        n = n->parent;
    return n->parent;
}
