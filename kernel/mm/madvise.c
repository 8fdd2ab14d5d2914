/* SPDX-License-Identifier: Apache-2.0 */
/*
 * madvise, mincore and the mlock family.
 *
 * MADV_DONTNEED is the one advice that changes what the program sees: private anonymous memory
 * becomes zero, private file mappings show the file again; and MADV_REMOVE, which makes a hole in the
 * file of a shared one.  The rest is about speed and is taken or ignored.
 * Enclave pages are never swapped by us, so locking is filling.
 */
#include "kernel/mm/pagemap.h"

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/file.h"

#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/mman.h>

#include "kernel/sys/syscalls.h"

#define MADV_COLLAPSE_6_1 25

/* What an advice comes to. */
enum action {
    ADVICE_BAD,
    ADVICE_IGNORE,
    ADVICE_DROP,
    ADVICE_FREE,
    ADVICE_FILL,
    ADVICE_PUNCH,
    ADVICE_WIPE,
    ADVICE_KEEP,
    ADVICE_DONTFORK,
    ADVICE_DOFORK
};

static enum action advice_action(int advice)
{
    switch (advice) {
    case MADV_DONTNEED: return ADVICE_DROP;
    case MADV_FREE: return ADVICE_FREE;
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE: return ADVICE_FILL;
    case MADV_REMOVE: return ADVICE_PUNCH;
    case MADV_WIPEONFORK: return ADVICE_WIPE;
    case MADV_KEEPONFORK: return ADVICE_KEEP;
    case MADV_DONTFORK: return ADVICE_DONTFORK;
    case MADV_DOFORK: return ADVICE_DOFORK;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_COLLAPSE_6_1: return ADVICE_IGNORE;
    default: return ADVICE_BAD;
    }
}

static void drop(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end)
{
    if (r->shm)
        return; /* what is shared is not one process's to drop */
    mm_note_peak(mm, end - start);
    if (!r->file && !(r->flags & REGION_SHARED)) {
        pages_clear(mm, start, end);
    } else if (r->file) {
        pages_remove(mm, start, end);
    }
}

/* MADV_REMOVE: a hole in the file. */
static int punch(const struct region *r, uaddr_t start, uaddr_t end)
{
    const unsigned writable = REGION_SHARED | REGION_MAYWRITE;

    if (!r->file)
        return (int)reject(-EINVAL, "MADV_REMOVE of memory that no file is behind");
    if ((r->flags & writable) != writable || !(r->prot & MM_WRITE))
        return -EACCES;
    if (!r->file->ops->fallocate)
        return -EOPNOTSUPP;
    return r->file->ops->fallocate(r->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                   r->off + (int64_t)(start - r->start), (int64_t)(end - start));
}

/* What fork does with [start, end), which lies in one region. */
static int advise_flags(struct mm *mm, uaddr_t start, uaddr_t end, unsigned set, unsigned clear)
{
    struct region *r = region_find(&mm->regions, start);

    if (((r->flags | set) & ~clear) == r->flags)
        return 0;
    if (region_isolate(&mm->regions, start, end))
        return -ENOMEM;
    r = region_find(&mm->regions, start);
    r->flags = (r->flags | set) & ~clear;
    return 0;
}

static int advise_region(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end,
                         enum action action)
{
    bool private_anon = !r->file && !(r->flags & REGION_SHARED);

    switch (action) {
    case ADVICE_DROP: drop(mm, r, start, end); return 0;
    case ADVICE_FREE:
        if (!private_anon)
            return -EINVAL;
        /* The contents may stay for as long as there is memory. */
        if (epage_count() > epage_limit() / 4 * 3)
            pages_clear(mm, start, end);
        return 0;
    case ADVICE_FILL: return mm_populate(mm, start, end);
    case ADVICE_PUNCH: return punch(r, start, end);
    case ADVICE_WIPE:
        return private_anon ? advise_flags(mm, start, end, REGION_WIPEONFORK, 0) : -EINVAL;
    case ADVICE_KEEP: return advise_flags(mm, start, end, 0, REGION_WIPEONFORK);
    case ADVICE_DONTFORK: return advise_flags(mm, start, end, REGION_DONTFORK, 0);
    case ADVICE_DOFORK: return advise_flags(mm, start, end, 0, REGION_DONTFORK);
    default: return 0;
    }
}

/* Holes are skipped and reported at the end, as Linux does. */
static int advise_locked(struct mm *mm, uaddr_t start, uaddr_t end, enum action action)
{
    struct region *r = region_find(&mm->regions, start);
    int hole = region_range_full(&mm->regions, start, end) ? 0 : -ENOMEM;

    for (; r && r->start < end; r = region_next(&mm->regions, r)) {
        int err = advise_region(mm, r, MAX(start, r->start), MIN(end, r->end), action);
        if (err)
            return err;
    }
    return hole;
}

long sys_madvise(uaddr_t addr, size_t len, int advice)
{
    struct mm *mm = current_process()->mm;
    uint64_t bytes = ALIGN_UP(len, PAGE_SIZE);
    enum action action = advice_action(advice);
    int err;

    if (action == ADVICE_BAD)
        return reject(-EINVAL, "unknown advice");
    if (addr % PAGE_SIZE)
        return reject(-EINVAL, "unaligned");
    if ((len && !bytes) || addr + bytes < addr)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    mutex_lock(&mm->lock);
    err = advise_locked(mm, addr, addr + bytes, action);
    mutex_unlock(&mm->lock);
    return err;
}

/* One byte a page: 1 when it is in memory. */
static void mincore_fill(uint8_t *vec, uaddr_t addr, size_t n)
{
    unsigned state;
    size_t run;

    for (size_t i = 0; i < n; i += run) {
        run = pagemap_run(addr + i * PAGE_SIZE, n - i, &state);
        for (size_t k = 0; k < run; k++)
            vec[i + k] = (state & PAGE_PRESENT) != 0;
    }
}

long sys_mincore(uaddr_t addr, size_t len, uaddr_t vec)
{
    struct mm *mm = current_process()->mm;
    uint8_t part[256];
    size_t pages;

    if (addr % PAGE_SIZE)
        return reject(-EINVAL, "unaligned");
    if (addr > mm->regions.high || len > mm->regions.high - addr)
        return -ENOMEM;
    pages = ALIGN_UP(len, PAGE_SIZE) / PAGE_SIZE;
    if (!user_range_ok(vec, pages))
        return -EFAULT;
    while (pages > 0) {
        size_t n = MIN(pages, sizeof(part));
        bool full;

        mutex_lock(&mm->lock);
        full = region_range_full(&mm->regions, addr, addr + n * PAGE_SIZE);
        mincore_fill(part, addr, n);
        mutex_unlock(&mm->lock);
        if (!full)
            return -ENOMEM;
        if (copy_out(vec, part, n))
            return -EFAULT;
        addr += n * PAGE_SIZE;
        vec += n;
        pages -= n;
    }
    return 0;
}

/* Locking */

static long lock_range(uaddr_t addr, size_t len, bool fill)
{
    struct mm *mm = current_process()->mm;
    uaddr_t start = ALIGN_DOWN(addr, PAGE_SIZE);
    uint64_t bytes = ALIGN_UP(len + addr % PAGE_SIZE, PAGE_SIZE);
    long err = 0;

    if (start + bytes < start || (len && bytes == 0))
        return -EINVAL;
    if (bytes == 0)
        return 0;
    mutex_lock(&mm->lock);
    if (!region_range_full(&mm->regions, start, start + bytes))
        err = -ENOMEM;
    else if (fill)
        err = mm_populate(mm, start, start + bytes);
    mutex_unlock(&mm->lock);
    return err == -EIO ? -ENOMEM : err;
}

long sys_mlock(uaddr_t addr, size_t len)
{
    return lock_range(addr, len, true);
}

long sys_mlock2(uaddr_t addr, size_t len, int flags)
{
    if (flags & ~MLOCK_ONFAULT)
        return reject(-EINVAL, "unknown flag");
    return lock_range(addr, len, !(flags & MLOCK_ONFAULT));
}

long sys_munlock(uaddr_t addr, size_t len)
{
    return lock_range(addr, len, false);
}

long sys_mlockall(int flags)
{
    if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
        return reject(-EINVAL, "bad flags");
    return 0; /* nothing of ours is ever swapped; absent pages come in when they are touched */
}

long sys_munlockall(void)
{
    return 0;
}
