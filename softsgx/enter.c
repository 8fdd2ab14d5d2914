/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EENTER and ERESUME: the checks of the SDM's pseudo-code.  EENTER's result is kept in struct tcs,
 * so that entry.S can enter again without them until something changes.
 */
#include "softsgx/pages/prot.h"
#include "softsgx/sig.h"
#include "softsgx/softsgx.h"

#include <string.h>

static bool canonical(uint64_t a)
{
    return (a + (1UL << 47)) >> 48 == 0;
}

/* The page checks; the TCS itself in *out. */
static struct fault tcs_page_check(uint64_t addr, struct tcs **out)
{
    if (addr % PAGE_SIZE)
        return FAULT_GP;
    struct encl *e = encl_of_addr(addr);
    if (!e)
        return FAULT_PF(addr, PF_U);
    lock_take(&e->lock);
    epcm_t w = epcm_read(&e->epcm, encl_page(e, addr));
    struct vma *v = vma_find(e, addr);
    uint32_t prot = v ? v->prot : 0;
    *out = tcs_find(e, addr);
    bool ready = e->initialized;
    lock_drop(&e->lock);
    if (!(w & EPCM_VALID) || (prot & (SI_R | SI_W)) != (SI_R | SI_W) || (prot & ~EPCM_MAX(w)))
        return FAULT_PF(addr, PF_U);
    if (EPCM_TYPE(w) != PT_TCS || (w & (SI_PENDING | SI_MODIFIED)) || !*out)
        return FAULT_PF(addr, PF_P | PF_U | PF_SGX);
    return ready ? FAULT_NONE : FAULT_GP;
}

static struct fault tcs_field_check(const struct tcs *t)
{
    if (t->ossa % PAGE_SIZE || t->fsbase % PAGE_SIZE || t->gsbase % PAGE_SIZE)
        return FAULT_GP;
    if (!canonical(t->fsbase) || !canonical(t->gsbase) || !encl_contains(t->encl, t->entry, 1))
        return FAULT_GP;
    return FAULT_NONE;
}

/*
 * Takes the TCS for this thread (busy) after all checks for `leaf`; the frame that the leaf uses is
 * SSA[cssa] for EENTER, SSA[cssa - 1] for ERESUME.  Asynchronous signals are blocked.
 */
static struct fault tcs_take(struct lp *lp, uint64_t addr, enum enclu_leaf leaf, struct tcs **out)
{
    struct tcs *t = NULL;
    struct fault f = tcs_page_check(addr, &t);
    if (!f.code)
        f = tcs_field_check(t);
    if (f.code)
        return f;
    if (__atomic_exchange_n(&t->busy, 1, __ATOMIC_ACQUIRE))
        return FAULT_GP;
    bool room = leaf == ENCLU_EENTER ? t->cssa < t->nssa : t->cssa > 0;
    f = room ? tcs_check_frame(t, leaf == ENCLU_EENTER ? t->cssa : t->cssa - 1) : FAULT_GP;
    if (f.code) {
        __atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
        return f;
    }
    tcs_set_frame(t);
    if (t->owner != lp) {
        t->owner = lp;
        lp_publish(lp, t);
    }
    lp->cached = t;
    lp->cached_addr = addr;
    *out = t;
    return FAULT_NONE;
}

/* Prepares everything for entry.S to try again, or says what exception EENTER raises. */
struct fault softsgx_eenter_slow(uint64_t addr, uint64_t rsp)
{
    if (!softsgx_lp && lp_init())
        return FAULT_GP;
    struct lp *lp = softsgx_lp;
    uint64_t mask = signals_hold();
    struct tcs *t;
    lp_arm(lp, rsp);
    struct fault f = lp->alt_top ? tcs_take(lp, addr, ENCLU_EENTER, &t) : FAULT_GP;
    if (!f.code)
        __atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
    signals_release(mask);
    return f;
}

/* The common part of ERESUME: t is taken; SSA[cssa - 1] becomes current. */
static void resume_commit(struct lp *lp, struct tcs *t, uint64_t rsp, uint64_t rbp, uint64_t aep)
{
    t->cssa--;
    tcs_set_frame(t);
    t->gprs->ursp = rsp;
    t->gprs->urbp = rbp;
    t->aep = aep;
    lp->aep = aep;
}

static bool resume_state_ok(const struct tcs *t)
{
    const struct ssa_gprs *g = (void *)(tcs_frame(t, t->cssa) - sizeof(struct ssa_gprs));
    return canonical(g->rip) && canonical(g->fsbase) && canonical(g->gsbase);
}

/*
 * Pages that were accepted while an exception was handled are about to be used: what they are due
 * is cheaper now than after another fault.
 */
static void resume_settle(struct encl *e)
{
    if (e->run_start == e->run_end)
        return;
    uint64_t mask = lock_take_host(&e->lock);
    prot_settle(e);
    lock_drop_host(&e->lock, mask);
}

static struct fault resume_take(struct lp *lp, uint64_t addr, struct tcs **out)
{
    /* The common case needs no lock: the TCS that this thread left last. */
    struct tcs *t = lp->cached;
    if (lp->cached_addr == addr && t && t->encl) {
        if (__atomic_exchange_n(&t->busy, 1, __ATOMIC_ACQUIRE))
            return FAULT_GP;
        if (t->owner == lp && t->cssa > 0 && t->cssa <= 64 && (t->checked >> (t->cssa - 1) & 1)) {
            *out = t;
            return FAULT_NONE;
        }
        __atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
    }
    uint64_t mask = signals_hold();
    struct fault f = tcs_take(lp, addr, ENCLU_ERESUME, out);
    signals_release(mask);
    return f;
}

/* RFLAGS that ERESUME takes from the SSA: the status flags, DF, AC, ID; IF is always set. */
#define RFLAGS_SSA 0x240cd5UL
#define RFLAGS_FIXED 0x202UL

/* lp->cur is left to entry.S: with it set, a signal in C code would pass for one in the enclave. */
struct fault softsgx_eresume(uint64_t addr, uint64_t rsp, uint64_t rbp, uint64_t aep)
{
    if (!softsgx_lp && lp_init())
        return FAULT_GP;
    struct lp *lp = softsgx_lp;
    struct tcs *t;
    if (!lp->alt_top || (lp->alt_top > rsp && rsp >= (uint64_t)lp)) {
        uint64_t mask = signals_hold();
        lp_arm(lp, rsp);
        signals_release(mask);
    }
    struct fault f = lp->alt_top ? resume_take(lp, addr, &t) : FAULT_GP;
    if (f.code)
        return f;
    resume_settle(t->encl);
    if (!resume_state_ok(t)) {
        __atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
        return FAULT_GP;
    }
    resume_commit(lp, t, rsp, rbp, aep);
    uint16_t cs, ss;
    uint64_t gs;
    __asm__ volatile("mov %%cs, %0; mov %%ss, %1; rdgsbase %2" : "=r"(cs), "=r"(ss), "=r"(gs));
    const struct ssa_gprs *g = t->gprs;
    if (gs != g->gsbase && !softsgx_bases_lost)
        lp->host_gs = gs;
    lp->iret[0] = g->rip;
    lp->iret[1] = cs;
    lp->iret[2] = (g->rflags & RFLAGS_SSA) | RFLAGS_FIXED;
    lp->iret[3] = g->rsp;
    lp->iret[4] = ss;
    lp->gprs = (uint64_t)g;
    lp->xsave = tcs_frame(t, t->cssa);
    lp->xfrm = t->encl->secs.attributes.xfrm;
    return (struct fault){0, (uint64_t)lp};
}

/* Signal context: arms the stack that will be in force after sigreturn. */
static bool arm_context(struct lp *lp, ucontext_t *uc, struct world *world)
{
    uint64_t sp = (uint64_t)UC(uc, RSP);
    if (world->alt_top && (world->alt_top <= sp || sp < (uint64_t)lp))
        return true;
    stack_t old;
    lp->alt_top = 0;
    lp_arm(lp, sp);
    world->alt_top = lp->alt_top;
    lp->alt_top = 0;
    softsgx_syscall(SYS_sigaltstack, 0L, &old);
    uc->uc_stack = old;
    stack_t off = {.ss_flags = SS_DISABLE};
    softsgx_syscall(SYS_sigaltstack, &off, 0L);
    return world->alt_top != 0;
}

static void world_enter(struct lp *lp, struct world *world, uint64_t fs, uint64_t gs)
{
    /* entry.S leaves the enclave's GS behind if the host has none. */
    if (world->selector == LP_ALLOW && world->gs != gs && !softsgx_bases_lost)
        lp->host_gs = world->gs;
    world->fs = fs;
    world->gs = gs;
    world->selector = LP_BLOCK_SYSCALLS;
}

struct fault resume_into(struct lp *lp, ucontext_t *uc, struct world *world, uint64_t addr,
                         uint64_t aep)
{
    struct tcs *t;
    if (!arm_context(lp, uc, world))
        return FAULT_GP;
    struct fault f = resume_take(lp, addr, &t);
    if (f.code)
        return f;
    resume_settle(t->encl);
    if (!resume_state_ok(t) ||
        !xstate_load(uc, (void *)tcs_frame(t, t->cssa - 1), t->encl->secs.attributes.xfrm)) {
        __atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
        return FAULT_GP;
    }
    resume_commit(lp, t, (uint64_t)UC(uc, RSP), (uint64_t)UC(uc, RBP), aep);
    lp->cur = t;
    const struct ssa_gprs *g = t->gprs;
    UC(uc, RAX) = (greg_t)g->rax;
    UC(uc, RCX) = (greg_t)g->rcx;
    UC(uc, RDX) = (greg_t)g->rdx;
    UC(uc, RBX) = (greg_t)g->rbx;
    UC(uc, RSP) = (greg_t)g->rsp;
    UC(uc, RBP) = (greg_t)g->rbp;
    UC(uc, RSI) = (greg_t)g->rsi;
    UC(uc, RDI) = (greg_t)g->rdi;
    UC(uc, R8) = (greg_t)g->r8;
    UC(uc, R9) = (greg_t)g->r9;
    UC(uc, R10) = (greg_t)g->r10;
    UC(uc, R11) = (greg_t)g->r11;
    UC(uc, R12) = (greg_t)g->r12;
    UC(uc, R13) = (greg_t)g->r13;
    UC(uc, R14) = (greg_t)g->r14;
    UC(uc, R15) = (greg_t)g->r15;
    UC(uc, RIP) = (greg_t)g->rip;
    UC(uc, EFL) = (greg_t)((g->rflags & RFLAGS_SSA) | RFLAGS_FIXED);
    world_enter(lp, world, g->fsbase, g->gsbase);
    return FAULT_NONE;
}

struct fault enter_into(struct lp *lp, ucontext_t *uc, struct world *world, uint64_t addr,
                        uint64_t aep)
{
    struct tcs *t;
    if (!canonical(aep) || !arm_context(lp, uc, world))
        return FAULT_GP;
    struct fault f = tcs_take(lp, addr, ENCLU_EENTER, &t);
    if (f.code)
        return f;
    t->gprs->ursp = (uint64_t)UC(uc, RSP);
    t->gprs->urbp = (uint64_t)UC(uc, RBP);
    t->aep = aep;
    lp->aep = aep;
    lp->cur = t;
    UC(uc, RAX) = t->cssa;
    UC(uc, RCX) = UC(uc, RIP) + 3;
    UC(uc, RIP) = (greg_t)t->entry;
    world_enter(lp, world, t->fsbase, t->gsbase);
    return FAULT_NONE;
}
