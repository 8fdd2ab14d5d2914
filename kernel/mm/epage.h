/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enclave pages: what SGX2 lets an enclave do with the pages of its address range.
 *
 *   ABSENT --epage_add--> R W --epage_protect--> any permission --epage_remove--> ABSENT
 *
 * EACCEPT makes an absent page come in (the driver adds it on the fault), EMODPE widens a
 * permission, a narrower one needs the host's driver (restrict ioctl) and EACCEPT.  EACCEPTCOPY fills
 * an absent page and gives it its final permission in one step.  The host can refuse or lie: every
 * page's state is proven by EACCEPT before the kernel relies on it.
 *
 * The number of pages in the enclave is counted against the manifest's enclave size.
 * Callers keep track of which pages are present and with which permission.
 */
#ifndef KERNEL_MM_EPAGE_H
#define KERNEL_MM_EPAGE_H

#include "abi/host/layout.h"
#include "kernel/types.h"

#define EPAGE_R 1U
#define EPAGE_W 2U
#define EPAGE_X 4U

/* Counts the measured pages and reads the limit from the measured configuration; from mm_heap_init. */
void epage_init(void);
/* The host may ask for less than the configuration allows (at boot): bytes, 0: no change. */
void epage_limit_lower(uint64_t bytes);
/* Adds n absent pages from addr, zeroed, R W.  0, or -ENOMEM with none of them added. */
MUST_CHECK int epage_add(uintptr_t addr, size_t n);
/* Adds n absent pages as copies of the page-aligned memory src, with permission perm.  No exit
 * (epage_add never exits either; protect may and remove does: no spin lock may be held for those). */
MUST_CHECK int epage_add_copy(uintptr_t addr, const void *src, size_t n, unsigned perm);
/* Changes n present pages from permission `from` to `to`.  Panics when the host interferes. */
void epage_protect(uintptr_t addr, size_t n, unsigned from, unsigned to);
/*
 * The page, present with permission perm, is about to be used (EMODPE with what it has already).  The CPU
 * does nothing; to softsgx, which lets changes wait for an access, it says that they end here.
 */
void epage_settle(uintptr_t addr, unsigned perm);
/* epage_protect, for the kernel itself, which uses all of the pages now. */
static inline void epage_open(uintptr_t addr, size_t n, unsigned from, unsigned to)
{
    epage_protect(addr, n, from, to);
    if (n > 0 && (to & ~from))
        epage_settle(addr + (n - 1) * PAGE_SIZE, to);
}
/* Makes a present page, R W, a TCS with what is in it: 0, or -EIO when the host will not. */
MUST_CHECK int epage_make_tcs(uintptr_t addr);
/* Removes n present pages and gives them back to the host. */
void epage_remove(uintptr_t addr, size_t n);
/* Pages in use (measured ones included) and the limit. */
size_t epage_count(void);
size_t epage_limit(void);
size_t epage_peak(void); /* the highest epage_count so far: --stats */

#endif
