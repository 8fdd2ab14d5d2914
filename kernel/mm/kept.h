/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces that are kept when their process has ended, for the next one of the same program.
 *
 * What a process leaves in its home, or where its image is linked for, that is as its files have it, and its patched text with the
 * trampolines, stays in place; the next process gets the same home with the same layout, so that it mostly
 * asks for the same files at the same addresses.  A mapping that fits what is kept there has its pages at
 * once: verified, patched, without a fault.  Anything else that comes to these addresses drops them.
 *
 * Of its writable memory the pages that a loader asks for first (data and bss of images, the stack) stay as
 * zero pages, with their permission, so that they cost neither an exit nor a fault again.
 *
 * Kept pages are accessible in a home where nothing is mapped yet: a wild access there may not fault. It finds
 * nothing that the program could not have by mapping the file, or zeros.  Random places are a home's: processes of one program
 * that run one after the other may have the same.
 *
 * A program that is executed for the first time gets, rather than nothing, what one has left that needs the same
 * libraries: most that run once only, as what a build has just made, need few others.  One that comes again gets a home of its own.
 *
 * Files that can change (the host's) must have the same size and times as when they were mapped.
 */
#ifndef KERNEL_MM_KEPT_H
#define KERNEL_MM_KEPT_H

#include "kernel/types.h"

struct file;
struct list;
struct mm;
struct mm_like;
struct region;

void kept_init(void);
/* mm, a dying one whose lock is held, may be kept: then nothing is left of it but that. */
MUST_CHECK bool kept_clear(struct mm *mm, struct list *dead);
/* Then, without its lock: it is no longer the caller's. */
void kept_store(struct mm *mm);
/* A kept one of the program, as mm_new would make it; NULL. */
struct mm *kept_take(const struct file *program) MUST_CHECK;
/* One of another program, which is like it, if that program has not been asked for before; NULL. */
struct mm *kept_take_like(const struct file *program, const struct mm_like *like) MUST_CHECK;
/* A guest's (passage.h) with that home, or NULL. */
struct mm *kept_take_home(uaddr_t home, uaddr_t end) MUST_CHECK;
/* The oldest goes, for its addresses: false when there is none. */
MUST_CHECK bool kept_drop_oldest(void);

/* With mm->lock held: */

/*
 * mm, alone or the holder, wants addr: if it is outside the home of one that is kept, all that this has outside its
 * home becomes mm's, addresses and pages.
 */
bool kept_hand_over(struct mm *mm, uaddr_t addr);

/* r is about to be mapped, where it has no pages: what is kept there becomes r's, or waits, or goes. */
void kept_settle(struct mm *mm, struct region *r);
/* [start, end) will be used for something else: what is kept there goes. */
void kept_forget(struct mm *mm, uaddr_t start, uaddr_t end);
/* mm leaves for another enclave: what may be kept is, and of the rest nothing stays but trampolines. */
void kept_vacate(struct mm *mm, struct list *dead);
/* Only what it has kept itself. */
void kept_forget_home(struct mm *mm);
/* How many of the n pages from addr on are kept, hence not to be dropped; 0: *n from addr on are not. */
size_t kept_run(const struct mm *mm, uaddr_t addr, size_t *n);

#endif
