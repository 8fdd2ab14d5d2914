/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlay groups: who is in them, what fork puts away, and what must be kept for others when one member
 * changes or leaves what all have in common.  The change of turns itself is in swap.c.
 */
#include "kernel/mm/overlay.h"

#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/overlay_impl.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/slot.h"
#include "kernel/vfs/file.h"
#include "lib/string.h"

#include <linux/errno.h>

#define FORK_LEAVES 128UL /* pages that programs can still have when fork has succeeded */

struct spinlock overlay_lock;
static uint64_t families; /* [a] */
/* The owner of units that reclaim looks into and nobody has. */
static struct overlay nobody;

static bool busy_try(struct overlay *g)
{
    return !__atomic_exchange_n(&g->busy, 1, __ATOMIC_ACQUIRE);
}

void overlay_busy_begin(struct overlay *g)
{
    while (!busy_try(g))
        cpu_relax();
}

void overlay_busy_end(struct overlay *g)
{
    __atomic_store_n(&g->busy, 0, __ATOMIC_RELEASE);
}

/* Members */

static void member_add_locked(struct overlay *g, struct mm *mm) REQUIRES(overlay_lock)
{
    list_add_tail(&g->members, &mm->member_link);
    g->count++;
    mm->overlay = g;
}

static struct overlay *group_make(void)
{
    struct overlay *g = kzalloc(sizeof(*g));

    if (!g)
        return NULL;
    list_init(&g->members);
    turns_init(&g->turns, swap_turns);
    region_tree_init(&g->kept, USER_MIN, kernel.params->kernel_base);
    return g;
}

struct overlay *overlay_new(struct mm *mm)
{
    struct overlay *g = group_make();

    if (!g)
        return NULL;
    away_init(&mm->away);
    mm->family = __atomic_add_fetch(&families, 1, __ATOMIC_RELAXED);
    spin_lock(&overlay_lock);
    member_add_locked(g, mm);
    spin_unlock(&overlay_lock);
    return g;
}

/* Another member lives where mm was at home, or has something there. */
static bool home_used_locked(const struct overlay *g, const struct mm *mm) REQUIRES(overlay_lock)
{
    list_for_each(l, &g->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        const struct region *r = region_find(&other->regions, mm->home);
        if (other == mm)
            continue;
        if (other->home == mm->home || (r && r->start < mm->home_end))
            return true;
    }
    return false;
}

void overlay_leave(struct mm *mm)
{
    struct overlay *g = mm->overlay;

    spin_lock(&overlay_lock);
    list_del(&mm->member_link);
    bool last = --g->count == 0;
    if (last)
        slots_release(g);
    else if (!home_used_locked(g, mm))
        slots_release_range(g, mm->home, mm->home_end);
    spin_unlock(&overlay_lock);
    away_free_all(&mm->away);
    turn_leave(&mm->turn);
    if (last) {
        turns_fini(&g->turns);
        kfree(g);
    }
}

int overlay_join(struct mm *mm, uaddr_t addr)
{
    struct overlay *old = mm->overlay;

    spin_lock(&overlay_lock);
    struct overlay *g = slot_owner(addr);
    int err = 0;
    if (!g || g == old)
        err = -ESRCH;
    else if (g == &nobody || g->closed)
        err = -EAGAIN;
    else if (old->count > 1)
        err = -ENOMEM;
    else if (!busy_try(old))
        err = -EAGAIN;
    if (err) {
        spin_unlock(&overlay_lock);
        return err;
    }
    /* Its only member so far holds the turn from now on. */
    list_for_each(l, &g->members) {
        struct mm *other = list_entry(l, struct mm, member_link);
        if (!other->turn.group)
            turn_join(&g->turns, &other->turn);
    }
    list_del(&mm->member_link);
    member_add_locked(g, mm);
    turn_join(&g->turns, &mm->turn);
    slots_inherit(old, g);
    spin_unlock(&overlay_lock);
    turns_fini(&old->turns);
    kfree(old);
    return 0;
}

bool overlay_close(struct mm *mm)
{
    spin_lock(&overlay_lock);
    bool alone = mm->overlay->count == 1;
    if (alone)
        mm->overlay->closed = true;
    spin_unlock(&overlay_lock);
    return alone;
}

void overlay_open(struct mm *mm)
{
    spin_lock(&overlay_lock);
    mm->overlay->closed = false;
    spin_unlock(&overlay_lock);
}

bool overlay_home_used(const struct mm *mm)
{
    spin_lock(&overlay_lock);
    bool used = home_used_locked(mm->overlay, mm);
    spin_unlock(&overlay_lock);
    return used;
}

struct overlay *overlay_apart(struct mm *mm)
{
    return overlay_home_used(mm) ? NULL : group_make();
}

void overlay_part(struct mm *mm, struct overlay *own)
{
    struct overlay *g = mm->overlay;

    own->closed = true;
    spin_lock(&overlay_lock);
    list_del(&mm->member_link);
    g->count--;
    slots_pass(g, own, mm->home, mm->home_end);
    member_add_locked(own, mm);
    spin_unlock(&overlay_lock);
    away_free_all(&mm->away);
    turn_leave(&mm->turn);
}

bool overlay_shared(const struct mm *mm)
{
    return mm->overlay->count > 1;
}

/* The private region of mm that holds addr, or NULL. */
struct region *member_region(const struct mm *mm, uaddr_t addr)
{
    struct region *r = region_find(&mm->regions, addr);

    return r && r->start <= addr && region_private(r) ? r : NULL;
}

static bool same_version(const struct file_version *a, const struct file_version *b)
{
    return a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime;
}

/* Both map the same page of a file at addr, with the same rights. */
static bool same_file(const struct region *x, const struct region *y, uaddr_t addr)
{
    return x->file && y->file && x->file->inode && x->file->inode == y->file->inode &&
           x->prot == y->prot && same_version(&x->version, &y->version) &&
           x->off + (int64_t)(addr - x->start) == y->off + (int64_t)(addr - y->start);
}

/* clean_users of `mine`, which mm need not have yet. */
static unsigned users_of(const struct mm *mm, const struct region *mine, uaddr_t addr, size_t *n)
{
    unsigned users = 0;
    bool same = true;
    uaddr_t end = MIN(addr + *n * PAGE_SIZE, mine->end);

    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        const struct region *r = other == mm ? NULL : region_find(&other->regions, addr);
        if (!r)
            continue;
        end = MIN(end, r->start > addr ? r->start : r->end);
        if (r->start > addr || !region_private(r))
            continue;
        same = same && same_file(mine, r, addr);
        users++;
    }
    *n = (end - addr) / PAGE_SIZE;
    return same ? users : 0;
}

unsigned clean_users(const struct mm *mm, uaddr_t addr, size_t *n)
{
    const struct region *mine = member_region(mm, addr);

    return mine ? users_of(mm, mine, addr, n) : 0;
}

uaddr_t overlay_used(const struct mm *mm, uaddr_t start, uaddr_t end)
{
    uaddr_t first = 0;

    if (!overlay_shared(mm))
        return 0;
    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        const struct region *r;

        if (other == mm)
            continue;
        r = region_find(&other->regions, start);
        if (r && r->start < end && (!first || r->start < first))
            first = MAX(r->start, start);
    }
    return first;
}

uaddr_t overlay_same(const struct mm *mm, uaddr_t addr, uaddr_t end, bool *used)
{
    *used = false;
    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        const struct region *r = other == mm ? NULL : region_find(&other->regions, addr);
        if (!r)
            continue;
        *used |= r->start <= addr;
        end = MIN(end, r->start > addr ? r->start : r->end);
    }
    return end;
}

/* fork */

struct away *member_away_add(struct mm *mm, uaddr_t start, size_t n)
{
    struct away *a = away_add(&mm->away, start, n);

    return a || !reclaim_room(mm, n) ? a : away_add(&mm->away, start, n);
}

/*
 * Copies of n pages of one state.  fork is who is told when memory is used up: what it leaves is for all that
 * are there to go on, which could only be killed.
 */
static int copy_run(struct mm *child, uaddr_t start, size_t n, unsigned state)
{
    for (size_t part; n > 0; n -= part, start += part * PAGE_SIZE) {
        struct away *a;

        part = MIN(n, AWAY_PAGES);
        if (!reclaim_room(child, part + FORK_LEAVES))
            return -ENOMEM;
        a = member_away_add(child, start, part);
        if (!a)
            return -ENOMEM;
        memcpy(a->memory, (const void *)start, part * PAGE_SIZE);
        memset(a->state, (int)state, part);
    }
    return 0;
}

/*
 * What is in place and not writable becomes common to mm, its child and no other: one that maps something
 * at addr but has no page there would take it for its own.
 */
static bool may_be_common(const struct mm *mm, const struct mm *child, uaddr_t addr)
{
    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        if (other != mm && other != child && member_region(other, addr) &&
            !away_state(&other->away, addr))
            return false;
    }
    return true;
}

/* n pages of one state that are mm's alone and not writable. */
static int share_run(struct mm *mm, struct mm *child, uaddr_t start, size_t n, unsigned state)
{
    int err = 0;

    for (size_t i = 0; i < n && !err; i++, start += PAGE_SIZE) {
        if (may_be_common(mm, child, start)) {
            pagemap_set(start, 1, state | PAGE_COMMON);
            continue;
        }
        if (!(state & EPAGE_R))
            epage_open(start, 1, state & PAGE_PERM, (state & PAGE_PERM) | EPAGE_R);
        err = copy_run(child, start, 1, state);
        if (!(state & EPAGE_R))
            epage_protect(start, 1, (state & PAGE_PERM) | EPAGE_R, state & PAGE_PERM);
    }
    return err;
}

static int copy_region(struct mm *mm, struct mm *child, const struct region *r)
{
    size_t n = (r->end - r->start) / PAGE_SIZE, run;
    unsigned state;
    int err = 0;

    for (uaddr_t at = r->start; n > 0 && !err; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if (!(state & PAGE_PRESENT))
            continue;
        if (state & EPAGE_W)
            err = copy_run(child, at, run, state);
        else if (!(state & (PAGE_CLEAN | PAGE_COMMON)))
            err = share_run(mm, child, at, run, state);
    }
    return err;
}

int overlay_copy(struct mm *mm, struct mm *child)
{
    int err = 0;

    child->copied_alone = turn_alone();
    away_init(&child->away);
    child->family = mm->family;
    spin_lock(&overlay_lock);
    member_add_locked(mm->overlay, child);
    spin_unlock(&overlay_lock);
    if (!mm->turn.group)
        turn_join(&mm->overlay->turns, &mm->turn);
    turn_join(&mm->overlay->turns, &child->turn);
    list_for_each(l, &child->regions.list) {
        const struct region *r = list_entry(l, const struct region, link);
        if (!err && region_private(r) && !(r->flags & REGION_WIPEONFORK))
            err = copy_region(mm, child, r);
    }
    return err;
}

/* The child is to find zeros in some of it, so it cannot go on with what is in place. */
static bool has_wiped(const struct mm *child)
{
    list_for_each(l, &child->regions.list)
        if (list_entry(l, const struct region, link)->flags & REGION_WIPEONFORK)
            return true;
    return false;
}

void overlay_child_first(struct mm *mm, struct mm *child)
{
    struct overlay *g = mm->overlay;

    if (has_wiped(child) || !busy_try(g))
        return;
    if (turn_hand_over(&child->turn, child->copied_alone)) {
        /* What is in place is the child's now: the same, but for who has the copies. */
        mm->away = child->away;
        away_init(&child->away);
    }
    overlay_busy_end(g);
}

/* What others have in common with mm */

/*
 * The private region of which what is in place at addr, PAGE_COMMON or PAGE_CLEAN, is this member's too; NULL: none.  *n: of so
 * many pages that is asked, and for so many it is the answer.
 */
static const struct region *pages_theirs(const struct mm *other, uaddr_t addr, size_t *n)
{
    const struct region *r = region_find(&other->regions, addr);
    bool away;

    *n = away_run(&other->away, addr, *n, &away);
    if (r)
        *n = MIN(*n, ((r->start > addr ? r->start : r->end) - addr) / PAGE_SIZE);
    return r && r->start <= addr && region_private(r) && !away ? r : NULL;
}

static void put_away(struct mm *mm, uaddr_t addr, size_t n, unsigned state)
{
    if (away_put(&mm->away, addr, n, (const void *)addr, state) &&
        (!reclaim_room(mm, n) || away_put(&mm->away, addr, n, (const void *)addr, state)))
        mm->lost = true;
}

void common_put_away(struct overlay *g, uaddr_t addr, size_t n, unsigned state,
                     const struct mm *but)
{
    unsigned bare = state & ~PAGE_COMMON;

    if (!(state & EPAGE_R))
        epage_open(addr, n, state & PAGE_PERM, (state & PAGE_PERM) | EPAGE_R);
    list_for_each(l, &g->members) {
        struct mm *other = list_entry(l, struct mm, member_link);
        if (other == but)
            continue;
        for (size_t i = 0, run; i < n; i += run) {
            uaddr_t at = addr + i * PAGE_SIZE;
            run = n - i;
            const struct region *r = pages_theirs(other, at, &run);
            /* It may have lost the permission to write only because it was common (merge.c). */
            if (r)
                put_away(other, at, run,
                         bare & PAGE_CLEAN ? bare : bare | (region_perm(r) & EPAGE_W));
        }
    }
    if (!(state & EPAGE_R))
        epage_protect(addr, n, (state & PAGE_PERM) | EPAGE_R, state & PAGE_PERM);
}

/* Nobody's regions stay in [start, end) from here on. */
static void end_stays(const struct mm *mm, uaddr_t start, uaddr_t end)
{
    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        struct region *r = region_find(&other->regions, start);
        for (; r && r->start < end; r = region_next(&other->regions, r))
            r->stays = false;
    }
}

void overlay_evict(struct mm *mm, const struct region *r, uaddr_t start, uaddr_t end)
{
    size_t n = (end - start) / PAGE_SIZE, run;
    unsigned state;

    if (!overlay_used(mm, start, end))
        return;
    end_stays(mm, start, end);
    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(start, n, &state);
        if (!(state & PAGE_PERM) && !(state & PAGE_PRESENT))
            continue;
        if (r && (state & PAGE_CLEAN) && users_of(mm, r, start, &run) > 0)
            continue;
        if ((state & PAGE_PRESENT) && !(state & PAGE_CLEAN))
            common_put_away(mm->overlay, start, run, state, mm);
        /* Nobody's pages, too: one that ended has left them for those that have theirs put away. */
        pages_give_up(start, run, state);
    }
}

void overlay_break(struct mm *mm, uaddr_t start, size_t n)
{
    unsigned state;

    for (size_t run; n > 0; n -= run, start += run * PAGE_SIZE) {
        run = pagemap_run(start, n, &state);
        common_put_away(mm->overlay, start, run, state, mm);
        pagemap_set(start, run, state & ~PAGE_COMMON);
    }
}

void overlay_share_region(struct mm *mm, const struct region *r)
{
    list_for_each(l, &mm->overlay->members) {
        struct mm *other = list_entry(l, struct mm, member_link);
        struct region *copy;

        if (other == mm || other->family != mm->family ||
            !region_range_free(&other->regions, r->start, r->end))
            continue;
        copy = region_clone(r);
        if (copy)
            region_insert(&other->regions, copy);
    }
}

bool overlay_text_common(const struct mm *mm, uaddr_t addr)
{
    size_t n = 1;

    if (!overlay_shared(mm) || !clean_users(mm, addr, &n))
        return false;
    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        if (other->family != mm->family && member_region(other, addr))
            return false;
    }
    return true;
}

/* Pages that other has in common with those in place: the first *n at addr, or none of these. */
static bool pages_are_theirs(const struct mm *other, uaddr_t addr, size_t *n)
{
    const struct region *r = region_find(&other->regions, addr);

    if (r)
        *n = MIN(*n, ((r->start > addr ? r->start : r->end) - addr) / PAGE_SIZE);
    return r && r->start <= addr && region_private(r);
}

/*
 * A dying member's pages stay, the first *n of one state or none of these: others have them in common, or each
 * will put its own in their place.
 */
static bool pages_stay(const struct mm *mm, uaddr_t addr, size_t *n, unsigned state)
{
    bool common = state & PAGE_COMMON;

    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        bool away;
        if (other == mm)
            continue;
        *n = away_run(&other->away, addr, *n, &away);
        if (!common && !away)
            return false;
        if (common && !away && pages_are_theirs(other, addr, n))
            return true;
    }
    return !common;
}

bool overlay_keep(struct mm *mm, uaddr_t start, size_t *n, unsigned state)
{
    if (state & PAGE_CLEAN)
        return clean_users(mm, start, n) > 0;
    bool stays = pages_stay(mm, start, n, state);
    if (stays && !(state & PAGE_COMMON))
        pagemap_set(start, *n, PAGE_SPARE | (state & PAGE_PERM));
    return stays;
}

/* Reclaim */

/* Who can change pages of g now: its holder, or its only member. */
static struct mm *holder_locked(struct overlay *g) REQUIRES(overlay_lock)
{
    struct turn *t = g->turns.holder;

    if (t)
        return container_of(t, struct mm, turn);
    return g->count == 1 ? list_entry(g->members.next, struct mm, member_link) : NULL;
}

static struct mm *holder_trylock_locked(struct overlay *g) REQUIRES(overlay_lock) NO_TSA
{
    struct mm *mm;

    if (!busy_try(g))
        return NULL;
    mm = holder_locked(g);
    if (mm && mutex_trylock(&mm->lock))
        return mm_grab(mm);
    overlay_busy_end(g);
    return NULL;
}

bool overlay_hold(struct mm *mm, uaddr_t addr, struct overlay_hold *h)
{
    bool ok = true;

    h->locked = NULL;
    spin_lock(&overlay_lock);
    h->overlay = slot_owner(addr);
    if (!h->overlay) {
        h->overlay = &nobody;
        ok = slot_claim(&nobody, addr, addr + 1);
    } else if (h->overlay == &nobody) {
        ok = false;
    } else if (h->overlay != mm->overlay) {
        h->locked = holder_trylock_locked(h->overlay);
        ok = h->locked != NULL;
    }
    spin_unlock(&overlay_lock);
    return ok;
}

void overlay_unhold(struct overlay_hold *h) NO_TSA
{
    if (h->overlay == &nobody)
        slots_release(&nobody);
    if (!h->locked)
        return;
    overlay_busy_end(h->overlay);
    mutex_unlock(&h->locked->lock);
    mm_drop(h->locked);
}
