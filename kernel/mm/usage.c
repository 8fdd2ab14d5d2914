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

/* Pages that are in place in one of these states. */
static size_t pages_in(const struct region *r, unsigned states)
{
    size_t sum = 0;

    for (uaddr_t at = r->start; at < r->end;) {
        unsigned state;
        size_t n = pagemap_run(at, (r->end - at) / PAGE_SIZE, &state);
        if ((state & PAGE_PRESENT) && (state & states))
            sum += n;
        at += n * PAGE_SIZE;
    }
    return sum;
}

size_t region_clean_pages(const struct region *r)
{
    return pages_in(r, PAGE_CLEAN);
}

/* What is in place is another's, but for what is common to them, or has stayed (overlay.h). */
static bool is_away(const struct mm *mm)
{
    const struct turns *g = __atomic_load_n(&mm->turn.group, __ATOMIC_RELAXED);

    return g && __atomic_load_n(&g->holder, __ATOMIC_RELAXED) != &mm->turn;
}

static size_t resident_pages(const struct region *r, bool away)
{
    if (away && !(r->flags & REGION_SHARED) && !r->stays)
        return pages_in(r, PAGE_CLEAN | PAGE_COMMON);
    return pagemap_resident(r->start, (r->end - r->start) / PAGE_SIZE);
}

/* Memory that processes share, not a file on the host. */
static bool is_shared_memory(const struct region *r)
{
    const struct inode *i = r->file ? r->file->inode : NULL;

    if (!(r->flags & REGION_SHARED))
        return false;
    return !r->file || !i || !i->super || !strcmp(i->super->type, "tmpfs");
}

static void add_resident(struct mm_usage *u, const struct region *r, bool away)
{
    size_t n = resident_pages(r, away);

    if (is_shared_memory(r)) {
        u->shared += n;
        return;
    }
    size_t clean = r->flags & REGION_SHARED ? n : r->file ? region_clean_pages(r) : 0;
    u->file += clean;
    u->anon += n - clean;
}

static void add_region(struct mm_usage *u, const struct region *r, bool away)
{
    size_t n = (r->end - r->start) / PAGE_SIZE;

    if (r->flags & REGION_GROWSDOWN)
        u->stack += n;
    else if (r->prot & MM_WRITE)
        u->data += r->flags & REGION_SHARED ? 0 : n;
    else if (r->prot & MM_EXEC)
        u->exec += n;
    add_resident(u, r, away);
}

void mm_usage(struct mm *mm, struct mm_usage *out)
{
    bool away = is_away(mm);

    if (__atomic_load_n(&mm->is_away, __ATOMIC_RELAXED)) {
        mutex_lock(&mm->lock);
        *out = mm->away_usage;
        mutex_unlock(&mm->lock);
        return;
    }
    *out = (struct mm_usage){.anon = __atomic_load_n(&mm->away.pages, __ATOMIC_RELAXED)};
    mutex_lock(&mm->lock);
    list_for_each(it, &mm->regions.list)
        add_region(out, list_entry(it, struct region, link), away);
    out->total = mm->regions.bytes / PAGE_SIZE;
    out->total_peak = mm->regions.bytes_peak / PAGE_SIZE;
    out->resident = out->anon + out->file + out->shared;
    mm->resident_peak = MAX(mm->resident_peak, out->resident);
    out->resident_peak = mm->resident_peak;
    out->brk_start = mm->brk_start;
    mutex_unlock(&mm->lock);
}

static void peak_note(struct mm *mm)
{
    size_t sum = 0;

    list_for_each(it, &mm->regions.list) {
        const struct region *r = list_entry(it, struct region, link);
        sum += pagemap_resident(r->start, (r->end - r->start) / PAGE_SIZE);
    }
    mm->resident_peak = MAX(mm->resident_peak, sum);
}

void mm_note_peak(struct mm *mm, uint64_t bytes)
{
    if (bytes >= NOTE_BYTES)
        peak_note(mm);
}

size_t mm_resident_peak(struct mm *mm)
{
    mutex_lock(&mm->lock);
    peak_note(mm);
    size_t peak = MAX(mm->resident_peak, mm->away_usage.resident_peak);
    mutex_unlock(&mm->lock);
    return peak;
}
