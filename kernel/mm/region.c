/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of regions: an AVL tree by start address, its nodes also in a list by address.  Each node
 * knows the largest gap directly below a region of its subtree, so that a free range is found in
 * logarithmic time among 65,530 regions.  Depth is at most 24, hence recursion is fine.
 *
 * The gap below a region that grows down is smaller by STACK_GUARD_GAP.
 */
#include "kernel/mm/region.h"

#include "abi/host/layout.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/vfs/file.h"

#include <linux/errno.h>

void region_tree_init(struct region_tree *t, uaddr_t low, uaddr_t high)
{
    t->root = NULL;
    list_init(&t->list);
    t->count = 0;
    t->bytes = t->bytes_peak = 0;
    t->low = low;
    t->high = high;
}

struct region *region_new(void)
{
    struct region *r = kzalloc(sizeof(*r));

    if (r)
        list_init(&r->link);
    return r;
}

void region_free(struct region *r)
{
    if (r->file)
        file_put(r->file);
    kfree(r);
}

struct region *region_clone(const struct region *r)
{
    struct region *copy = region_new();

    if (!copy)
        return NULL;
    copy->start = r->start;
    copy->end = r->end;
    copy->prot = r->prot;
    copy->flags = r->flags;
    copy->file = r->file ? file_get(r->file) : NULL;
    copy->shm = r->shm;
    copy->maps = r->maps;
    copy->off = r->off;
    copy->name = r->name;
    copy->version = r->version;
    return copy;
}

/* Order */

struct region *region_next(const struct region_tree *t, const struct region *r)
{
    return r->link.next == &t->list ? NULL : list_entry(r->link.next, struct region, link);
}

struct region *region_prev(const struct region_tree *t, const struct region *r)
{
    return r->link.prev == &t->list ? NULL : list_entry(r->link.prev, struct region, link);
}

struct region *region_find(const struct region_tree *t, uaddr_t addr)
{
    struct region *n = t->root, *best = NULL;

    while (n) {
        if (n->end > addr) {
            best = n;
            n = n->child[0];
        } else {
            n = n->child[1];
        }
    }
    return best;
}

bool region_range_free(const struct region_tree *t, uaddr_t start, uaddr_t end)
{
    struct region *r = region_find(t, start);

    return !r || r->start >= end;
}

bool region_range_full(const struct region_tree *t, uaddr_t start, uaddr_t end)
{
    struct region *r = region_find(t, start);

    while (r && r->start <= start) {
        start = r->end;
        if (start >= end)
            return true;
        r = region_next(t, r);
    }
    return start >= end;
}

/* Gaps */

static uaddr_t gap_start(const struct region_tree *t, const struct region *r)
{
    struct region *prev = region_prev(t, r);

    return prev ? prev->end : t->low;
}

static uaddr_t gap_end(const struct region_tree *t, const struct region *r)
{
    uaddr_t start = gap_start(t, r);

    if (!(r->flags & REGION_GROWSDOWN))
        return r->start;
    return r->start - start < STACK_GUARD_GAP ? start : r->start - STACK_GUARD_GAP;
}

/* The highest range of len in [start, end) cut to [low, high), or 0. */
static uaddr_t gap_fit(uaddr_t start, uaddr_t end, uint64_t len, uaddr_t low, uaddr_t high)
{
    start = MAX(start, low);
    end = MIN(end, high);
    return end > start && end - start >= len ? end - len : 0;
}

/* Rightmost first; subtrees without a large enough gap, or wholly outside, are not visited. */
static uaddr_t gap_search(const struct region_tree *t, const struct region *n, uint64_t len,
                          uaddr_t low, uaddr_t high)
{
    uaddr_t found = 0;

    if (!n || n->max_gap < len)
        return 0;
    if (n->end < high)
        found = gap_search(t, n->child[1], len, low, high);
    if (!found)
        found = gap_fit(gap_start(t, n), gap_end(t, n), len, low, high);
    if (!found && n->start > low)
        found = gap_search(t, n->child[0], len, low, high);
    return found;
}

uaddr_t region_find_gap(const struct region_tree *t, uint64_t len, uaddr_t low, uaddr_t high)
{
    uaddr_t last_end = t->low, found;

    low = MAX(low, t->low);
    high = MIN(high, t->high);
    if (!list_empty(&t->list))
        last_end = list_entry(t->list.prev, struct region, link)->end;
    found = gap_fit(last_end, t->high, len, low, high);
    return found ? found : gap_search(t, t->root, len, low, high);
}

bool region_gap_ok(const struct region_tree *t, uaddr_t addr, uint64_t len)
{
    struct region *r;

    if (addr < t->low || addr > t->high || len > t->high - addr)
        return false;
    r = region_find(t, addr);
    return !r || (r->start > addr && gap_end(t, r) >= addr + len);
}

/* Balance */

static int height(const struct region *n)
{
    return n ? n->height : 0;
}

static void node_update(const struct region_tree *t, struct region *n)
{
    uint64_t gap = gap_end(t, n) - gap_start(t, n);

    n->height = 1 + MAX(height(n->child[0]), height(n->child[1]));
    for (int side = 0; side < 2; side++)
        if (n->child[side])
            gap = MAX(gap, n->child[side]->max_gap);
    n->max_gap = gap;
}

/* The child on `side` comes up. */
static struct region *node_rotate(const struct region_tree *t, struct region *n, int side)
{
    struct region *up = n->child[side];

    n->child[side] = up->child[!side];
    up->child[!side] = n;
    node_update(t, n);
    node_update(t, up);
    return up;
}

static struct region *node_balance(const struct region_tree *t, struct region *n)
{
    int lean = height(n->child[1]) - height(n->child[0]), side = lean > 0;
    struct region *c;

    node_update(t, n);
    if (lean >= -1 && lean <= 1)
        return n;
    c = n->child[side];
    if (height(c->child[!side]) > height(c->child[side]))
        n->child[side] = node_rotate(t, c, !side);
    return node_rotate(t, n, side);
}

static struct region *node_insert(const struct region_tree *t, struct region *n, struct region *r)
{
    int side;

    if (!n) {
        r->child[0] = r->child[1] = NULL;
        node_update(t, r);
        return r;
    }
    side = r->start > n->start;
    n->child[side] = node_insert(t, n->child[side], r);
    return node_balance(t, n);
}

/* Takes the leftmost node out of n's subtree. */
static struct region *node_remove_min(const struct region_tree *t, struct region *n,
                                      struct region **min)
{
    if (!n->child[0]) {
        *min = n;
        return n->child[1];
    }
    n->child[0] = node_remove_min(t, n->child[0], min);
    return node_balance(t, n);
}

static struct region *node_remove(const struct region_tree *t, struct region *n, struct region *r)
{
    struct region *min, *right;
    int side;

    if (n == r) {
        if (!n->child[0] || !n->child[1])
            return n->child[0] ? n->child[0] : n->child[1];
        right = node_remove_min(t, n->child[1], &min);
        min->child[0] = n->child[0];
        min->child[1] = right;
        return node_balance(t, min);
    }
    side = r->start > n->start;
    n->child[side] = node_remove(t, n->child[side], r);
    return node_balance(t, n);
}

/* Recomputes the gaps on the path to r, whose gap has changed. */
static void path_update(const struct region_tree *t, struct region *n, struct region *r)
{
    if (n != r)
        path_update(t, n->child[r->start > n->start], r);
    node_update(t, n);
}

/* Changes */

void region_insert(struct region_tree *t, struct region *r)
{
    struct region *next = region_find(t, r->start);

    if (next)
        list_add_between(&r->link, next->link.prev, &next->link);
    else
        list_add_tail(&t->list, &r->link);
    t->root = node_insert(t, t->root, r);
    if (next)
        path_update(t, t->root, next);
    t->count++;
    t->bytes += r->end - r->start;
    t->bytes_peak = MAX(t->bytes_peak, t->bytes);
}

void region_remove(struct region_tree *t, struct region *r)
{
    struct region *next = region_next(t, r);

    /* First out of the list, so that gaps are right along the way; r's own does not matter any more. */
    list_del(&r->link);
    t->root = node_remove(t, t->root, r);
    if (next)
        path_update(t, t->root, next);
    t->count--;
    t->bytes -= r->end - r->start;
}

void region_resize(struct region_tree *t, struct region *r, uaddr_t start, uaddr_t end)
{
    struct region *next = region_next(t, r);

    t->bytes += (end - start) - (r->end - r->start);
    t->bytes_peak = MAX(t->bytes_peak, t->bytes);
    r->off += (int64_t)(start - r->start);
    r->start = start; /* the order stays the same */
    r->end = end;
    path_update(t, t->root, r);
    if (next)
        path_update(t, t->root, next);
}

int region_split(struct region_tree *t, struct region *r, uaddr_t at)
{
    struct region *upper = t->count < REGION_MAX ? region_new() : NULL;

    if (!upper)
        return -ENOMEM;
    if (r->shm && shmap_cut(r, at)) {
        region_free(upper);
        return -ENOMEM;
    }
    upper->start = at;
    upper->end = r->end;
    upper->prot = r->prot;
    /* Only the lowest part goes on growing. */
    upper->flags = r->flags & ~REGION_GROWSDOWN;
    upper->file = r->file ? file_get(r->file) : NULL;
    upper->shm = r->shm;
    upper->maps = r->maps;
    upper->off = r->off + (int64_t)(at - r->start);
    upper->name = r->name;
    upper->version = r->version;
    region_resize(t, r, r->start, at);
    region_insert(t, upper);
    return 0;
}

int region_isolate(struct region_tree *t, uaddr_t start, uaddr_t end)
{
    struct region *r = region_find(t, start);

    if (r && r->start < start && region_split(t, r, start))
        return -ENOMEM;
    r = region_find(t, end);
    if (r && r->start < end && region_split(t, r, end))
        return -ENOMEM;
    return 0;
}

static bool can_merge(const struct region *a, const struct region *b)
{
    /* A region above one that grows down is its upper part, cut off by region_split. */
    return a->end == b->start && a->prot == b->prot && a->file == b->file &&
           a->version.mtime == b->version.mtime && a->version.ctime == b->version.ctime &&
           a->name == b->name && a->maps == b->maps && (a->flags & ~REGION_GROWSDOWN) == b->flags &&
           (!a->file || a->off + (int64_t)(a->end - a->start) == b->off);
}

/* b's range becomes a's. */
static void merge_two(struct region_tree *t, struct region *a, struct region *b)
{
    uaddr_t end = b->end;

    if (b->window_end)
        a->window_start = b->window_start, a->window_end = b->window_end,
        a->window_pages = b->window_pages;
    region_remove(t, b);
    region_resize(t, a, a->start, end);
    region_free(b); /* a has a reference on the file too, so this is not the last */
}

struct region *region_merge(struct region_tree *t, struct region *r)
{
    struct region *prev = list_entry(r->link.prev, struct region, link);
    struct region *next = list_entry(r->link.next, struct region, link);

    if (&next->link != &t->list && can_merge(r, next))
        merge_two(t, r, next);
    if (&prev->link == &t->list || !can_merge(prev, r))
        return r;
    merge_two(t, prev, r);
    return prev;
}

void region_merge_range(struct region_tree *t, uaddr_t start, uaddr_t end)
{
    struct region *r = region_find(t, start > t->low ? start - 1 : start);

    while (r && r->start <= end) {
        r = region_merge(t, r);
        r = region_find(t, r->end);
    }
}
