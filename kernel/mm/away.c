/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/mm/away.h"

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

#include <linux/errno.h>

static int away_cmp(const struct tree_node *x, const struct tree_node *y)
{
    uaddr_t a = tree_entry(x, const struct away, node)->start;
    uaddr_t b = tree_entry(y, const struct away, node)->start;

    return a < b ? -1 : a > b;
}

static int away_key_cmp(const void *key, const struct tree_node *n)
{
    uaddr_t addr = *(const uaddr_t *)key;
    const struct away *a = tree_entry(n, const struct away, node);

    return addr < a->start ? -1 : addr >= away_end(a);
}

static void count(struct away_tree *t, long n)
{
    __atomic_store_n(&t->pages, t->pages + (size_t)n, __ATOMIC_RELAXED);
}

void away_init(struct away_tree *t)
{
    t->pages = 0;
    tree_init(&t->tree, away_cmp);
}

struct away *away_add(struct away_tree *t, uaddr_t start, size_t n)
{
    struct away *a = kzalloc(sizeof(*a));

    if (!a)
        return NULL;
    a->memory = kpages_alloc_any(n);
    if (!a->memory) {
        kfree(a);
        return NULL;
    }
    a->start = start;
    a->n = (unsigned)n;
    count(t, (long)n);
    if (tree_insert(&t->tree, &a->node))
        panic("mm: two copies of the page at %lx are put away", start);
    return a;
}

void away_free(struct away_tree *t, struct away *a)
{
    tree_remove(&t->tree, &a->node);
    count(t, -(long)a->n);
    kpages_free(a->memory, a->n);
    kfree(a);
}

void away_free_all(struct away_tree *t)
{
    struct tree_node *n;

    while ((n = tree_first(&t->tree)) != NULL)
        away_free(t, tree_entry(n, struct away, node));
}

struct away *away_find(const struct away_tree *t, uaddr_t addr)
{
    struct tree_node *n = tree_ceil(&t->tree, &addr, away_key_cmp);

    return n ? tree_entry(n, struct away, node) : NULL;
}

unsigned away_state(const struct away_tree *t, uaddr_t addr)
{
    const struct away *a = away_find(t, addr);

    return a && a->start <= addr ? a->state[(addr - a->start) / PAGE_SIZE] : 0;
}

size_t away_run(const struct away_tree *t, uaddr_t addr, size_t n, bool *here)
{
    const struct away *a = away_find(t, addr);
    size_t i, run = 1;

    *here = false;
    if (!a)
        return n;
    if (a->start > addr)
        return MIN(n, (a->start - addr) / PAGE_SIZE);
    i = (addr - a->start) / PAGE_SIZE;
    *here = a->state[i] != 0;
    while (run < n && i + run < a->n && (a->state[i + run] != 0) == *here)
        run++;
    return run;
}

/* The block that has, or is to have, the page at addr: *n pages from there on, at most as many as asked for. */
static struct away *block_for(struct away_tree *t, uaddr_t addr, size_t *n)
{
    struct away *a = away_find(t, addr);

    if (a && a->start <= addr) {
        *n = MIN(*n, (away_end(a) - addr) / PAGE_SIZE);
        return a;
    }
    *n = MIN(*n, AWAY_PAGES);
    if (a)
        *n = MIN(*n, (a->start - addr) / PAGE_SIZE);
    return away_add(t, addr, *n);
}

int away_put(struct away_tree *t, uaddr_t addr, size_t n, const void *pages, unsigned state)
{
    const char *from = pages;

    for (size_t part; n > 0; n -= part, addr += part * PAGE_SIZE, from += part * PAGE_SIZE) {
        part = n;
        struct away *a = block_for(t, addr, &part);
        if (!a)
            return -ENOMEM;
        size_t i = (addr - a->start) / PAGE_SIZE;
        memcpy(away_page(a, i), from, part * PAGE_SIZE);
        memset(a->state + i, (int)state, part);
    }
    return 0;
}

void away_move(struct away_tree *to, struct away_tree *from, struct away *a)
{
    tree_remove(&from->tree, &a->node);
    count(from, -(long)a->n);
    count(to, (long)a->n);
    if (tree_insert(&to->tree, &a->node))
        panic("mm: two copies of the page at %lx are put away", a->start);
}
