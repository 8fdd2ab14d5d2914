/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions against a naive model: an array with one entry a page.  Random maps, unmaps, protections
 * and merges; after each, the tree's shape, its order, its gaps and its answers must agree.
 */
#include "kernel/mm/test/stubs.h"

#include "kernel/mm/region.c"

#define LOW 0x10000UL
#define PAGES 1500UL
#define HIGH (LOW + PAGES * PAGE_SIZE)

static long live_regions, file_refs;
static int fail_after = -1; /* allocations until one fails; -1: never */

void *kzalloc(size_t n)
{
    if (fail_after == 0)
        return NULL;
    if (fail_after > 0)
        fail_after--;
    live_regions++;
    return calloc(1, n);
}

void kfree(void *p)
{
    live_regions--;
    free(p);
}

void file_put(struct file *f)
{
    assert_true(f->ref.count > 0);
    f->ref.count--;
    file_refs--;
}

int shmap_cut(struct region *r, uaddr_t at)
{
    (void)r;
    (void)at;
    return 0;
}

static struct file files[2];

/* The model: what each page is.  0: free. */
struct cell {
    unsigned prot, flags;
    int file; /* 0: none, else index + 1 */
    uint64_t off;
    bool used;
};
static struct cell cells[PAGES];

static struct cell *cell_of(uaddr_t a)
{
    return &cells[(a - LOW) / PAGE_SIZE];
}

static uaddr_t page_at(size_t i)
{
    return LOW + i * PAGE_SIZE;
}

/* Heights, order and gaps of a subtree; returns its largest gap. */
static uint64_t check_node(const struct region_tree *t, const struct region *n, int *height_out,
                           size_t *count)
{
    int h[2];
    uint64_t gap, g;

    if (!n) {
        *height_out = 0;
        return 0;
    }
    gap = gap_end(t, n) - gap_start(t, n);
    for (int side = 0; side < 2; side++) {
        const struct region *c = n->child[side];
        if (c)
            assert_true(side == 0 ? c->end <= n->start : c->start >= n->end);
        g = check_node(t, c, &h[side], count);
        gap = MAX(gap, g);
    }
    assert_true(h[0] - h[1] >= -1 && h[0] - h[1] <= 1);
    assert_int_equal(n->height, 1 + MAX(h[0], h[1]));
    assert_int_equal(n->max_gap, gap);
    *height_out = n->height;
    (*count)++;
    return gap;
}

static void check_tree(const struct region_tree *t)
{
    size_t count = 0, listed = 0;
    uint64_t bytes = 0;
    uaddr_t last = LOW;
    int h;

    check_node(t, t->root, &h, &count);
    list_for_each(it, &t->list) {
        struct region *r = list_entry(it, struct region, link);
        assert_true(r->start >= last && r->end > r->start && r->end <= HIGH);
        last = r->end;
        bytes += r->end - r->start;
        listed++;
        for (uaddr_t a = r->start; a < r->end; a += PAGE_SIZE) {
            struct cell *c = cell_of(a);
            assert_true(c->used);
            assert_int_equal(c->prot, r->prot);
            assert_int_equal(c->flags, r->flags & ~REGION_GROWSDOWN);
            assert_ptr_equal(c->file ? &files[c->file - 1] : NULL, r->file);
            if (c->file)
                assert_int_equal(c->off, r->off + (int64_t)(a - r->start));
        }
    }
    assert_int_equal(count, listed);
    assert_int_equal(count, t->count);
    assert_int_equal(bytes, t->bytes);
    for (size_t i = 0, used = 0; i < PAGES; i++) {
        used += cells[i].used;
        if (i == PAGES - 1)
            assert_int_equal(used * PAGE_SIZE, bytes);
    }
}

static void model_unmap(struct region_tree *t, uaddr_t start, uaddr_t end)
{
    struct region *r;

    assert_int_equal(region_isolate(t, start, end), 0);
    while ((r = region_find(t, start)) != NULL && r->start < end) {
        assert_true(r->start >= start && r->end <= end);
        region_remove(t, r);
        region_free(r);
    }
    for (uaddr_t a = start; a < end; a += PAGE_SIZE)
        memset(cell_of(a), 0, sizeof(struct cell));
}

static void model_map(struct region_tree *t, uaddr_t start, uaddr_t end)
{
    struct region *r;
    int file = (int)test_random(3);
    uint64_t off = start; /* so that neighbours of one file often continue each other */

    model_unmap(t, start, end);
    assert_true(region_range_free(t, start, end));
    r = region_new();
    r->start = start;
    r->end = end;
    r->prot = (unsigned)test_random(3);
    r->flags = test_random(2) ? REGION_SHARED : 0;
    r->file = file ? file_get(&files[file - 1]) : NULL;
    file_refs += file != 0;
    r->off = (int64_t)off;
    region_insert(t, r);
    for (uaddr_t a = start; a < end; a += PAGE_SIZE)
        *cell_of(a) = (struct cell){r->prot, r->flags, file, off + (a - start), true};
    r = region_merge(t, r);
    assert_true(r->start <= start && r->end >= end);
}

static void model_protect(struct region_tree *t, uaddr_t start, uaddr_t end)
{
    unsigned prot = (unsigned)test_random(3);
    struct region *r;

    assert_int_equal(region_isolate(t, start, end), 0);
    for (r = region_find(t, start); r && r->start < end; r = region_next(t, r)) {
        r->prot = prot;
        for (uaddr_t a = r->start; a < r->end; a += PAGE_SIZE)
            cell_of(a)->prot = prot;
    }
    region_merge_range(t, start, end);
}

static void check_queries(const struct region_tree *t)
{
    size_t first = test_random(PAGES), n = 1 + test_random(40), run = 0;
    size_t lo = test_random(PAGES), hi = lo + test_random(PAGES - lo + 1);
    uaddr_t want = 0;
    bool used = false, full = true;
    struct region *r = region_find(t, page_at(first));
    size_t i = first;

    while (i < PAGES && !cells[i].used)
        i++;
    assert_int_equal(r != NULL, i < PAGES);
    if (r)
        assert_true(i == first ? r->start <= page_at(i) : r->start == page_at(i));

    n = MIN(n, PAGES - first);
    for (i = first; i < first + n; i++) {
        used |= cells[i].used;
        full &= cells[i].used;
    }
    assert_int_equal(region_range_free(t, page_at(first), page_at(first + n)), !used);
    assert_int_equal(region_range_full(t, page_at(first), page_at(first + n)), full);
    assert_int_equal(region_gap_ok(t, page_at(first), n * PAGE_SIZE), !used);

    for (i = hi; i-- > lo && !want;) {
        run = cells[i].used ? 0 : run + 1;
        if (run == n)
            want = page_at(i);
    }
    assert_int_equal(region_find_gap(t, n * PAGE_SIZE, page_at(lo), page_at(hi)), want);
}

static void test_model(void **state)
{
    struct region_tree t;

    (void)state;
    region_tree_init(&t, LOW, HIGH);
    memset(cells, 0, sizeof(cells));
    files[0].ref.count = files[1].ref.count = 1;
    for (int step = 0; step < 4000; step++) {
        size_t first = test_random(PAGES), n = 1 + test_random(test_random(8) ? 12 : 200);
        uaddr_t start = page_at(first), end = page_at(MIN(first + n, PAGES));

        switch (test_random(4)) {
        case 0:
        case 1: model_map(&t, start, end); break;
        case 2: model_unmap(&t, start, end); break;
        default: model_protect(&t, start, end);
        }
        if (step % 4 == 0)
            check_tree(&t);
        for (int q = 0; q < 4; q++)
            check_queries(&t);
    }
    model_unmap(&t, LOW, HIGH);
    assert_null(t.root);
    assert_int_equal(t.count, 0);
    assert_int_equal(live_regions, 0);
    assert_int_equal(files[0].ref.count, 1);
    assert_int_equal(files[1].ref.count, 1);
}

static struct region *add(struct region_tree *t, size_t first, size_t n, unsigned flags)
{
    struct region *r = region_new();

    r->start = page_at(first);
    r->end = page_at(first + n);
    r->prot = 1;
    r->flags = flags;
    region_insert(t, r);
    return r;
}

static void drop_all(struct region_tree *t)
{
    struct region *r;

    while ((r = region_find(t, 0)) != NULL) {
        region_remove(t, r);
        region_free(r);
    }
}

/* No mapping is placed in the guard gap below a stack, though one may be forced there. */
static void test_stack_gap(void **state)
{
    struct region_tree t;
    size_t gap = STACK_GUARD_GAP / PAGE_SIZE;

    (void)state;
    region_tree_init(&t, LOW, HIGH);
    add(&t, 1000, 10, REGION_GROWSDOWN);
    assert_int_equal(region_find_gap(&t, PAGE_SIZE, LOW, page_at(1000)), page_at(999 - gap));
    assert_false(region_gap_ok(&t, page_at(990), PAGE_SIZE));
    assert_true(region_gap_ok(&t, page_at(1000 - gap - 1), PAGE_SIZE));
    add(&t, 900, 10, 0);
    assert_int_equal(t.root->max_gap, 900 * PAGE_SIZE);
    assert_int_equal(region_find_gap(&t, PAGE_SIZE, LOW, page_at(1000)), page_at(899));
    drop_all(&t);
}

/* A split without memory leaves everything as it was. */
static void test_no_memory(void **state)
{
    struct region_tree t;

    (void)state;
    region_tree_init(&t, LOW, HIGH);
    add(&t, 10, 10, 0);
    fail_after = 0;
    assert_int_equal(region_isolate(&t, page_at(12), page_at(15)), -ENOMEM);
    assert_int_equal(t.count, 1);
    fail_after = 1;
    assert_int_equal(region_isolate(&t, page_at(12), page_at(15)), -ENOMEM);
    assert_int_equal(t.count, 2);
    assert_int_equal(t.bytes, 10 * PAGE_SIZE);
    fail_after = -1;
    region_merge_range(&t, page_at(12), page_at(15));
    assert_int_equal(t.count, 1);
    t.count = REGION_MAX;
    assert_int_equal(region_split(&t, t.root, page_at(12)), -ENOMEM);
    t.count = 1;
    drop_all(&t);
    assert_int_equal(live_regions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_stack_gap),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
