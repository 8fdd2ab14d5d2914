/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving memory back when the enclave's limit is near.
 *
 * The order: spare pages of the program, then the kernel's caches (shrinkers), then free pages of
 * the kernel heap, then pages of file mappings that can be read again.  The program may fill the enclave up to a reserve, which is left to the kernel,
 * so that its allocations do not fail first.
 */
#include "kernel/mm/reclaim.h"

#include "abi/host/layout.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/kept.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/slot.h"

#define RESERVE_MIN 256UL
#define RESERVE_MAX 4096UL
#define SPARE_MAX 16384UL /* 64 MiB */
#define CLEAN_MIN 64UL    /* clean pages of files that are never given back */
#define BATCH 512UL       /* a shortage is met with some more at once */

static struct list shrinkers = LIST_INIT(shrinkers); /* [I] after start-up */

void shrinker_register(struct shrinker *s)
{
    list_add_tail(&shrinkers, &s->link);
}

size_t reclaim_spare_max(void)
{
    return MIN(epage_limit() / 16, SPARE_MAX);
}

/* The pages of a kind in [*at, end), from the first on, go: how many, n at most; *at is then behind them. */
static size_t unit_give_back(enum pagemap_kind kind, uaddr_t *at, uaddr_t end, size_t n)
{
    size_t given = 0, run;
    uaddr_t addr;

    while (given < n && (run = pagemap_find(kind, *at, end, n - given, &addr)) > 0) {
        epage_remove(addr, run);
        pagemap_set(addr, run, PAGE_ABSENT);
        given += run;
        *at = addr + run * PAGE_SIZE;
    }
    return given;
}

/* Likewise from *hand on, wherever nothing stands in the way: mm's lock is held, others' are tried. */
static size_t give_back(enum pagemap_kind kind, struct mm *mm, uaddr_t *hand, size_t n)
{
    size_t given = 0;
    uaddr_t addr;

    while (given < n && pagemap_find(kind, *hand, slots_end(), 1, &addr) > 0) {
        uaddr_t end = slot_unit_end(addr);
        struct overlay_hold hold;

        *hand = addr;
        if (overlay_hold(mm, addr, &hold)) {
            given += unit_give_back(kind, hand, end, n - given);
            overlay_unhold(&hold);
        }
        if (given < n)
            *hand = end;
    }
    return given;
}

/*
 * Pages that are as their file has them, in address order from where the last call stopped: the CPU
 * tells nobody which of them are in use.  Some are left, so that an instruction finds all that it needs.
 */
static void clean_give_back(struct mm *mm, size_t n)
{
    for (int round = 0; round < 2 && n > 0; round++) {
        size_t have = pagemap_count(PAGEMAP_CLEAN);

        if (have <= CLEAN_MIN)
            return;
        n -= give_back(PAGEMAP_CLEAN, mm, &mm->clean_hand, MIN(n, have - CLEAN_MIN));
        if (n > 0)
            mm->clean_hand = 0;
    }
}

size_t mm_reclaim(struct mm *mm, size_t n)
{
    uaddr_t hand = 0;
    size_t given = give_back(PAGEMAP_SPARE, mm, &hand, n);

    list_for_each(it, &shrinkers) {
        if (given >= n)
            return given;
        list_entry(it, struct shrinker, link)->shrink(n - given);
        given += heap_trim();
    }
    if (given < n)
        given += heap_trim();
    return given;
}

void mm_drop_caches(struct mm *mm)
{
    while (kept_drop_oldest())
        ;
    mutex_lock(&mm->lock);
    mm_reclaim(mm, SIZE_MAX / 2);
    mutex_unlock(&mm->lock);
}

static size_t room(void)
{
    size_t limit = epage_limit(), used = epage_count();
    size_t reserve = MAX(MIN(limit / 64, RESERVE_MAX), RESERVE_MIN);

    return used + reserve < limit ? limit - used - reserve : 0;
}

bool reclaim_room(struct mm *mm, size_t n)
{
    size_t have = room(), more = MIN(BATCH, epage_limit() / 64);

    if (have >= n)
        return true;
    mm_reclaim(mm, n - have + more);
    have = room();
    if (have < n)
        clean_give_back(mm, n - have + more);
    return room() >= n;
}

bool reclaim_tight(void)
{
    size_t easy = pagemap_count(PAGEMAP_SPARE) + pagemap_count(PAGEMAP_CLEAN);
    size_t used = epage_count();

    return used > easy && used - easy > epage_limit() / 8 * 7;
}

size_t mm_headroom(void)
{
    size_t have = room() + pagemap_spare(), keep = epage_limit() / 8;

    return have > keep ? have - keep : 0;
}
