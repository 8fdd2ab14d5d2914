/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making, removing and re-protecting mappings, for the system calls (mmap.c …) and for the kernel's
 * own loader.  Regions that go away are collected on a `dead` list and freed after mm->lock is
 * released, since the last reference to a file may close it.
 *
 * Placement is Linux's within what is ours (slot.h): a free hint is honoured, else the highest gap below
 * mmap_base that fits; when there is none, addresses that no process has.
 */
#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/kept.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/mm/slot.h"
#include "kernel/sys/patch.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#define LOW_32BIT 0x40000000UL /* where MAP_32BIT puts things */
#define HIGH_32BIT 0x80000000UL

bool map_claim(struct mm *mm, uaddr_t addr, uint64_t len)
{
    if (addr >= slots_end())
        return true;
    if (mm->guest)
        return slot_is(mm->overlay, addr, addr + len);
    for (uaddr_t at = addr; !slot_claim(mm->overlay, addr, addr + len); at = slot_unit_end(at)) {
        while (at < addr + len && !kept_hand_over(mm, at))
            at = slot_unit_end(at);
        if (at >= addr + len)
            return false;
    }
    return true;
}

static int64_t place_fixed(struct mm *mm, uaddr_t addr, uint64_t len, unsigned flags)
{
    if (addr > mm->regions.high - len)
        return -ENOMEM;
    if (addr % PAGE_SIZE)
        return -EINVAL;
    if (addr < mm->regions.low)
        return -EPERM;
    if ((flags & MAP_FIXED_NOREPLACE) && !region_range_free(&mm->regions, addr, addr + len))
        return -EEXIST;
    if (!map_claim(mm, addr, len))
        return reject(-ENOMEM, "these addresses are another process's");
    return (int64_t)addr;
}

/* Where [start, end) is in use by others: by another member of our group, or as shared memory; or 0. */
static uaddr_t others_use(const struct mm *mm, uaddr_t start, uaddr_t end)
{
    uaddr_t used = overlay_used(mm, start, end);

    return used ? used : shmem_used(start, end);
}

/* The highest free range in [low, high), which is ours, that nobody else uses either. */
static uaddr_t place_gap(struct mm *mm, uint64_t len, uaddr_t low, uaddr_t high)
{
    uaddr_t found, used;

    found = region_find_gap(&mm->regions, len, low, MIN(high, slots_end()));
    while (found && (used = others_use(mm, found, found + len)) != 0)
        found = region_find_gap(&mm->regions, len, low, used);
    return found;
}

static uaddr_t place_32bit(struct mm *mm, uint64_t len)
{
    uaddr_t high = HIGH_32BIT, found;

    while ((found = place_gap(mm, len, LOW_32BIT, high)) != 0 && !map_claim(mm, found, len))
        high = found;
    return found;
}

/* Wherever there is room: at home below the stack, in what else is ours, in what nobody has. */
static uaddr_t place_anywhere(struct mm *mm, uint64_t len)
{
    uaddr_t found = place_gap(mm, len, mm->home, mm->mmap_base), at = slots_end(), start, end;

    while (!found && slot_below(mm->overlay, at, &start, &end)) {
        if (start != mm->home)
            found = place_gap(mm, len, start, end);
        at = start;
    }
    if (!found && !mm->guest && len < slots_end() &&
        (start = slot_take(mm->overlay, len, mm_randomizes())) != 0)
        found = place_gap(mm, len, start, slots_end());
    return found ? found : place_gap(mm, len, mm->home, mm->home_end);
}

uaddr_t map_gap_near(struct mm *mm, uint64_t len, uaddr_t low, uaddr_t high)
{
    uaddr_t found = 0, at = slots_end(), start, end;

    while (!found && slot_below(mm->overlay, at, &start, &end)) {
        found = place_gap(mm, len, MAX(low, start), MIN(high, end));
        at = start;
    }
    return found;
}

int64_t map_place(struct mm *mm, uaddr_t addr, uint64_t len, unsigned flags)
{
    const struct region_tree *t = &mm->regions;
    uaddr_t found;

    if (len > t->high)
        return -ENOMEM;
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
        return place_fixed(mm, addr, len, flags);
    addr = ALIGN_DOWN(addr, PAGE_SIZE);
    if (addr) {
        addr = MAX(addr, t->low);
        if (region_gap_ok(t, addr, len) && addr < slots_end() &&
            !others_use(mm, addr, addr + len) && map_claim(mm, addr, len))
            return (int64_t)addr;
    }
    found = flags & MAP_32BIT ? place_32bit(mm, len) : place_anywhere(mm, len);
    return found ? (int64_t)found : -ENOMEM;
}

unsigned map_region_flags(const struct map_args *a)
{
    unsigned shared = (a->flags & MAP_TYPE) != MAP_PRIVATE ? REGION_SHARED : 0;
    bool may_write = !shared || (!a->no_write && (!a->file || FMODE_WRITE(a->file)));

    return shared | (may_write ? REGION_MAYWRITE : 0) |
           (a->flags & MAP_GROWSDOWN ? REGION_GROWSDOWN : 0) |
           (a->flags & MAP_NORESERVE ? REGION_NORESERVE : 0) |
           (a->flags & MAP_STACK ? REGION_STACK : 0);
}

static bool wants_eager(const struct region *r)
{
    return (r->prot & MM_WRITE) && !(r->flags & (REGION_NORESERVE | REGION_GROWSDOWN)) &&
           r->end - r->start <= EAGER_BYTES;
}

/* Files that do not change have none. */
static void file_version_get(struct file *f, struct file_version *v)
{
    struct statx st;

    if (!f->inode || !(f->inode->super->flags & SUPER_HOST) || file_stat(f, &st))
        return;
    v->size = st.stx_size;
    v->mtime = st.stx_mtime.tv_sec * 1000000000 + st.stx_mtime.tv_nsec;
    v->ctime = st.stx_ctime.tv_sec * 1000000000 + st.stx_ctime.tv_nsec;
}

static struct region *region_make(const struct map_args *a, uaddr_t start)
{
    struct region *r = region_new();

    if (!r)
        return NULL;
    r->start = start;
    r->end = start + a->len;
    r->prot = a->prot;
    r->flags = map_region_flags(a);
    r->file = a->file ? file_get(a->file) : NULL;
    r->off = a->off;
    r->name = a->name;
    if (r->file)
        cut_note(r->file);
    if (r->file && (r->prot & MM_WRITE))
        r->flags |= REGION_WRITTEN;
    else if (r->file)
        file_version_get(r->file, &r->version);
    return r;
}

int64_t map_locked(struct mm *mm, const struct map_args *a, struct list *dead)
{
    struct region *r;
    int64_t start;
    int err;

    if (a->shm)
        return shmap_map(mm, a, dead);
    start = map_place(mm, a->addr, a->len, a->flags);
    if (start < 0)
        return start;
    if ((uaddr_t)start + a->len > slots_end())
        return reject(-ENOMEM, "these addresses are for shared memory only");
    if (mm->regions.count >= REGION_MAX)
        return -ENOMEM;
    r = region_make(a, (uaddr_t)start);
    if (!r)
        return -ENOMEM;
    err = mm_may_expand(mm, a->len, r->prot, r->flags);
    if (!err)
        err = unmap_locked(mm, r->start, r->end, dead);
    if (!err && shmem_used(r->start, r->end))
        err = (int)reject(-ENOMEM, "another process shares memory at these addresses");
    if (!err) {
        overlay_evict(mm, r, r->start, r->end);
        kept_settle(mm, r);
        list_move_all(dead, &mm->kept_dead);
    }
    if (!err && wants_eager(r)) {
        err = region_populate(mm, r, r->start, r->end);
        if (r->file)
            err = 0; /* what cannot be read now is the faults' to tell */
    }
    if (err) {
        pages_drop(mm, r->start, r->end);
        list_add_tail(dead, &r->link);
        return err;
    }
    region_insert(&mm->regions, r);
    region_merge(&mm->regions, r);
    return start;
}

int unmap_locked(struct mm *mm, uaddr_t start, uaddr_t end, struct list *dead)
{
    struct region_tree *t = &mm->regions;
    struct region *r;
    int err = region_isolate(t, start, end);

    if (err)
        return err;
    mm_note_peak(mm, end - start);
    while ((r = region_find(t, start)) != NULL && r->start < end) {
        if (r->shm) {
            shmap_unmap(r);
        } else {
            pages_drop(mm, r->start, r->end);
            if (r->prot & MM_EXEC)
                patch_range_gone(mm, r->start, r->end);
        }
        region_remove(t, r);
        list_add_tail(dead, &r->link);
    }
    return 0;
}

/* What the program asks for: of shared memory that it has mapped more than once, one mapping goes. */
int munmap_locked(struct mm *mm, uaddr_t start, uaddr_t end, struct list *dead)
{
    int err = region_isolate(&mm->regions, start, end);

    kept_forget(mm, start, end);
    list_move_all(dead, &mm->kept_dead);
    for (uaddr_t at = start; at < end && !err;) {
        struct region *r = region_find(&mm->regions, at);

        if (!r || r->start >= end)
            break;
        at = r->end;
        if (r->maps > 1)
            shmap_fewer(r);
        else
            err = unmap_locked(mm, r->start, r->end, dead);
    }
    region_merge_range(&mm->regions, start, end);
    return err;
}

/* Applies prot to the regions from r on up to end; they are isolated. */
static int protect_regions(struct mm *mm, struct region *r, uaddr_t end, unsigned prot)
{
    uaddr_t at = r->start;

    for (; r && r->start < end; r = region_next(&mm->regions, r)) {
        if (r->start != at)
            return -ENOMEM;
        if ((prot & MM_WRITE) && !(r->flags & REGION_MAYWRITE))
            return -EACCES;
        at = r->end;
        if (r->prot == prot)
            continue;
        if (mm_may_expand(mm, 0, prot, r->flags))
            return -ENOMEM;
        if (r->shm) {
            shmap_protect(r, prot);
            continue;
        }
        kept_forget(mm, r->start, r->end);
        if (r->flags & REGION_KERNEL)
            patch_range_gone(mm, r->start, r->end);
        r->prot = prot;
        if (prot & MM_WRITE)
            r->flags |= r->file ? REGION_WRITTEN : 0;
        pages_protect(mm, r, r->start, r->end);
    }
    return at < end ? -ENOMEM : 0;
}

int protect_locked(struct mm *mm, uaddr_t start, uaddr_t end, unsigned prot)
{
    struct region *r = region_find(&mm->regions, start);
    int err;

    if (!r || r->start > start)
        return -ENOMEM;
    err = region_isolate(&mm->regions, start, end);
    if (err)
        return err;
    err = protect_regions(mm, region_find(&mm->regions, start), end, prot);
    region_merge_range(&mm->regions, start, end);
    return err;
}

/* The kernel's own mappings */

int64_t mm_place(struct mm *mm, uaddr_t hint, size_t len)
{
    int64_t at;

    if (len == 0 || ALIGN_UP(len, PAGE_SIZE) == 0)
        return -ENOMEM;
    mutex_lock(&mm->lock);
    at = map_place(mm, hint, ALIGN_UP(len, PAGE_SIZE), 0);
    mutex_unlock(&mm->lock);
    return at;
}

int mm_claim(struct mm *mm, uaddr_t start, uaddr_t end)
{
    int64_t at;

    start = ALIGN_DOWN(start, PAGE_SIZE);
    mutex_lock(&mm->lock);
    at = map_place(mm, start, ALIGN_UP(end - start, PAGE_SIZE), MAP_FIXED_NOREPLACE);
    mutex_unlock(&mm->lock);
    return at < 0 ? (int)at : 0;
}

int64_t mm_map(struct mm *mm, uaddr_t addr, size_t len, unsigned prot, unsigned flags,
               struct file *file, int64_t off, const char *name)
{
    struct map_args a = {.addr = addr,
                         .len = ALIGN_UP(len, PAGE_SIZE),
                         .prot = prot,
                         .flags = flags,
                         .file = file,
                         .off = off,
                         .name = name};
    struct list dead = LIST_INIT(dead);
    int64_t ret;

    if (a.len == 0)
        return len ? -ENOMEM : -EINVAL;
    if (off % (int64_t)PAGE_SIZE || off < 0)
        return -EINVAL;
    if (file && !file->ops->mmap)
        return -ENODEV;
    if (file) {
        int err = file->ops->mmap(file, prot, flags);
        a.no_write = err == FILE_MMAP_NO_WRITE;
        if (err >= 0 && (flags & MAP_TYPE) != MAP_PRIVATE && file->ops->share)
            err = file->ops->share(file, &a.shm);
        if (err < 0)
            return err;
    }
    if ((flags & MAP_GROWSDOWN) && addr == 0 && a.len <= mm->stack_top) {
        a.addr = mm->stack_top - a.len;
        a.flags |= MAP_FIXED_NOREPLACE;
    }
    mutex_lock(&mm->lock);
    ret = map_locked(mm, &a, &dead);
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    return ret;
}

int mm_unmap(struct mm *mm, uaddr_t addr, size_t len)
{
    struct list dead = LIST_INIT(dead);
    int err;

    if (addr % PAGE_SIZE || addr > mm->regions.high || len > mm->regions.high - addr)
        return -EINVAL;
    len = ALIGN_UP(len, PAGE_SIZE);
    if (len == 0)
        return -EINVAL;
    mutex_lock(&mm->lock);
    err = munmap_locked(mm, addr, addr + len, &dead);
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    return err;
}

int mm_detach(struct mm *mm, uaddr_t addr, void (*whose)(void *, int))
{
    struct list dead = LIST_INIT(dead);
    int err;

    mutex_lock(&mm->lock);
    err = shmap_detach(mm, addr, whose, &dead);
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    return err;
}

int mm_protect(struct mm *mm, uaddr_t addr, size_t len, unsigned prot)
{
    int err;

    if (addr % PAGE_SIZE)
        return -EINVAL;
    if (len == 0)
        return 0;
    len = ALIGN_UP(len, PAGE_SIZE);
    if (len == 0 || addr + len <= addr)
        return -ENOMEM;
    mutex_lock(&mm->lock);
    err = protect_locked(mm, addr, addr + len, prot);
    mutex_unlock(&mm->lock);
    return err;
}
