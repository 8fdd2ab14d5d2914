/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ENCLU's leaves other than EENTER, ERESUME and EEXIT.  They work on struct leaf_regs; on a fault
 * nothing has changed.  Those of accept.c also run in direct calls from the enclave: with the
 * enclave's FS, so without TLS or libc, and without touching vector registers.
 */
#ifndef SOFTSGX_ENCLU_H
#define SOFTSGX_ENCLU_H

#include "softsgx/pages/prot.h"

/* Status flags in leaf_regs.rflags. */
#define FLAG_ZF 0x40UL
#define FLAGS_STATUS 0x8d5UL

struct fault leaf_eaccept(struct encl *e, struct leaf_regs *r);
struct fault leaf_emodpe(struct encl *e, struct leaf_regs *r);
struct fault leaf_eacceptcopy(struct encl *e, struct leaf_regs *r);
struct fault leaf_edeccssa(struct tcs *t);
struct fault leaf_ereport(struct encl *e, struct leaf_regs *r);
struct fault leaf_egetkey(struct encl *e, struct leaf_regs *r);

/* The result in RAX and ZF, the other status flags clear. */
static inline void leaf_result(struct leaf_regs *r, enum sgx_error err)
{
    r->rax = err;
    r->rflags = (r->rflags & ~FLAGS_STATUS) | (err ? FLAG_ZF : 0);
}

/*
 * Copies an operand in from, or out to, the enclave's own memory as the CPU would: aligned to
 * `align`, inside ELRANGE, accessible by the EPCM.
 */
struct fault operand_read(struct encl *e, void *dst, uint64_t addr, uint32_t len, uint32_t align);
struct fault operand_write(struct encl *e, uint64_t addr, const void *src, uint32_t len,
                           uint32_t align);

#endif
