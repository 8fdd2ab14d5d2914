/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of shared memory: shmem.c (pages), window.c (addresses), shmap.c (mappings in an
 * address space).  With the object's lock held.
 */
#ifndef KERNEL_MM_SHMEM_IMPL_H
#define KERNEL_MM_SHMEM_IMPL_H

#include "kernel/mm/mm_impl.h"
#include "kernel/mm/shmem.h"

struct shmem_window {
    struct list link;    /* [object] in order of first */
    struct region place; /* [zone] its addresses: a node in the tree of all windows */
    pgoff_t first, end;  /* [object] the pages; there may be more addresses */
    bool asked;          /* [I] lies in a program's own part, where that wanted it */
};

/* Pages that have addresses in a row. */
struct shmem_part {
    pgoff_t index;
    size_t n;
    uaddr_t addr;
};

/* window.c */
/* The first part with addresses at or above *at, below end; *at is then behind it.  False: there is none. */
bool shmem_part(const struct shmem *s, pgoff_t *at, pgoff_t end, struct shmem_part *out);
/* The address of page first when the n pages have addresses in a row, or 0. */
uaddr_t shmem_where(const struct shmem *s, pgoff_t first, size_t n);
/*
 * Addresses for n pages: where they are already, or new ones; `want` (or 0) when the caller needs that very
 * place, which must be free.  -EINVAL: some are mapped in a way that does not fit.  -ENOMEM.
 */
MUST_CHECK int64_t shmem_place(struct shmem *s, pgoff_t first, size_t n, uaddr_t want);
/* Fewer mappings of [first, end): gives addresses back that need not be kept. */
void shmem_window_idle(struct shmem *s, pgoff_t first, pgoff_t end);
/* All windows, whose pages are gone. */
void shmem_windows_free(struct shmem *s);

/* shmem.c */
/* Pages get the permission that their mappings have. */
void shmem_protect(struct shmem *s, pgoff_t first, pgoff_t end);
/* Pages lose their place; the kind keeps them.  -ENOMEM: some are still there. */
MUST_CHECK int shmem_evict(struct shmem *s, pgoff_t first, pgoff_t end);
/* The page, present, is touched: it becomes accessible as its mappings say. */
void shmem_touch(struct shmem *s, pgoff_t index, unsigned access);

/* shmap.c: regions with r->shm; with mm->lock held, without the object's. */
MUST_CHECK int64_t shmap_map(struct mm *mm, const struct map_args *a, struct list *dead);
void shmap_unmap(struct region *r); /* r is about to be removed from its tree */
void shmap_fewer(struct region *r); /* of r->maps > 1 one goes */
/* Unmaps, once, what is left of the object with `attached` == whose that was mapped at addr: -EINVAL. */
MUST_CHECK int shmap_detach(struct mm *mm, uaddr_t addr, void (*whose)(void *, int),
                            struct list *dead);
void shmap_protect(struct region *r, unsigned prot);
MUST_CHECK int shmap_fault(struct mm *mm, struct region *r, uaddr_t page, unsigned access);
MUST_CHECK int shmap_populate(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end);
int shmap_sync(struct region *r, uaddr_t start, uaddr_t end);
/* A cut of r at `at` is about to be made. -ENOMEM. */
MUST_CHECK int shmap_cut(struct region *r, uaddr_t at);

#endif
