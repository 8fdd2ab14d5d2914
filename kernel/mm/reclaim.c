/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving memory back when the enclave's limit is near.
 *
 * The order: spare pages of the program, then the kernel's caches (shrinkers), then free pages of
 * the kernel heap.  The program may fill the enclave up to a reserve, which is left to the kernel,
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

    while (given < n && (run = pagemap_find_spare(addr, n - given, &addr)) > 0) {
        epage_remove(addr, run);
        pagemap_set(addr, run, PAGE_ABSENT);
        given += run;
    }
    return given;
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

bool reclaim_room(size_t n)
{
    size_t have = room();

    if (have >= n)
        return true;
    mm_reclaim(n - have + MIN(BATCH, epage_limit() / 64));
    return room() >= n;
}

size_t mm_headroom(void)
{
    size_t have = room() + pagemap_spare(), keep = epage_limit() / 8;

    return have > keep ? have - keep : 0;
}
