/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An overlay group: address spaces that use the same addresses and therefore take turns.
 */
#ifndef KERNEL_MM_OVERLAY_H
#define KERNEL_MM_OVERLAY_H

#include "kernel/types.h"

struct mm;
struct overlay;

/* A group with mm as its only member, or NULL. */
struct overlay *overlay_new(struct mm *mm) MUST_CHECK;
/* Where the first region of another member of mm's group lies in [start, end), or 0. */
uaddr_t overlay_used(const struct mm *mm, uaddr_t start, uaddr_t end);
/* mm is gone: the last member frees the group and its addresses. */
void overlay_leave(struct mm *mm);

#endif
