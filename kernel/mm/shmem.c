/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of shared objects: coming in, permissions, being written back, going.  See shmem.h.
 *
 * A page's permission is what its mappings may do together, so one that nobody maps has none (until the
 * kernel itself reads or writes it); of an object that writes back, a clean page is not writable, so
 * that the first write is seen.
 */
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/shmem_impl.h"
#include "lib/string.h"

#include <linux/errno.h>

#define ALL_PAGES UINT64_MAX
#define DIRTY_PAGES 16UL /* made writable at once when writes are sequential */
#define EVICT_PAGES 32UL /* kept and removed at a time: less than the kernel's reserve */

void shmem_init(struct shmem *s, const struct shmem_ops *ops, unsigned flags)
{
    mutex_init(&s->lock);
    s->ops = ops;
    s->flags = flags;
    list_init(&s->windows);
    mapcount_init(&s->maps);
}

void shmem_fini(struct shmem *s)
{
    if (list_empty(&s->windows))
        return;
    mutex_lock(&s->lock);
    shmem_drop(s, 0, ALL_PAGES);
    shmem_windows_free(s);
    mutex_unlock(&s->lock);
}

/* Permissions */

static unsigned perm_of(const struct shmem *s, unsigned prot, unsigned state)
{
    unsigned perm;

    if (!prot)
        return 0;
    perm = EPAGE_R | (prot & MM_WRITE ? EPAGE_W : 0) | (prot & MM_EXEC ? EPAGE_X : 0);
    return s->ops->write_back && !(state & PAGE_DIRTY) ? perm & ~EPAGE_W : perm;
}

static void page_set(uaddr_t addr, size_t n, unsigned state, unsigned perm)
{
    if ((state & PAGE_PERM) != perm)
        epage_protect(addr, n, state & PAGE_PERM, perm);
    pagemap_set(addr, n, (state & ~PAGE_PERM) | perm);
}

static void part_protect(struct shmem *s, struct shmem_part p)
{
    size_t run;

    for (; p.n > 0; p.addr += run * PAGE_SIZE, p.index += run, p.n -= run) {
        struct mapcount_look look;
        unsigned state;

        run = pagemap_run(p.addr, p.n, &state);
        if (!(state & PAGE_PRESENT))
            continue;
        look = mapcount_look(&s->maps, p.index, p.index + run);
        run = look.end - p.index;
        page_set(p.addr, run, state, perm_of(s, look.prot, state));
    }
}

void shmem_protect(struct shmem *s, pgoff_t first, pgoff_t end)
{
    struct shmem_part p;

    while (shmem_part(s, &first, end, &p))
        part_protect(s, p);
}

/* The page, and, when the one before is dirty, some behind that are like it: writes go on. */
static void make_dirty(struct shmem *s, pgoff_t index, uaddr_t addr)
{
    uaddr_t before = index ? shmem_where(s, index - 1, 1) : 0;
    pgoff_t at = index;
    struct shmem_part p;
    unsigned state;

    if (!shmem_part(s, &at, index + DIRTY_PAGES, &p))
        return;
    p.n = before && (pagemap_get(before) & PAGE_DIRTY) ? pagemap_run(addr, p.n, &state) : 1;
    pagemap_set(addr, p.n, pagemap_get(addr) | PAGE_DIRTY);
    part_protect(s, p);
}

void shmem_touch(struct shmem *s, pgoff_t index, unsigned access)
{
    struct mapcount_look look = mapcount_look(&s->maps, index, index + 1);
    uaddr_t addr = shmem_where(s, index, 1);
    unsigned state = pagemap_get(addr);

    if (!(state & PAGE_PRESENT))
        return; /* the caller has failed to bring it in */
    if (access == MM_WRITE && s->ops->write_back && !(state & PAGE_DIRTY))
        make_dirty(s, index, addr);
    else
        page_set(addr, 1, state, perm_of(s, look.prot, state));
    epage_settle(addr, pagemap_get(addr) & PAGE_PERM);
}

void *shmem_open(struct shmem *s, pgoff_t index, unsigned access)
{
    uaddr_t addr = shmem_where(s, index, 1);
    unsigned state = addr ? pagemap_get(addr) : PAGE_ABSENT;

    if (!(state & PAGE_PRESENT))
        return NULL;
    page_set(addr, 1, state, (state & PAGE_PERM) | EPAGE_R | (access == MM_WRITE ? EPAGE_W : 0));
    return (void *)addr; /* it is there, and stays while the lock is held */
}

void shmem_close(struct shmem *s, pgoff_t index)
{
    /* A page that nobody maps may stay open: closing costs an exit, and nobody should look. */
    if (mapcount_any(&s->maps, index, index + 1))
        shmem_protect(s, index, index + 1);
}

/* Coming in */

void *shmem_staging(const struct shmem_fill *f)
{
    if (!f->mm->staging)
        f->mm->staging = kpages_alloc(STAGING_PAGES);
    return f->mm->staging;
}

int shmem_add_zero(struct shmem *s, struct mm *mm, pgoff_t index, size_t n, unsigned extra)
{
    uaddr_t addr = shmem_where(s, index, n);

    if (!addr || pagemap_reserve(addr, n) || !reclaim_room(mm, n) || epage_add(addr, n))
        return -ENOMEM;
    pagemap_set(addr, n, PAGE_PRESENT | EPAGE_R | EPAGE_W | extra);
    part_protect(s, (struct shmem_part){index, n, addr});
    return 0;
}

int shmem_add_copy(struct shmem *s, struct mm *mm, pgoff_t index, size_t n, const void *src)
{
    uaddr_t addr = shmem_where(s, index, n);
    pgoff_t end = index + n, from = index;

    if (!addr || pagemap_reserve(addr, n) || !reclaim_room(mm, n))
        return -ENOMEM;
    while (index < end) {
        struct mapcount_look look = mapcount_look(&s->maps, index, end);
        size_t done = (index - from) * PAGE_SIZE, run = look.end - index;
        unsigned perm = perm_of(s, look.prot, 0);

        if (epage_add_copy(addr + done, (const char *)src + done, run, perm)) {
            shmem_drop(s, from, index);
            return -ENOMEM;
        }
        pagemap_set(addr + done, run, PAGE_PRESENT | perm);
        index = look.end;
    }
    return 0;
}

/* Looking */

size_t shmem_run(const struct shmem *s, pgoff_t index, size_t n, unsigned *state)
{
    pgoff_t at = index;
    struct shmem_part p;

    *state = PAGE_ABSENT;
    if (!shmem_part(s, &at, index + n, &p))
        return n;
    if (p.index > index)
        return p.index - index;
    return pagemap_run(p.addr, p.n, state);
}

bool shmem_next(const struct shmem *s, pgoff_t *index)
{
    pgoff_t at = *index;
    struct shmem_part p;

    while (shmem_part(s, &at, ALL_PAGES, &p)) {
        unsigned state;
        size_t run;

        for (; p.n > 0; p.addr += run * PAGE_SIZE, p.index += run, p.n -= run) {
            run = pagemap_run(p.addr, p.n, &state);
            if (state & PAGE_PRESENT) {
                *index = p.index;
                return true;
            }
        }
    }
    return false;
}

size_t shmem_clean(const struct shmem *s)
{
    pgoff_t first = 0;
    struct shmem_part p;
    size_t clean = 0;

    while (shmem_part(s, &first, ALL_PAGES, &p)) {
        unsigned state;
        size_t run;

        for (; p.n > 0; p.addr += run * PAGE_SIZE, p.n -= run) {
            run = pagemap_run(p.addr, p.n, &state);
            clean += (state & PAGE_PRESENT) && !(state & PAGE_DIRTY) ? run : 0;
        }
    }
    return clean;
}

/* Going */

size_t shmem_drop(struct shmem *s, pgoff_t first, pgoff_t end)
{
    struct shmem_part p;
    size_t gone = 0;

    while (shmem_part(s, &first, end, &p)) {
        unsigned state;
        size_t run;

        for (; p.n > 0; p.addr += run * PAGE_SIZE, p.n -= run) {
            run = pagemap_run(p.addr, p.n, &state);
            if (!(state & PAGE_PRESENT))
                continue;
            epage_remove(p.addr, run);
            pagemap_set(p.addr, run, PAGE_ABSENT);
            gone += run;
        }
    }
    return gone;
}

/* n pages in one state are kept elsewhere. */
static int run_keep(struct shmem *s, pgoff_t index, uaddr_t addr, size_t n, unsigned state)
{
    int err = 0;

    if (!s->ops->keep)
        return 0;
    page_set(addr, n, state, (state & PAGE_PERM) | EPAGE_R);
    for (size_t i = 0; i < n && !err; i++)
        err = s->ops->keep(s, index + i, (const void *)(addr + i * PAGE_SIZE));
    return err;
}

int shmem_evict(struct shmem *s, pgoff_t first, pgoff_t end)
{
    struct shmem_part p;

    shmem_sync(s, first, end);
    while (shmem_part(s, &first, end, &p)) {
        unsigned state;
        size_t run;

        for (; p.n > 0; p.addr += run * PAGE_SIZE, p.index += run, p.n -= run) {
            run = pagemap_run(p.addr, p.n, &state);
            if (!(state & PAGE_PRESENT))
                continue;
            run = MIN(run, EVICT_PAGES);
            if (run_keep(s, p.index, p.addr, run, state))
                return -ENOMEM;
            epage_remove(p.addr, run);
            pagemap_set(p.addr, run, PAGE_ABSENT);
        }
    }
    return 0;
}

/*
 * n dirty pages in one state.  If somebody maps them they lose W first, so that what is written meanwhile
 * makes them dirty again.
 */
static int run_sync(struct shmem *s, struct shmem_part p, unsigned state)
{
    bool mapped = mapcount_any(&s->maps, p.index, p.index + p.n);
    unsigned perm = (state & PAGE_PERM) | EPAGE_R;
    int err;

    page_set(p.addr, p.n, state & ~PAGE_DIRTY, mapped ? perm & ~EPAGE_W : perm);
    err = s->ops->write_back(s, p.index, p.n, (void *)p.addr);
    if (err)
        pagemap_set(p.addr, p.n, pagemap_get(p.addr) | PAGE_DIRTY);
    if (mapped)
        part_protect(s, p);
    return err;
}

int shmem_sync(struct shmem *s, pgoff_t first, pgoff_t end)
{
    struct shmem_part p;
    int err = 0;

    while (s->ops->write_back && shmem_part(s, &first, end, &p)) {
        unsigned state;
        size_t run;

        for (; p.n > 0; p.addr += run * PAGE_SIZE, p.index += run, p.n -= run) {
            run = pagemap_run(p.addr, p.n, &state);
            if (!(state & PAGE_DIRTY))
                continue;
            int err2 = run_sync(s, (struct shmem_part){p.index, run, p.addr}, state);
            err = err ? err : err2;
        }
    }
    return err;
}
