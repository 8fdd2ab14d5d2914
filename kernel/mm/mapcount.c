/* SPDX-License-Identifier: Apache-2.0 */
/* See mapcount.h. */
#include "kernel/mm/mapcount.h"

#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"

#include <linux/errno.h>

#define RIGHTS 3 /* MM_READ, MM_WRITE, MM_EXEC */

struct run {
    struct tree_node node;
    pgoff_t first, end;
    uint32_t maps; /* address spaces that have it mapped; 0 only while mapcount_add works */
    uint32_t may_write;
    uint32_t right[RIGHTS]; /* how many of them may */
};

static int run_cmp(const struct tree_node *a, const struct tree_node *b)
{
    pgoff_t x = tree_entry(a, struct run, node)->first, y = tree_entry(b, struct run, node)->first;

    return (x > y) - (x < y);
}

static int index_cmp(const void *key, const struct tree_node *n)
{
    pgoff_t index = *(const pgoff_t *)key, first = tree_entry(n, struct run, node)->first;

    return (index > first) - (index < first);
}

void mapcount_init(struct mapcount *c)
{
    tree_init(&c->runs, run_cmp);
}

static struct run *run_of(struct tree_node *n)
{
    return n ? tree_entry(n, struct run, node) : NULL;
}

static struct run *run_next(const struct run *r)
{
    return run_of(tree_next(&r->node));
}

/* The run that holds index, or the next one behind it. */
static struct run *run_find(const struct mapcount *c, pgoff_t index)
{
    struct run *r = run_of(tree_floor(&c->runs, &index, index_cmp));

    if (r && r->end > index)
        return r;
    return r ? run_next(r) : run_of(tree_first(&c->runs));
}

static int run_cut(struct mapcount *c, pgoff_t at)
{
    struct run *r = run_find(c, at), *upper;

    if (!r || r->first >= at)
        return 0;
    upper = kmalloc(sizeof(*upper));
    if (!upper)
        return -ENOMEM;
    *upper = *r;
    upper->first = at;
    r->end = at;
    tree_insert(&c->runs, &upper->node);
    return 0;
}

int mapcount_cut(struct mapcount *c, pgoff_t first, pgoff_t end)
{
    return run_cut(c, first) || run_cut(c, end) ? -ENOMEM : 0;
}

static int run_new(struct mapcount *c, pgoff_t first, pgoff_t end)
{
    struct run *r = kzalloc(sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->first = first;
    r->end = end;
    tree_insert(&c->runs, &r->node);
    return 0;
}

/* Runs, empty ones at first, for all pages of the range. */
static int runs_fill(struct mapcount *c, pgoff_t first, pgoff_t end)
{
    int err = 0;

    while (first < end && !err) {
        struct run *r = run_find(c, first);

        if (r && r->first <= first) {
            first = r->end;
            continue;
        }
        err = run_new(c, first, r ? MIN(r->first, end) : end);
    }
    return err;
}

/* Drops the runs that count nothing. */
static void runs_prune(struct mapcount *c, pgoff_t first, pgoff_t end)
{
    struct run *r = run_find(c, first), *next;

    for (; r && r->first < end; r = next) {
        next = run_next(r);
        if (r->maps)
            continue;
        tree_remove(&c->runs, &r->node);
        kfree(r);
    }
}

static void run_count(struct run *r, struct map_rights m, uint32_t by)
{
    r->maps += by;
    r->may_write += m.may_write ? by : 0;
    for (unsigned i = 0; i < RIGHTS; i++)
        r->right[i] += m.prot >> i & 1 ? by : 0;
}

static void runs_count(struct mapcount *c, pgoff_t first, pgoff_t end, struct map_rights m,
                       uint32_t by)
{
    for (struct run *r = run_find(c, first); r && r->first < end; r = run_next(r))
        run_count(r, m, by);
}

int mapcount_add(struct mapcount *c, pgoff_t first, pgoff_t end, struct map_rights m)
{
    int err = mapcount_cut(c, first, end);

    if (!err)
        err = runs_fill(c, first, end);
    if (err)
        runs_prune(c, first, end);
    else
        runs_count(c, first, end, m, 1);
    return err;
}

void mapcount_del(struct mapcount *c, pgoff_t first, pgoff_t end, struct map_rights m)
{
    runs_count(c, first, end, m, -1U);
    runs_prune(c, first, end);
}

void mapcount_change(struct mapcount *c, pgoff_t first, pgoff_t end, struct map_rights from,
                     struct map_rights to)
{
    runs_count(c, first, end, from, -1U);
    runs_count(c, first, end, to, 1);
}

static unsigned run_prot(const struct run *r)
{
    unsigned prot = 0;

    for (unsigned i = 0; i < RIGHTS; i++)
        prot |= r->right[i] ? 1U << i : 0;
    return prot;
}

struct mapcount_look mapcount_look(const struct mapcount *c, pgoff_t index, pgoff_t end)
{
    const struct run *r = run_find(c, index);

    if (!r || r->first > index)
        return (struct mapcount_look){.end = r ? MIN(r->first, end) : end};
    return (struct mapcount_look){.end = MIN(r->end, end), .mapped = true, .prot = run_prot(r)};
}

bool mapcount_any(const struct mapcount *c, pgoff_t first, pgoff_t end)
{
    const struct run *r = run_find(c, first);

    return r && r->first < end;
}

bool mapcount_may_write(const struct mapcount *c)
{
    for (const struct run *r = run_of(tree_first(&c->runs)); r; r = run_next(r))
        if (r->may_write)
            return true;
    return false;
}
