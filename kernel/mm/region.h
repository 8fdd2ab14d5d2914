/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions of an address space: non-overlapping page ranges with equal rights and one origin, in a
 * balanced tree by address that also knows the largest gap below each subtree's regions.
 *
 * Pure bookkeeping: nothing here touches a page.  The owner's lock (mm->lock) guards it all.  Region
 * objects come from the heap; a region holds a reference on its file.
 */
#ifndef KERNEL_MM_REGION_H
#define KERNEL_MM_REGION_H

#include "kernel/types.h"
#include "lib/list.h"

struct file;
struct shmem;

#define REGION_MAX 65530U              /* vm.max_map_count: -ENOMEM beyond */
#define STACK_GUARD_GAP (256UL * 4096) /* kept free below a region that grows down */

/* What tells that a file which can change (the host's) has not. All 0: it cannot. */
struct file_version {
    uint64_t size;
    int64_t mtime, ctime; /* ns */
};

struct region {
    uaddr_t start, end; /* page aligned, start < end */
    unsigned prot;      /* MM_*: what the program may do */
    unsigned flags;     /* REGION_* */
    struct file *file;  /* reference; or NULL: anonymous */
    struct shmem *shm;  /* shared object (shmem.h) that it maps; the file keeps it. Or NULL */
    unsigned maps;      /* … and how often the program has mapped it here */
    int64_t off;        /* of start in the file */
    const char *name;   /* static; or NULL */
    struct file_version version; /* of a private mapping's file, when it was mapped */
    bool
        stays; /* its owner has not the turn, and its pages are in place all the same (overlay.h) */

    /* Fault-around: what the last fault brought in, and how much. */
    uaddr_t window_start, window_end;
    size_t window_pages;

    /* region.c */
    struct list link; /* by address */
    struct region *child[2];
    uint64_t max_gap; /* the largest gap directly below a region of this subtree */
    int height;
};

#define REGION_SHARED 1U
#define REGION_GROWSDOWN 2U
#define REGION_NORESERVE 4U
#define REGION_STACK 8U        /* MAP_STACK */
#define REGION_MAYWRITE 16U    /* mprotect may add MM_WRITE */
#define REGION_COMMON 64U      /* the kernel's, the same in all processes (vDSO): its pages stay */
#define REGION_DONTFORK 128U   /* MADV_DONTFORK */
#define REGION_WIPEONFORK 256U /* MADV_WIPEONFORK */
#define REGION_WRITTEN 512U    /* private, of a file: was writable once */
#define REGION_KERNEL 32U      /* the kernel's trampolines: executable text that no file backs */
#define REGION_ALIASED 1024U   /* maps was more than 1 at some time */

struct region_tree {
    struct region *root;
    struct list list;
    size_t count;   /* regions */
    uint64_t bytes; /* in all regions */
    uint64_t bytes_peak;
    uaddr_t low, high; /* regions lie in [low, high) */
};

void region_tree_init(struct region_tree *t, uaddr_t low, uaddr_t high);

struct region *region_new(void) MUST_CHECK;                     /* zeroed */
struct region *region_clone(const struct region *r) MUST_CHECK; /* not in a tree; or NULL */
void region_free(struct region *r);                             /* and its file reference */

/* The region that holds addr, or the lowest one above; NULL: none. */
struct region *region_find(const struct region_tree *t, uaddr_t addr);
struct region *region_next(const struct region_tree *t, const struct region *r);
struct region *region_prev(const struct region_tree *t, const struct region *r);
/* No region has a page in [start, end). */
bool region_range_free(const struct region_tree *t, uaddr_t start, uaddr_t end);
/* Every page of [start, end) is in a region. */
bool region_range_full(const struct region_tree *t, uaddr_t start, uaddr_t end);

/* r's range must be free and within the tree's bounds. */
void region_insert(struct region_tree *t, struct region *r);
void region_remove(struct region_tree *t, struct region *r);
/* New bounds that overlap no other region. */
void region_resize(struct region_tree *t, struct region *r, uaddr_t start, uaddr_t end);
/* Cuts r at `at`, start < at < end; r keeps the lower part.  -ENOMEM.  With r->shm: takes its lock. */
MUST_CHECK int region_split(struct region_tree *t, struct region *r, uaddr_t at);
/* Splits what straddles start or end: after that regions are inside [start, end) or outside.  -ENOMEM
 * (then perhaps one split was made, which changes nothing of what the regions say). */
MUST_CHECK int region_isolate(struct region_tree *t, uaddr_t start, uaddr_t end);
/* Joins r with its neighbours where they continue each other; the region that then holds r's range. */
struct region *region_merge(struct region_tree *t, struct region *r);
/* merge for every region that touches [start, end]. */
void region_merge_range(struct region_tree *t, uaddr_t start, uaddr_t end);

/* The highest free range of len bytes (a page multiple) within [low, high), guard gaps kept: its
 * start; 0: none. */
uaddr_t region_find_gap(const struct region_tree *t, uint64_t len, uaddr_t low, uaddr_t high);
/* [addr, addr + len) is free, guard gaps kept. */
bool region_gap_ok(const struct region_tree *t, uaddr_t addr, uint64_t len);

#endif
