/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings of shared objects in an address space: regions with r->shm.
 *
 * The object has one place in the enclave, so a second mapping of the same pages in the same process
 * comes to lie on the first one.  Then there is one region that counts both (r->maps); it may do what
 * either may, munmap takes one away, and whatever replaces it (MAP_FIXED, exec, exit) all of them.
 *
 * Lock: mm->lock is held; the object's is taken here.
 */
#include "kernel/mm/heap.h"
#include "kernel/mm/kept.h"
#include "kernel/mm/overlay.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/mm/slot.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/file.h"

#include <linux/errno.h>
#include <linux/mman.h>

static pgoff_t index_of(const struct region *r, uaddr_t addr)
{
    return ((uint64_t)r->off + (addr - r->start)) / PAGE_SIZE;
}

static struct map_rights rights_of(const struct region *r)
{
    return (struct map_rights){r->prot, r->flags & REGION_MAYWRITE};
}

/* Pages first .. end of the object that r shows. */
struct range {
    pgoff_t first, end;
};

static struct range range_of(const struct region *r)
{
    return (struct range){index_of(r, r->start), index_of(r, r->end)};
}

/* Regions' ends are ends of runs, always. */
int shmap_cut(struct region *r, uaddr_t at)
{
    pgoff_t index = index_of(r, at);
    int err;

    mutex_lock(&r->shm->lock);
    err = mapcount_cut(&r->shm->maps, index, index);
    mutex_unlock(&r->shm->lock);
    return err;
}

/* Mappings of r, which have been counted, have come or gone. */
static void tell(const struct region *r, int by)
{
    if (unlikely(r->shm->attached != NULL) && r->off == 0)
        r->shm->attached(r->shm->attached_arg, by);
}

int shmap_fork(struct region *r)
{
    struct range p = range_of(r);
    int err;

    mutex_lock(&r->shm->lock);
    err = mapcount_add(&r->shm->maps, p.first, p.end, rights_of(r));
    mutex_unlock(&r->shm->lock);
    if (!err)
        tell(r, (int)r->maps);
    return err;
}

void shmap_fewer(struct region *r)
{
    r->maps--;
    tell(r, -1);
}

void shmap_unmap(struct region *r)
{
    struct shmem *s = r->shm;
    struct range p = range_of(r);

    mutex_lock(&s->lock);
    mapcount_del(&s->maps, p.first, p.end, rights_of(r));
    /* Its file may be the last through which the object can be written back; as on Linux, munmap tells of no
     * failure. */
    if ((r->flags & REGION_MAYWRITE) && s->ops->write_back && !mapcount_may_write(&s->maps))
        shmem_sync(s, 0, UINT64_MAX);
    if ((s->flags & SHMEM_FORGET) && !mapcount_any(&s->maps, p.first, p.end)) {
        size_t gone = shmem_drop(s, p.first, p.end);
        if (gone && s->ops->forgot)
            s->ops->forgot(s, gone);
    }
    shmem_window_idle(s, p.first, p.end);
    shmem_protect(s, p.first, p.end);
    mutex_unlock(&s->lock);
    tell(r, -(int)r->maps);
}

static void rights_change(struct region *r, struct map_rights to)
{
    struct range p = range_of(r);

    mapcount_change(&r->shm->maps, p.first, p.end, rights_of(r), to);
    shmem_protect(r->shm, p.first, p.end);
    r->prot = to.prot;
    r->flags |= to.may_write ? REGION_MAYWRITE : 0;
}

void shmap_protect(struct region *r, unsigned prot)
{
    mutex_lock(&r->shm->lock);
    /* Which of several mappings is meant nobody can say: none of them loses anything. */
    rights_change(
        r, (struct map_rights){r->maps > 1 ? r->prot | prot : prot, r->flags & REGION_MAYWRITE});
    mutex_unlock(&r->shm->lock);
}

/* Touching */

/* The part of w that lies in the same window as page. */
static struct shmem_fill fill_of(const struct region *r, uaddr_t page, struct fault_window w)
{
    struct shmem_fill f = {.file = r->file, .need = index_of(r, page), .n = w.n};

    f.first = index_of(r, w.start);
    return f;
}

static int fault_absent(struct mm *mm, struct region *r, uaddr_t page)
{
    struct shmem *s = r->shm;
    size_t max = s->ops->write_back ? SHMEM_STAGING : FAULT_PAGES_MAX;
    struct fault_window w = window_choose(r, page, max);
    struct shmem_fill f = fill_of(r, page, w);
    int err;

    f.mm = mm;
    err = s->ops->fill(s, &f);
    if (err && f.n > 1) {
        w = (struct fault_window){page, 1};
        f.first = f.need;
        f.n = 1;
        err = s->ops->fill(s, &f);
    }
    if (!err)
        window_note(r, w);
    return err;
}

int shmap_fault(struct mm *mm, struct region *r, uaddr_t page, unsigned access)
{
    int err = 0;

    mutex_lock(&r->shm->lock);
    if (!(pagemap_get(page) & PAGE_PRESENT))
        err = fault_absent(mm, r, page);
    if (!err)
        shmem_touch(r->shm, index_of(r, page), access);
    mutex_unlock(&r->shm->lock);
    return err;
}

int shmap_populate(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end)
{
    struct shmem_fill f = {.mm = mm, .file = r->file};
    int err = 0;

    mutex_lock(&r->shm->lock);
    for (uaddr_t at = start; at < end && !err && r->prot; at += f.n * PAGE_SIZE) {
        f.first = f.need = index_of(r, at);
        f.n = MIN((end - at) / PAGE_SIZE, STAGING_PAGES);
        err = r->shm->ops->fill(r->shm, &f);
    }
    mutex_unlock(&r->shm->lock);
    return err == -EIO ? 0 : err; /* beyond the end there is nothing to bring in */
}

int shmap_sync(struct region *r, uaddr_t start, uaddr_t end)
{
    int err;

    mutex_lock(&r->shm->lock);
    err = shmem_sync(r->shm, index_of(r, start), index_of(r, end));
    mutex_unlock(&r->shm->lock);
    return err;
}

/* Mapping */

/* [want, want + len), where the program wants the mapping, is or can become the object's place. */
static int place_asked(struct mm *mm, const struct map_args *a, struct list *dead)
{
    pgoff_t first = (uint64_t)a->off / PAGE_SIZE;
    uaddr_t end = a->addr + a->len, at;
    int64_t place;
    int err;

    mutex_lock(&a->shm->lock);
    at = shmem_where(a->shm, first, a->len / PAGE_SIZE);
    mutex_unlock(&a->shm->lock);
    if ((a->flags & MAP_FIXED_NOREPLACE) && !region_range_free(&mm->regions, a->addr, end))
        return -EEXIST;
    if (at == a->addr)
        return 0;
    place = map_place(mm, a->addr, a->len, a->flags);
    if (place < 0)
        return (int)place;
    err = unmap_locked(mm, a->addr, end, dead);
    if (err)
        return err;
    if (overlay_used(mm, a->addr, end) || shmem_used(a->addr, end))
        return (int)reject(-EINVAL, "shared memory where another process has memory");
    kept_forget(mm, a->addr, end);
    list_move_all(dead, &mm->kept_dead);
    pages_remove(mm, a->addr, end); /* spare ones */
    return 0;
}

/* Where the mapping will be; from then on the object has addresses there. */
static int64_t place(struct mm *mm, const struct map_args *a, struct list *dead)
{
    uaddr_t want = 0;
    int64_t at;

    if (a->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        int err = place_asked(mm, a, dead);
        if (err)
            return err;
        want = a->addr;
    }
    mutex_lock(&a->shm->lock);
    at = shmem_place(a->shm, (uint64_t)a->off / PAGE_SIZE, a->len / PAGE_SIZE, want);
    mutex_unlock(&a->shm->lock);
    if (at == -EINVAL)
        return reject(-EINVAL, "shared memory that is in use has another place already");
    if (at == -ENOMEM)
        return reject(-ENOMEM, "no addresses left for shared memory");
    return at;
}

/* A region for [start, end), counted but not in the tree yet. */
static struct region *region_for(const struct map_args *a, uaddr_t at, uaddr_t start, uaddr_t end)
{
    struct region *r = region_new();
    struct range p;

    if (!r)
        return NULL;
    r->start = start;
    r->end = end;
    r->prot = a->prot;
    r->flags = map_region_flags(a);
    r->file = a->file ? file_get(a->file) : NULL;
    r->off = a->off + (int64_t)(start - at);
    r->name = a->name;
    r->shm = a->shm;
    r->maps = 1;
    p = range_of(r);
    if (!mapcount_add(&r->shm->maps, p.first, p.end, rights_of(r)))
        return r;
    region_free(r);
    return NULL;
}

/* Regions for what of [at, end) has none yet. */
static int fresh_make(struct mm *mm, const struct map_args *a, uaddr_t at, struct list *fresh)
{
    uaddr_t start = at, end = at + a->len;

    while (start < end) {
        const struct region *next = region_find(&mm->regions, start);
        uaddr_t stop = next ? MIN(MAX(next->start, start), end) : end;

        if (stop > start) {
            struct region *r = region_for(a, at, start, stop);
            if (!r)
                return -ENOMEM;
            list_add_tail(fresh, &r->link);
        }
        start = next ? MAX(next->end, stop) : end;
    }
    return 0;
}

static void fresh_undo(struct list *fresh, struct list *dead)
{
    struct list *l;

    while ((l = list_pop(fresh)) != NULL) {
        struct region *r = list_entry(l, struct region, link);
        struct range p = range_of(r);

        mapcount_del(&r->shm->maps, p.first, p.end, rights_of(r));
        list_add_tail(dead, &r->link);
    }
}

/*
 * A mapping at a place that was asked for takes the place of the one that is there.  But where there were two at
 * some time, the program may mean the place of the one that it has given up: this is another then.
 */
static bool is_instead(const struct map_args *a, const struct region *r)
{
    return (a->flags & MAP_FIXED) && !(r->flags & REGION_ALIASED);
}

/* One more mapping of what is mapped in [at, end) already; or another instead. */
static void again(struct mm *mm, const struct map_args *a, uaddr_t at)
{
    struct region *r = region_find(&mm->regions, at);

    for (; r && r->start < at + a->len; r = region_next(&mm->regions, r)) {
        struct map_rights m = {a->prot, map_region_flags(a) & REGION_MAYWRITE};

        if (!is_instead(a, r)) {
            r->maps++;
            r->flags |= REGION_ALIASED;
            m.prot |= r->prot;
        }
        m.may_write = m.may_write || (r->flags & REGION_MAYWRITE);
        rights_change(r, m);
    }
}

static int map_at(struct mm *mm, const struct map_args *a, uaddr_t at, struct list *dead)
{
    struct list fresh = LIST_INIT(fresh), *l;
    const struct region *first = region_find(&mm->regions, at);
    bool instead = first && first->start <= at && is_instead(a, first);
    int err = mm->regions.count >= REGION_MAX ? -ENOMEM : 0;

    if (!err)
        err = region_isolate(&mm->regions, at, at + a->len);
    if (err)
        return err;
    mutex_lock(&a->shm->lock);
    err = a->shm->sealed && (map_region_flags(a) & REGION_MAYWRITE) ? -EPERM
                                                                    : fresh_make(mm, a, at, &fresh);
    if (err) {
        fresh_undo(&fresh, dead);
        shmem_window_idle(a->shm, (uint64_t)a->off / PAGE_SIZE,
                          ((uint64_t)a->off + a->len) / PAGE_SIZE);
        mutex_unlock(&a->shm->lock);
        return err;
    }
    again(mm, a, at);
    while ((l = list_pop(&fresh)) != NULL) {
        struct region *r = list_entry(l, struct region, link);
        struct range p = range_of(r);

        region_insert(&mm->regions, r);
        shmem_protect(r->shm, p.first, p.end);
    }
    mutex_unlock(&a->shm->lock);
    if (!a->off && !instead)
        tell(region_find(&mm->regions, at), 1);
    region_merge_range(&mm->regions, at, at + a->len);
    return 0;
}

int shmap_detach(struct mm *mm, uaddr_t addr, void (*whose)(void *, int), struct list *dead)
{
    const struct region *r = region_find(&mm->regions, addr);
    const struct shmem *s;
    uaddr_t at;

    /* Whatever piece is left says where the whole was attached. */
    while (r && (!r->shm || r->shm->attached != whose || r->start - addr != (uint64_t)r->off))
        r = region_next(&mm->regions, r);
    if (!r)
        return -EINVAL;
    at = r->start;
    s = r->shm;
    for (;;) {
        int err;

        r = region_find(&mm->regions, at);
        if (!r || r->shm != s || r->start - addr != (uint64_t)r->off)
            return 0;
        at = r->end;
        err = munmap_locked(mm, r->start, r->end, dead);
        if (err)
            return err;
    }
}

int64_t shmap_map(struct mm *mm, const struct map_args *a, struct list *dead)
{
    int64_t at;
    int err = mm_may_expand(mm, a->len, a->prot, REGION_SHARED);

    if (err)
        return err;
    at = place(mm, a, dead);
    if (at < 0)
        return at;
    err = map_at(mm, a, (uaddr_t)at, dead);
    return err ? err : at;
}

int64_t mm_map_object(struct mm *mm, struct shmem *s, pgoff_t first, size_t n, unsigned prot,
                      const char *name)
{
    struct map_args a = {.len = n * PAGE_SIZE,
                         .prot = prot,
                         .flags = MAP_SHARED,
                         .off = (int64_t)(first * PAGE_SIZE),
                         .name = name,
                         .shm = s,
                         .no_write = !(prot & MM_WRITE)};
    struct list dead = LIST_INIT(dead);

    mutex_lock(&mm->lock);
    int64_t at = map_locked(mm, &a, &dead);
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    return at;
}

int64_t shmem_keep_mapped(struct shmem *s, pgoff_t first, size_t n, unsigned prot)
{
    mutex_lock(&s->lock);
    int64_t at = shmem_place(s, first, n, 0);
    if (at >= 0 &&
        mapcount_add(&s->maps, first, first + n, (struct map_rights){prot, (prot & MM_WRITE) != 0}))
        at = -ENOMEM;
    mutex_unlock(&s->lock);
    return at;
}
