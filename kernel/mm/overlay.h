/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An overlay group: address spaces that use the same addresses, of which one at a time, the holder of
 * the group's turn (sched/turns.h), has its pages in place.
 *
 * fork makes them: the child has its parent's addresses.  So does a second process of a program that is
 * linked for fixed addresses.  What is in place is the holder's, or nobody's, or common to all that map it:
 *
 *   private, writable   the holder's; each other member's copy is put away in the kernel's heap
 *   PAGE_COMMON         private and not writable when the group was forked, or alike in all since (merge.c): the
 *                       same for all, in place, without permission to write
 *   PAGE_CLEAN          as the file has it: the same for all that map that file there
 *   shared, kernel's    not touched: shared objects have addresses of their own
 *
 * Lock: only the holder's threads run, so they need none against other members; who looks at a group
 * from outside (reclaim) takes overlay_lock for the list of members and tries their locks.
 */
#ifndef KERNEL_MM_OVERLAY_H
#define KERNEL_MM_OVERLAY_H

#include "kernel/types.h"

struct mm;
struct overlay;
struct region;

/* A group with mm as its only member, or NULL. */
struct overlay *overlay_new(struct mm *mm) MUST_CHECK;
/*
 * mm, a new one without pages, joins the group that has the addresses around addr.  -ESRCH: there is none; -EAGAIN: it
 * cannot be joined now, since its only member clears up, or reclaim looks into it; -ENOMEM: mm is in a group already.
 */
int overlay_join(struct mm *mm, uaddr_t addr);
/* Nobody joins mm's group, in which it is alone, until it is opened again: false, it is not alone. */
bool overlay_close(struct mm *mm);
void overlay_open(struct mm *mm);
/* mm is gone: the last member frees the group and its addresses. */
void overlay_leave(struct mm *mm);
/*
 * mm, the holder, ends, and could go on with its home alone: the group for that, or NULL when others use some of it
 * or there is no memory.
 */
struct overlay *overlay_apart(struct mm *mm) MUST_CHECK;
/* Others use some of mm's home. */
bool overlay_home_used(const struct mm *mm);
/* That becomes mm's, which has nothing left outside its home, with the home; nobody joins it until it is opened. */
void overlay_part(struct mm *mm, struct overlay *own);
/* There are other members. */
bool overlay_shared(const struct mm *mm);

/* Where the first region of another member of mm's group lies in [start, end), or 0. */
uaddr_t overlay_used(const struct mm *mm, uaddr_t start, uaddr_t end);

/* Where, from addr on and at `end` at the latest, another member's region begins or ends; *used: one holds addr. */
uaddr_t overlay_same(const struct mm *mm, uaddr_t addr, uaddr_t end, bool *used);

/* Puts copies of mm's writable private pages away for `child`, which has copies of its regions: -ENOMEM. */
MUST_CHECK int overlay_copy(struct mm *mm, struct mm *child);
/* The child holds the turn now, and the copies are mm's, if nobody can have changed a page since. */
void overlay_child_first(struct mm *mm, struct mm *child);

/*
 * mm, the holder, is about to have [start, end) in r, or in something else if that is NULL; it has no pages there: those
 * of other members that are in place are put away, but for what is r's, too.
 */
void overlay_evict(struct mm *mm, const struct region *r, uaddr_t start, uaddr_t end);
/*
 * mm, the holder, changes n pages in place that are PAGE_COMMON: the others that map them get copies.
 * After that they are mm's alone.
 */
void overlay_break(struct mm *mm, uaddr_t start, size_t n);
/* r, trampolines that common text jumps to, is to be in all of mm's family. */
void overlay_share_region(struct mm *mm, const struct region *r);
/* A change of the file's text at addr is a change for all that map it, and they know what it means. */
bool overlay_text_common(const struct mm *mm, uaddr_t addr);
/* mm ends, and these n pages of one state leave it: true when they were left in place, for others. */
MUST_CHECK bool overlay_keep(struct mm *mm, uaddr_t start, size_t *n, unsigned state);

/*
 * For reclaim: pages in the unit (slot.h) of addr that are nobody's or can be had again may be taken away
 * until overlay_unhold, since nothing changes there: it is mm's own (whose lock is held), or nobody's,
 * or its holder could be locked.
 */
struct overlay_hold {
    struct overlay *overlay;
    struct mm *locked;
};
MUST_CHECK bool overlay_hold(struct mm *mm, uaddr_t addr, struct overlay_hold *h);
void overlay_unhold(struct overlay_hold *h);

/* Changes of turns, and pages that were copied for them, since the start. */
struct swap_stats {
    uint64_t changes, pages;
};
void swap_stats_get(struct swap_stats *out);

#endif
