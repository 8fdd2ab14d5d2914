/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msync: what was written to shared mappings of files that are kept elsewhere goes back there (shmem.c,
 * and the kind's write_back).
 */
#include "abi/host/layout.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/vfs/file.h"

#include <asm/mman.h>
#include <linux/errno.h>

#include "kernel/sys/syscall.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscalls.h"

/* MS_SYNC: what has been written to the file is to be on its medium, too. */
static int sync_region(struct region *r, uaddr_t start, uaddr_t end, int flags)
{
    int err = r->shm ? shmap_sync(r, start, end) : 0;

    if (!err && r->shm && r->shm->ops->write_back && (flags & MS_SYNC) &&
        (r->flags & REGION_MAYWRITE))
        err = r->file->ops->fsync(r->file, true);
    return err;
}

static int msync_locked(struct mm *mm, uaddr_t start, uaddr_t end, int flags)
{
    struct region *r = region_find(&mm->regions, start);
    bool hole = !region_range_full(&mm->regions, start, end);

    for (; r && r->start < end; r = region_next(&mm->regions, r)) {
        int err = sync_region(r, MAX(start, r->start), MIN(end, r->end), flags);
        if (err)
            return err;
    }
    return hole ? -ENOMEM : 0;
}

long sys_msync(uaddr_t addr, size_t len, int flags)
{
    struct mm *mm = current_process()->mm;
    uint64_t bytes = ALIGN_UP(len, PAGE_SIZE);
    int err;

    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC))
        return reject(-EINVAL, "unknown flag");
    if (addr % PAGE_SIZE)
        return reject(-EINVAL, "unaligned");
    if ((flags & MS_ASYNC) && (flags & MS_SYNC))
        return reject(-EINVAL, "MS_ASYNC and MS_SYNC");
    if (addr + bytes < addr || (bytes == 0 && len))
        return -ENOMEM;
    if (bytes == 0)
        return 0;
    mutex_lock(&mm->lock);
    err = msync_locked(mm, addr, addr + bytes, flags);
    mutex_unlock(&mm->lock);
    return err;
}
