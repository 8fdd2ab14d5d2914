/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's page protection as a cache of VMA protection and EPCM.
 *
 * What a page may be used for is the VMA's protection cut down by the EPCM's permissions; the
 * host's page table never allows more, but it may allow less: an upgrade waits until an access
 * faults, or until a run of accepted pages ends, so that one mprotect serves many pages.  Enclave
 * lock held throughout.
 *
 * The bytes of a page are in place (EPCM_INPLACE) or on the shelf, which the driver can always
 * write; they go into place, by moving page table entries, when the page is first made accessible.
 * The shelf is the shadow, or, for what EADD adds and EACCEPTCOPY is making, the stage.
 */
#ifndef SOFTSGX_PAGES_PROT_H
#define SOFTSGX_PAGES_PROT_H

#include "softsgx/encl.h"

#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; not in every C library's headers */
#define MADV_POPULATE_WRITE 23
#endif

/* What the host's page table should allow. */
uint32_t prot_want(const struct vma *v, epcm_t w);

/* Brings the pages in [page, end) up to date, in both directions.  0 or -errno. */
int prot_sync(struct encl *e, uint64_t page, uint64_t end);

/* Applies what is due to `page` and its neighbours that need the same.  0 or -errno. */
int prot_apply(struct encl *e, uint64_t page);

/* `page` has been accepted or extended: its upgrade may wait. */
void prot_defer(struct encl *e, uint64_t page);

/*
 * `page` has been extended (EMODPE), mostly to be written at once.  Kernels extend row after row, the same ones
 * again and again, a leaf a page: as many pages as the row had the last time are brought up to date
 * together, with the last of them; of an unknown row the first page at once, and the rest waits.
 */
void prot_extend(struct encl *e, uint64_t page);

/* Ends the waiting. */
void prot_settle(struct encl *e);

/* Opens pages in place for the driver's own use; they must be noted as applied R|W. */
int prot_open(struct encl *e, uint64_t page, uint64_t count);

/* Moves the bytes of the existing pages in [page, end) from their addresses to the shadow. */
int prot_shelve(struct encl *e, uint64_t page, uint64_t end);

/* Makes the shadow if it is missing.  0 or -ENOMEM. */
int shadow_init(struct encl *e);

/* Moves page table entries; the range that they come from stays mapped, empty.  0 or -errno. */
int pages_remap(uint8_t *from, uint8_t *to, uint64_t count);

/* stage.c: where EACCEPTCOPY is to put the bytes of `page`: page_shelf() from now on.  NULL: cannot. */
uint8_t *stage_take(struct encl *e, uint64_t page);
/* Memory of the pool for `count` pages; NULL: too many, or it is used up. */
uint8_t *stage_borrow(struct encl *e, uint64_t count);
/* It holds the pages from `page` on, which EADD has filled.  0 or -errno. */
int stage_add(struct encl *e, uint64_t page, uint64_t count, uint8_t *mem);
/* True if the stage has, or had, one of [page, end). */
bool stage_overlaps(const struct encl *e, uint64_t page, uint64_t end);
int stage_retire(struct encl *e); /* ends all runs: all pages are in place or in the shadow */
void stage_free(struct encl *e);
void stage_fork_prepare(struct encl *e);

/* EAUG: the driver adds a pending page for the VMA.  NULL: no memory. */
epcm_t *page_augment(struct encl *e, uint64_t page);

enum access { ACCESS_R = SI_R, ACCESS_W = SI_W, ACCESS_X = SI_X };

/*
 * An access by the enclave to its own page, as the page walker, the EPCM check and Linux's fault
 * handler together see it: 0 if it may now be retried, else the #PF error code.  Takes the lock.
 */
uint32_t fault_resolve(struct encl *e, uint64_t addr, enum access access);

#endif
