/* SPDX-License-Identifier: Apache-2.0 */
/* See passage.h. */
#include "kernel/mm/passage.h"

#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/kept.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay_impl.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/slot.h"
#include "kernel/vdso/vdso.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/string.h"

#include <linux/errno.h>

#define BRK_ROOM (64UL << 20) /* at least, if nobody is in the way */
#define PLACE_RW (EPAGE_R | EPAGE_W)
/* Flags that a region can come with. */
#define PASSING_FLAGS                                                                       \
    (REGION_SHARED | REGION_GROWSDOWN | REGION_NORESERVE | REGION_STACK | REGION_MAYWRITE | \
     REGION_DONTFORK | REGION_WIPEONFORK | REGION_WRITTEN)

static const char *const names[PASSAGE_NAMES] = {NULL, "[heap]", "[stack]"};

static enum passage_kind kind_of(const struct region *r)
{
    if (r->flags & REGION_KERNEL)
        return PASSAGE_KERNEL;
    if (r->shm && vdso_is(r->shm))
        return r->off ? PASSAGE_VDSO : PASSAGE_VVAR;
    return r->file ? PASSAGE_FILE : PASSAGE_ANON;
}

/* --- leaving ------------------------------------------------------------------------------ */

/* Another member of the group is at home there: with it these addresses would go. */
static bool others_home(const struct mm *mm, const struct region *r)
{
    bool found = false;

    spin_lock(&overlay_lock);
    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        found |= other->home != mm->home && r->start < other->home_end && r->end > other->home;
    }
    spin_unlock(&overlay_lock);
    return found;
}

/* What nobody can write meanwhile; who comes to be able to calls it back (satellite.h). */
static bool shared_can_pass(const struct region *r)
{
    return r->file && !(r->prot & MM_WRITE) && r->maps == 1 &&
           !__atomic_load_n(&r->file->inode->writers, __ATOMIC_RELAXED);
}

static bool region_can_pass(const struct mm *mm, const struct region *r)
{
    if (r->shm && vdso_is(r->shm))
        return true;
    if (r->file && (!r->file->inode || !S_ISREG(r->file->inode->mode)))
        return false;
    if (r->shm)
        return shared_can_pass(r);
    return !others_home(mm, r);
}

bool mm_can_pass(struct mm *mm)
{
    bool ok = __atomic_load_n(&mm->users.count, __ATOMIC_RELAXED) == 1 && !mm->lost;

    mutex_lock(&mm->lock);
    list_for_each(l, &mm->regions.list)
        ok = ok && region_can_pass(mm, list_entry(l, const struct region, link));
    mutex_unlock(&mm->lock);
    return ok;
}

const struct inode *mm_program(const struct mm *mm)
{
    return mm->program;
}

/* The heap of an image at fixed addresses starts anywhere behind it: a unit or more for what it will need. */
static uaddr_t brk_room(struct mm *mm)
{
    uaddr_t end = slot_unit_end(mm->brk);

    if (!mm->brk_start || !map_claim(mm, ALIGN_DOWN(mm->brk, PAGE_SIZE), PAGE_SIZE))
        return mm->brk_start;
    while (end - mm->brk < BRK_ROOM && end < slots_end() && map_claim(mm, end, PAGE_SIZE))
        end = slot_unit_end(end);
    return end;
}

void mm_space(struct mm *mm, struct passage_space *out)
{
    mutex_lock(&mm->lock);
    *out = (struct passage_space){.home = mm->home,
                                  .home_end = mm->home_end,
                                  .mmap_base = mm->mmap_base,
                                  .stack_top = mm->stack_top,
                                  .pie_base = mm->pie_base,
                                  .brk_start = mm->brk_start,
                                  .brk = mm->brk,
                                  .brk_room = brk_room(mm)};
    mutex_unlock(&mm->lock);
}

static bool is_zero(const void *page)
{
    const uint64_t *w = page;

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*w); i += 4)
        if (w[i] | w[i + 1] | w[i + 2] | w[i + 3])
            return false;
    return true;
}

/* Pages of nothing need not pass: they come in by themselves where they are touched. */
static int tell_run(struct passage *p, const struct region *r, uaddr_t at, size_t n)
{
    const char *mem = (const char *)at;
    int err = 0;

    for (size_t i = 0, end; i < n && !err; i = end) {
        end = i + 1;
        if (!r->file && is_zero(mem + i * PAGE_SIZE))
            continue;
        while (end < n && end - i < PASSAGE_PAGES && (r->file || !is_zero(mem + end * PAGE_SIZE)))
            end++;
        err = p->pages(p, at + i * PAGE_SIZE, end - i, mem + i * PAGE_SIZE);
    }
    return err;
}

static int tell_pages(struct passage *p, const struct region *r)
{
    size_t n = (r->end - r->start) / PAGE_SIZE, run;
    unsigned state;
    int err = 0;

    if (r->shm || (r->flags & REGION_KERNEL) || (r->file && !(r->flags & REGION_WRITTEN)))
        return 0;
    for (uaddr_t at = r->start; n > 0 && !err; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if (!(state & PAGE_PRESENT) || (state & PAGE_CLEAN))
            continue;
        if (!(state & EPAGE_R))
            epage_open(at, run, state & PAGE_PERM, (state & PAGE_PERM) | EPAGE_R);
        err = tell_run(p, r, at, run);
        if (!(state & EPAGE_R))
            epage_protect(at, run, (state & PAGE_PERM) | EPAGE_R, state & PAGE_PERM);
    }
    return err;
}

static int tell_region(struct passage *p, const struct region *r)
{
    struct passage_region out = {.start = r->start,
                                 .end = r->end,
                                 .prot = r->prot,
                                 .flags = r->flags & PASSING_FLAGS,
                                 .kind = kind_of(r),
                                 .off = r->off,
                                 .version = r->version};

    for (unsigned i = 1; i < PASSAGE_NAMES; i++)
        if (r->name && !strcmp(r->name, names[i]))
            out.name = i;
    int err = p->region(p, &out, r->file);
    return err ? err : tell_pages(p, r);
}

/* Where its process comes from it is as it was: the kernel's, or shared, which no guest changes. */
static bool region_stays(const struct region *r)
{
    return r->shm || (r->flags & (REGION_KERNEL | REGION_SHARED));
}

bool mm_range_stays(struct mm *mm, uaddr_t start, size_t len)
{
    uaddr_t end;
    bool stays = false;

    if (__builtin_add_overflow(start, len, &end))
        return false;
    mutex_lock(&mm->lock);
    for (const struct region *r = region_find(&mm->regions, start); r && r->start < end;
         r = region_next(&mm->regions, r))
        stays |= region_stays(r);
    mutex_unlock(&mm->lock);
    return stays;
}

int mm_tell(struct mm *mm, struct passage *p)
{
    int err = 0;

    mutex_lock(&mm->lock);
    list_for_each(l, &mm->regions.list) {
        const struct region *r = list_entry(l, const struct region, link);
        if (!err && !(mm->guest && region_stays(r)))
            err = tell_region(p, r);
    }
    mutex_unlock(&mm->lock);
    return err;
}

void mm_vacate(struct mm *mm)
{
    struct list dead = LIST_INIT(dead);

    mm_usage(mm, &mm->away_usage);
    mutex_lock(&mm->lock);
    mm->dying = true; /* to the others it is the same as if it ended */
    kept_vacate(mm, &dead);
    mm->dying = false;
    mm->is_away = true;
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    mm_free_dead(&mm->kept_dead);
}

void mm_away_usage(struct mm *mm, size_t total, size_t resident)
{
    struct mm_usage *u = &mm->away_usage;

    mutex_lock(&mm->lock);
    u->total = total;
    u->total_peak = MAX(u->total_peak, total);
    u->resident = resident;
    u->resident_peak = MAX(u->resident_peak, resident);
    u->anon = resident - MIN(resident, u->file + u->shared);
    mutex_unlock(&mm->lock);
}

bool mm_is_away(const struct mm *mm)
{
    return __atomic_load_n(&mm->is_away, __ATOMIC_RELAXED);
}

/* --- arriving ----------------------------------------------------------------------------- */

/* Somebody's addresses, or those of a home that is kept: in an enclave of guests they are for the one that is there. */
static bool units_take(struct mm *mm, uaddr_t start, uaddr_t end)
{
    do {
        for (uaddr_t at = start; at < end; at = slot_unit_end(at))
            (void)kept_hand_over(mm, at);
        if (slot_claim(mm->overlay, start, end))
            return true;
    } while (mm->guest && kept_drop_oldest());
    return false;
}

void mm_arrive_space(struct mm *mm, const struct passage_space *s)
{
    mutex_lock(&mm->lock);
    mm->mmap_base = s->mmap_base;
    mm->stack_top = s->stack_top;
    mm->pie_base = s->pie_base;
    mm->brk_start = s->brk_start;
    mm->brk = s->brk;
    mm->is_away = false;
    if (mm->guest && s->brk_room > s->brk_start && s->brk_room <= slots_end())
        (void)!units_take(mm, s->brk_start, s->brk_room);
    mutex_unlock(&mm->lock);
}

static bool region_valid(const struct passage_region *r, const struct file *file)
{
    return r->start >= USER_MIN && r->start < r->end && r->end <= kernel.params->kernel_base &&
           (r->start | r->end) % PAGE_SIZE == 0 && !(r->prot & ~7U) &&
           !(r->flags & ~PASSING_FLAGS) && r->kind < PASSAGE_KINDS && r->name < PASSAGE_NAMES &&
           (r->end <= slots_end() || (r->flags & REGION_SHARED)) &&
           (r->kind == PASSAGE_FILE) == (file != NULL) && (!file || r->off >= 0);
}

static struct region *region_made(const struct passage_region *from, struct file *file)
{
    struct region *r = region_new();

    if (!r)
        return NULL;
    r->start = from->start;
    r->end = from->end;
    r->prot = from->prot;
    r->flags = from->flags;
    r->file = file ? file_get(file) : NULL;
    r->off = from->off;
    r->name = names[from->name];
    r->version = from->version;
    if (from->kind == PASSAGE_KERNEL) { /* only taken, so that nothing else comes there */
        r->flags = REGION_KERNEL;
        r->prot = 0;
        r->name = "[cella]";
    }
    return r;
}

/* Trampolines of an earlier guest with that home, which are as good. */
static bool kernel_has(const struct mm *mm, const struct region *r)
{
    const struct region *k = region_find(&mm->regions, r->start);

    return k && k->start <= r->start && k->end >= r->end && (k->flags & REGION_KERNEL);
}

static int region_come(struct mm *mm, struct region *r)
{
    if (!region_range_free(&mm->regions, r->start, r->end) || mm->regions.count >= REGION_MAX)
        return -EINVAL;
    if (r->start < slots_end() && !units_take(mm, r->start, r->end))
        return -ENOMEM;
    overlay_evict(mm, r, r->start, r->end);
    kept_settle(mm, r);
    kept_forget(mm, r->start, r->end); /* nothing waits under it: all that it shows comes now */
    region_insert(&mm->regions, r);
    return 0;
}

int mm_arrive_region(struct mm *mm, const struct passage_region *from, struct file *file)
{
    if (from->kind == PASSAGE_VVAR || from->kind == PASSAGE_VDSO)
        return vdso_map_part(mm, from->kind == PASSAGE_VVAR, from->start);
    if (!region_valid(from, file))
        return -EINVAL;
    struct region *r = region_made(from, file);
    if (!r)
        return -ENOMEM;
    mutex_lock(&mm->lock);
    bool there = (r->flags & REGION_KERNEL) && kernel_has(mm, r);
    int err = there ? 0 : region_come(mm, r);
    mutex_unlock(&mm->lock);
    mm_free_dead(&mm->kept_dead);
    if (err || there)
        region_free(r);
    return err;
}

/* n pages come where there are none; writable ones are filled where they lie. */
static int run_add(struct mm *mm, uaddr_t at, size_t n, unsigned perm, const void *data)
{
    unsigned now = perm | EPAGE_R;

    if (!reclaim_room(mm, n))
        return -ENOMEM;
    if ((perm & PLACE_RW) == PLACE_RW) {
        now = PLACE_RW;
        if (epage_add(at, n))
            return -ENOMEM;
        memcpy((void *)at, data, n * PAGE_SIZE);
    } else { /* the CPU copies whole pages only */
        if (!mm->staging && (mm->staging = kpages_alloc(STAGING_PAGES)) == NULL)
            return -ENOMEM;
        memcpy(mm->staging, data, n * PAGE_SIZE);
        if (epage_add_copy(at, mm->staging, n, now))
            return -ENOMEM;
    }
    epage_protect(at, n, now, perm);
    return 0;
}

/* Contents for n pages of one state. */
static int run_come(struct mm *mm, uaddr_t at, size_t n, unsigned state, unsigned perm,
                    const void *data)
{
    unsigned open = (state & PAGE_PERM) | PLACE_RW;
    int err = 0;

    if (state & (PAGE_PRESENT | PAGE_SPARE)) {
        epage_open(at, n, state & PAGE_PERM, open);
        memcpy((void *)at, data, n * PAGE_SIZE);
        epage_protect(at, n, open, perm);
    } else {
        err = run_add(mm, at, n, perm, data);
    }
    if (!err)
        pagemap_set(at, n, PAGE_PRESENT | perm);
    return err;
}

/* Of n pages from addr on those that lie before the end of r's file, which may have become shorter meanwhile. */
static size_t before_end(const struct region *r, uaddr_t addr, size_t n)
{
    size_t skip = (addr - r->start) / PAGE_SIZE, pages;
    uint64_t size;

    if (!r->file || region_file_pages(r, &size, &pages))
        return n;
    return pages > skip ? MIN(n, pages - skip) : 0;
}

int mm_arrive_pages(struct mm *mm, uaddr_t start, size_t n, const void *data)
{
    int err = n > STAGING_PAGES ? -EINVAL : 0;

    mutex_lock(&mm->lock);
    const struct region *r = region_find(&mm->regions, start);
    if (err || !r || r->start > start || n > (r->end - start) / PAGE_SIZE || start % PAGE_SIZE ||
        !region_private(r) || (r->flags & REGION_KERNEL))
        err = -EINVAL;
    else if (pagemap_reserve(start, n))
        err = -ENOMEM;
    if (!err)
        n = before_end(r, start, n);
    for (size_t i = 0, run; i < n && !err; i += run) {
        unsigned state;
        run = pagemap_run(start + i * PAGE_SIZE, n - i, &state);
        err = run_come(mm, start + i * PAGE_SIZE, run, state, region_perm(r),
                       (const char *)data + i * PAGE_SIZE);
    }
    mutex_unlock(&mm->lock);
    return err;
}

void mm_arrive_failed(struct mm *mm)
{
    mutex_lock(&mm->lock);
    mm->lost = true; /* it is not kept: what it has from its home's last guest may be in the way */
    kept_forget(mm, USER_MIN, slots_end());
    mutex_unlock(&mm->lock);
    mm_free_dead(&mm->kept_dead);
    while (kept_drop_oldest())
        ;
}
