/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous enclave exit, from a signal's context: the enclave's state goes to SSA[CSSA], the
 * context becomes the synthetic state that stands at the AEP with ERESUME in RAX.
 */
#include "softsgx/encl.h"
#include "softsgx/sig.h"

static uint32_t exitinfo(const struct encl *e, uint32_t vector)
{
    switch (vector) {
    case VEC_BP: return EXITINFO_VALID | EXITINFO_SOFTWARE | vector;
    case VEC_PF:
    case VEC_GP:
        /* Only reported if the enclave asked for EXINFO. */
        if (!(e->secs.miscselect & MISC_EXINFO))
            return 0;
        return EXITINFO_VALID | EXITINFO_HARDWARE | vector;
    case VEC_DE:
    case VEC_DB:
    case VEC_BR:
    case VEC_UD:
    case VEC_MF:
    case VEC_AC:
    case VEC_XM: return EXITINFO_VALID | EXITINFO_HARDWARE | vector;
    default: return 0;
    }
}

static void gprs_save(struct ssa_gprs *g, const ucontext_t *uc)
{
    g->rax = (uint64_t)UC(uc, RAX);
    g->rcx = (uint64_t)UC(uc, RCX);
    g->rdx = (uint64_t)UC(uc, RDX);
    g->rbx = (uint64_t)UC(uc, RBX);
    g->rsp = (uint64_t)UC(uc, RSP);
    g->rbp = (uint64_t)UC(uc, RBP);
    g->rsi = (uint64_t)UC(uc, RSI);
    g->rdi = (uint64_t)UC(uc, RDI);
    g->r8 = (uint64_t)UC(uc, R8);
    g->r9 = (uint64_t)UC(uc, R9);
    g->r10 = (uint64_t)UC(uc, R10);
    g->r11 = (uint64_t)UC(uc, R11);
    g->r12 = (uint64_t)UC(uc, R12);
    g->r13 = (uint64_t)UC(uc, R13);
    g->r14 = (uint64_t)UC(uc, R14);
    g->r15 = (uint64_t)UC(uc, R15);
    g->rflags = (uint64_t)UC(uc, EFL);
    g->rip = (uint64_t)UC(uc, RIP);
}

static void exinfo_save(struct encl *e, struct ssa_gprs *g, uint32_t vector, uint32_t errcode,
                        uint64_t addr)
{
    struct ssa_exinfo *x = (struct ssa_exinfo *)g - 1;
    if (!(e->secs.miscselect & MISC_EXINFO) || (vector != VEC_PF && vector != VEC_GP))
        return;
    *x = (struct ssa_exinfo){.maddr = vector == VEC_PF ? addr : 0, .errcd = errcode};
}

static void context_synthesize(ucontext_t *uc, uint64_t tcs, uint64_t aep, uint64_t rsp,
                               uint64_t rbp)
{
    static const int zeroed[] = {REG_RDX, REG_RSI, REG_RDI, REG_R8,  REG_R9, REG_R10,
                                 REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    for (unsigned int i = 0; i < sizeof(zeroed) / sizeof(zeroed[0]); i++)
        uc->uc_mcontext.gregs[zeroed[i]] = 0;
    UC(uc, RAX) = ENCLU_ERESUME;
    UC(uc, RBX) = (greg_t)tcs;
    UC(uc, RCX) = (greg_t)aep;
    UC(uc, RIP) = (greg_t)aep;
    UC(uc, RSP) = (greg_t)rsp;
    UC(uc, RBP) = (greg_t)rbp;
    UC(uc, EFL) &= ~0x108d5L; /* CF PF AF ZF SF OF RF */
}

void aex(struct lp *lp, ucontext_t *uc, struct world *world, uint32_t vector, uint32_t errcode,
         uint64_t addr)
{
    struct tcs *t = lp->cur;
    struct encl *e = t->encl;
    uint64_t ssa = tcs_frame(t, t->cssa);
    struct ssa_gprs *g = t->gprs;
    uint64_t xfrm = e->secs.attributes.xfrm;
    /* Hardware has checked the frame at entry; the host may have changed its protection since. */
    if (!t->ready)
        tcs_check_frame(t, t->cssa);
    gprs_save(g, uc);
    g->fsbase = world->fs;
    g->gsbase = world->gs;
    g->exitinfo = exitinfo(e, vector);
    g->reserved = 0;
    exinfo_save(e, g, vector, errcode, addr);
    xstate_save((void *)ssa, uc, xfrm);
    xstate_clear(uc, xfrm);
    context_synthesize(uc, t->addr, lp->aep, g->ursp, g->urbp);
    world->selector = LP_ALLOW;
    world->fs = lp->host_fs;
    world->gs = lp->host_gs;
    lp->cur = NULL;
    t->cssa++;
    tcs_set_frame(t);
    __atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
}
