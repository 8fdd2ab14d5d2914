/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page faults of the program (and of the kernel's user copies).
 *
 * A fault on a page that the region allows brings in the page and some around it: all of a small
 * region; a block of FAULT_PAGES (fewer of a stack); or, when the fault lies directly above or below
 * what the last one brought in, twice as much as then, in that direction.  When memory is short it is
 * the page alone.  Files are read at most STAGING_PAGES at a time.  When the whole window cannot be
 * had, the one page is tried alone, so that an error is that page's own.
 *
 * A fault on a page that is there: another thread was faster, or the host took the page away (then it
 * faults for ever: the host's to spoil), or it was common to an overlay group.  Shared objects' pages: shmap.c.
 */
#include "kernel/mm/pagemap.h"

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/kept.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/vfs/file.h"

#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/resource.h>

static bool access_ok(unsigned prot, unsigned access)
{
    /* As on any x86 without protection keys: what may be written or executed may be read. */
    return access == MM_READ ? prot != 0 : (prot & access) != 0;
}

/* Pages that a fault brings in when nothing is known of what comes next. */
static size_t window_first(const struct region *r)
{
    /* Most stacks stay small, and what a thread leaves behind has to be cleared when it ends. */
    if (r->flags & (REGION_STACK | REGION_GROWSDOWN))
        return FAULT_PAGES_STACK;
    return r->file && !(r->prot & MM_WRITE) ? FAULT_PAGES_TEXT : FAULT_PAGES;
}

struct fault_window window_choose(const struct region *r, uaddr_t page, size_t max)
{
    size_t n = window_first(r), pages = (r->end - r->start) / PAGE_SIZE;
    uaddr_t start, end;

    if (reclaim_tight())
        return (struct fault_window){page, 1};
    if (page == r->window_end || page + PAGE_SIZE == r->window_start) {
        n = MIN(MAX(r->window_pages, n) * 2, max);
        start = page == r->window_end ? page : page + PAGE_SIZE - n * PAGE_SIZE;
    } else {
        if (pages <= n * 2)
            return (struct fault_window){r->start, pages};
        start = ALIGN_DOWN(page, n * PAGE_SIZE);
    }
    if (start > page) /* wrapped below 0 */
        start = 0;
    end = MIN(start + n * PAGE_SIZE, r->end);
    start = MAX(start, r->start);
    return (struct fault_window){start, (end - start) / PAGE_SIZE};
}

void window_note(struct region *r, struct fault_window w)
{
    r->window_start = w.start;
    r->window_end = w.start + w.n * PAGE_SIZE;
    r->window_pages = w.n;
}

static int populate_zero(struct mm *mm, struct region *r, uaddr_t page)
{
    struct fault_window w = window_choose(r, page, FAULT_PAGES_MAX);
    int err = pages_fill_zero(mm, r, w.start, w.n);

    if (err) {
        w = (struct fault_window){page, 1};
        err = pages_fill_zero(mm, r, page, 1);
    }
    if (!err)
        window_note(r, w);
    return err;
}

int region_file_pages(const struct region *r, uint64_t *size, size_t *n)
{
    struct statx st;
    int err = file_stat(r->file, &st);

    if (err)
        return err;
    *size = st.stx_size;
    *n = st.stx_size > (uint64_t)r->off ? (st.stx_size - (uint64_t)r->off - 1) / PAGE_SIZE + 1 : 0;
    return 0;
}

static int populate_file(struct mm *mm, struct region *r, uaddr_t page)
{
    struct fault_window w = window_choose(r, page, STAGING_PAGES);
    uint64_t size;
    size_t n;
    int err;

    if (region_file_pages(r, &size, &n) || (page - r->start) / PAGE_SIZE >= n)
        return -EIO;
    w.n = MIN(w.n, n - (w.start - r->start) / PAGE_SIZE);
    err = pages_fill_file(mm, r, w.start, w.n, size);
    if (err) {
        w = (struct fault_window){page, 1};
        err = pages_fill_file(mm, r, page, 1, size);
    }
    if (!err)
        window_note(r, w);
    return err == 0 || err == -ENOMEM ? err : -EIO;
}

/* The stack r is to hold `page` below it: -EFAULT when it may not. */
static int stack_grow(struct mm *mm, struct region *r, uaddr_t page)
{
    struct region *prev = region_prev(&mm->regions, r);
    uint64_t more = r->start - page;
    uaddr_t low = mm->regions.low;

    if (prev)
        low = prev->prot ? prev->end + STACK_GUARD_GAP : prev->end;
    if (page < low || r->end - page > mm_rlimit(RLIMIT_STACK))
        return -EFAULT;
    if (mm_may_expand(mm, more, r->prot, r->flags) ||
        map_place(mm, page, more, MAP_FIXED_NOREPLACE) < 0)
        return -EFAULT;
    overlay_evict(mm, NULL, page, r->start);
    kept_forget(mm, page, r->start);
    region_resize(&mm->regions, r, page, r->end);
    return 0;
}

int mm_fault_locked(struct mm *mm, uaddr_t addr, unsigned access)
{
    uaddr_t page = ALIGN_DOWN(addr, PAGE_SIZE);
    struct region *r = region_find(&mm->regions, page);
    int err;

    if (!r || page < mm->regions.low)
        return -EFAULT;
    if (page < r->start && (!(r->flags & REGION_GROWSDOWN) || stack_grow(mm, r, page)))
        return -EFAULT;
    if (!access_ok(r->prot, access))
        return -EACCES;
    if (r->shm)
        return shmap_fault(mm, r, page, access);
    unsigned state = pagemap_get(page);
    if (state & PAGE_PRESENT) {
        err = 0;
        if (access == MM_WRITE && !(state & EPAGE_W)) /* common until now (merge.c) */
            pages_protect(mm, r, page, page + PAGE_SIZE);
    } else {
        err = r->file ? populate_file(mm, r, page) : populate_zero(mm, r, page);
    }
    if (!err)
        epage_settle(page, pagemap_get(page) & PAGE_PERM);
    return err;
}

int mm_fault(struct mm *mm, uaddr_t addr, unsigned access)
{
    static bool warned; /* once is enough */
    int err;

    mutex_lock(&mm->lock);
    err = mm_fault_locked(mm, addr, access);
    mutex_unlock(&mm->lock);
    if (err == -ENOMEM && !warned) {
        warned = true;
        log_warn(
            "out of enclave memory (%zu of %zu KiB in use): raise sgx.enclave_size or --memory",
            epage_count() * (PAGE_SIZE / 1024), epage_limit() * (PAGE_SIZE / 1024));
    }
    return err;
}

int region_populate(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end)
{
    uint64_t size;
    size_t n;
    int err;

    if (r->shm)
        return shmap_populate(mm, r, start, end);
    if (!r->file)
        return pages_fill_zero(mm, r, start, (end - start) / PAGE_SIZE);
    err = region_file_pages(r, &size, &n);
    if (err)
        return err;
    end = MIN(end, r->start + n * PAGE_SIZE);
    return start < end ? pages_fill_file(mm, r, start, (end - start) / PAGE_SIZE, size) : 0;
}

int mm_populate(struct mm *mm, uaddr_t start, uaddr_t end)
{
    struct region *r = region_find(&mm->regions, start);

    for (; r && r->start < end; r = region_next(&mm->regions, r)) {
        int err = region_populate(mm, r, MAX(start, r->start), MIN(end, r->end));
        if (err)
            return err;
    }
    return 0;
}
