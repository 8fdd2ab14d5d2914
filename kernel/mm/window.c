/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of shared objects.
 *
 * All windows are in one tree: those in the shared part of the addresses, whole units of 2 MiB (a leaf of
 * the page map) with room for an object that may grow, and those that lie where a program asked for
 * them, in its own part.  The latter go, wholly or in part, as soon as nobody maps them, because private
 * memory may come there; the former stay for the next mapping, as long as the kind could not
 * bring the pages in again by itself and addresses are plenty.
 *
 * Lock: the zone's, a spin lock, for the tree; an object's for its own windows.
 */
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/mm/slot.h"

#include <linux/errno.h>

#define UNIT (2UL << 20)
#define ROOM_PAGES \
    16384UL           /* 64 MiB: windows of files end (and begin) at multiples of it, if they can */
#define ROOM_SHARE 64 /* of the zone: larger windows get no room to spare */

static struct {
    struct spinlock lock;
    struct region_tree tree; /* [l] */
    size_t asked;            /* [a] windows in programs' own parts */
    uint64_t used;           /* [l] bytes of the shared part */
    bool ready;              /* [l] */
} zone;

static void zone_lock(void) ACQUIRE(zone.lock)
{
    spin_lock(&zone.lock);
    if (likely(zone.ready))
        return;
    region_tree_init(&zone.tree, USER_MIN, kernel.params->kernel_base);
    zone.ready = true;
}

static uint64_t zone_size(void)
{
    return kernel.params->kernel_base - slots_end();
}

bool shmem_is_shared(uaddr_t addr)
{
    return addr >= slots_end() || shmem_used(addr, addr + 1);
}

uaddr_t shmem_used(uaddr_t start, uaddr_t end)
{
    const struct region *r;
    uaddr_t at = 0;

    if (end <= slots_end() && !__atomic_load_n(&zone.asked, __ATOMIC_RELAXED))
        return 0;
    zone_lock();
    r = region_find(&zone.tree, start);
    if (r && r->start < end)
        at = MAX(r->start, start);
    spin_unlock(&zone.lock);
    return at;
}

/* An object's windows */

static struct shmem_window *window_of(struct list *l)
{
    return list_entry(l, struct shmem_window, link);
}

bool shmem_part(const struct shmem *s, pgoff_t *at, pgoff_t end, struct shmem_part *out)
{
    list_for_each(it, &s->windows) {
        const struct shmem_window *w = window_of(it);
        pgoff_t first = MAX(*at, w->first), last = MIN(end, w->end);

        if (first >= last)
            continue;
        *out = (struct shmem_part){first, last - first,
                                   w->place.start + (first - w->first) * PAGE_SIZE};
        *at = last;
        return true;
    }
    return false;
}

uaddr_t shmem_where(const struct shmem *s, pgoff_t first, size_t n)
{
    pgoff_t at = first, end = first + n;
    struct shmem_part p, next;
    uaddr_t addr;

    if (!shmem_part(s, &at, end, &p) || p.index != first)
        return 0;
    /* Windows that continue each other are as good as one. */
    for (addr = p.addr; at < end; p = next)
        if (!shmem_part(s, &at, end, &next) || next.index != p.index + p.n ||
            next.addr != p.addr + p.n * PAGE_SIZE)
            return 0;
    return addr;
}

static void window_add(struct shmem *s, struct shmem_window *w)
{
    struct list *next = s->windows.next;

    while (next != &s->windows && window_of(next)->first < w->first)
        next = next->next;
    list_add_between(&w->link, next->prev, next);
}

static void window_free(struct shmem_window *w)
{
    list_del(&w->link);
    zone_lock();
    zone.used -= w->asked ? 0 : w->place.end - w->place.start;
    region_remove(&zone.tree, &w->place);
    spin_unlock(&zone.lock);
    if (w->asked)
        __atomic_fetch_sub(&zone.asked, 1, __ATOMIC_RELAXED);
    kfree(w);
}

void shmem_windows_free(struct shmem *s)
{
    list_for_each_safe(l, &s->windows)
        window_free(window_of(l));
}

/* New ones */

/* [start, end), or len bytes of the shared part (start 0), become w's: false when they are not free. */
static bool zone_take(struct shmem_window *w, uaddr_t start, uint64_t len)
{
    bool ok;

    zone_lock();
    if (!start)
        start = region_find_gap(&zone.tree, len, slots_end(), zone.tree.high);
    ok = start && region_range_free(&zone.tree, start, start + len);
    if (ok) {
        w->place.start = start;
        w->place.end = start + len;
        region_insert(&zone.tree, &w->place);
        zone.used += w->asked ? 0 : len;
    }
    spin_unlock(&zone.lock);
    return ok;
}

static bool zone_tight(void)
{
    return __atomic_load_n(&zone.used, __ATOMIC_RELAXED) > zone_size() / 2;
}

/* What other windows leave to a new one that holds [first, end). */
static struct shmem_part window_bounds(const struct shmem *s, pgoff_t first)
{
    pgoff_t low = 0, high = UINT64_MAX;

    list_for_each(it, &s->windows) {
        const struct shmem_window *w = window_of(it);
        if (w->first < first)
            low = w->end;
        else
            high = MIN(high, w->first);
    }
    return (struct shmem_part){.index = low, .n = high - low};
}

/* w becomes the pages [first, end), rounded to multiples of `unit` pages as far as others leave room. */
static bool window_take(const struct shmem *s, struct shmem_window *w, pgoff_t first, pgoff_t end,
                        size_t unit)
{
    struct shmem_part room = window_bounds(s, first);

    w->first = MAX(ALIGN_DOWN(first, unit), room.index);
    w->end = MIN(ALIGN_UP(end, unit), room.index + room.n);
    return zone_take(w, 0, ALIGN_UP((w->end - w->first) * PAGE_SIZE, UNIT));
}

/* [want, …) in the shared part becomes the place of [first, end): the units that it lies in. */
static bool window_take_at(const struct shmem *s, struct shmem_window *w, pgoff_t first,
                           pgoff_t end, uaddr_t want)
{
    struct shmem_part room = window_bounds(s, first);
    size_t before = want % UNIT / PAGE_SIZE;

    if (first < room.index + before)
        return false;
    w->first = first - before;
    w->end = MIN(w->first + ALIGN_UP(end - w->first, UNIT / PAGE_SIZE), room.index + room.n);
    return zone_take(w, want - before * PAGE_SIZE, ALIGN_UP((w->end - w->first) * PAGE_SIZE, UNIT));
}

static bool wants_room(const struct shmem *s, size_t n)
{
    return !(s->flags & SHMEM_EXACT) && !zone_tight() && n < zone_size() / PAGE_SIZE / ROOM_SHARE;
}

static struct shmem_window *window_new(struct shmem *s, pgoff_t first, size_t n, uaddr_t want)
{
    struct shmem_window *w = kzalloc(sizeof(*w));
    bool ok = false;

    if (!w)
        return NULL;
    w->first = first;
    w->end = first + n;
    w->asked = want && want < slots_end();
    if (w->asked) {
        ok = zone_take(w, want, n * PAGE_SIZE);
    } else if (want) {
        ok = window_take_at(s, w, first, first + n, want);
    } else {
        if (wants_room(s, n))
            ok = window_take(s, w, first, first + 2 * n, ROOM_PAGES);
        ok = ok || window_take(s, w, first, first + n, UNIT / PAGE_SIZE);
    }
    if (!ok) {
        kfree(w);
        return NULL;
    }
    if (w->asked)
        __atomic_fetch_add(&zone.asked, 1, __ATOMIC_RELAXED);
    window_add(s, w);
    return w;
}

/* w has addresses for pages up to end: they follow directly and are free. */
static bool window_grow(struct shmem *s, struct shmem_window *w, pgoff_t end)
{
    struct shmem_part room = window_bounds(s, w->end);
    pgoff_t to = MIN(ALIGN_UP(end, UNIT / PAGE_SIZE), room.index + room.n);
    uaddr_t stop = w->place.start + ALIGN_UP((to - w->first) * PAGE_SIZE, UNIT);
    bool ok;

    if (w->asked || to < end)
        return false;
    zone_lock();
    ok = stop <= w->place.end ||
         (stop <= zone.tree.high && region_range_free(&zone.tree, w->place.end, stop));
    if (ok && stop > w->place.end) {
        zone.used += stop - w->place.end;
        region_resize(&zone.tree, &w->place, w->place.start, stop);
    }
    spin_unlock(&zone.lock);
    w->end = ok ? to : w->end;
    return ok;
}

/* The first window with pages of [first, end), or NULL. */
static struct shmem_window *window_overlaps(const struct shmem *s, pgoff_t first, pgoff_t end)
{
    list_for_each(it, &s->windows) {
        struct shmem_window *w = window_of(it);
        if (w->first < end && w->end > first)
            return w;
    }
    return NULL;
}

int64_t shmem_place(struct shmem *s, pgoff_t first, size_t n, uaddr_t want)
{
    uaddr_t addr = shmem_where(s, first, n);
    struct shmem_window *w;

    if (addr && (!want || want == addr))
        return (int64_t)addr;
    while ((w = window_overlaps(s, first, first + n)) != NULL) {
        if (mapcount_any(&s->maps, w->first, w->end)) {
            if (want || w->first > first || !window_grow(s, w, first + n))
                return -EINVAL;
            return (int64_t)shmem_where(s, first, n);
        }
        if (shmem_evict(s, w->first, w->end))
            return -ENOMEM;
        window_free(w);
    }
    w = window_new(s, first, n, want);
    return w ? (int64_t)shmem_where(s, first, n) : -ENOMEM;
}

/* Old ones */

/* An asked window loses the pages [first, end), which are gone; false when there is no memory to cut it in two. */
static bool window_cut(struct shmem *s, struct shmem_window *w, pgoff_t first, pgoff_t end)
{
    uaddr_t from = w->place.start + (first - w->first) * PAGE_SIZE;
    uaddr_t to = from + (end - first) * PAGE_SIZE, old_end = w->place.end;
    struct shmem_window *upper = NULL;

    if (from > w->place.start && to < old_end && !(upper = kzalloc(sizeof(*upper))))
        return false;
    if (from == w->place.start && to == old_end) {
        window_free(w);
        return true;
    }
    zone_lock();
    if (upper) {
        upper->first = end;
        upper->end = w->end;
        upper->asked = true;
    }
    if (from == w->place.start) {
        w->first = end;
        region_resize(&zone.tree, &w->place, to, old_end);
    } else {
        w->end = first;
        region_resize(&zone.tree, &w->place, w->place.start, from);
    }
    if (upper) {
        upper->place.start = to;
        upper->place.end = old_end;
        region_insert(&zone.tree, &upper->place);
    }
    spin_unlock(&zone.lock);
    if (upper) {
        __atomic_fetch_add(&zone.asked, 1, __ATOMIC_RELAXED);
        window_add(s, upper);
    }
    return true;
}

/* Gives up what nobody maps of a window at a program's own addresses; the number of the page behind. */
static pgoff_t asked_idle(struct shmem *s, struct shmem_window *w, pgoff_t first, pgoff_t end)
{
    struct mapcount_look look = mapcount_look(&s->maps, first, end);

    if (!look.mapped && !shmem_evict(s, first, look.end))
        (void)window_cut(s, w, first, look.end);
    return look.end;
}

void shmem_window_idle(struct shmem *s, pgoff_t first, pgoff_t end)
{
    while (first < end) {
        struct shmem_window *w = window_overlaps(s, first, end);
        pgoff_t last;

        if (!w)
            return;
        last = MIN(w->end, end);
        first = MAX(first, w->first);
        if (w->asked) {
            first = asked_idle(s, w, first, last);
            continue;
        }
        first = last;
        if (mapcount_any(&s->maps, w->first, w->end))
            continue;
        if (s->ops->keep && !(s->flags & SHMEM_FORGET) && !zone_tight())
            continue;
        if (!shmem_evict(s, w->first, w->end))
            window_free(w);
    }
}
