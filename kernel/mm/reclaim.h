/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the enclave's memory limit is near: what can be given back.
 *
 * A shrinker frees memory that is only cached.  It is called with some mm's lock held, so it must
 * not touch program memory and must not wait for a lock that could be held around a user copy or a
 * page fault: it uses mutex_trylock and skips what is busy.  It may do ocalls.
 */
#ifndef KERNEL_MM_RECLAIM_H
#define KERNEL_MM_RECLAIM_H

#include "kernel/types.h"
#include "lib/list.h"

struct shrinker {
    struct list link;
    /* Frees about n pages' worth of kernel memory; returns how many pages it freed. */
    size_t (*shrink)(size_t n);
};

/* At start-up only; never unregistered. */
void shrinker_register(struct shrinker *s);
/* Tries to give back n pages, SIZE_MAX / 2 for all; returns how many.  mm's lock is held, and no spin lock: it may exit. */
struct mm;
size_t mm_reclaim(struct mm *mm, size_t n);
/* Pages that caches may still take before the program's needs are in danger; 0: stop growing. */
size_t mm_headroom(void);

#endif
