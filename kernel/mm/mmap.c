/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap, munmap, mprotect, brk: checks and errors in Linux's order, then map.c.
 *
 * Memory is overcommitted as on Linux: only what is filled at once can fail here for want of
 * enclave memory.  MAP_SHARED|MAP_ANONYMOUS is a nameless file of its own.
 */
#include "abi/host/layout.h"
#include "kernel/fs/fs.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/vfs.h"
#include "lib/config.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "kernel/sys/syscalls.h"

#define ZERO_DEVICE (1UL << 8 | 5)
#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
#define LEGACY_FLAGS                                                                         \
    (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | \
     MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |         \
     MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT |                                    \
     ((unsigned)MAP_HUGE_MASK << MAP_HUGE_SHIFT))

static long file_may_map(struct file *f, const struct map_args *a)
{
    unsigned type = a->flags & MAP_TYPE;

    if (type == MAP_SHARED_VALIDATE && (a->flags & ~(LEGACY_FLAGS | MAP_TYPE)))
        return reject(-EOPNOTSUPP, "flag not known to MAP_SHARED_VALIDATE");
    if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
        return reject(-EINVAL, "neither shared nor private");
    if (type != MAP_PRIVATE && (a->prot & MM_WRITE) && !FMODE_WRITE(f))
        return reject(-EACCES, "shared writable mapping of a file not open for writing");
    if (!FMODE_READ(f))
        return reject(-EACCES, "file not open for reading");
    if (!f->ops->mmap)
        return reject(-ENODEV, "this kind of file cannot be mapped");
    if (a->flags & MAP_GROWSDOWN)
        return reject(-EINVAL, "MAP_GROWSDOWN of a file");
    return f->ops->mmap(f, a->prot, a->flags);
}

static long anon_may_map(const struct map_args *a)
{
    unsigned type = a->flags & MAP_TYPE;

    if (type == MAP_SHARED && (a->flags & MAP_GROWSDOWN))
        return reject(-EINVAL, "MAP_GROWSDOWN and MAP_SHARED");
    if (type != MAP_SHARED && type != MAP_PRIVATE)
        return reject(-EINVAL, "neither shared nor private");
    if (a->flags & MAP_HUGETLB)
        return reject(-ENOMEM, "no huge pages");
    return 0;
}

/* A mapping of /dev/zero is anonymous memory. */
static bool is_zero_device(const struct file *f)
{
    const struct inode *i = f->inode;

    return i && (i->mode & S_IFMT) == S_IFCHR && i->rdev == ZERO_DEVICE;
}

static long may_map(struct map_args *a)
{
    long ret = a->file ? file_may_map(a->file, a) : anon_may_map(a);

    if (a->file && is_zero_device(a->file)) {
        a->file = NULL;
        a->off = 0;
    }
    a->no_write = ret == FILE_MMAP_NO_WRITE;
    return ret;
}

/* Errors of placement come before those of the file. */
static long place_check(struct mm *mm, const struct map_args *a)
{
    int64_t ret = 0;

    if (a->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        mutex_lock(&mm->lock);
        ret = map_place(mm, a->addr, a->len, a->flags);
        mutex_unlock(&mm->lock);
    }
    return ret < 0 ? ret : 0;
}

/* A shared mapping's object, before the lock is taken; *made is a reference on a file made for it, or NULL. */
static long share_prepare(struct mm *mm, struct map_args *a, struct file **made)
{
    long ret = place_check(mm, a);

    if (!ret)
        ret = may_map(a);
    if (ret < 0)
        return ret;
    if (!a->file) {
        ret = tmpfs_anon_file("/dev/zero (deleted)", a->len, made);
        if (ret)
            return ret;
        a->file = *made;
    }
    return a->file->ops->share ? a->file->ops->share(a->file, &a->shm) : 0;
}

/* The low addresses that MAP_32BIT asks for are those of the new object. */
static int64_t low_place(struct mm *mm, struct map_args *a)
{
    int64_t at = map_place(mm, 0, a->len, a->flags);

    a->addr = (uaddr_t)at;
    a->flags |= MAP_FIXED_NOREPLACE;
    return at;
}

static int64_t mmap_locked(struct mm *mm, struct map_args *a, struct list *dead)
{
    unsigned fixed = a->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    int64_t ret = 0;

    if ((a->flags & MAP_TYPE) == MAP_PRIVATE) {
        ret = map_place(mm, a->addr, a->len, a->flags);
        if (ret >= 0)
            ret = may_map(a);
    } else if ((a->flags & (MAP_32BIT | MAP_ANONYMOUS)) == (MAP_32BIT | MAP_ANONYMOUS) && !fixed) {
        ret = low_place(mm, a);
    }
    if (ret >= 0)
        ret = map_locked(mm, a, dead);
    if (ret >= 0 && (a->flags & (MAP_POPULATE | MAP_LOCKED))) {
        int ignored = mm_populate(mm, (uaddr_t)ret, (uaddr_t)ret + a->len);
        (void)ignored;
    }
    return ret;
}

static long mmap_checked(struct map_args *a)
{
    struct mm *mm = current_process()->mm;
    struct list dead = LIST_INIT(dead);
    struct file *made = NULL;
    int64_t ret = 0;

    if ((a->flags & MAP_TYPE) != MAP_PRIVATE)
        ret = share_prepare(mm, a, &made);
    if (ret >= 0) {
        mutex_lock(&mm->lock);
        ret = mmap_locked(mm, a, &dead);
        mutex_unlock(&mm->lock);
    }
    mm_free_dead(&dead);
    if (made)
        file_put(made);
    return ret;
}

long mmap_file(struct file *file, uaddr_t addr, size_t len, unsigned long prot, unsigned long flags,
               unsigned long off)
{
    struct map_args a = {.addr = addr,
                         .len = ALIGN_UP(len, PAGE_SIZE),
                         .prot = prot & PROT_ALL,
                         .flags = (unsigned)flags,
                         .file = file,
                         .off = file ? (int64_t)off : 0};

    if (file && (flags & MAP_HUGETLB))
        return reject(-EINVAL, "MAP_HUGETLB of a file");
    if (len == 0)
        return -EINVAL;
    if (a.len == 0)
        return -ENOMEM;
    if (file && (off > INT64_MAX || a.len > INT64_MAX - off))
        return -EOVERFLOW;
    return mmap_checked(&a);
}

long sys_mmap(uaddr_t addr, size_t len, unsigned long prot, unsigned long flags, int fd,
              unsigned long off)
{
    struct file *file = NULL;

    if (off % PAGE_SIZE)
        return reject(-EINVAL, "unaligned offset");
    if (!(flags & MAP_ANONYMOUS)) {
        int err = fd_lookup(fd, false, &file);
        if (err)
            return err;
    }
    long ret = mmap_file(file, addr, len, prot, flags, off);
    if (file)
        file_put(file);
    return ret;
}

long sys_munmap(uaddr_t addr, size_t len)
{
    return mm_unmap(current_process()->mm, addr, len);
}

/* PROT_GROWSDOWN: from the start of the region that holds `start`. */
static long mprotect_grows(struct mm *mm, uaddr_t *start, uaddr_t end)
{
    struct region *r = region_find(&mm->regions, *start);

    if (!r || r->start >= end)
        return -ENOMEM;
    if (!(r->flags & REGION_GROWSDOWN))
        return reject(-EINVAL, "PROT_GROWSDOWN of memory that does not");
    *start = r->start;
    return 0;
}

long sys_mprotect(uaddr_t addr, size_t len, unsigned long prot)
{
    struct mm *mm = current_process()->mm;
    unsigned long grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
    uint64_t bytes = ALIGN_UP(len, PAGE_SIZE);
    long err = 0;

    if (grows == (PROT_GROWSDOWN | PROT_GROWSUP))
        return reject(-EINVAL, "PROT_GROWSDOWN and PROT_GROWSUP");
    if (addr % PAGE_SIZE)
        return reject(-EINVAL, "unaligned");
    if (len == 0)
        return 0;
    if (bytes == 0 || addr + bytes <= addr)
        return -ENOMEM;
    if (prot & ~(unsigned long)(PROT_ALL | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
        return reject(-EINVAL, "unknown protection");
    if (grows == PROT_GROWSUP)
        return reject(-EINVAL, "PROT_GROWSUP");
    mutex_lock(&mm->lock);
    uaddr_t start = addr;
    if (grows)
        err = mprotect_grows(mm, &start, addr + bytes);
    if (!err)
        err = protect_locked(mm, start, addr + bytes, prot & PROT_ALL);
    mutex_unlock(&mm->lock);
    return err;
}

long sys_pkey_mprotect(uaddr_t addr, size_t len, unsigned long prot, int pkey)
{
    if (pkey != -1)
        return reject(-EINVAL, "no protection keys");
    return sys_mprotect(addr, len, prot);
}

static bool brk_allowed(struct mm *mm, uaddr_t brk, uaddr_t old_end, uaddr_t new_end)
{
    uint64_t size = brk - mm->brk_start;
    uint64_t max = kernel.config ? kernel.config->head->brk_max : 0; /* 0: not limited */

    if (max && size > max)
        return false;
    if (size > mm_rlimit(RLIMIT_DATA) || new_end > mm->regions.high)
        return false;
    if (!region_gap_ok(&mm->regions, old_end, new_end - old_end + PAGE_SIZE))
        return false;
    return mm_may_expand(mm, new_end - old_end, MM_READ | MM_WRITE, 0) == 0;
}

/* Maps [old_end, new_end) as more heap. */
static int brk_grow(struct mm *mm, uaddr_t old_end, uaddr_t new_end, struct list *dead)
{
    struct map_args a = {.addr = old_end,
                         .len = new_end - old_end,
                         .prot = MM_READ | MM_WRITE,
                         .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                         .name = "[heap]"};
    int64_t ret = map_locked(mm, &a, dead);

    if (ret < 0)
        return (int)ret;
    if (a.len > EAGER_BRK_BYTES || mm_populate(mm, old_end, new_end) == 0)
        return 0;
    return unmap_locked(mm, old_end, new_end, dead) ? -EFAULT : -ENOMEM;
}

long sys_brk(uaddr_t brk)
{
    struct mm *mm = current_process()->mm;
    struct list dead = LIST_INIT(dead);
    uaddr_t old_end, new_end;
    int err = 0;

    mutex_lock(&mm->lock);
    old_end = ALIGN_UP(mm->brk, PAGE_SIZE);
    new_end = ALIGN_UP(brk, PAGE_SIZE);
    if (mm->brk_start == 0 || brk < mm->brk_start || new_end < brk)
        err = -EINVAL;
    else if (new_end < old_end)
        err = unmap_locked(mm, new_end, old_end, &dead);
    else if (new_end > old_end)
        err = brk_allowed(mm, brk, old_end, new_end) ? brk_grow(mm, old_end, new_end, &dead)
                                                     : -ENOMEM;
    if (!err)
        mm->brk = brk;
    brk = mm->brk;
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    return (long)brk;
}
