/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an address space amounts to, in Linux's categories, for /proc and getrusage.  The most that it ever had
 * is noted before much of it goes, and whenever somebody asks.
 */
#include "abi/host/layout.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/pagemap.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/file.h"
#include "lib/string.h"

#define NOTE_BYTES (1UL << 20) /* so much that goes at once is worth a look at what there was */

size_t region_clean_pages(const struct region *r)
{
    size_t sum = 0;

    for (uaddr_t at = r->start; at < r->end;) {
        unsigned state;
        size_t n = pagemap_run(at, (r->end - at) / PAGE_SIZE, &state);
        if ((state & (PAGE_PRESENT | PAGE_CLEAN)) == (PAGE_PRESENT | PAGE_CLEAN))
            sum += n;
        at += n * PAGE_SIZE;
    }
    return sum;
}

/* Memory that processes share, not a file on the host. */
static bool is_shared_memory(const struct region *r)
{
    const struct inode *i = r->file ? r->file->inode : NULL;

    if (!(r->flags & REGION_SHARED))
        return false;
    return !r->file || !i || !i->super || !strcmp(i->super->type, "tmpfs");
}

static void add_resident(struct mm_usage *u, const struct region *r)
{
    size_t n = pagemap_resident(r->start, (r->end - r->start) / PAGE_SIZE);

    if (is_shared_memory(r)) {
        u->shared += n;
        return;
    }
    size_t clean = r->flags & REGION_SHARED ? n : r->file ? region_clean_pages(r) : 0;
    u->file += clean;
    u->anon += n - clean;
}

static void add_region(struct mm_usage *u, const struct region *r)
{
    size_t n = (r->end - r->start) / PAGE_SIZE;

    if (r->flags & REGION_GROWSDOWN)
        u->stack += n;
    else if (r->prot & MM_WRITE)
        u->data += r->flags & REGION_SHARED ? 0 : n;
    else if (r->prot & MM_EXEC)
        u->exec += n;
    add_resident(u, r);
}

void mm_usage(struct mm *mm, struct mm_usage *out)
{
    *out = (struct mm_usage){0};
    mutex_lock(&mm->lock);
    list_for_each(it, &mm->regions.list)
        add_region(out, list_entry(it, struct region, link));
    out->total = mm->regions.bytes / PAGE_SIZE;
    out->total_peak = mm->regions.bytes_peak / PAGE_SIZE;
    out->resident = out->anon + out->file + out->shared;
    mm->resident_peak = MAX(mm->resident_peak, out->resident);
    out->resident_peak = mm->resident_peak;
    out->brk_start = mm->brk_start;
    mutex_unlock(&mm->lock);
}

void mm_note_peak(struct mm *mm, uint64_t bytes)
{
    size_t sum = 0;

    if (bytes < NOTE_BYTES)
        return;
    list_for_each(it, &mm->regions.list) {
        const struct region *r = list_entry(it, struct region, link);
        sum += pagemap_resident(r->start, (r->end - r->start) / PAGE_SIZE);
    }
    mm->resident_peak = MAX(mm->resident_peak, sum);
}
