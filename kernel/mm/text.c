/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a program's text, for the site patcher (kernel/sys/patch.c): EMODPE opens the page for
 * writing for the time of one store, while no other vCPU executes a program; then the host's driver closes it again, proven by EACCEPT.
 *
 * Trampoline regions are the kernel's, named [cella]; they are as close to the program's text as the
 * patcher needs them.  A program that unmaps or overwrites them harms itself only.
 */
#include "kernel/mm/pagemap.h"

#include "abi/host/layout.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay.h"
#include "kernel/sched/vcpus.h"
#include "lib/string.h"

#include <linux/errno.h>
#include <linux/mman.h>

#define NEAR_SPAN \
    ((1UL << 31) - (1UL << 20)) /* reach of a 32-bit displacement, and some to spare */

#define NEAR_ROOM (1UL << 20) /* for trampolines in a home */

#define PAGES_MAX 2 /* that one change touches */

/* A change of some bytes, and the pages that it opens. */
struct change {
    uaddr_t addr;
    const void *bytes;
    size_t n;
    unsigned states[PAGES_MAX]; /* of the pages before */
    unsigned opened;
};

static int page_bring_in(struct mm *mm, uaddr_t page)
{
    struct region *r = region_find(&mm->regions, page);

    if (!r || r->start > page)
        return -EFAULT;
    if (!(r->prot & MM_EXEC) || (r->flags & REGION_SHARED))
        return -EACCES;
    return pagemap_get(page) & PAGE_PRESENT ? 0 : mm_fault_locked(mm, page, MM_EXEC);
}

static void change_store(void *arg)
{
    const struct change *c = arg;
    memcpy((void *)c->addr, c->bytes, c->n);
}

/* No other vCPU executes a program meanwhile, so none sees half of the change. */
static int change_make(struct mm *mm, struct change *c)
{
    uaddr_t first = ALIGN_DOWN(c->addr, PAGE_SIZE), last = c->addr + c->n - 1;
    int err = 0;

    for (uaddr_t page = first; page <= last && !err; page += PAGE_SIZE)
        err = page_bring_in(mm, page);
    for (uaddr_t page = first; page <= last && !err; page += PAGE_SIZE) {
        c->states[c->opened] = pagemap_get(page);
        if (!(c->states[c->opened] & PAGE_PRESENT))
            err = -ENOMEM; /* it had to go for the other one */
        else
            pages_open(mm, page, c->states[c->opened++]);
    }
    if (!err)
        vcpus_stopped(change_store, c);
    while (c->opened-- > 0)
        pages_close(first + c->opened * PAGE_SIZE, c->states[c->opened]);
    return err;
}

int mm_patch_text(struct mm *mm, uaddr_t addr, const void *bytes, size_t n)
{
    struct change c = {.addr = addr, .bytes = bytes, .n = n};

    if (addr < USER_MIN || addr > mm->regions.high || n > mm->regions.high - addr)
        return -EFAULT;
    if (!n || n > PAGE_SIZE)
        return -EINVAL;
    mutex_lock(&mm->lock);
    int err = change_make(mm, &c);
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
    /*
     * At the lower end of a home that is small enough: always the same place, so that it stands in nobody's way
     * when the home is kept.  Else below first: above a program's text its heap grows.
     */
    if (near >= mm->home && near < mm->home_end && near - mm->home < NEAR_SPAN)
        a.addr = region_find_gap(t, len, mm->home, mm->home + NEAR_ROOM);
    if (!a.addr)
        a.addr = map_gap_near(mm, len, near > NEAR_SPAN ? near - NEAR_SPAN : 0, near);
    if (!a.addr)
        a.addr = map_gap_near(mm, len, near, near + NEAR_SPAN);
    if (a.addr)
        ret = map_locked(mm, &a, &dead);
    if (ret >= 0) {
        struct region *r = region_find(&mm->regions, (uaddr_t)ret);
        r->flags |= REGION_KERNEL;
        overlay_share_region(mm, r);
    }
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    return ret;
}
