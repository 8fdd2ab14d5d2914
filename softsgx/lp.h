/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct lp: a logical processor, that is, a host thread that has entered an enclave.
 *
 * It lies at the bottom of a block of LP_BLOCK bytes, aligned to its size, in one arena; above it
 * lie the stack for leaf functions and the alternate signal stack.  So the signal stub, which
 * starts with the enclave's FS and GS, finds it from its stack pointer.
 *
 * States: host (cur == NULL), enclave (cur != NULL), leaf (in_leaf: a direct call from the enclave
 * is being served).  Only the thread itself and its signal handlers touch it; no lock. FS and GS
 * are the enclave's only while selector is LP_BLOCK_SYSCALLS.
 *
 * A kernel without FSGSBASE on a CPU that has it (some virtual machines) loses at a context switch what
 * WRFSBASE and WRGSBASE have set.  There the thread has a perf event of its context switches, which raises
 * SIGTRAP before its next instruction, and lp->fs and lp->gs say what the stub puts back.  The enclave's own
 * WRFSBASE, padded like ENCLU, is rewritten to note it (patch.c).
 */
#ifndef SOFTSGX_LP_H
#define SOFTSGX_LP_H

#define LP_BLOCK 0x40000
#define LP_LEAF_TOP 0x6000
#define LP_ALT_LOW 0x7000
#define LP_MAX 1024 /* threads */

/* Offsets for entry.S; checked below. */
#define LP_SELECTOR 0
#define LP_HOST_FS 8
#define LP_HOST_GS 16
#define LP_ALT_TOP 24
#define LP_CUR 32
#define LP_CACHED 40
#define LP_CACHED_ADDR 48
#define LP_AEP 56
#define LP_IN_LEAF 64
#define LP_DEFERRED 68
#define LP_SCRATCH 72
#define LP_GPRS 80
#define LP_XSAVE 88
#define LP_XFRM 96
#define LP_REGS 104
#define LP_IRET 184
#define LP_FS 224
#define LP_GS 232

#define TCS_BUSY 0
#define TCS_READY 4
#define TCS_OWNER 8
#define TCS_GPRS 16
#define TCS_ENTRY 24
#define TCS_FSBASE 32
#define TCS_GSBASE 40
#define TCS_CSSA 48

#define GPR_RSP 32
#define GPR_RBP 40
#define GPR_URSP 144
#define GPR_URBP 152
#define GPR_FSBASE 168
#define GPR_GSBASE 176

#define GS_SLOTS_LOG2 10
#define GS_HASH_MUL 0x9e3779b1

/* si_perf_data of our SIGTRAP. */
#define SWITCHED 0x78677374666f73
#define SI_CODE 8
#define SI_PERF_DATA 24

#define LP_ALLOW 0
#define LP_BLOCK_SYSCALLS 1

#ifndef __ASSEMBLER__

#include "softsgx/arch.h"
#include <stdbool.h>
#include <signal.h>
#include <ucontext.h>

struct encl;
struct lp;

/*
 * A TCS page's contents, kept outside the enclave.  `busy` is TCS.STATE and the lock of the
 * fields tagged [b]; the driver clears `ready` [a] to have the next entry check everything again.
 */
struct tcs {
    uint32_t busy;
    uint32_t ready;        /* [a] SSA[cssa] has been checked: the fast path may enter */
    struct lp *owner;      /* [b] whose fast path may enter */
    struct ssa_gprs *gprs; /* [b] of SSA[cssa] */
    uint64_t entry;        /* [I] absolute, as are the bases */
    uint64_t fsbase;
    uint64_t gsbase;
    uint32_t cssa;     /* [b] */
    uint32_t nssa;     /* [I] */
    uint64_t aep;      /* [b] */
    uint64_t ossa;     /* [I] absolute */
    uint64_t addr;     /* [I] of the page */
    uint64_t checked;  /* [a] bit i: SSA[i] has been checked */
    struct encl *encl; /* NULL: this struct is free */
    struct tcs *next;  /* of the enclave, or of the free list */
};

/* An exception that an instruction raises: code 0 is none. */
struct fault {
    uint64_t code; /* vector | error code << 16 */
    uint64_t addr;
};

#define FAULT_NONE ((struct fault){0, 0})
#define FAULT_GP ((struct fault){VEC_GP, 0})
#define FAULT_UD ((struct fault){VEC_UD, 0})
#define FAULT_PF(a, err) ((struct fault){VEC_PF | (uint64_t)(err) << 16, (a)})

/* The operands of ENCLU and what it writes. */
struct leaf_regs {
    uint64_t rax, rbx, rcx, rdx;
    uint64_t rflags;
};

struct lp {
    uint8_t selector;
    uint64_t host_fs;
    uint64_t host_gs;
    uint64_t alt_top; /* top of the armed alternate stack; 0: disarmed (in a handler) */
    struct tcs *cur;
    struct tcs *cached; /* the TCS that the fast path enters */
    uint64_t cached_addr;
    uint64_t aep;
    uint32_t in_leaf;
    uint32_t deferred; /* a signal arrived in the leaf; saved_mask is the mask to go back to */
    uint64_t scratch;
    uint64_t gprs, xsave, xfrm; /* what ERESUME is to load */
    uint64_t regs[10];          /* the enclave's, in a leaf */
    uint64_t iret[5];
    /*
     * softsgx_bases_lost: what FS and GS are to be as long as selector is LP_BLOCK_SYSCALLS.  Elsewhere they say
     * nothing, for each signal leaves in them what it found.
     */
    uint64_t fs, gs;
    uint64_t saved_mask;
    int switches; /* softsgx_bases_lost: the descriptor that tells of context switches */
    struct lp *next_free;
};

#define ASSERT_OFFSET(s, f, o) _Static_assert(offsetof(struct s, f) == (o), #o)
ASSERT_OFFSET(lp, selector, LP_SELECTOR);
ASSERT_OFFSET(lp, host_fs, LP_HOST_FS);
ASSERT_OFFSET(lp, host_gs, LP_HOST_GS);
ASSERT_OFFSET(lp, alt_top, LP_ALT_TOP);
ASSERT_OFFSET(lp, cur, LP_CUR);
ASSERT_OFFSET(lp, cached, LP_CACHED);
ASSERT_OFFSET(lp, cached_addr, LP_CACHED_ADDR);
ASSERT_OFFSET(lp, aep, LP_AEP);
ASSERT_OFFSET(lp, in_leaf, LP_IN_LEAF);
ASSERT_OFFSET(lp, deferred, LP_DEFERRED);
ASSERT_OFFSET(lp, scratch, LP_SCRATCH);
ASSERT_OFFSET(lp, gprs, LP_GPRS);
ASSERT_OFFSET(lp, xsave, LP_XSAVE);
ASSERT_OFFSET(lp, xfrm, LP_XFRM);
ASSERT_OFFSET(lp, regs, LP_REGS);
ASSERT_OFFSET(lp, iret, LP_IRET);
ASSERT_OFFSET(lp, fs, LP_FS);
ASSERT_OFFSET(lp, gs, LP_GS);
ASSERT_OFFSET(tcs, busy, TCS_BUSY);
ASSERT_OFFSET(tcs, ready, TCS_READY);
ASSERT_OFFSET(tcs, owner, TCS_OWNER);
ASSERT_OFFSET(tcs, gprs, TCS_GPRS);
ASSERT_OFFSET(tcs, entry, TCS_ENTRY);
ASSERT_OFFSET(tcs, fsbase, TCS_FSBASE);
ASSERT_OFFSET(tcs, gsbase, TCS_GSBASE);
ASSERT_OFFSET(tcs, cssa, TCS_CSSA);
ASSERT_OFFSET(ssa_gprs, rsp, GPR_RSP);
ASSERT_OFFSET(ssa_gprs, rbp, GPR_RBP);
ASSERT_OFFSET(ssa_gprs, ursp, GPR_URSP);
ASSERT_OFFSET(ssa_gprs, urbp, GPR_URBP);
ASSERT_OFFSET(ssa_gprs, fsbase, GPR_FSBASE);
ASSERT_OFFSET(ssa_gprs, gsbase, GPR_GSBASE);
_Static_assert(sizeof(struct lp) <= PAGE_SIZE, "struct lp");

/* What the signal stub found and will put back; handlers change it to switch worlds. */
struct world {
    uint64_t fs;
    uint64_t gs;
    uint64_t selector;
    uint64_t alt_top;
};

/* The calling thread's, NULL before its first entry. */
extern __thread struct lp *softsgx_lp __attribute__((tls_model("initial-exec")));

/* Makes the calling thread's lp if it has none.  0 or -errno (no block left, no SUD). */
int lp_init(void);

/* Arms the alternate stack below `sp` if sp is in the thread's block, else all of it. */
void lp_arm(struct lp *lp, uint64_t sp);

/* Lets direct calls from gsbase find lp, unless several TCSs share that base. */
void lp_publish(struct lp *lp, struct tcs *tcs);

extern bool lp_cpuid_faulting;

/* 0: FS and GS can be used, or made to (softsgx_bases_lost); -errno with a reason. */
int bases_check(void);

/* A context switch loses FS and GS; for entry.S. */
extern uint8_t softsgx_bases_lost __attribute__((visibility("hidden")));

/* Runs cpuid in spite of faulting; for the handler. */
void lp_cpuid(ucontext_t *uc);

/* entry.S */
extern const char softsgx_text[], softsgx_text_end[];
extern const char softsgx_aep[], softsgx_exception[];
extern const char softsgx_leaf_slow[], softsgx_leaf_deferred[], softsgx_wrfsbase_slow[];
extern const char softsgx_copy_begin[], softsgx_copy_end[], softsgx_copy_fault[];
extern const char softsgx_resume_begin[], softsgx_resume_end[];
extern const char softsgx_probe[], softsgx_probe_fault[];
void softsgx_signal_stub(void);
void softsgx_restorer(void);
void softsgx_leaf_entry(void);
void softsgx_wrfsbase_entry(void);
int softsgx_bases_usable(void);

/* Any system call; its instruction lies where syscall user dispatch lets it through. */
long softsgx_syscall(long nr, ...);

/* memcpy that returns -1 if an access faults (bytes before it may have been copied). */
int softsgx_copy(void *dst, const void *src, size_t len);

/* Called by entry.S. */
struct fault softsgx_eenter_slow(uint64_t tcs_addr, uint64_t rsp);
struct fault softsgx_eresume(uint64_t tcs_addr, uint64_t rsp, uint64_t rbp, uint64_t aep);
long softsgx_leaf_direct(struct lp *lp);
void softsgx_signal(int sig, siginfo_t *info, ucontext_t *uc, struct world *world, struct lp *lp);

#endif
#endif
