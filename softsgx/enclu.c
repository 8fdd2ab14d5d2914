/* SPDX-License-Identifier: Apache-2.0 */
/* ENCLU in an enclave, from the context of its SIGILL. */
#include "softsgx/enclu.h"
#include "softsgx/sig.h"

static struct fault eexit(struct lp *lp, ucontext_t *uc, struct world *world)
{
    struct tcs *t = lp->cur;
    uint64_t target = (uint64_t)UC(uc, RBX);
    if ((target + (1UL << 47)) >> 48)
        return FAULT_GP;
    UC(uc, RIP) = (greg_t)target;
    UC(uc, RCX) = (greg_t)lp->aep;
    world->selector = LP_ALLOW;
    lp->cur = NULL;
    __atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
    return FAULT_NONE;
}

static struct fault leaf_run(struct lp *lp, struct leaf_regs *r)
{
    struct encl *e = lp->cur->encl;
    switch ((uint32_t)r->rax) {
    case ENCLU_EREPORT: return leaf_ereport(e, r);
    case ENCLU_EGETKEY: return leaf_egetkey(e, r);
    case ENCLU_EACCEPT: return leaf_eaccept(e, r);
    case ENCLU_EMODPE: return leaf_emodpe(e, r);
    case ENCLU_EACCEPTCOPY: return leaf_eacceptcopy(e, r);
    case ENCLU_EDECCSSA: return leaf_edeccssa(lp->cur);
    default: /* EENTER and ERESUME inside, and what does not exist */ return FAULT_GP;
    }
}

struct fault enclu_signal(struct lp *lp, ucontext_t *uc, struct world *world, bool *done)
{
    if ((uint32_t)UC(uc, RAX) == ENCLU_EEXIT) {
        *done = true;
        return eexit(lp, uc, world);
    }
    struct leaf_regs r = {
        .rax = (uint64_t)UC(uc, RAX),
        .rbx = (uint64_t)UC(uc, RBX),
        .rcx = (uint64_t)UC(uc, RCX),
        .rdx = (uint64_t)UC(uc, RDX),
        .rflags = (uint64_t)UC(uc, EFL),
    };
    /* Faults on operands are to be resolved or reported, not delivered. */
    lp->in_leaf = 2;
    struct fault f = leaf_run(lp, &r);
    lp->in_leaf = 0;
    if (!f.code) {
        UC(uc, RAX) = (greg_t)r.rax;
        UC(uc, EFL) = (greg_t)r.rflags;
    }
    return f;
}
