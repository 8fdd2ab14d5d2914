/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process moves between enclaves (kernel/satellite): what its address space amounts to, told piece by piece, and made
 * again elsewhere at the same addresses.
 *
 * What passes is what only the process has: its regions, and its private pages that are not as their file has
 * them.  Text does not, nor the trampolines that it was patched with: each enclave reads and patches its own.
 *
 * Where it has left, the process stays a member of its overlay group with its addresses and without regions,
 * but for trampolines, so that it can always come back.
 */
#ifndef KERNEL_MM_PASSAGE_H
#define KERNEL_MM_PASSAGE_H

#include "kernel/mm/region.h"
#include "kernel/types.h"

struct inode;
struct mm;

enum passage_kind {
    PASSAGE_ANON,
    PASSAGE_FILE,
    PASSAGE_VVAR,
    PASSAGE_VDSO,
    PASSAGE_KERNEL,
    PASSAGE_KINDS
};
enum passage_name { PASSAGE_NO_NAME, PASSAGE_HEAP, PASSAGE_STACK, PASSAGE_NAMES };

struct passage_region {
    uaddr_t start, end;
    uint32_t prot, flags; /* MM_*, REGION_* */
    uint32_t kind, name;  /* enum passage_kind; enum passage_name */
    int64_t off;
    struct file_version version;
};

/* The layout, of which only brk changes while a program runs. */
struct passage_space {
    uaddr_t home, home_end, mmap_base, stack_top, pie_base, brk_start, brk;
    uaddr_t brk_room; /* addresses up to here are the process's, for its heap to grow */
};

struct passage {
    /* A region, in rising order; file is borrowed, or NULL. */
    int (*region)(struct passage *p, const struct passage_region *r, struct file *file);
    /* n pages of the last one, PASSAGE_PAGES at most. */
    int (*pages)(struct passage *p, uaddr_t start, size_t n, const void *data);
};
#define PASSAGE_PAGES 16UL

/* mm, the current process's and the holder of its turn, is one process's alone, and nothing of it is shared memory. */
bool mm_can_pass(struct mm *mm);
/* What was executed in it, borrowed; NULL: unknown. */
const struct inode *mm_program(const struct mm *mm);
void mm_space(struct mm *mm, struct passage_space *out);
/* For a guest: some of it is shared, or the kernel's, and can only be changed at home. */
bool mm_range_stays(struct mm *mm, uaddr_t start, size_t len);
/* Tells all of it: 0 or the first error of p's functions. */
MUST_CHECK int mm_tell(struct mm *mm, struct passage *p);
/* Nothing stays of it here but its addresses; the caller gives up its turn next. */
void mm_vacate(struct mm *mm);
/* While it is away: what /proc says of it, in pages. */
void mm_away_usage(struct mm *mm, size_t total, size_t resident);
bool mm_is_away(const struct mm *mm);

/*
 * An empty address space for one that comes from elsewhere, which uses no addresses but those of its home and of the
 * regions that it comes with: it has room to come back.  NULL: no memory.
 */
struct mm *mm_new_guest(const struct passage_space *s) MUST_CHECK;
/* It comes, or is back: before its regions.  mm is the current process's, and holds the turn. */
void mm_arrive_space(struct mm *mm, const struct passage_space *s);
/* 0, -ENOMEM, -EINVAL: it is no region that could have passed. */
MUST_CHECK int mm_arrive_region(struct mm *mm, const struct passage_region *r, struct file *file);
/* Contents of n pages, which lie in one region: 0, -ENOMEM, -EINVAL. */
MUST_CHECK int mm_arrive_pages(struct mm *mm, uaddr_t start, size_t n, const void *data);
/* It cannot stay: there is more room for the next one, in memory and among the files that are shown. */
void mm_arrive_failed(struct mm *mm);

#endif
