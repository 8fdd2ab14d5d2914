/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel knows of each page of the program's part of ELRANGE: one byte a page, in a sparse
 * radix tree, independent of regions.
 *
 *   0                      ABSENT: not in the enclave
 *   PAGE_PRESENT | perm    in the enclave with EPCM permission perm (EPAGE_*), contents are the program's
 *   … | PAGE_DIRTY         and to be written back to the file of a shared mapping
 *   … | PAGE_CLEAN         and as its file has it, never writable since: may go, it can be read again
 *   … | PAGE_HOLE          of a shared object: came in by a fault where nothing had been written
 *   … | PAGE_COMMON        without permission to write, and so for all members of an overlay group that map it;
 *                          their regions may allow writing
 *   PAGE_SPARE             in the enclave, permission none, all zero: as good as absent, but cheaper to
 *                          bring in (EMODPE alone), and free for the taking when memory is short
 *   PAGE_SPARE | perm      in the enclave with a permission, contents are nobody's: an overlay group's, whose
 *                          next holder has that page
 *
 * A page belongs to the address space or shared object whose range it is in, whose lock guards its
 * byte.  Inner nodes are only ever added, by compare-and-swap; counts are atomic.
 */
#ifndef KERNEL_MM_PAGEMAP_H
#define KERNEL_MM_PAGEMAP_H

#include "kernel/types.h"

#define PAGE_PERM 0x07U
#define PAGE_PRESENT 0x08U
#define PAGE_DIRTY 0x10U
#define PAGE_SPARE 0x20U
#define PAGE_CLEAN 0x40U
#define PAGE_HOLE 0x80U   /* shared memory only */
#define PAGE_COMMON 0x80U /* private memory only */
#define PAGE_ABSENT 0U

MUST_CHECK int pagemap_init(uint64_t end); /* for addresses [0, end) */
/* Makes room for the states of n pages from addr; after that pagemap_set cannot fail.  -ENOMEM. */
MUST_CHECK int pagemap_reserve(uaddr_t addr, size_t n);
unsigned pagemap_get(uaddr_t addr);
/* How many of the n > 0 pages from addr on have the state that the first one has. */
size_t pagemap_run(uaddr_t addr, size_t n, unsigned *state);
/* The room must be there, except that setting ABSENT needs none. */
void pagemap_set(uaddr_t addr, size_t n, unsigned state);
/* Pages in [addr, addr + n pages) with PAGE_PRESENT, i.e. resident for the program. */
size_t pagemap_resident(uaddr_t addr, size_t n);
/* Pages that can be given back: PAGE_SPARE or PAGE_CLEAN. */
enum pagemap_kind { PAGEMAP_SPARE, PAGEMAP_CLEAN, PAGEMAP_KINDS };
/* The first run of at most `max` such pages in one state in [addr, end): its length and *found; 0: none. */
size_t pagemap_find(enum pagemap_kind kind, uaddr_t addr, uaddr_t end, size_t max, uaddr_t *found);
/* Pieces of the map, which stay: nodes, a page each, and leaves. */
struct pagemap_pieces {
    size_t nodes, leaves, leaf_size;
};
struct pagemap_pieces pagemap_pieces(void);
/* How many there are in all. */
size_t pagemap_count(enum pagemap_kind kind);
static inline size_t pagemap_spare(void)
{
    return pagemap_count(PAGEMAP_SPARE);
}

#endif
