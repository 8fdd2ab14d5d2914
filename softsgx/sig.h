/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: which are the CPU's exceptions, the application's actions, and the handler's parts.
 */
#ifndef SOFTSGX_SIG_H
#define SOFTSGX_SIG_H

#include "softsgx/lp.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define SIGBIT(s) (1UL << ((s)-1))
#define SIGMASK_SYNC                                                                       \
    (SIGBIT(SIGSEGV) | SIGBIT(SIGILL) | SIGBIT(SIGSYS) | SIGBIT(SIGFPE) | SIGBIT(SIGBUS) | \
     SIGBIT(SIGTRAP))
#define SIGMASK_ASYNC (~SIGMASK_SYNC)

/* Takes over the exception signals and every signal that has a handler now.  Idempotent. */
void sig_init(void);

/* Runs the application's action for a signal that hit at uc; may not return. */
void sig_deliver(int sig, siginfo_t *info, ucontext_t *uc);

/* aex.c: leaves the enclave.  vector VEC_NONE: an interrupt. */
void aex(struct lp *lp, ucontext_t *uc, struct world *world, uint32_t vector, uint32_t errcode,
         uint64_t addr);

/* aex.c: ERESUME or EENTER into the context of a signal; on a fault nothing has changed. */
struct fault resume_into(struct lp *lp, ucontext_t *uc, struct world *world, uint64_t tcs,
                         uint64_t aep);
struct fault enter_into(struct lp *lp, ucontext_t *uc, struct world *world, uint64_t tcs,
                        uint64_t aep);

/* enclu.c: a leaf with registers in a signal's context.  *done: RIP is already right. */
struct fault enclu_signal(struct lp *lp, ucontext_t *uc, struct world *world, bool *done);

/* xstate.c: vector state between a signal frame and an SSA frame. */
uint32_t xstate_size(uint64_t xfrm); /* of the XSAVE area; 0: xfrm is not valid */
void xstate_save(void *ssa, const ucontext_t *uc, uint64_t xfrm);
bool xstate_load(ucontext_t *uc, const void *ssa, uint64_t xfrm); /* false: #GP */
void xstate_clear(ucontext_t *uc, uint64_t xfrm);

#define UC(uc, reg) ((uc)->uc_mcontext.gregs[REG_##reg])

#endif
