/* SPDX-License-Identifier: Apache-2.0 */
/* The host's page protection: see prot.h. */
#include "softsgx/pages/prot.h"

#include <errno.h>
#include <sys/mman.h>

#define BATCH_PAGES 0x8000UL
#define SUPPLY_PAGES 8UL    /* runs from here on get their memory at once, … */
#define POPULATE_PAGES 64UL /* … from here on even if the pool is used up … */
#define HUGE_PAGES 512UL    /* … and in huge pages where they cover them */

uint32_t prot_want(const struct vma *v, epcm_t w)
{
    if (!v || !(w & EPCM_VALID))
        return 0;
    if ((w & (SI_PENDING | SI_MODIFIED)) || EPCM_TYPE(w) != PT_REG)
        return 0;
    /* Linux refuses to fault a page in if the VMA allows more than the page was added with. */
    if (v->prot & ~EPCM_MAX(w))
        return 0;
    return v->prot & w & SI_RWX;
}

static int host_protect(struct encl *e, uint64_t page, uint64_t end, uint32_t prot)
{
    return (int)softsgx_syscall(SYS_mprotect, e->base + (page << PAGE_SHIFT),
                                (end - page) << PAGE_SHIFT, (long)prot);
}

/* The words of [page, end) as far as they lie together; *stop is where that ends. */
static epcm_t *words(struct encl *e, uint64_t page, uint64_t end, uint64_t *stop)
{
    uint64_t leaf_end = (page | (EPCM_FANOUT - 1)) + 1;
    *stop = leaf_end < end ? leaf_end : end;
    return epcm_find(&e->epcm, page);
}

int shadow_init(struct encl *e)
{
    if (!e->shadow)
        e->shadow = mem_reserve(e->size);
    return e->shadow ? 0 : -ENOMEM;
}

int pages_remap(uint8_t *from, uint8_t *to, uint64_t count)
{
    size_t len = count << PAGE_SHIFT;
    long p = softsgx_syscall(SYS_mremap, from, len, len,
                             (long)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP), to);
    return p < 0 && p > -4096 ? (int)p : 0;
}

/*
 * Moves [page, end) between their addresses and the shelf, all being on the one side; notes it.
 */
static int run_move(struct encl *e, uint64_t page, uint64_t end, bool inplace)
{
    uint8_t *there = (uint8_t *)e->base + (page << PAGE_SHIFT);
    uint8_t *shelf = inplace ? page_shelf(e, page) : e->shadow + (page << PAGE_SHIFT);
    int err = pages_remap(inplace ? shelf : there, inplace ? there : shelf, end - page);
    while (page < end && !err) {
        uint64_t stop;
        epcm_t *p = words(e, page, end, &stop);
        for (; page < stop; page++, p++) {
            *p = (*p & ~(EPCM_INPLACE | EPCM_MAPPED)) | (inplace ? EPCM_INPLACE : 0);
            epcm_set_applied(p, inplace ? SI_R | SI_W : 0);
        }
    }
    return err;
}

/* Brings into place what of [page, end) is not. */
static int run_pull(struct encl *e, uint64_t page, uint64_t end)
{
    int err = 0;
    while (page < end && !err) {
        uint64_t stop = page;
        const uint8_t *shelf = page_shelf(e, page);
        while (stop < end && !(epcm_read(&e->epcm, stop) & EPCM_INPLACE) &&
               page_shelf(e, stop) == shelf + ((stop - page) << PAGE_SHIFT))
            stop++;
        if (stop > page)
            err = run_move(e, page, stop, true);
        page = stop;
        while (page < end && (epcm_read(&e->epcm, page) & EPCM_INPLACE))
            page++;
    }
    return err;
}

int prot_shelve(struct encl *e, uint64_t page, uint64_t end)
{
    int err = shadow_init(e);
    if (!err)
        err = stage_retire(e);
    page = epcm_next(&e->epcm, page, end);
    while (page < end && !err) {
        uint64_t stop = page;
        while (stop < end && (epcm_read(&e->epcm, stop) & EPCM_INPLACE))
            stop++;
        /* What is moved takes its protection along: the shadow must stay writable. */
        if (stop > page)
            err = host_protect(e, page, stop, SI_R | SI_W);
        if (stop > page && !err)
            err = run_move(e, page, stop, false);
        page = epcm_next(&e->epcm, stop > page ? stop : page + 1, end);
    }
    return err;
}

/*
 * Memory for a long run that has become writable.  A page that was accepted is there on a real CPU, too;
 * a host page fault for each would cost more than the page.  Failure only means faults later.
 */
static void run_populate(struct encl *e, uint64_t page, uint64_t end)
{
    uint64_t lo = (page + HUGE_PAGES - 1) & ~(HUGE_PAGES - 1), hi = end & ~(HUGE_PAGES - 1);
    if (lo < hi)
        softsgx_syscall(SYS_madvise, e->base + (lo << PAGE_SHIFT), (hi - lo) << PAGE_SHIFT,
                        (long)MADV_HUGEPAGE);
    softsgx_syscall(SYS_madvise, e->base + (page << PAGE_SHIFT), (end - page) << PAGE_SHIFT,
                    (long)MADV_POPULATE_WRITE);
}

/* True if all of [page, end) have the flags; *applied: what protection they share, or ~0. */
static bool run_has(struct encl *e, uint64_t page, uint64_t end, uint32_t flags, uint32_t *applied)
{
    bool all = true;
    *applied = EPCM_APPLIED(epcm_read(&e->epcm, page));
    while (page < end) {
        uint64_t stop;
        const epcm_t *p = words(e, page, end, &stop);
        for (; page < stop; page++, p++) {
            all &= (*p & flags) == flags;
            if (EPCM_APPLIED(*p) != *applied)
                *applied = ~0U;
        }
    }
    return all;
}

/*
 * A run that becomes writable for the first time gets memory, all of it at once: a host page fault for each page
 * would cost more than the page.  *applied: what the host allows then.
 */
static int run_supply(struct encl *e, uint64_t page, uint64_t end, uint32_t *applied)
{
    uint8_t *mem = NULL;
    if (run_has(e, page, end, EPCM_FRESH, applied) && end - page >= SUPPLY_PAGES)
        mem = stage_borrow(e, end - page);
    if (!mem)
        return 0;
    *applied = SI_R | SI_W;
    /* The huge pages that it lies in are there once they are touched. */
    *(volatile uint8_t *)mem = 0;
    *(volatile uint8_t *)(mem + ((end - 1 - page) << PAGE_SHIFT)) = 0;
    return pages_remap(mem, (uint8_t *)e->base + (page << PAGE_SHIFT), end - page);
}

/* Sets the host protection of [page, end), which all exist, and notes it. */
static int run_apply(struct encl *e, uint64_t page, uint64_t end, uint32_t prot)
{
    /* A page that can be reached without a fault is as if the driver had faulted it in. */
    uint32_t mapped = prot ? EPCM_MAPPED : 0, applied = ~0U;
    int err = run_pull(e, page, end);
    if (!err && (prot & SI_W))
        err = run_supply(e, page, end, &applied);
    if (!err && prot != applied)
        err = host_protect(e, page, end, prot);
    if (!err && (prot & SI_W) && end - page >= POPULATE_PAGES)
        run_populate(e, page, end);
    while (page < end && !err) {
        uint64_t stop;
        epcm_t *p = words(e, page, end, &stop);
        for (; page < stop; page++, p++) {
            epcm_set_applied(p, prot);
            *p = (*p & ~EPCM_FRESH) | mapped;
        }
    }
    return err;
}

static uint32_t page_want(struct encl *e, uint64_t page, epcm_t w)
{
    return prot_want(vma_find(e, e->base + (page << PAGE_SHIFT)), w);
}

/* A run of neighbours that need the same change, while it is being collected. */
struct run {
    uint64_t start, end;
    uint32_t prot;
};

static int run_flush(struct encl *e, struct run *r)
{
    int err = r->start < r->end ? run_apply(e, r->start, r->end, r->prot) : 0;
    r->start = r->end = 0;
    return err;
}

static int run_add(struct encl *e, struct run *r, uint64_t page, uint32_t prot)
{
    int err = 0;
    if (page != r->end || prot != r->prot) {
        err = run_flush(e, r);
        r->start = page;
        r->prot = prot;
    }
    r->end = page + 1;
    return err;
}

int prot_sync(struct encl *e, uint64_t page, uint64_t end)
{
    struct run run = {0, 0, 0};
    int err = 0;
    page = epcm_next(&e->epcm, page, end);
    while (page < end && !err) {
        uint64_t stop, vma_end = 0;
        struct vma *v = NULL;
        epcm_t *p = words(e, page, end, &stop);
        for (; page < stop && !err; page++, p++) {
            uint64_t addr = e->base + (page << PAGE_SHIFT);
            if (!*p)
                continue;
            if (addr >= vma_end) {
                v = vma_find(e, addr);
                vma_end = v ? v->end : addr + PAGE_SIZE;
            }
            uint32_t want = prot_want(v, *p);
            if (want != EPCM_APPLIED(*p))
                err = run_add(e, &run, page, want);
        }
        page = epcm_next(&e->epcm, stop, end);
    }
    return err ? err : run_flush(e, &run);
}

/* True if `page` needs the same change as its neighbour. */
static bool page_lags(struct encl *e, uint64_t page, uint32_t prot)
{
    epcm_t w = epcm_read(&e->epcm, page);
    return (w & EPCM_VALID) && EPCM_APPLIED(w) != prot && page_want(e, page, w) == prot;
}

int prot_apply(struct encl *e, uint64_t page)
{
    epcm_t *p = epcm_find(&e->epcm, page);
    uint32_t prot = page_want(e, page, *p);
    uint64_t lo = page, hi = page + 1;
    if (EPCM_APPLIED(*p) == prot)
        return 0;
    while (lo > 0 && page - lo < BATCH_PAGES && page_lags(e, lo - 1, prot))
        lo--;
    while (hi < e->epcm.pages && hi - page < BATCH_PAGES && page_lags(e, hi, prot))
        hi++;
    if (e->run_start < e->run_end && lo <= e->run_start && e->run_end <= hi)
        e->run_start = e->run_end = 0;
    return run_apply(e, lo, hi, prot);
}

/* Where a run ended is remembered: the next page may go on from there. */
void prot_settle(struct encl *e)
{
    if (e->run_start < e->run_end)
        prot_sync(e, e->run_start, e->run_end);
    e->run_start = e->run_end;
}

void prot_defer(struct encl *e, uint64_t page)
{
    if (page != e->run_end || e->run_start == e->run_end) {
        prot_settle(e);
        e->run_start = page;
    }
    e->run_end = page + 1;
    /* Kernels add memory in naturally aligned blocks: the end of one is a good moment. */
    if ((page + 1) % EPCM_FANOUT == 0)
        prot_settle(e);
}

static struct row *row_slot(struct encl *e, uint64_t start)
{
    return &e->rows[(start ^ start >> 8 ^ start >> 16) % ROWS];
}

static void row_begin(struct encl *e, uint64_t page)
{
    struct row *last = row_slot(e, e->row.start), *known = row_slot(e, page);
    if (e->row.n > 1 || last->start == e->row.start)
        *last = e->row;
    e->row = (struct row){page, 0, known->start == page && known->n ? known->n : 1};
}

void prot_extend(struct encl *e, uint64_t page)
{
    if (page != e->row.start + e->row.n)
        row_begin(e, page);
    e->row.n++;
    prot_defer(e, page);
    if (e->row.n == e->row.expected) {
        prot_apply(e, page);
        e->run_start = e->run_end = page + 1;
    }
}

int prot_open(struct encl *e, uint64_t page, uint64_t count)
{
    return host_protect(e, page, page + count, SI_R | SI_W);
}

epcm_t *page_augment(struct encl *e, uint64_t page)
{
    epcm_t *p = epcm_get(&e->epcm, &e->arena, page);
    if (p)
        *p = EPCM_VALID | EPCM_INPLACE | EPCM_MAPPED | EPCM_FRESH | SI_RWX << EPCM_MAX_SHIFT |
             SI_PT(PT_REG) | SI_PENDING | SI_R | SI_W;
    return p;
}
