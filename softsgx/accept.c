/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leaves with which an enclave changes its own pages: EACCEPT, EMODPE, EACCEPTCOPY; and
 * EDECCSSA. An EACCEPT of a page that does not exist is what makes Linux's driver add it (EAUG on
 * the page fault).
 */
#include "softsgx/enclu.h"

/*
 * The host's protection never allows what the EPCM forbids, so an access that works needs no check;
 * one that does not is resolved by the signal handler if it can be, and else explained by
 * fault_resolve().
 */
static struct fault operand_copy(struct encl *e, void *dst, const void *src, uint64_t addr,
                                 uint32_t len, enum access access)
{
    while (softsgx_copy(dst, src, len)) {
        uint32_t code = fault_resolve(e, addr, access);
        if (!code)
            code = fault_resolve(e, addr + len - 1, access);
        if (code)
            return FAULT_PF(addr, code);
    }
    return FAULT_NONE;
}

static bool operand_ok(const struct encl *e, uint64_t addr, uint32_t len, uint32_t align)
{
    return !(addr & (align - 1)) && encl_contains(e, addr, len);
}

struct fault operand_read(struct encl *e, void *dst, uint64_t addr, uint32_t len, uint32_t align)
{
    if (!operand_ok(e, addr, len, align))
        return FAULT_GP;
    return operand_copy(e, dst, (const void *)addr, addr, len, ACCESS_R);
}

struct fault operand_write(struct encl *e, uint64_t addr, const void *src, uint32_t len,
                           uint32_t align)
{
    if (!operand_ok(e, addr, len, align))
        return FAULT_GP;
    return operand_copy(e, (void *)addr, src, addr, len, ACCESS_W);
}

static struct fault secinfo_read(struct encl *e, struct secinfo *si, uint64_t addr)
{
    struct fault f = operand_read(e, si, addr, sizeof(*si), sizeof(*si));
    uint64_t any = 0;
    if (f.code)
        return f;
    for (int i = 0; i < 7; i++)
        any |= si->reserved[i];
    return any ? FAULT_GP : FAULT_NONE;
}

/* EACCEPT's legal combinations of type and state. */
static bool accept_legal(uint64_t flags)
{
    uint64_t state = flags & (SI_PENDING | SI_MODIFIED | SI_PR);
    switch ((flags & SI_PT_MASK) >> SI_PT_SHIFT) {
    case PT_REG: return state && !(state & SI_MODIFIED);
    case PT_TCS:
    case PT_TRIM: return state == SI_MODIFIED;
    default: return false;
    }
}

/*
 * The target's word, added by the driver if its VMA allows; NULL with *f set if the access faults.
 */
static epcm_t *target_get(struct encl *e, uint64_t addr, struct fault *f)
{
    epcm_t *p = epcm_find(&e->epcm, encl_page(e, addr));
    struct vma *v = vma_find(e, addr);
    *f = FAULT_PF(addr, PF_U);
    if (!v || !v->prot)
        return NULL;
    if (!p || !(*p & EPCM_VALID))
        p = page_augment(e, encl_page(e, addr));
    if (!p || (v->prot & ~EPCM_MAX(*p)))
        return NULL;
    *p |= EPCM_MAPPED;
    *f = FAULT_NONE;
    return p;
}

/* A page that becomes a TCS: its fields must be initialised; it stops being memory. */
static struct fault accept_tcs(struct encl *e, uint64_t addr, epcm_t w)
{
    struct tcs_page *t = encl_page_mem(e, encl_page(e, addr), w);
    epcm_t *p = epcm_find(&e->epcm, encl_page(e, addr));
    if ((w & EPCM_INPLACE) && prot_open(e, encl_page(e, addr), 1))
        return FAULT_PF(addr, PF_U);
    uint8_t any = 0;
    for (uint32_t i = 0; i < sizeof(t->reserved); i++)
        any |= t->reserved[i];
    bool ok = !any && !t->flags && t->cssa < t->nssa && !t->aep && !t->state && tcs_new(e, addr, t);
    epcm_set_applied(p, w & EPCM_INPLACE ? SI_R | SI_W : 0);
    prot_sync(e, encl_page(e, addr), encl_page(e, addr) + 1);
    return ok ? FAULT_NONE : FAULT_GP;
}

static struct fault accept_locked(struct encl *e, struct leaf_regs *r, uint64_t flags)
{
    struct fault f;
    epcm_t *p = target_get(e, r->rcx, &f);
    if (!p)
        return f;
    uint32_t type = EPCM_TYPE(*p);
    if (type != PT_REG && type != PT_TCS && type != PT_TRIM)
        return FAULT_PF(r->rcx, PF_P | PF_U | PF_SGX);
    uint32_t compared = SI_PT_MASK | SI_RWX | SI_PENDING | SI_MODIFIED;
    if ((*p ^ flags) & compared) {
        leaf_result(r, SGX_PAGE_ATTRIBUTES_MISMATCH);
        return FAULT_NONE;
    }
    if (type == PT_TCS) {
        f = accept_tcs(e, r->rcx, *p);
        if (f.code)
            return f;
    }
    *p &= ~(SI_PENDING | SI_MODIFIED | SI_PR);
    if (type == PT_REG)
        prot_defer(e, encl_page(e, r->rcx));
    leaf_result(r, SGX_SUCCESS);
    return FAULT_NONE;
}

static bool target_ok(const struct encl *e, uint64_t addr)
{
    return addr % PAGE_SIZE == 0 && encl_contains(e, addr, PAGE_SIZE);
}

struct fault leaf_eaccept(struct encl *e, struct leaf_regs *r)
{
    struct secinfo si;
    struct fault f = secinfo_read(e, &si, r->rbx);
    if (f.code)
        return f;
    if (!target_ok(e, r->rcx) || !accept_legal(si.flags))
        return FAULT_GP;
    lock_take(&e->lock);
    f = accept_locked(e, r, si.flags);
    lock_drop(&e->lock);
    return f;
}

struct fault leaf_emodpe(struct encl *e, struct leaf_regs *r)
{
    struct secinfo si;
    struct fault f = secinfo_read(e, &si, r->rbx);
    if (f.code)
        return f;
    if (!target_ok(e, r->rcx))
        return FAULT_GP;
    if (!(si.flags & SI_R) && (si.flags & SI_W))
        return FAULT_GP;
    lock_take(&e->lock);
    epcm_t *p = target_get(e, r->rcx, &f);
    if (p && ((*p & (SI_PENDING | SI_MODIFIED)) || EPCM_TYPE(*p) != PT_REG)) {
        f = FAULT_PF(r->rcx, PF_P | PF_U | PF_SGX);
    } else if (p && ((*p | si.flags) & SI_W) && !((*p | si.flags) & SI_R)) {
        f = FAULT_GP;
    } else if (p) {
        uint64_t page = encl_page(e, r->rcx);
        *p |= si.flags & SI_RWX;
        prot_extend(e, page);
    }
    lock_drop(&e->lock);
    return f;
}

/* The target if it is a pending regular page; NULL with *f, or the result in r, if not. */
static epcm_t *acceptcopy_target(struct encl *e, struct leaf_regs *r, struct fault *f)
{
    epcm_t *p = target_get(e, r->rcx, f);
    if (p && shadow_init(e)) {
        *f = FAULT_PF(r->rcx, PF_U | PF_W);
        return NULL;
    }
    if (p && ((*p & (SI_PENDING | SI_MODIFIED)) != SI_PENDING || EPCM_TYPE(*p) != PT_REG ||
              (*p & SI_RWX) != (SI_R | SI_W))) {
        leaf_result(r, SGX_PAGE_ATTRIBUTES_MISMATCH);
        return NULL;
    }
    return p;
}

/*
 * The bytes go to the shelf, so that many pages can be copied before the host's protection has to be
 * touched.  The lock is not held meanwhile, because the source may fault; if another thread has ended
 * the run in that time, the copy is made again.
 */
static struct fault acceptcopy(struct encl *e, struct leaf_regs *r, uint64_t flags)
{
    struct fault f;
    uint64_t page = encl_page(e, r->rcx);
    const uint8_t *copied = NULL;
    for (;;) {
        lock_take(&e->lock);
        epcm_t *p = acceptcopy_target(e, r, &f);
        uint8_t *to = p ? stage_take(e, page) : NULL;
        if (p && !to)
            f = FAULT_PF(r->rcx, PF_U | PF_W);
        if (to && to == copied) {
            *p = (*p & ~(SI_PENDING | SI_RWX | EPCM_INPLACE | EPCM_FRESH)) | (flags & SI_RWX);
            prot_defer(e, page);
            leaf_result(r, SGX_SUCCESS);
            to = NULL;
        }
        lock_drop(&e->lock);
        if (!to)
            return f;
        f = operand_read(e, to, r->rdx, PAGE_SIZE, PAGE_SIZE);
        if (f.code)
            return f;
        copied = to;
    }
}

struct fault leaf_eacceptcopy(struct encl *e, struct leaf_regs *r)
{
    struct secinfo si;
    struct fault f = secinfo_read(e, &si, r->rbx);
    if (f.code)
        return f;
    if (!target_ok(e, r->rcx) || !target_ok(e, r->rdx))
        return FAULT_GP;
    /* The SECINFO says what the page becomes: regular, readable if writable, no state bits. */
    if ((si.flags & ~(uint64_t)SI_RWX) != SI_PT(PT_REG) ||
        (!(si.flags & SI_R) && (si.flags & SI_W)))
        return FAULT_GP;
    return acceptcopy(e, r, si.flags);
}

struct fault leaf_edeccssa(struct tcs *t)
{
    if (t->cssa == 0)
        return FAULT_GP;
    struct fault f = tcs_check_frame(t, t->cssa - 1);
    if (f.code)
        return f;
    /* The outside stack belongs to the entry, not to the frame. */
    uint64_t ursp = t->gprs->ursp, urbp = t->gprs->urbp;
    t->cssa--;
    tcs_set_frame(t);
    t->gprs->ursp = ursp;
    t->gprs->urbp = urbp;
    return FAULT_NONE;
}

/* A direct call: -1 to take the slow way (with nothing changed), else 0 if the leaf set ZF. */
long softsgx_leaf_direct(struct lp *lp)
{
    struct leaf_regs *r = (struct leaf_regs *)lp->regs;
    struct encl *e = lp->cur->encl;
    struct fault f;
    r->rflags = 0;
    switch ((uint32_t)r->rax) {
    case ENCLU_EACCEPT: f = leaf_eaccept(e, r); break;
    case ENCLU_EMODPE: f = leaf_emodpe(e, r); break;
    case ENCLU_EACCEPTCOPY: f = leaf_eacceptcopy(e, r); break;
    case ENCLU_EDECCSSA: f = leaf_edeccssa(lp->cur); break;
    default: return -1;
    }
    return f.code ? -1 : !(r->rflags & FLAG_ZF);
}
