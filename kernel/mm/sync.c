/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared, writable file mappings: what the program wrote goes back to the file on msync, munmap and
 * exit.  A page is dirty once it was made writable (fault.c); written back, it is clean and read-only
 * again, so that the next write is seen.
 *
 * Nothing is written beyond the end of the file.  The mapping and read(2)/write(2) on the file do not
 * see each other in between: enclave pages cannot be the host's page cache.
 */
#include "kernel/mm/pagemap.h"

#include "abi/host/layout.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/vfs/file.h"

#include <asm/mman.h>
#include <linux/errno.h>

#include "kernel/sys/syscall.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscalls.h"

/* n dirty pages in one state. */
static int write_run(struct region *r, uaddr_t start, size_t n, uint64_t file_size)
{
    uint64_t off = (uint64_t)r->off + (start - r->start);
    int64_t pos = (int64_t)off, done;
    struct uio_seg seg;
    struct uio u;
    size_t len;

    if (off >= file_size)
        return 0;
    len = MIN(n * PAGE_SIZE, file_size - off);
    /* The pages are present and readable, and stay so while mm->lock is held. */
    uio_init_kernel(&u, &seg, (void *)start, len);
    done = file_write(r->file, &u, &pos);
    if (done < 0)
        return (int)done;
    return (size_t)done == len ? 0 : -EIO;
}

int sync_range(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end)
{
    size_t n = (end - start) / PAGE_SIZE, run;
    struct statx st = {0};
    unsigned state;
    int err = 0;

    if (r->shm)
        return shmap_sync(r, start, end);
    if (!r->file || !(r->flags & REGION_SHARED) || !(r->flags & REGION_MAYWRITE))
        return 0;
    for (; n > 0; start += run * PAGE_SIZE, n -= run) {
        int err2;

        run = pagemap_run(start, n, &state);
        if (!(state & PAGE_DIRTY))
            continue;
        if (st.stx_size == 0 && (err2 = file_stat(r->file, &st)) != 0)
            return err2;
        if ((state & PAGE_PERM) == 0) { /* PROT_NONE by now */
            epage_protect(start, run, 0, EPAGE_R);
            state |= EPAGE_R;
        }
        err2 = write_run(r, start, run, st.stx_size);
        pagemap_set(start, run, err2 ? state : state & ~PAGE_DIRTY);
        pages_protect(mm, r, start, start + run * PAGE_SIZE);
        err = err ? err : err2;
    }
    return err;
}

static int msync_locked(struct mm *mm, uaddr_t start, uaddr_t end)
{
    struct region *r = region_find(&mm->regions, start);
    bool hole = !region_range_full(&mm->regions, start, end);

    for (; r && r->start < end; r = region_next(&mm->regions, r)) {
        int err = sync_range(mm, r, MAX(start, r->start), MIN(end, r->end));
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
    err = msync_locked(mm, addr, addr + bytes);
    mutex_unlock(&mm->lock);
    return err;
}
