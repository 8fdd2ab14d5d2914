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
 * Only the run that is being made lies in the pool: struct stage says where.  What of it is not in
 * place when another begins goes to the shadow.  EADD borrows from the pool, too, and moves what it has filled
 * to the shadow at once.
 */
#include "prot.h"

#include <sys/mman.h>

#define HUGE_SIZE (2UL << 20)
#define POOL_SIZE (4 * HUGE_SIZE)
#define BORROW_MAX 256UL

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

uint8_t *page_shelf(const struct encl *e, uint64_t page)
{
    const struct stage *s = &e->stage;
    if (page >= s->start && page < s->end)
        return s->mem + ((page - s->start) << PAGE_SHIFT);
    return e->shadow + (page << PAGE_SHIFT);
}

int stage_retire(struct encl *e)
{
    struct stage *s = &e->stage;
    int err = 0;
    for (uint64_t page = s->start; page < s->end && !err; page++) {
        epcm_t w = epcm_read(&e->epcm, page);
        if ((w & EPCM_VALID) && !(w & EPCM_INPLACE))
            err = pages_remap(page_shelf(e, page), e->shadow + (page << PAGE_SHIFT), 1);
    }
    if (!err)
        s->start = s->end = 0;
    return err;
}

uint8_t *stage_borrow(struct encl *e, uint64_t count)
{
    struct stage *s = &e->stage;
    if (count > BORROW_MAX || (!s->pool && !pool_make(e)) ||
        (uint64_t)(s->limit - s->next) >> PAGE_SHIFT < count)
        return NULL;
    s->next += count << PAGE_SHIFT;
    return s->next - (count << PAGE_SHIFT);
}

uint8_t *stage_take(struct encl *e, uint64_t page)
{
    struct stage *s = &e->stage;
    if (page >= s->start && page < s->end)
        return page_shelf(e, page);
    if (page != s->end || s->start == s->end || s->next == s->limit) {
        prot_settle(e);
        if (stage_retire(e))
            return NULL;
        if (s->next == s->limit && !pool_make(e))
            return page_shelf(e, page);
        s->start = s->end = page;
        s->mem = s->next;
    }
    s->end++;
    s->next += PAGE_SIZE;
    return page_shelf(e, page);
}
