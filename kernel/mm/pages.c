/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of a program: the only place that changes them and their map together.
 *
 *   ABSENT --fill--> PRESENT --drop--> SPARE --fill--> PRESENT        any --remove--> ABSENT
 *
 * A page with a file's contents appears with them at once (EACCEPTCOPY): other threads never see it half
 * filled.  Where there are none, spare pages are filled as they lie, which saves adding one.  A spare page is zero
 * with no permission, so an access to unmapped memory faults; it is zeroed before its permission is taken away, when the program has given it up, and not at
 * reuse, when another thread of the program may already write to it.
 *
 * Text does not become spare: it would cost as much as new pages.
 *
 * A spare page that is still writable is a *frame*: it has no contents, and gets them where it lies.
 */
#include "kernel/mm/pagemap.h"

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/kept.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay.h"
#include "kernel/mm/slot.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/file.h"
#include "lib/string.h"

#include <linux/errno.h>

#define MOVE_PAGES 64UL   /* moved at a time: less than the kernel's reserve */
#define CLEAR_PAGES 256UL /* up to here clearing is cheaper than giving back */

unsigned region_perm(const struct region *r)
{
    if (r->prot == 0)
        return 0;
    return EPAGE_R | (r->prot & MM_WRITE ? EPAGE_W : 0) | (r->prot & MM_EXEC ? EPAGE_X : 0);
}

static void *page_memory(uaddr_t page)
{
    return (void *)page; /* the program's memory, of which the caller has proven that it is there */
}

static bool is_frame(unsigned state)
{
    return (state & (PAGE_SPARE | EPAGE_W)) == (PAGE_SPARE | EPAGE_W);
}

/* The pages are about to change for mm alone. */
static unsigned own(struct mm *mm, uaddr_t start, size_t n, unsigned state)
{
    if (state & PAGE_COMMON)
        overlay_break(mm, start, n);
    return state & ~PAGE_COMMON;
}

static int add_zero(struct mm *mm, uaddr_t start, size_t n, unsigned perm)
{
    if (!reclaim_room(mm, n) || epage_add(start, n))
        return -ENOMEM;
    epage_protect(start, n, EPAGE_R | EPAGE_W, perm);
    return 0;
}

int pages_fill_zero(struct mm *mm, struct region *r, uaddr_t start, size_t n)
{
    /* Trampolines of common text are as common. */
    unsigned common = (r->flags & REGION_KERNEL) && overlay_shared(mm) ? PAGE_COMMON : 0;
    unsigned perm = region_perm(r), state;
    size_t run;

    if (perm == 0)
        return 0;
    if (pagemap_reserve(start, n))
        return -ENOMEM;
    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(start, n, &state);
        if (state & PAGE_PRESENT)
            continue;
        if (state == PAGE_SPARE) {
            epage_protect(start, run, 0, perm);
        } else if (is_frame(state)) {
            memset(page_memory(start), 0, run * PAGE_SIZE);
            epage_protect(start, run, state & PAGE_PERM, perm);
        } else {
            if (state & PAGE_SPARE)
                pages_remove(mm, start, start + run * PAGE_SIZE);
            /* Making room may have turned spare pages further on into absent ones: the loop looks again. */
            int err = add_zero(mm, start, run, perm);
            if (err)
                return err;
        }
        pagemap_set(start, run, PAGE_PRESENT | perm | common);
    }
    return 0;
}

/* The file's contents of n <= STAGING_PAGES pages, ready to be copied. */
static int stage_file(struct mm *mm, const struct region *r, uaddr_t start, size_t n,
                      uint64_t file_size)
{
    uint64_t off = (uint64_t)r->off + (start - r->start);
    size_t bytes = MIN(n * PAGE_SIZE, file_size - off);
    int err;

    if (!mm->staging)
        mm->staging = kpages_alloc(STAGING_PAGES);
    if (!mm->staging)
        return -ENOMEM;
    err = file_read_exact(r->file, mm->staging, bytes, (int64_t)off);
    if (!err)
        memset((char *)mm->staging + bytes, 0, n * PAGE_SIZE - bytes);
    return err;
}

/* The current thread is the only one that could look at a page of mm. */
static bool unseen(const struct mm *mm)
{
    const struct process *p = current_process();

    return p->mm == mm && __atomic_load_n(&mm->users.count, __ATOMIC_RELAXED) == 1 &&
           __atomic_load_n(&p->nthreads, __ATOMIC_RELAXED) == 1;
}

/* What is staged goes to n pages that are absent, or can be filled where they lie. */
static int add_staged(struct mm *mm, uaddr_t start, size_t n, unsigned state, unsigned perm)
{
    if (state & PAGE_SPARE) {
        epage_open(start, n, state & PAGE_PERM, EPAGE_R | EPAGE_W);
        state = EPAGE_R | EPAGE_W;
        memcpy(page_memory(start), mm->staging, n * PAGE_SIZE);
        epage_protect(start, n, state & PAGE_PERM, perm);
    } else if (!reclaim_room(mm, n) || epage_add_copy(start, mm->staging, n, perm)) {
        return -ENOMEM;
    }
    pagemap_set(start, n, PAGE_PRESENT | perm | (perm & EPAGE_W ? 0 : PAGE_CLEAN));
    return 0;
}

int pages_fill_file(struct mm *mm, struct region *r, uaddr_t start, size_t n, uint64_t file_size)
{
    unsigned state;
    size_t run;

    if (region_perm(r) == 0)
        return 0;
    if (pagemap_reserve(start, n))
        return -ENOMEM;
    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        int err;

        run = pagemap_run(start, MIN(n, STAGING_PAGES), &state);
        if (state & PAGE_PRESENT)
            continue;
        if ((state & PAGE_SPARE) && !is_frame(state) && !unseen(mm)) {
            pages_remove(mm, start, start + run * PAGE_SIZE);
            state = PAGE_ABSENT;
        }
        err = stage_file(mm, r, start, run, file_size);
        if (!err)
            err = add_staged(mm, start, run, state, region_perm(r));
        if (err)
            return err;
    }
    return 0;
}

int frames_show_file(struct mm *mm, const struct region *r, uaddr_t start, size_t n,
                     uint64_t file_size)
{
    unsigned state;
    size_t run;

    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(start, MIN(n, STAGING_PAGES), &state);
        if (!is_frame(state))
            continue;
        int err = stage_file(mm, r, start, run, file_size);
        if (err)
            return err;
        memcpy(page_memory(start), mm->staging, run * PAGE_SIZE);
    }
    return 0;
}

void frames_make(uaddr_t start, size_t n, unsigned state)
{
    epage_open(start, n, state & PAGE_PERM, EPAGE_R | EPAGE_W);
    memset(page_memory(start), 0, n * PAGE_SIZE);
    pagemap_set(start, n, PAGE_SPARE | EPAGE_R | EPAGE_W);
}

void pages_protect(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end)
{
    size_t n = (end - start) / PAGE_SIZE, run;
    unsigned state, perm;

    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(start, n, &state);
        if (!(state & PAGE_PRESENT))
            continue;
        perm = region_perm(r);
        if (perm == (state & PAGE_PERM))
            continue;
        state = own(mm, start, run, state);
        epage_protect(start, run, state & PAGE_PERM, perm);
        if (perm & EPAGE_W)
            state &= ~PAGE_CLEAN;
        pagemap_set(start, run, (state & ~PAGE_PERM) | perm);
    }
}

void pages_remove(struct mm *mm, uaddr_t start, uaddr_t end)
{
    size_t n = (end - start) / PAGE_SIZE, run;
    unsigned state;

    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(start, n, &state);
        if (state == PAGE_ABSENT)
            continue;
        own(mm, start, run, state);
        epage_remove(start, run);
        pagemap_set(start, run, PAGE_ABSENT);
    }
}

void pages_give_up(uaddr_t start, size_t n, unsigned state)
{
    bool keep = state & EPAGE_W || ((state & EPAGE_R) && !(state & EPAGE_X) && n <= CLEAR_PAGES);

    /* Where a guest has a shared mapping (passage.h) reclaim does not look. */
    if (!keep || start >= slots_end() || pagemap_spare() + n > reclaim_spare_max()) {
        epage_remove(start, n);
        pagemap_set(start, n, PAGE_ABSENT);
        return;
    }
    if (!(state & EPAGE_W))
        epage_open(start, n, state & PAGE_PERM, EPAGE_R | EPAGE_W);
    state |= EPAGE_R | EPAGE_W;
    memset(page_memory(start), 0, n * PAGE_SIZE);
    epage_protect(start, n, state & PAGE_PERM, 0);
    pagemap_set(start, n, PAGE_SPARE);
}

void pages_drop(struct mm *mm, uaddr_t start, uaddr_t end)
{
    size_t n = (end - start) / PAGE_SIZE, run;
    bool shared = mm->dying && overlay_shared(mm);
    unsigned state;

    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        size_t kept;

        run = pagemap_run(start, n, &state);
        if (!(state & PAGE_PRESENT) || (shared && overlay_keep(mm, start, &run, state)))
            continue;
        kept = kept_run(mm, start, &run);
        if (kept) {
            run = kept;
            continue;
        }
        pages_give_up(start, run, own(mm, start, run, state));
    }
}

void pages_clear(struct mm *mm, uaddr_t start, uaddr_t end)
{
    size_t n = (end - start) / PAGE_SIZE, run;
    bool keep = pagemap_resident(start, n) <= CLEAR_PAGES;
    unsigned state;

    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(start, n, &state);
        if (!(state & PAGE_PRESENT))
            continue;
        own(mm, start, run, state);
        if (keep && (state & EPAGE_W))
            memset(page_memory(start), 0, run * PAGE_SIZE);
        else
            pages_remove(mm, start, start + run * PAGE_SIZE);
    }
}

/* n pages in one state go to dst. */
static void move_run(uaddr_t dst, uaddr_t src, size_t n, unsigned state)
{
    unsigned perm = state & PAGE_PERM, readable = perm | EPAGE_R;

    epage_open(src, n, perm, readable);
    if (epage_add_copy(dst, page_memory(src), n, readable))
        panic("mm: no room to move %zu pages (%zu of %zu used)", n, epage_count(), epage_limit());
    epage_protect(dst, n, readable, perm);
    epage_remove(src, n);
    pagemap_set(dst, n, state);
    pagemap_set(src, n, PAGE_ABSENT);
}

int pages_move(struct mm *mm, uaddr_t dst, uaddr_t src, size_t n)
{
    unsigned state;
    size_t run;

    pages_remove(mm, dst, dst + n * PAGE_SIZE); /* spare ones */
    if (pagemap_reserve(dst, n) || !reclaim_room(mm, MOVE_PAGES))
        return -ENOMEM;
    for (; n > 0; n -= run, src += run * PAGE_SIZE, dst += run * PAGE_SIZE) {
        run = pagemap_run(src, n, &state);
        if (!(state & PAGE_PRESENT))
            continue;
        run = MIN(run, MOVE_PAGES);
        move_run(dst, src, run, own(mm, src, run, state));
    }
    return 0;
}

void pages_open(struct mm *mm, uaddr_t page, unsigned state)
{
    unsigned common = state & PAGE_CLEAN && overlay_text_common(mm, page) ? PAGE_COMMON : 0;

    pagemap_set(page, 1, (state & ~PAGE_CLEAN) | common);
    epage_protect(page, 1, state & PAGE_PERM, (state & PAGE_PERM) | EPAGE_R | EPAGE_W);
}

void pages_close(uaddr_t page, unsigned state)
{
    epage_protect(page, 1, (state & PAGE_PERM) | EPAGE_R | EPAGE_W, state & PAGE_PERM);
}
