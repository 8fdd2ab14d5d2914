/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EPCM of one enclave: a word for each page that has been touched, in a radix tree of 512-way
 * nodes, so that neither time nor memory depends on the size of ELRANGE.
 *
 * The low 16 bits have the layout of SECINFO.FLAGS: permissions, PENDING, MODIFIED, PR, page type.
 * A word of 0 is a page that does not exist.  Protected by the enclave's lock.
 */
#ifndef SOFTSGX_PAGES_EPCM_H
#define SOFTSGX_PAGES_EPCM_H

#include "softsgx/mem.h"
#include <stdint.h>

typedef uint32_t epcm_t;

#define EPCM_SECINFO 0xffffU
#define EPCM_VALID (1U << 16)
#define EPCM_APPLIED_SHIFT 17 /* three bits: what the host's page table allows now */
#define EPCM_APPLIED(e) (((e) >> EPCM_APPLIED_SHIFT) & 7U)
#define EPCM_MAX_SHIFT 20 /* three bits: Linux's vm_max_prot_bits */
#define EPCM_MAX(e) (((e) >> EPCM_MAX_SHIFT) & 7U)
#define EPCM_INPLACE (1U << 23) /* its bytes lie at its address, not in the shadow */
#define EPCM_MAPPED (1U << 24)  /* the driver would have a PTE for it: #PF has P = 1 */
#define EPCM_MEASURED (1U << 25)
#define EPCM_FRESH (1U << 26) /* added zero, and nobody could write to it yet */
#define EPCM_TYPE(e) (((e) >> 8) & 0xffU)

#define EPCM_FANOUT_BITS 9
#define EPCM_FANOUT (1UL << EPCM_FANOUT_BITS)

#define EPCM_CACHE 8UL

struct epcm {
    void *root;
    unsigned int levels; /* 1: the root is a leaf */
    uint64_t pages;
    struct {
        epcm_t *leaf;
        uint64_t index;
    } cache[EPCM_CACHE]; /* leaves used lately, by the low bits of their number */
};

/* For an enclave of `pages` pages.  0 or -ENOMEM. */
int epcm_init(struct epcm *m, struct arena *a, uint64_t pages);

/* The word of a page: NULL if there is none (epcm_find), or no memory (epcm_get). */
epcm_t *epcm_find(struct epcm *m, uint64_t page);
epcm_t *epcm_get(struct epcm *m, struct arena *a, uint64_t page);

/* The first page in [page, end) that exists, or end. */
uint64_t epcm_next(struct epcm *m, uint64_t page, uint64_t end);

static inline epcm_t epcm_read(struct epcm *m, uint64_t page)
{
    epcm_t *p = epcm_find(m, page);
    return p ? *p : 0;
}

static inline void epcm_set_applied(epcm_t *p, uint32_t prot)
{
    *p = (*p & ~(7U << EPCM_APPLIED_SHIFT)) | prot << EPCM_APPLIED_SHIFT;
}

#endif
