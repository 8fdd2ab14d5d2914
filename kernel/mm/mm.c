/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces as objects: making and freeing them, their limits, and looking at them.
 *
 * There is one ELRANGE: two address spaces that live at the same time must not use the same pages, so
 * exec frees the old one's mappings before it makes the new one's.
 */
#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/pagemap.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sgx/random.h"
#include "kernel/sys/patch.h"
#include "kernel/vfs/file.h"
#include "lib/config.h"

#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/personality.h>

#define STACK_GAP_MIN (128UL << 20) /* kept for the main stack below stack_top */

int mm_init(void)
{
    return pagemap_init(kernel.params->kernel_base);
}

/* A random page-aligned amount below `range`, a power of two. */
static uint64_t random_pages(uint64_t range)
{
    struct thread *t = current;

    if (kernel.config && config_flag(kernel.config, CONFIG_F_NO_ASLR))
        return 0;
    if (t && t->process && (t->process->personality & ADDR_NO_RANDOMIZE))
        return 0;
    return random_u64() & (range - 1) & PAGE_MASK;
}

struct mm *mm_new(void)
{
    uint64_t range = kernel.params->elrange_size;
    struct mm *mm = kzalloc(sizeof(*mm));
    uint64_t gap;

    if (!mm)
        return NULL;
    mutex_init(&mm->lock);
    region_tree_init(&mm->regions, USER_MIN, kernel.params->kernel_base);
    /* Initial stacks end in the uppermost 64th (proc/aslr.c); mappings start below what one may need. */
    mm->stack_top = mm->regions.high - STACK_GUARD_GAP - random_pages(range / 128);
    gap = mm_rlimit(RLIMIT_STACK);
    gap = MAX(MIN(gap, range / 4), MIN(STACK_GAP_MIN, range / 64)) + STACK_GUARD_GAP;
    mm->mmap_base =
        mm->regions.high - range / 64 - ALIGN_UP(gap, PAGE_SIZE) - random_pages(range / 16);
    return mm;
}

void mm_free_dead(struct list *dead)
{
    struct list *l;

    while ((l = list_pop(dead)) != NULL)
        region_free(list_entry(l, struct region, link));
}

void mm_free(struct mm *mm)
{
    struct list dead = LIST_INIT(dead);
    int err;

    if (!mm)
        return;
    patch_mm_gone(mm);
    mutex_lock(&mm->lock);
    err = unmap_locked(mm, mm->regions.low, mm->regions.high, &dead); /* nothing to split */
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    if (err)
        panic("mm: cannot free an address space: error %d", -err);
    if (mm->staging)
        kpages_free(mm->staging, STAGING_PAGES);
    kfree(mm);
}

void mm_set_brk(struct mm *mm, uaddr_t start)
{
    mutex_lock(&mm->lock);
    mm->brk_start = mm->brk = start;
    mutex_unlock(&mm->lock);
}

uaddr_t mm_stack_top(const struct mm *mm)
{
    return mm->stack_top;
}

void mm_sync(struct mm *mm)
{
    mutex_lock(&mm->lock);
    list_for_each(it, &mm->regions.list) {
        struct region *r = list_entry(it, struct region, link);
        sync_range(mm, r, r->start, r->end); /* as on Linux, exit tells of no failure */
    }
    mutex_unlock(&mm->lock);
}

/* Limits */

uint64_t mm_rlimit(int resource)
{
    struct thread *t = current;

    return t && t->process ? t->process->rlimits[resource].rlim_cur : RLIM64_INFINITY;
}

static bool is_data(unsigned prot, unsigned region_flags)
{
    return (prot & MM_WRITE) && !(region_flags & (REGION_SHARED | REGION_GROWSDOWN));
}

static uint64_t data_bytes(const struct mm *mm)
{
    uint64_t sum = 0;

    list_for_each(it, &mm->regions.list) {
        const struct region *r = list_entry(it, struct region, link);
        if (is_data(r->prot, r->flags))
            sum += r->end - r->start;
    }
    return sum;
}

int mm_may_expand(struct mm *mm, uint64_t bytes, unsigned prot, unsigned region_flags)
{
    uint64_t limit = mm_rlimit(RLIMIT_AS);

    if (bytes > limit || mm->regions.bytes > limit - bytes)
        return -ENOMEM;
    limit = mm_rlimit(RLIMIT_DATA);
    if (limit == RLIM64_INFINITY || !is_data(prot, region_flags))
        return 0;
    return bytes > limit || data_bytes(mm) > limit - bytes ? -ENOMEM : 0;
}

/* Looking */

static void info_fill(const struct region *r, struct mm_region_info *out)
{
    out->start = r->start;
    out->end = r->end;
    out->prot = r->prot;
    out->flags = (r->flags & REGION_SHARED ? MAP_SHARED : MAP_PRIVATE) |
                 (r->flags & REGION_GROWSDOWN ? MAP_GROWSDOWN : 0) |
                 (r->flags & REGION_NORESERVE ? MAP_NORESERVE : 0) |
                 (r->flags & REGION_STACK ? MAP_STACK : 0);
    out->off = r->file ? r->off : 0;
    out->file = r->file;
    out->name = r->name;
    out->resident = pagemap_resident(r->start, (r->end - r->start) / PAGE_SIZE);
}

int mm_for_each(struct mm *mm, int (*fn)(const struct mm_region_info *, void *), void *arg)
{
    uaddr_t at = 0;
    int ret = 0;

    while (ret == 0) {
        struct mm_region_info info;
        struct region *r;

        mutex_lock(&mm->lock);
        r = region_find(&mm->regions, at);
        if (r) {
            info_fill(r, &info);
            if (info.file)
                file_get(info.file);
        }
        mutex_unlock(&mm->lock);
        if (!r)
            break;
        at = info.end;
        ret = fn(&info, arg);
        if (info.file)
            file_put(info.file);
    }
    return ret;
}

bool mm_find(struct mm *mm, uaddr_t addr, struct mm_region_info *out)
{
    struct region *r;

    mutex_lock(&mm->lock);
    r = region_find(&mm->regions, addr);
    if (r)
        info_fill(r, out);
    mutex_unlock(&mm->lock);
    return r != NULL;
}

size_t mm_resident(struct mm *mm)
{
    return mm->resident; /* one word: no lock */
}

size_t mm_total(struct mm *mm)
{
    return mm->regions.bytes / PAGE_SIZE;
}
