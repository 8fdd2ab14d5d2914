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
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/pagemap.h"

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

static size_t spare_give_back(size_t n)
{
    size_t given = 0, run;
    uaddr_t addr = 0;

    while (given < n && (run = pagemap_find(PAGEMAP_SPARE, addr, ~0UL, n - given, &addr)) > 0) {
        epage_remove(addr, run);
        pagemap_set(addr, run, PAGE_ABSENT);
        given += run;
    }
    return given;
}

/*
 * Pages that are as their file has them, in address order from where the last call stopped: the CPU
 * tells nobody which of them are in use.  Some are left, so that an instruction finds all that it needs.
 */
static void clean_give_back(struct mm *mm, size_t n)
{
    uaddr_t addr;
    size_t run;

    while (n > 0 && pagemap_count(PAGEMAP_CLEAN) > CLEAN_MIN) {
        run = pagemap_find(PAGEMAP_CLEAN, mm->clean_hand, mm->regions.high, n, &addr);
        if (run == 0 && mm->clean_hand == 0)
            return;
        if (run == 0) {
            mm->clean_hand = 0;
            continue;
        }
        mm->clean_hand = addr + run * PAGE_SIZE;
        pages_remove(mm, addr, mm->clean_hand);
        n -= run;
    }
}

size_t mm_reclaim(size_t n)
{
    size_t given = spare_give_back(n);

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
    mm_reclaim(n - have + more);
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
