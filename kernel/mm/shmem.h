/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is shared.  An enclave page has one address, so what several mappings show must lie at
 * one place, in every process that maps it.
 *
 *   object   what the shared mappings of one file are made of; a kind of file embeds it in its inode
 *   window   addresses for a run of the object's pages, from the upper eighth of the programs' part
 *            (SHARED_BASE), or those that the first mapping asked for.  Whoever maps page i gets
 *            window + i.  A page has its one place there once it was touched through a mapping;
 *            before that, and after its window went, the kind keeps it in its own way
 *   page     in the page map, as private ones are: PRESENT with the permission that all mappings of it
 *            together have (mapcount.h); DIRTY when the kind writes back (host files)
 *
 * The object's lock guards its windows, counts and pages.  Order: mm->lock, object, zone (spin).  It is
 * held across ocalls, never across a user copy that may fault (uio.h has moves that do not).
 */
#ifndef KERNEL_MM_SHMEM_H
#define KERNEL_MM_SHMEM_H

#include "kernel/mm/mapcount.h"
#include "kernel/sched/mutex.h"
#include "kernel/types.h"
#include "lib/list.h"

struct file;
struct mm;
struct region;
struct shmem;

/* A mapping was touched where no page is. */
struct shmem_fill {
    struct mm *mm;     /* its lock is held, its staging memory (mm_impl.h) may be used */
    struct file *file; /* of the mapping */
    pgoff_t need;      /* must come in */
    pgoff_t first;     /* these may: first <= need < first + n, all in one window */
    size_t n;
};

/* All with the object's lock held. */
struct shmem_ops {
    /* Lets pages come in, by shmem_add_*: 0, -EIO (beyond the end; cannot be read), -ENOMEM. */
    int (*fill)(struct shmem *s, const struct shmem_fill *f);
    /* The page loses its place: keeps what is in it, or -ENOMEM.  Absent: the file has it anyway. */
    int (*keep)(struct shmem *s, pgoff_t index, const void *page);
    /* n pages that nobody could reach any more (SHMEM_FORGET) have gone.  Absent: nobody counts them. */
    void (*forgot)(struct shmem *s, size_t n);
    /* Writes n pages to the file, as far as that reaches. Absent: nothing is ever dirty. */
    int (*write_back)(struct shmem *s, pgoff_t first, size_t n, void *pages);
};

#define SHMEM_EXACT 1U  /* its size does not grow: windows have no room to spare */
#define SHMEM_FORGET 2U /* a page that nobody maps any more cannot be reached and goes */

struct shmem {
    struct mutex lock;
    const struct shmem_ops *ops; /* [I] */
    unsigned flags;              /* [I] SHMEM_* */
    struct list windows;         /* [l] in order of their pages */
    struct mapcount maps;        /* [l] */
    bool sealed;                 /* [l] no more mappings that are or may become writable */
    /* [I] or NULL: told when page 0 is mapped into an address space (by > 0), or leaves one; without locks but
     * mm->lock. */
    void (*attached)(void *arg, int by);
    void *attached_arg;
};

void shmem_init(struct shmem *s, const struct shmem_ops *ops, unsigned flags);
/* Nobody maps it any more and the kind goes: so do its pages. */
void shmem_fini(struct shmem *s);

/* For kinds, with the lock held: */

/* n absent pages, with addresses in a row, come in zero, or as copies of src. -ENOMEM: none did.  extra: more
 * PAGE_* bits of their state. */
MUST_CHECK int shmem_add_zero(struct shmem *s, struct mm *mm, pgoff_t index, size_t n,
                              unsigned extra);
MUST_CHECK int shmem_add_copy(struct shmem *s, struct mm *mm, pgoff_t index, size_t n,
                              const void *src);
/* How many of the n pages from index on are in the same state (PAGE_*; PAGE_ABSENT also where there is no
 * window). */
size_t shmem_run(const struct shmem *s, pgoff_t index, size_t n, unsigned *state);
/* The page's memory, opened for the kernel to read (MM_READ) or write (MM_WRITE); NULL: it has no place.
 * Afterwards shmem_close gives it the permission back that it should have. */
void *shmem_open(struct shmem *s, pgoff_t index, unsigned access);
void shmem_close(struct shmem *s, pgoff_t index);
/* The first page at or above *index that has its place. */
bool shmem_next(const struct shmem *s, pgoff_t *index);
/* The pages of [first, end) go: how many. */
size_t shmem_drop(struct shmem *s, pgoff_t first, pgoff_t end);
/* Writes back what is dirty of [first, end): the first error. */
int shmem_sync(struct shmem *s, pgoff_t first, pgoff_t end);
/* Pages that have their place and are not dirty. */
size_t shmem_clean(const struct shmem *s);
/* For fill: memory for SHMEM_STAGING pages on their way, or NULL. */
#define SHMEM_STAGING 64UL
void *shmem_staging(const struct shmem_fill *f) MUST_CHECK;
static inline bool shmem_has_windows(const struct shmem *s)
{
    return !list_empty(&s->windows);
}

/* For everybody, without locks: */

/* Does a word at addr have the same address in all processes that share it? */
bool shmem_is_shared(uaddr_t addr);
/* Where the first window lies in [start, end), or 0: nothing private may come there. */
uaddr_t shmem_used(uaddr_t start, uaddr_t end);
/*
 * For objects of the kernel's own, which are never freed: a mapping of n pages that is nobody's, so that
 * they keep their place, whose address it returns, and this permission at least.  -ENOMEM.
 */
MUST_CHECK int64_t shmem_keep_mapped(struct shmem *s, pgoff_t first, size_t n, unsigned prot);
/* A mapping of such an object in mm, at its place: the address, or -ENOMEM. name: as mm_map's. */
MUST_CHECK int64_t mm_map_object(struct mm *mm, struct shmem *s, pgoff_t first, size_t n,
                                 unsigned prot, const char *name);
/* For fork: r, a copy of a region with r->shm, becomes another address space's. -ENOMEM. */
MUST_CHECK int shmap_fork(struct region *r);

#endif
