/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a program's text, for the site patcher (kernel/sys/patch.c): EMODPE opens the page for
 * writing for the time of one store, then the host's driver closes it again, proven by EACCEPT.
 *
 * Trampoline regions are the kernel's, named [cella]; they are as close to the program's text as the
 * patcher needs them.  A program that unmaps or overwrites them harms itself only.
 */
#include "kernel/mm/pagemap.h"

#include "abi/host/layout.h"
#include "kernel/mm/mm_impl.h"
#include "lib/string.h"

#include <linux/errno.h>
#include <linux/mman.h>

#define NEAR_SPAN \
    ((1UL << 31) - (1UL << 20)) /* reach of a 32-bit displacement, and some to spare */

/* One store where the bytes lie in one aligned word, so that other vCPUs see all or nothing. */
static void text_store(uaddr_t addr, const void *bytes, size_t n)
{
    uint64_t *word = (uint64_t *)ALIGN_DOWN(addr, 8UL), value;
    size_t off = addr % 8;

    if (off + n > 8) {
        memcpy((void *)addr, bytes, n);
        return;
    }
    value = __atomic_load_n(word, __ATOMIC_RELAXED);
    memcpy((char *)&value + off, bytes, n);
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static int patch_page(struct mm *mm, uaddr_t addr, const void *bytes, size_t n)
{
    uaddr_t page = ALIGN_DOWN(addr, PAGE_SIZE);
    struct region *r = region_find(&mm->regions, page);
    unsigned state = pagemap_get(page);
    int err;

    if (!r || r->start > page)
        return -EFAULT;
    if (!(r->prot & MM_EXEC) || (r->file && (r->flags & REGION_SHARED)))
        return -EACCES;
    if (!(state & PAGE_PRESENT)) {
        err = mm_fault_locked(mm, page, MM_EXEC);
        if (err)
            return err;
        state = pagemap_get(page);
    }
    pages_open(page, state);
    text_store(addr, bytes, n);
    pages_close(page, state);
    return 0;
}

int mm_patch_text(struct mm *mm, uaddr_t addr, const void *bytes, size_t n)
{
    int err = 0;

    if (addr < USER_MIN || addr > mm->regions.high || n > mm->regions.high - addr)
        return -EFAULT;
    mutex_lock(&mm->lock);
    while (n > 0 && !err) {
        size_t part = MIN(n, PAGE_SIZE - addr % PAGE_SIZE);

        err = patch_page(mm, addr, bytes, part);
        addr += part;
        bytes = (const char *)bytes + part;
        n -= part;
    }
    mutex_unlock(&mm->lock);
    return err;
}

int64_t mm_map_near(struct mm *mm, uaddr_t near, size_t n)
{
    const struct region_tree *t = &mm->regions;
    uint64_t len = ALIGN_UP(n, PAGE_SIZE);
    struct map_args a = {.len = len,
                         .prot = MM_READ | MM_EXEC,
                         .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                         .name = "[cella]"};
    struct list dead = LIST_INIT(dead);
    int64_t ret = -ENOMEM;

    if (n == 0 || len > NEAR_SPAN || near >= t->high)
        return -EINVAL;
    mutex_lock(&mm->lock);
    /* Below first: above a program's text its heap grows. */
    a.addr = region_find_gap(t, len, near > NEAR_SPAN ? near - NEAR_SPAN : 0, near);
    if (!a.addr)
        a.addr = region_find_gap(t, len, near, near + NEAR_SPAN);
    if (a.addr)
        ret = map_locked(mm, &a, &dead);
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    return ret;
}
