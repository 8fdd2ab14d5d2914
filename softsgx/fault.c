/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page faults of an enclave on its own pages: Linux's sgx_vma_fault() and the EPCM's access check,
 * in the order in which hardware and kernel would look.  Most "faults" are only our own lazy
 * protection and are resolved without the enclave's knowledge.
 */
#include "softsgx/pages/prot.h"

/* What #PF would say; present: a PTE exists, so that it is the EPCM or the PTE that forbids. */
static uint32_t pf_code(enum access access, uint32_t bits)
{
    return PF_U | bits | (access == ACCESS_W ? PF_W : 0) | (access == ACCESS_X ? PF_I : 0);
}

static uint32_t resolve_locked(struct encl *e, uint64_t addr, enum access access)
{
    uint64_t page = encl_page(e, addr);
    struct vma *v = vma_find(e, addr);
    epcm_t *p = epcm_find(&e->epcm, page);
    bool exists = p && (*p & EPCM_VALID);
    if (!v)
        return pf_code(access, 0);
    if (!(v->prot & access))
        return pf_code(access, exists && (*p & EPCM_MAPPED) && v->prot ? PF_P : 0);
    if (!exists) {
        if (!e->initialized)
            return pf_code(access, 0);
        return page_augment(e, page) ? pf_code(access, PF_P | PF_SGX) : pf_code(access, 0);
    }
    if (v->prot & ~EPCM_MAX(*p))
        return pf_code(access, 0);
    *p |= EPCM_MAPPED;
    if (!(prot_want(v, *p) & access))
        return pf_code(access, PF_P | PF_SGX);
    /* On hardware a page table entry is all that is needed here: the enclave has no answer. */
    if (prot_apply(e, page))
        mem_exhausted();
    return 0;
}

uint32_t fault_resolve(struct encl *e, uint64_t addr, enum access access)
{
    lock_take(&e->lock);
    uint32_t code = resolve_locked(e, addr, access);
    lock_drop(&e->lock);
    return code;
}
