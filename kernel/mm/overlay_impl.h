/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by overlay.c, swap.c and merge.c. */
#ifndef KERNEL_MM_OVERLAY_IMPL_H
#define KERNEL_MM_OVERLAY_IMPL_H

#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay.h"

struct overlay {
    struct list members; /* [overlay_lock, and only the holder's threads change it] */
    unsigned count;      /* [a] */
    bool closed;         /* [overlay_lock] its only member clears up, or is kept: nobody joins */
    uint32_t busy;       /* [a] a change of turns, or reclaim from outside, works on its pages */
    struct region_tree
        kept; /* [the holder's mm->lock] outside homes, where no member has a region; kept.h */
    struct turns turns;
};

extern struct spinlock overlay_lock;

/* Its pages belong to one address space: not shared memory, and not the kernel's. */
static inline bool region_private(const struct region *r)
{
    return !r->shm && !(r->flags & REGION_COMMON);
}

/* The private region of mm that holds addr, or NULL. */
struct region *member_region(const struct mm *mm, uaddr_t addr);
/* A block of mm's for n pages, for which others may have to give back some.  NULL: no memory. */
struct away *member_away_add(struct mm *mm, uaddr_t start, size_t n) MUST_CHECK;
/*
 * How many other members map the page of a file that mm maps at addr; 0 if one maps something else there.  *n: of so
 * many pages that is asked, and for so many it is the answer.
 */
unsigned clean_users(const struct mm *mm, uaddr_t addr, size_t *n);
/* All members that have n pages of a state in place, PAGE_COMMON or one's alone, but one, get copies of their own put away. */
void common_put_away(struct overlay *g, uaddr_t addr, size_t n, unsigned state,
                     const struct mm *but);

/* Nobody else works on the pages of the group's members meanwhile. */
void overlay_busy_begin(struct overlay *g);
void overlay_busy_end(struct overlay *g);

/* Is it time for overlay_merge?  Asked once a change, of who gets the turn. */
bool merge_due(struct mm *to);
/* What mm, the holder, has in place, and all others that map it have alike, becomes common. */
void overlay_merge(struct mm *mm);

/* turns.h: struct turns' change. */
void swap_turns(struct turns *g, struct turn *from, struct turn *to);

#endif
