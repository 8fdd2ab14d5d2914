/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of kernel pages.
 *
 *   never used --grow--> FREE <--take/give--> RUN        FREE --trim--> ABSENT --take--> RUN
 *
 * The heap grows upward at its frontier, some pages at a time.  Free runs lie in bins by the logarithm
 * of their length and carry it at both ends (boundary tags), so that a freed run joins its free
 * neighbours at once.  Runs that were given back to the host keep their addresses and have bins of
 * their own.  All under heap_lock.
 */
#include "kernel/mm/heap_impl.h"

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "lib/string.h"

#define BINS 32
#define BIN_SEARCH 8 /* runs looked at in the bin that may or may not fit */
#define GROW_MIN 16  /* pages added at a time while the heap is small … */
#define GROW_MAX 64  /* … and when it is not … */
#define GROW_HUGE 512 /* … and, once it has as many as GROW_BIG, up to the next multiple of this, */
#define GROW_BIG 2048 /* so that a host can back it with huge pages */
#define TRIM_MIN 32   /* shortest run that is worth giving back */
#define DESC_BATCH 4  /* pages of descriptors added at a time */

struct spinlock heap_lock = SPINLOCK_INIT;

static struct {
    struct kpage *page;       /* [I] descriptors, one for each data page */
    uintptr_t base;           /* [I] of data page 0 */
    size_t max;               /* [I] data pages that there is room for */
    size_t described;         /* descriptors that are present */
    size_t frontier;          /* data pages ever used */
    size_t present, nfree;    /* statistics, in pages */
    struct list bin[2][BINS]; /* [0] FREE, [1] ABSENT */
} heap;

void kpages_init(uintptr_t start, uintptr_t end)
{
    size_t total = (end - start) / PAGE_SIZE;
    size_t per_page = PAGE_SIZE / sizeof(struct kpage);
    size_t desc_pages = ALIGN_UP(total / (per_page + 1) + 1, (size_t)DESC_BATCH);

    heap.page = (struct kpage *)start;
    heap.base = start + desc_pages * PAGE_SIZE;
    heap.max = total - desc_pages;
    heap.described = heap.frontier = heap.present = heap.nfree = 0;
    for (int i = 0; i < BINS; i++) {
        list_init(&heap.bin[0][i]);
        list_init(&heap.bin[1][i]);
    }
}

void *kpage_address(const struct kpage *page)
{
    return (void *)(heap.base + (size_t)(page - heap.page) * PAGE_SIZE);
}

struct kpage *kpage_of(const void *p)
{
    uintptr_t a = (uintptr_t)p;

    if (a < heap.base || (a - heap.base) / PAGE_SIZE >= heap.frontier)
        panic("heap: %p is not in [%lx, %lx)", p, heap.base, heap.base + heap.frontier * PAGE_SIZE);
    return &heap.page[(a - heap.base) / PAGE_SIZE];
}

static unsigned bin_of(size_t npages)
{
    return 63 - (unsigned)__builtin_clzl(npages);
}

static void run_insert(size_t first, size_t n, enum kpage_kind kind, bool zero)
{
    struct kpage *head = &heap.page[first], *tail = &heap.page[first + n - 1];

    head->kind = tail->kind = (uint8_t)kind;
    head->npages = tail->npages = (uint32_t)n;
    head->class = zero;
    list_add_head(&heap.bin[kind == KPAGE_ABSENT][bin_of(n)], &head->link);
    if (kind == KPAGE_FREE)
        heap.nfree += n;
}

static void run_remove(struct kpage *head)
{
    struct kpage *tail = head + head->npages - 1;

    list_del(&head->link);
    if (head->kind == KPAGE_FREE)
        heap.nfree -= head->npages;
    head->kind = tail->kind = KPAGE_INNER;
}

/* Inserts a run, joined with its neighbours of the same kind. */
static void run_join(size_t first, size_t n, enum kpage_kind kind, bool zero)
{
    if (first > 0 && heap.page[first - 1].kind == kind) {
        size_t before = heap.page[first - 1].npages;
        zero = zero && heap.page[first - before].class;
        run_remove(&heap.page[first - before]);
        first -= before;
        n += before;
    }
    if (first + n < heap.frontier && heap.page[first + n].kind == kind) {
        size_t after = heap.page[first + n].npages;
        zero = zero && heap.page[first + n].class;
        run_remove(&heap.page[first + n]);
        n += after;
    }
    run_insert(first, n, kind, zero);
}

/* The descriptors of data pages [0, n) become present. */
static bool describe(size_t n)
{
    const size_t batch = DESC_BATCH * PAGE_SIZE / sizeof(struct kpage);

    while (heap.described < n) {
        if (epage_add((uintptr_t)&heap.page[heap.described], DESC_BATCH))
            return false;
        heap.described += batch;
        heap.present += DESC_BATCH;
    }
    return true;
}

/* How many pages to add at the frontier when there is no telling how many will be needed. */
static size_t grow_want(void)
{
    if (heap.frontier >= GROW_BIG)
        return GROW_HUGE - (heap.base / PAGE_SIZE + heap.frontier) % GROW_HUGE;
    return heap.frontier < 16 * GROW_MAX ? GROW_MIN : GROW_MAX;
}

/* Makes the free run at the frontier n pages long or more, and the first that bin_find looks at. */
static bool heap_grow(size_t n)
{
    size_t want = grow_want();

    if (heap.frontier > 0 && heap.page[heap.frontier - 1].kind == KPAGE_FREE) {
        size_t have = heap.page[heap.frontier - 1].npages;
        n = have < n ? n - have : 1;
    }
    want = MAX(want, n);
    if (n > heap.max - heap.frontier)
        return false;
    want = MIN(want, heap.max - heap.frontier);
    if (!describe(heap.frontier + want))
        return false;
    if (epage_add(heap.base + heap.frontier * PAGE_SIZE, want)) {
        want = n;
        if (epage_add(heap.base + heap.frontier * PAGE_SIZE, want))
            return false;
    }
    /* They are all there now, and soon to be used: better said once than found out by a fault. */
    epage_settle(heap.base + heap.frontier * PAGE_SIZE, EPAGE_R | EPAGE_W);
    heap.frontier += want;
    heap.present += want;
    run_join(heap.frontier - want, want, KPAGE_FREE, true);
    return true;
}

static struct kpage *bin_find(int absent, size_t n)
{
    unsigned b = bin_of(n);
    int looked = 0;

    list_for_each(it, &heap.bin[absent][b]) {
        struct kpage *head = list_entry(it, struct kpage, link);
        if (head->npages >= n)
            return head;
        if (++looked == BIN_SEARCH)
            break;
    }
    while (++b < BINS)
        if (!list_empty(&heap.bin[absent][b]))
            return list_entry(heap.bin[absent][b].next, struct kpage, link);
    return NULL;
}

/* Takes n pages from the front of a free run. */
static void *run_take(struct kpage *head, size_t n, bool *zero)
{
    size_t first = (size_t)(head - heap.page), have = head->npages;
    enum kpage_kind kind = head->kind;

    *zero = head->class || kind == KPAGE_ABSENT;
    if (kind == KPAGE_ABSENT) {
        if (epage_add((uintptr_t)kpage_address(head), n))
            return NULL;
        heap.present += n;
    }
    run_remove(head);
    if (have > n)
        run_insert(first + n, have - n, kind, *zero);
    for (size_t i = 0; i < n; i++)
        heap.page[first + i].kind = KPAGE_INNER;
    head->kind = KPAGE_RUN;
    head->npages = (uint32_t)n;
    return kpage_address(head);
}

void *kpages_take(size_t npages, bool *zero)
{
    struct kpage *head;

    if (npages == 0 || npages > heap.max)
        return NULL;
    head = bin_find(0, npages);
    if (!head)
        head = bin_find(1, npages);
    if (!head && heap_grow(npages))
        head = bin_find(0, npages);
    return head ? run_take(head, npages, zero) : NULL;
}

void kpages_give(void *p, size_t npages)
{
    struct kpage *head = kpage_of(p);

    if ((head->kind != KPAGE_RUN && head->kind != KPAGE_SLAB) || head->npages != npages ||
        ((uintptr_t)p & ~PAGE_MASK))
        panic("heap: bad free of %zu pages at %p (kind %u, %u pages)", npages, p, head->kind,
              head->npages);
    for (size_t i = 0; i < npages; i++)
        head[i].kind = KPAGE_INNER;
    run_join((size_t)(head - heap.page), npages, KPAGE_FREE, false);
}

void *kpages_alloc_any(size_t npages)
{
    bool zero;

    spin_lock(&heap_lock);
    void *p = kpages_take(npages, &zero);
    spin_unlock(&heap_lock);
    return p;
}

void *kpages_alloc(size_t npages)
{
    bool zero = false;
    void *p;

    spin_lock(&heap_lock);
    p = kpages_take(npages, &zero);
    spin_unlock(&heap_lock);
    if (p && !zero)
        memset(p, 0, npages * PAGE_SIZE);
    return p;
}

void kpages_free(void *p, size_t npages)
{
    if (!p)
        return;
    spin_lock(&heap_lock);
    kpages_give(p, npages);
    spin_unlock(&heap_lock);
}

/* The longest free run in the upper bins, taken out; NULL: none is worth it. */
static struct kpage *trim_next(void)
{
    for (unsigned b = BINS; b-- > bin_of(TRIM_MIN);)
        if (!list_empty(&heap.bin[0][b])) {
            struct kpage *head = list_entry(heap.bin[0][b].next, struct kpage, link);
            run_remove(head);
            return head;
        }
    return NULL;
}

size_t kpages_trim(void)
{
    size_t given = 0;
    struct kpage *head;

    spin_lock(&heap_lock);
    while ((head = trim_next()) != NULL) {
        size_t n = head->npages;

        spin_unlock(&heap_lock);
        epage_remove((uintptr_t)kpage_address(head), n);
        given += n;
        spin_lock(&heap_lock);
        heap.present -= n;
        run_join((size_t)(head - heap.page), n, KPAGE_ABSENT, true);
    }
    spin_unlock(&heap_lock);
    return given;
}

void kpages_stat(size_t *pages, size_t *free_pages)
{
    spin_lock(&heap_lock);
    *pages = heap.present;
    *free_pages = heap.nfree;
    spin_unlock(&heap_lock);
}
