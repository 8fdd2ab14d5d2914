/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap, mprotect and munmap of the device.  A mapping of the device is a range of private anonymous
 * memory in which enclave pages lie in place; pages outside any mapping rest in the shadow, so that
 * unmapping keeps the enclave's contents, as on Linux.
 */
#include "softsgx/driver/driver.h"
#include "softsgx/softsgx.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* The pages of [start, end) that lie in ELRANGE, as page numbers; false if there are none. */
static bool range_pages(const struct encl *e, uint64_t start, uint64_t end, uint64_t *page,
                        uint64_t *stop)
{
    uint64_t lo = start > e->base ? start : e->base;
    uint64_t hi = end < e->base + e->size ? end : e->base + e->size;
    if (lo >= hi)
        return false;
    *page = encl_page(e, lo);
    *stop = (hi - e->base) >> PAGE_SHIFT;
    return true;
}

/* Linux's sgx_encl_may_map(): no VMA may allow more than the pages under it were added with. */
static int may_map(struct encl *e, uint64_t start, uint64_t end, int prot)
{
    uint64_t page, stop;
    if (e->initialized && (start < e->base || end > e->base + e->size))
        return why(-EACCES, "the range is outside the enclave");
    if (!range_pages(e, start, end, &page, &stop))
        return 0;
    for (page = epcm_next(&e->epcm, page, stop); page < stop;
         page = epcm_next(&e->epcm, page + 1, stop)) {
        epcm_t w = epcm_read(&e->epcm, page);
        if ((w & EPCM_VALID) && ((uint32_t)prot & SI_RWX & ~EPCM_MAX(w)))
            return why(-EACCES, "the mapping allows more than the page at 0x%lx was added with",
                       (unsigned long)(e->base + (page << PAGE_SHIFT)));
    }
    return 0;
}

static long host_map(uint64_t addr, size_t len, int fixed)
{
    long p = softsgx_syscall(SYS_mmap, addr, len, (long)PROT_NONE,
                             (long)(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed), -1L, 0L);
    if (p < 0 && p > -4096)
        return why((int)p, "mmap of 0x%lx bytes at 0x%lx: %s", (unsigned long)len,
                   (unsigned long)addr, strerror((int)-p));
    return p;
}

/* Maps the parts of [start, end) that no VMA of e covers. */
static int gaps_map(struct encl *e, uint64_t start, uint64_t end, int fixed)
{
    while (start < end) {
        struct vma *v = vma_find(e, start);
        if (v) {
            start = v->end;
            continue;
        }
        uint64_t stop = end;
        for (uint32_t i = 0; i < e->vma_count; i++)
            if (e->vmas[i].start > start && e->vmas[i].start < stop)
                stop = e->vmas[i].start;
        long p = host_map(start, stop - start, fixed);
        if (p < 0 && p > -4096)
            return (int)p;
        start = stop;
    }
    return 0;
}

static int map_locked(struct encl *e, uint64_t *addr, size_t len, int prot, int flags)
{
    int fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    if ((flags & MAP_TYPE) != MAP_SHARED && (flags & MAP_TYPE) != MAP_SHARED_VALIDATE)
        return why(-EINVAL, "enclave memory must be mapped MAP_SHARED");
    if (!len || (fixed && *addr % PAGE_SIZE))
        return -EINVAL;
    if (!fixed) {
        long p = host_map(*addr, len, 0);
        if (p < 0 && p > -4096)
            return (int)p;
        *addr = (uint64_t)p;
    }
    int err = may_map(e, *addr, *addr + len, prot);
    if (!err && fixed)
        err = gaps_map(e, *addr, *addr + len, fixed);
    if (!err)
        err = vma_set(e, *addr, *addr + len, prot & 7);
    if (err) {
        if (!fixed)
            softsgx_syscall(SYS_munmap, *addr, len);
        return err;
    }
    uint64_t page, stop;
    tcs_invalidate(e, *addr, *addr + len);
    return range_pages(e, *addr, *addr + len, &page, &stop) ? prot_sync(e, page, stop) : 0;
}

void *softsgx_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    struct encl *e = encl_of_fd(fd);
    uint64_t at = (uint64_t)addr;
    (void)off; /* the device ignores it, as Linux's does */
    if (!e) {
        errno = EBADF;
        return MAP_FAILED;
    }
    len = (len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    uint64_t mask = lock_take_host(&e->lock);
    int err = map_locked(e, &at, len, prot, flags);
    lock_drop_host(&e->lock, mask);
    if (err) {
        errno = -err;
        return MAP_FAILED;
    }
    return (void *)at;
}

static int protect_locked(struct encl *e, uint64_t start, uint64_t end, int prot)
{
    uint64_t page, stop;
    if (!vma_covers(e, start, end))
        return why(-ENOMEM, "not all of the range is mapped");
    int err = may_map(e, start, end, prot);
    if (!err)
        err = vma_set(e, start, end, prot & 7);
    if (err)
        return err;
    tcs_invalidate(e, start, end);
    return range_pages(e, start, end, &page, &stop) ? prot_sync(e, page, stop) : 0;
}

/*
 * Runs fn on the first enclave with a VMA in the range, under both locks; -ENOENT if there is none.
 */
static int with_vma(void *addr, size_t len, int prot,
                    int (*fn)(struct encl *e, uint64_t start, uint64_t end, int prot))
{
    uint64_t start = (uint64_t)addr, end = start + ((len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1));
    int err = -ENOENT;
    if (start % PAGE_SIZE || end < start)
        return -EINVAL;
    uint64_t mask = lock_take_host(&encl_list_lock);
    struct encl *e = encl_of_vma(start, end);
    if (e) {
        lock_take(&e->lock);
        err = fn(e, start, end, prot);
        lock_drop(&e->lock);
        encl_put(e);
    }
    lock_drop_host(&encl_list_lock, mask);
    return err;
}

int softsgx_mprotect(void *addr, size_t len, int prot)
{
    return with_vma(addr, len, prot, protect_locked);
}

static int unmap_locked(struct encl *e, uint64_t start, uint64_t end, int prot)
{
    uint64_t page, stop;
    int err = 0;
    (void)prot;
    /* Unless the enclave goes with its last mapping, its pages are kept. */
    if ((e->fd >= 0 || e->vma_count > 1) && range_pages(e, start, end, &page, &stop))
        err = prot_shelve(e, page, stop);
    if (!err)
        err = vma_set(e, start, end, -1);
    if (!err)
        err = (int)softsgx_syscall(SYS_munmap, start, end - start);
    tcs_invalidate(e, start, end);
    return err;
}

int softsgx_munmap(void *addr, size_t len)
{
    return with_vma(addr, len, 0, unmap_locked);
}

int softsgx_close(int fd)
{
    struct encl *e = encl_of_fd(fd);
    if (e) {
        uint64_t mask = lock_take_host(&encl_list_lock);
        e->fd = -1;
        encl_put(e);
        lock_drop_host(&encl_list_lock, mask);
    }
    return (int)softsgx_syscall(SYS_close, (long)fd);
}
