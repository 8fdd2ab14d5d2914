/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mremap.  Pages of an enclave cannot change their address, so a move copies: EACCEPTCOPY to the new
 * place, then the old pages are removed, a few at a time.  A mapping that had to be moved to grow is put at the
 * bottom of a gap twice its size, so that the next growth is in place.  Shared memory never moves.
 */
#include "abi/host/layout.h"
#include "kernel/mm/kept.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/file.h"

#include <linux/errno.h>
#include <linux/mman.h>

#include "kernel/sys/syscalls.h"

struct remap {
    uaddr_t old;
    uint64_t old_len;
    uaddr_t new;
    uint64_t new_len;
    unsigned flags; /* MREMAP_* */
};

/* The region that holds [old, old + old_len), or NULL with *err. */
static struct region *remap_source(struct mm *mm, const struct remap *m, int *err)
{
    struct region *r = region_find(&mm->regions, m->old);

    *err = -EFAULT;
    if (!r || r->start > m->old || m->old_len > r->end - m->old)
        return NULL;
    *err = -EINVAL;
    if (m->old_len == 0 && !(r->flags & REGION_SHARED))
        return NULL;
    if (r->file && r->off > INT64_MAX - (int64_t)(m->old - r->start) - (int64_t)m->new_len)
        return NULL;
    *err = 0;
    return r;
}

/* Where a mapping moves that may go anywhere. */
static int64_t remap_place(struct mm *mm, const struct remap *m)
{
    uint64_t len = m->new_len;
    int64_t at;

    if (len > m->old_len && len < mm->regions.high / 4) {
        at = map_place(mm, 0, len * 2, 0);
        if (at >= 0)
            return at;
    }
    return map_place(mm, 0, len, 0);
}

/* The new range becomes a region like r, filled with the old range's pages. */
static int remap_move(struct mm *mm, struct region *r, const struct remap *m, uaddr_t to,
                      struct list *dead)
{
    size_t pages = MIN(m->old_len, m->new_len) / PAGE_SIZE;
    struct region *n = region_new();
    int err = -ENOMEM;

    if (!n)
        return -ENOMEM;
    n->start = to;
    n->end = to + m->new_len;
    n->prot = r->prot;
    n->flags = r->flags & ~REGION_GROWSDOWN;
    n->file = r->file ? file_get(r->file) : NULL;
    n->off = r->off + (int64_t)(m->old - r->start);
    n->name = r->name;
    if (!(m->flags & MREMAP_DONTUNMAP))
        err = region_isolate(&mm->regions, m->old, m->old + m->old_len);
    else
        err = 0;
    if (!err) {
        overlay_evict(mm, NULL, to, to + m->new_len);
        kept_forget(mm, to, to + m->new_len);
        err = pages_move(mm, to, m->old, pages);
    }
    if (err) {
        list_add_tail(dead, &n->link);
        return err;
    }
    region_insert(&mm->regions, n);
    if (!(m->flags & MREMAP_DONTUNMAP) && m->old_len)
        err = unmap_locked(mm, m->old, m->old + m->old_len, dead); /* isolated: cannot fail */
    region_merge(&mm->regions, n);
    return err;
}

static int64_t remap_fixed(struct mm *mm, const struct remap *m, struct list *dead)
{
    uint64_t keep = MIN(m->old_len, m->new_len);
    struct remap moved = *m;
    struct region *r;
    int err;

    if (m->new % PAGE_SIZE)
        return reject(-EINVAL, "unaligned new address");
    if (m->new_len > mm->regions.high || m->new > mm->regions.high - m->new_len)
        return -EINVAL;
    if (m->old + m->old_len > m->new && m->new + m->new_len > m->old)
        return reject(-EINVAL, "old and new overlap");
    if (m->new < mm->regions.low)
        return -EPERM;
    err = unmap_locked(mm, m->new, m->new + m->new_len, dead);
    if (!err && m->old_len > m->new_len)
        err = unmap_locked(mm, m->old + m->new_len, m->old + m->old_len, dead);
    if (err)
        return err;
    moved.old_len = keep;
    r = remap_source(mm, &moved, &err);
    if (!r)
        return err;
    err = mm_may_expand(mm, m->new_len - keep, r->prot, r->flags);
    if (!err)
        err = remap_move(mm, r, &moved, m->new, dead);
    return err ? err : (int64_t)m->new;
}

static int64_t remap_dontunmap(struct mm *mm, const struct remap *m, struct list *dead)
{
    struct remap moved = *m;
    struct region *r;
    int64_t to;
    int err;

    r = remap_source(mm, m, &err);
    if (!r)
        return err;
    err = mm_may_expand(mm, m->new_len, r->prot, r->flags);
    if (err)
        return err;
    to = map_place(mm, m->new, m->new_len, 0);
    if (to < 0)
        return to;
    err = remap_move(mm, r, &moved, (uaddr_t)to, dead);
    return err ? err : to;
}

/* Grows the mapping at its end; false: there is no room, or it is not the region's end. */
static bool remap_in_place(struct mm *mm, struct region *r, const struct remap *m)
{
    if (m->old + m->old_len != r->end ||
        !region_gap_ok(&mm->regions, r->end, m->new_len - m->old_len) ||
        map_place(mm, r->end, m->new_len - m->old_len, MAP_FIXED_NOREPLACE) < 0)
        return false;
    overlay_evict(mm, NULL, r->end, m->old + m->new_len);
    kept_forget(mm, r->end, m->old + m->new_len);
    region_resize(&mm->regions, r, r->start, m->old + m->new_len);
    region_merge(&mm->regions, r);
    return true;
}

/* [old + old_len, old + new_len) is the object's place for what follows: its window may have to grow. */
static bool remap_has_place(struct region *r, const struct remap *m)
{
    pgoff_t first = ((uint64_t)r->off + (m->old - r->start)) / PAGE_SIZE;
    int64_t at;

    mutex_lock(&r->shm->lock);
    at = shmem_place(r->shm, first, m->new_len / PAGE_SIZE, 0);
    mutex_unlock(&r->shm->lock);
    return at == (int64_t)m->old;
}

/* Shared memory has one place: it grows there, or not at all; a second mapping (old_len 0) is there too. */
static int64_t remap_shared(struct mm *mm, struct region *r, const struct remap *m,
                            struct list *dead)
{
    struct map_args a = {.len = m->new_len - m->old_len,
                         .prot = r->prot,
                         .flags = MAP_SHARED,
                         .file = r->file,
                         .off = r->off + (int64_t)(m->old - r->start + m->old_len),
                         .shm = r->shm,
                         .no_write = !(r->flags & REGION_MAYWRITE)};
    int64_t to;
    int err;

    if (m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return reject(-EINVAL, "shared memory has its one place");
    if (m->old_len >= m->new_len) {
        err = m->old_len > m->new_len
                  ? munmap_locked(mm, m->old + m->new_len, m->old + m->old_len, dead)
                  : 0;
        return err ? err : (int64_t)m->old;
    }
    if (!remap_source(mm, m, &err))
        return err;
    if (m->old_len ? !remap_has_place(r, m) : !(m->flags & MREMAP_MAYMOVE))
        return reject(-ENOMEM, "no room for shared memory to grow in its place");
    to = shmap_map(mm, &a, dead);
    return to < 0 ? to : to - (int64_t)m->old_len;
}

static int64_t remap_locked(struct mm *mm, const struct remap *m, struct list *dead)
{
    struct region *r = region_find(&mm->regions, m->old);
    int64_t to;
    int err;

    if (!r || r->start > m->old)
        return -EFAULT;
    if (r->shm)
        return remap_shared(mm, r, m, dead);
    if (m->flags & MREMAP_FIXED)
        return remap_fixed(mm, m, dead);
    if (m->flags & MREMAP_DONTUNMAP)
        return remap_dontunmap(mm, m, dead);
    if (m->old_len >= m->new_len) {
        err = m->old_len > m->new_len
                  ? unmap_locked(mm, m->old + m->new_len, m->old + m->old_len, dead)
                  : 0;
        return err ? err : (int64_t)m->old;
    }
    r = remap_source(mm, m, &err);
    if (!r)
        return err;
    err = mm_may_expand(mm, m->new_len - m->old_len, r->prot, r->flags);
    if (err)
        return err;
    if (remap_in_place(mm, r, m))
        return (int64_t)m->old;
    if (!(m->flags & MREMAP_MAYMOVE))
        return reject(-ENOMEM, "no room to grow in place");
    to = remap_place(mm, m);
    if (to < 0)
        return to;
    err = remap_move(mm, r, m, (uaddr_t)to, dead);
    return err ? err : to;
}

long sys_mremap(uaddr_t addr, size_t old_len, size_t new_len, unsigned long flags, uaddr_t new_addr)
{
    struct mm *mm = current_process()->mm;
    struct list dead = LIST_INIT(dead);
    struct remap m = {addr, ALIGN_UP(old_len, PAGE_SIZE), new_addr, ALIGN_UP(new_len, PAGE_SIZE),
                      (unsigned)flags};
    int64_t ret;

    if (flags & ~(unsigned long)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
        return reject(-EINVAL, "unknown flag");
    if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
        return reject(-EINVAL, "MREMAP_FIXED without MREMAP_MAYMOVE");
    if ((flags & MREMAP_DONTUNMAP) && (!(flags & MREMAP_MAYMOVE) || old_len != new_len))
        return reject(-EINVAL, "MREMAP_DONTUNMAP needs MREMAP_MAYMOVE and equal lengths");
    if (addr % PAGE_SIZE)
        return reject(-EINVAL, "unaligned");
    if (m.new_len == 0)
        return reject(-EINVAL, "zero length");
    if (addr > mm->regions.high || m.old_len > mm->regions.high - addr)
        return -EFAULT;
    if (m.new_len > mm->regions.high)
        return flags & MREMAP_FIXED ? -EINVAL : -ENOMEM;
    mutex_lock(&mm->lock);
    ret = remap_locked(mm, &m, &dead);
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    return ret;
}
