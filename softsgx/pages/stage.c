/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where EACCEPTCOPY makes pages: see prot.h.
 *
 * Getting memory page by page costs more than filling it, so the first ones of an enclave come out
 * of a few huge pages, which moving into place cuts up; their addresses have nothing to do with the
 * enclave's, so that every run moved out of them stays a mapping of its own on the host.  Of those a
 * process may have only so many: a program that goes on gets the others in the shadow, from where
 * neighbours join.
 *
 * Of what EACCEPTCOPY makes only one run lies in the pool: what of it is not in place when another begins goes to
 * the shadow.  What EADD adds stays until it is mapped.  struct stage says where either is; what is in place is
 * still in its runs, so they all end before anything goes back to the shelf.
 *
 * Runs of pages that EACCEPT has accepted get memory of the pool, too, when they become writable (prot.c).
 */
#include "softsgx/pages/prot.h"

#include <sys/mman.h>

#define HUGE_SIZE (2UL << 20)
#define POOL_SIZE (8 * HUGE_SIZE)
#define BORROW_MAX 256UL
#define WINDOW_PAGES 16UL

static bool pool_make(struct encl *e)
{
    struct stage *s = &e->stage;
    if (s->pool)
        return false; /* it has been used up */
    s->pool = mem_reserve(POOL_SIZE + HUGE_SIZE);
    if (!s->pool)
        return false;
    s->next = (uint8_t *)(((uint64_t)s->pool + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1));
    s->limit = s->next + POOL_SIZE;
    softsgx_syscall(SYS_madvise, s->next, POOL_SIZE, (long)MADV_HUGEPAGE);
    return true;
}

static uint8_t *huge_of(uint8_t *p)
{
    return (uint8_t *)((uint64_t)p & ~(HUGE_SIZE - 1));
}

static uint8_t *pool_use(struct stage *s, uint64_t count)
{
    uint8_t *mem = s->next, *from = huge_of(mem);
    s->next += count << PAGE_SHIFT;
    /* What is moved out of a huge page Linux would fill up again in the long run. */
    if (huge_of(s->next) != from)
        softsgx_syscall(SYS_madvise, from, huge_of(s->next) - from, (long)MADV_NOHUGEPAGE);
    return mem;
}

void stage_free(struct encl *e)
{
    mem_unmap(e->stage.pool, POOL_SIZE + HUGE_SIZE);
    e->stage = (struct stage){.pool = NULL};
}

void stage_fork_prepare(struct encl *e)
{
    if (e->stage.pool)
        madvise(e->stage.pool, POOL_SIZE + HUGE_SIZE, MADV_DONTFORK);
}

static bool run_holds(const struct stage_run *r, uint64_t page)
{
    return page >= r->start && page < r->end;
}

static uint8_t *run_at(const struct stage_run *r, uint64_t page)
{
    return r->mem + ((page - r->start) << PAGE_SHIFT);
}

uint8_t *page_shelf(const struct encl *e, uint64_t page)
{
    const struct stage *s = &e->stage;
    if (run_holds(&s->run, page))
        return run_at(&s->run, page);
    for (unsigned int i = 0; i < s->added_count; i++)
        if (run_holds(&s->added[i], page))
            return run_at(&s->added[i], page);
    return e->shadow + (page << PAGE_SHIFT);
}

/* What of the run is not in place goes to the shadow. */
static int run_retire(struct encl *e, const struct stage_run *r)
{
    uint64_t page = r->start;
    int err = 0;
    while (page < r->end && !err) {
        uint64_t stop = page;
        while (stop < r->end &&
               (epcm_read(&e->epcm, stop) & (EPCM_VALID | EPCM_INPLACE)) == EPCM_VALID)
            stop++;
        if (stop > page)
            err = pages_remap(run_at(r, page), e->shadow + (page << PAGE_SHIFT), stop - page);
        page = stop + 1;
    }
    return err;
}

static bool run_overlaps(const struct stage_run *r, uint64_t page, uint64_t end)
{
    return page < r->end && r->start < end;
}

bool stage_overlaps(const struct encl *e, uint64_t page, uint64_t end)
{
    const struct stage *s = &e->stage;
    bool any = run_overlaps(&s->run, page, end);
    for (unsigned int i = 0; i < s->added_count; i++)
        any |= run_overlaps(&s->added[i], page, end);
    return any;
}

static int take_retire(struct encl *e)
{
    int err = run_retire(e, &e->stage.run);
    if (!err)
        e->stage.run.start = e->stage.run.end = 0;
    return err;
}

int stage_retire(struct encl *e)
{
    struct stage *s = &e->stage;
    int err = take_retire(e);
    for (; s->added_count && !err; s->added_count -= !err)
        err = run_retire(e, &s->added[s->added_count - 1]);
    return err;
}

uint8_t *stage_borrow(struct encl *e, uint64_t count)
{
    struct stage *s = &e->stage;
    if (count > BORROW_MAX || (!s->pool && !pool_make(e)) ||
        (uint64_t)(s->limit - s->next) >> PAGE_SHIFT < count)
        return NULL;
    return pool_use(s, count);
}

int stage_add(struct encl *e, uint64_t page, uint64_t count, uint8_t *mem)
{
    struct stage *s = &e->stage;
    struct stage_run *last = s->added_count ? &s->added[s->added_count - 1] : NULL;
    if (last && page == last->end && mem == run_at(last, page)) {
        last->end += count;
        return 0;
    }
    if (s->added_count == STAGE_ADDED_MAX)
        return pages_remap(mem, e->shadow + (page << PAGE_SHIFT), count);
    s->added[s->added_count++] = (struct stage_run){page, page + count, mem};
    return 0;
}

/*
 * The page is filled in the shadow.  With the second one of a row the others that kernels bring in with it, up
 * to the end of an aligned window, get their memory at once: a host page fault for each costs more.
 */
static uint8_t *shelf_take(struct encl *e, uint64_t page)
{
    struct stage *s = &e->stage;
    uint8_t *mem = page_shelf(e, page);
    uint64_t ahead = WINDOW_PAGES - page % WINDOW_PAGES;
    if (page == s->last + 1 && page >= s->supplied && ahead > 1) {
        softsgx_syscall(SYS_madvise, mem, ahead << PAGE_SHIFT, (long)MADV_POPULATE_WRITE);
        s->supplied = page + ahead;
    } else if (page != s->last && page != s->last + 1) { /* it may be asked for twice */
        s->supplied = 0;
    }
    s->last = page;
    return mem;
}

uint8_t *stage_take(struct encl *e, uint64_t page)
{
    struct stage *s = &e->stage;
    if (run_holds(&s->run, page))
        return run_at(&s->run, page);
    /* With the pool used up there is no run to end: what waits is neighbours in the shadow, and goes on. */
    if (s->pool && s->next == s->limit && s->run.start == s->run.end)
        return shelf_take(e, page);
    /* The run goes on if nobody has borrowed from the pool since. */
    if (page != s->run.end || s->run.start == s->run.end || run_at(&s->run, page) != s->next ||
        s->next == s->limit) {
        prot_settle(e);
        if (take_retire(e))
            return NULL;
        if (s->next == s->limit && !pool_make(e))
            return shelf_take(e, page);
        s->run = (struct stage_run){page, page, s->next};
    }
    s->run.end++;
    return pool_use(s, 1);
}
