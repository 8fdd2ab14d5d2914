/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal handler: decides in which world a signal hit and turns it into what the CPU would do.
 *
 *   in a leaf      an asynchronous signal waits until the leaf is done
 *   in an enclave  AEX; exceptions end softsgx_enter_enclave(), other signals go to the application
 *   on the host    ENCLU and cpuid are emulated; the rest is the application's
 *
 * Runs with the host's FS and GS on the alternate stack, with asynchronous signals blocked; `world`
 * is what entry.S will put back, lp and world are NULL on a thread that never entered an enclave.
 */
#include "softsgx/enclu.h"
#include "softsgx/sig.h"
#include "softsgx/softsgx.h"

#include <string.h>
#include <unistd.h>

#define TRAPNO(uc) ((uint32_t)UC(uc, TRAPNO))

static bool in_range(uint64_t rip, const char *begin, const char *end)
{
    return rip >= (uint64_t)begin && rip < (uint64_t)end;
}

/* True if the instruction at rip starts with these bytes. */
static bool code_is(uint64_t rip, const char *bytes, size_t len)
{
    char have[4];
    return !softsgx_copy(have, (const void *)rip, len) && !memcmp(have, bytes, len);
}

/*
 * ENCLU raises #UD where there is no SGX, #GP where the CPU has it but the firmware does not enable
 * it, and #PF where it is there but our TCS is not in the EPC.
 */
static bool traps_enclu(int sig, const ucontext_t *uc)
{
    bool fetch = TRAPNO(uc) == VEC_PF && (UC(uc, ERR) & PF_I);
    return (sig == SIGILL || sig == SIGSEGV) && !fetch &&
           code_is((uint64_t)UC(uc, RIP), "\x0f\x01\xd7", 3);
}

static bool code_is_cpuid(const ucontext_t *uc)
{
    return lp_cpuid_faulting && TRAPNO(uc) == VEC_GP &&
           code_is((uint64_t)UC(uc, RIP), "\x0f\xa2", 2);
}

/* A signal that the CPU raised at the interrupted instruction. */
static bool is_exception(int sig, const siginfo_t *info)
{
    return (SIGBIT(sig) & SIGMASK_SYNC) && info->si_code > 0;
}

static enum access fault_access(const ucontext_t *uc)
{
    uint64_t err = (uint64_t)UC(uc, ERR);
    return err & PF_I ? ACCESS_X : err & PF_W ? ACCESS_W : ACCESS_R;
}

/*
 * Our own code touched the enclave's memory on its behalf: a lazy protection is put right.
 */
static bool text_fault_resolve(struct lp *lp, int sig, const siginfo_t *info, const ucontext_t *uc)
{
    if (sig != SIGSEGV || TRAPNO(uc) != VEC_PF || !lp || !lp->cur)
        return false;
    uint64_t addr = (uint64_t)info->si_addr;
    struct encl *e = lp->cur->encl;
    return e && encl_contains(e, addr, 1) && !fault_resolve(e, addr, fault_access(uc));
}

/* xrstor or iretq of ERESUME faulted: ERESUME raises #GP and has changed nothing. */
static void resume_undo(struct lp *lp, ucontext_t *uc, struct world *world)
{
    struct tcs *t = lp->cur;
    UC(uc, RSP) = (greg_t)t->gprs->ursp;
    UC(uc, RBP) = (greg_t)t->gprs->urbp;
    UC(uc, RAX) = ENCLU_ERESUME;
    UC(uc, RDI) = VEC_GP;
    UC(uc, RSI) = 0;
    UC(uc, RDX) = 0;
    UC(uc, RIP) = (greg_t)softsgx_exception;
    world->selector = LP_ALLOW;
    lp->cur = NULL;
    t->cssa++;
    tcs_set_frame(t);
    __atomic_store_n(&t->busy, 0, __ATOMIC_RELEASE);
}

/* Faults in entry.S that have a plan.  True if the signal is dealt with. */
static bool text_fault(struct lp *lp, int sig, const siginfo_t *info, ucontext_t *uc,
                       struct world *world)
{
    uint64_t rip = (uint64_t)UC(uc, RIP);
    if (sig == SIGILL && rip == (uint64_t)softsgx_probe) {
        UC(uc, RIP) = (greg_t)softsgx_probe_fault;
        return true;
    }
    if (sig != SIGSEGV && sig != SIGBUS)
        return false;
    if (in_range(rip, softsgx_copy_begin, softsgx_copy_end)) {
        /* Only a leaf copies without the enclave's lock, and from the enclave's memory. */
        if (!(lp && lp->in_leaf && text_fault_resolve(lp, sig, info, uc)))
            UC(uc, RIP) = (greg_t)softsgx_copy_fault;
        return true;
    }
    if (in_range(rip, softsgx_resume_begin, softsgx_resume_end)) {
        if (!text_fault_resolve(lp, sig, info, uc))
            resume_undo(lp, uc, world);
        return true;
    }
    return in_range(rip, softsgx_text, softsgx_text_end) && text_fault_resolve(lp, sig, info, uc);
}

/*
 * A signal in the middle of a leaf, which is one instruction: block everything, send the signal
 * again (it stays pending) and have the leaf end in the SIGILL handler, which unblocks in the
 * enclave.
 */
static void leaf_defer(struct lp *lp, int sig, siginfo_t *info, ucontext_t *uc)
{
    if (!lp->deferred) {
        memcpy(&lp->saved_mask, &uc->uc_sigmask, sizeof(lp->saved_mask));
        lp->deferred = 1;
    }
    uint64_t mask = SIGMASK_ASYNC;
    memcpy(&uc->uc_sigmask, &mask, sizeof(mask));
    softsgx_syscall(SYS_rt_tgsigqueueinfo, (long)getpid(), (long)gettid(), (long)sig, info);
}

static void leaf_undefer(struct lp *lp, ucontext_t *uc)
{
    if (!lp->deferred)
        return;
    memcpy(&uc->uc_sigmask, &lp->saved_mask, sizeof(lp->saved_mask));
    lp->deferred = 0;
}

/* The application's handler at the AEP; then straight back in, if it left the context alone. */
static void deliver_at_aep(struct lp *lp, int sig, siginfo_t *info, ucontext_t *uc,
                           struct world *world)
{
    uint64_t tcs = (uint64_t)UC(uc, RBX), aep = (uint64_t)UC(uc, RIP);
    sig_deliver(sig, info, uc);
    if (aep == (uint64_t)softsgx_aep && (uint64_t)UC(uc, RIP) == aep &&
        UC(uc, RAX) == ENCLU_ERESUME && (uint64_t)UC(uc, RBX) == tcs)
        resume_into(lp, uc, world, tcs, aep); /* on a fault ENCLU itself will raise it */
}

/* An exception in the enclave, or raised by ENCLU there. */
static void enclave_exception(struct lp *lp, ucontext_t *uc, struct world *world, int sig,
                              siginfo_t *info, struct fault f)
{
    uint32_t vector = f.code & 0xff, errcode = (uint32_t)(f.code >> 16);
    aex(lp, uc, world, vector, errcode, f.addr);
    /* Linux reports all but debug exceptions through the vDSO, if it was the one that entered. */
    if ((uint64_t)UC(uc, RIP) != (uint64_t)softsgx_aep || vector == VEC_DB || vector == VEC_BP) {
        deliver_at_aep(lp, sig, info, uc, world);
        return;
    }
    UC(uc, RIP) = (greg_t)softsgx_exception;
    UC(uc, RDI) = vector;
    UC(uc, RSI) = errcode & 0xffff;
    UC(uc, RDX) = vector == VEC_PF ? (greg_t)PAGE_DOWN(f.addr) : 0;
}

/* The #PF of an enclave access: lazy protection, the driver's doing, or the enclave's to handle. */
static bool enclave_page_fault(struct lp *lp, const siginfo_t *info, const ucontext_t *uc,
                               struct fault *f)
{
    uint64_t addr = (uint64_t)info->si_addr;
    struct encl *e = lp->cur->encl;
    uint32_t code = (uint32_t)UC(uc, ERR) & 0xffff;
    if (e && encl_contains(e, addr, 1)) {
        code = fault_resolve(e, addr, fault_access(uc));
        if (!code)
            return true;
    }
    *f = FAULT_PF(addr, code);
    return false;
}

/* What exception the signal stands for. */
static struct fault exception_of(int sig, const ucontext_t *uc)
{
    uint32_t trap = TRAPNO(uc);
    if (sig == SIGSYS || sig == SIGILL || code_is_cpuid(uc))
        return FAULT_UD;
    if (trap == VEC_GP)
        return (struct fault){VEC_GP | ((uint64_t)UC(uc, ERR) & 0xffff) << 16, 0};
    return (struct fault){trap, 0};
}

static void enclave_signal(struct lp *lp, int sig, siginfo_t *info, ucontext_t *uc,
                           struct world *world)
{
    bool done = false;
    struct fault f = FAULT_NONE;
    if (!lp->cur->encl) { /* unmapped from under a thread that was inside */
        lp->cur = NULL;
        sig_deliver(sig, info, uc);
        return;
    }
    if (!is_exception(sig, info)) {
        aex(lp, uc, world, VEC_NONE, 0, 0);
        deliver_at_aep(lp, sig, info, uc, world);
        return;
    }
    if (traps_enclu(sig, uc)) {
        f = enclu_signal(lp, uc, world, &done);
        if (!f.code) {
            if (!done)
                UC(uc, RIP) += 3;
            return;
        }
    } else if ((sig == SIGSEGV || sig == SIGBUS) && TRAPNO(uc) == VEC_PF) {
        if (enclave_page_fault(lp, info, uc, &f))
            return;
    } else {
        if (sig == SIGSYS) /* syscall and int 0x80 are two bytes; it traps after them */
            UC(uc, RIP) -= 2;
        if (sig == SIGTRAP && TRAPNO(uc) == VEC_BP) /* a fault inside an enclave */
            UC(uc, RIP) -= 1;
        f = exception_of(sig, uc);
    }
    enclave_exception(lp, uc, world, sig, info, f);
}

/* A patched site took the slow way: stand at the site again. */
static void leaf_slow(struct lp *lp, int sig, siginfo_t *info, ucontext_t *uc, struct world *world)
{
    uint64_t site;
    bool done = false;
    leaf_undefer(lp, uc);
    if (softsgx_copy(&site, (const void *)UC(uc, RSP), sizeof(site))) {
        enclave_exception(lp, uc, world, sig, info, FAULT_PF((uint64_t)UC(uc, RSP), PF_U));
        return;
    }
    UC(uc, RSP) += 8;
    UC(uc, RIP) = (greg_t)site - 6;
    struct fault f = enclu_signal(lp, uc, world, &done);
    if (f.code)
        enclave_exception(lp, uc, world, sig, info, f);
    else if (!done)
        UC(uc, RIP) = (greg_t)site + 10;
}

/* A leaf has ended while signals were deferred: return to the site, where they will arrive. */
static void leaf_deferred(struct lp *lp, ucontext_t *uc)
{
    uint64_t site = 0;
    softsgx_copy(&site, (const void *)UC(uc, RSP), sizeof(site));
    UC(uc, RSP) += 8;
    UC(uc, RIP) = (greg_t)site;
    leaf_undefer(lp, uc);
}

/* A patched WRFSBASE on a thread that is not known by its GS: past the ud2. */
static void wrfsbase_slow(ucontext_t *uc, struct world *world)
{
    world->fs = (uint64_t)UC(uc, RAX);
    UC(uc, RIP) += 2;
}

/* ENCLU outside: EENTER and ERESUME.  True if it was one. */
static bool host_enclu(struct lp *lp, siginfo_t *info, ucontext_t *uc, struct world *world)
{
    uint64_t rip = (uint64_t)UC(uc, RIP), rax = (uint32_t)UC(uc, RAX);
    if (rax != ENCLU_EENTER && rax != ENCLU_ERESUME)
        return false;
    if (!lp) {
        /* Come back with a block of our own, on its alternate stack. */
        if (lp_init())
            return false;
        stack_t ss;
        lp_arm(softsgx_lp, (uint64_t)UC(uc, RSP));
        softsgx_syscall(SYS_sigaltstack, 0L, &ss);
        uc->uc_stack = ss;
        return true;
    }
    struct fault f;
    if (rax == ENCLU_EENTER)
        f = enter_into(lp, uc, world, (uint64_t)UC(uc, RBX), (uint64_t)UC(uc, RCX));
    else
        f = resume_into(lp, uc, world, (uint64_t)UC(uc, RBX), (uint64_t)UC(uc, RCX));
    if (!f.code)
        return true;
    if (rip == (uint64_t)softsgx_aep) {
        UC(uc, RIP) = (greg_t)softsgx_exception;
        UC(uc, RDI) = f.code & 0xff;
        UC(uc, RSI) = f.code >> 16 & 0xffff;
        UC(uc, RDX) = (greg_t)f.addr;
        return true;
    }
    info->si_signo = SIGSEGV;
    info->si_code = (f.code & 0xff) == VEC_PF ? SEGV_MAPERR : SI_KERNEL;
    info->si_addr = (void *)f.addr;
    sig_deliver(SIGSEGV, info, uc);
    return true;
}

static void host_signal(struct lp *lp, int sig, siginfo_t *info, ucontext_t *uc,
                        struct world *world)
{
    if (is_exception(sig, info) && traps_enclu(sig, uc) && host_enclu(lp, info, uc, world))
        return;
    if (sig == SIGSEGV && is_exception(sig, info) && lp && code_is_cpuid(uc)) {
        lp_cpuid(uc);
        return;
    }
    if (!lp) {
        sig_deliver(sig, info, uc);
        return;
    }
    /* The handler may enter an enclave while we were half-way into or out of another. */
    struct lp saved = *lp;
    sig_deliver(sig, info, uc);
    lp->cur = saved.cur;
    lp->aep = saved.aep;
    lp->host_gs = saved.host_gs;
    lp->fs = saved.fs;
    lp->gs = saved.gs;
    lp->scratch = saved.scratch;
    lp->gprs = saved.gprs;
    lp->xsave = saved.xsave;
    lp->xfrm = saved.xfrm;
    memcpy(lp->iret, saved.iret, sizeof(lp->iret));
}

void softsgx_signal(int sig, siginfo_t *info, ucontext_t *uc, struct world *world, struct lp *lp)
{
    uint64_t rip = (uint64_t)UC(uc, RIP);
    bool exception = is_exception(sig, info);
    if (exception && text_fault(lp, sig, info, uc, world))
        return;
    if (lp && lp->in_leaf && !exception) {
        leaf_defer(lp, sig, info, uc);
        return;
    }
    bool inside = lp && lp->cur && !lp->in_leaf;
    if (inside && exception && rip == (uint64_t)softsgx_leaf_slow)
        leaf_slow(lp, sig, info, uc, world);
    else if (inside && exception && rip == (uint64_t)softsgx_leaf_deferred)
        leaf_deferred(lp, uc);
    else if (inside && exception && rip == (uint64_t)softsgx_wrfsbase_slow)
        wrfsbase_slow(uc, world);
    else if (inside && !in_range(rip, softsgx_text, softsgx_text_end))
        enclave_signal(lp, sig, info, uc, world);
    else
        host_signal(lp, sig, info, uc, world);
}
