/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCS pages.  Once EADD or EACCEPT has made a page a TCS, nothing reads its bytes any more: the
 * fields live in a struct tcs.  These come from a pool and go back to it, but are never unmapped,
 * because threads keep pointers to the one they entered last; `ready` and `encl` tell them that it
 * has gone.
 */
#include "softsgx/pages/prot.h"

static struct lock pool_lock;
static struct arena pool;
static struct tcs *pool_free;

static struct tcs *pool_get(void)
{
    lock_take(&pool_lock);
    struct tcs *t = pool_free;
    if (t)
        pool_free = t->next;
    else
        t = arena_alloc(&pool, sizeof(*t));
    lock_drop(&pool_lock);
    return t;
}

struct tcs *tcs_new(struct encl *e, uint64_t addr, const struct tcs_page *page)
{
    struct tcs *t = pool_get();
    if (!t)
        return NULL;
    *t = (struct tcs){
        .entry = e->base + page->oentry,
        .fsbase = e->base + page->ofsbase,
        .gsbase = e->base + page->ogsbase,
        .nssa = page->nssa,
        .ossa = e->base + page->ossa,
        .addr = addr,
        .encl = e,
        .next = e->tcs_list,
    };
    tcs_set_frame(t);
    e->tcs_list = t;
    return t;
}

struct tcs *tcs_find(struct encl *e, uint64_t addr)
{
    for (struct tcs *t = e->tcs_list; t; t = t->next)
        if (t->addr == addr)
            return t;
    return NULL;
}

void tcs_free(struct encl *e, uint64_t addr)
{
    struct tcs **p = &e->tcs_list;
    while (*p && (*p)->addr != addr)
        p = &(*p)->next;
    struct tcs *t = *p;
    if (!t)
        return;
    *p = t->next;
    __atomic_store_n(&t->ready, 0, __ATOMIC_SEQ_CST);
    t->encl = NULL;
    t->owner = NULL;
    lock_take(&pool_lock);
    t->next = pool_free;
    pool_free = t;
    lock_drop(&pool_lock);
}

void tcs_invalidate(struct encl *e, uint64_t start, uint64_t end)
{
    for (struct tcs *t = e->tcs_list; t; t = t->next) {
        bool itself = t->addr < end && start < t->addr + PAGE_SIZE;
        if (!itself && (t->ossa >= end || start >= tcs_frame(t, t->nssa)))
            continue;
        __atomic_store_n(&t->checked, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&t->ready, 0, __ATOMIC_SEQ_CST);
    }
}

void tcs_set_frame(struct tcs *t)
{
    uint64_t top = tcs_frame(t, t->cssa + 1);
    t->gprs = (struct ssa_gprs *)(top - sizeof(struct ssa_gprs));
    t->ready = t->cssa < t->nssa && t->cssa < 64 && (t->checked >> t->cssa & 1);
}

struct fault tcs_check_frame(struct tcs *t, uint32_t i)
{
    struct encl *e = t->encl;
    uint64_t end = tcs_frame(t, i + 1);
    for (uint64_t a = tcs_frame(t, i); a < end; a += PAGE_SIZE) {
        if (!encl_contains(e, a, PAGE_SIZE))
            return FAULT_GP;
        uint32_t code = fault_resolve(e, a, ACCESS_W);
        if (code)
            return FAULT_PF(a, code);
    }
    if (i < 64)
        __atomic_or_fetch(&t->checked, 1UL << i, __ATOMIC_SEQ_CST);
    return FAULT_NONE;
}
