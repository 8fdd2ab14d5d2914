/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces as objects: making and freeing them, their limits, and looking at them.
 *
 * There is one ELRANGE: two address spaces that live at the same time use different addresses (slot.h),
 * or take turns (overlay.h).
 */
#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/kept.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/passage.h"
#include "kernel/mm/shmem_impl.h"
#include "kernel/mm/slot.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sgx/random.h"
#include "kernel/sys/patch.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/aio.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/config.h"

#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/personality.h>

#define STACK_GAP_MIN (128UL << 20) /* kept for the main stack below stack_top */
#define SHARE_TRIES 64 /* before homes that are kept go for an image that wants their addresses */

int mm_init(void)
{
    int err = pagemap_init(kernel.params->kernel_base);

    kept_init();
    return err ? err : slots_init();
}

/* The current process has asked for the same addresses every time. */
static bool asks_for_same(void)
{
    struct thread *t = current;

    return t && t->process && (t->process->personality & ADDR_NO_RANDOMIZE);
}

bool mm_randomizes(void)
{
    return !(kernel.config && config_flag(kernel.config, CONFIG_F_NO_ASLR)) && !asks_for_same();
}

/* A random page-aligned amount below `range`. */
static uint64_t random_pages(uint64_t range)
{
    if (!mm_randomizes() || range < PAGE_SIZE)
        return 0;
    return random_u64() % (range / PAGE_SIZE) * PAGE_SIZE;
}

/*
 * Linux's order: the program at a fourth, its heap above, mappings downward from below the stack, the stack
 * in the uppermost 64th.
 */
static void mm_lay_out(struct mm *mm)
{
    uint64_t range = mm->home_end - mm->home, gap;

    mm->pie_base = ALIGN_DOWN(mm->home + range / 4, PAGE_SIZE) + random_pages(range / 16);
    mm->stack_top = mm->home_end - STACK_GUARD_GAP - random_pages(range / 128);
    gap = mm_rlimit(RLIMIT_STACK);
    gap = MAX(MIN(gap, range / 4), MIN(STACK_GAP_MIN, range / 64)) + STACK_GUARD_GAP;
    mm->mmap_base =
        ALIGN_DOWN(mm->home_end - range / 64 - gap, PAGE_SIZE) - random_pages(range / 16);
}

/* home 0: wherever there is room for size bytes. */
static struct mm *mm_make(uaddr_t home, uint64_t size)
{
    struct mm *mm = kzalloc(sizeof(*mm));

    if (!mm)
        return NULL;
    mm->overlay = overlay_new(mm);
    if (!mm->overlay)
        goto undo_mm;
    do {
        if (!home)
            mm->home = slot_take(mm->overlay, size, mm_randomizes());
        else if (slot_claim(mm->overlay, home, home + size))
            mm->home = home;
    } while (!mm->home && kept_drop_oldest());
    if (!mm->home)
        goto undo_overlay;
    mm->home_end = mm->home + size;
    ref_init(&mm->users);
    ref_init(&mm->ref);
    mutex_init(&mm->lock);
    region_tree_init(&mm->regions, USER_MIN, kernel.params->kernel_base);
    region_tree_init(&mm->kept, USER_MIN, kernel.params->kernel_base);
    list_init(&mm->kept_dead);
    mm_lay_out(mm);
    return mm;

undo_overlay:
    overlay_leave(mm);
undo_mm:
    kfree(mm);
    return NULL;
}

struct mm *mm_new_guest(const struct passage_space *s)
{
    struct mm *mm;

    if (s->home < USER_MIN || s->home_end <= s->home || s->home_end > slots_end())
        return NULL;
    mm = kept_take_home(s->home, s->home_end);
    if (!mm)
        mm = mm_make(s->home, s->home_end - s->home);
    if (mm)
        mm->guest = true;
    return mm;
}

struct mm *mm_again(const struct file *program)
{
    return asks_for_same() ? NULL : kept_take(program);
}

struct mm *mm_new(const struct file *program, const struct mm_like *like)
{
    struct mm *mm = asks_for_same() ? NULL : kept_take_like(program, like);

    if (mm)
        return mm;
    mm = mm_make(0, slot_home_size());
    if (mm && program && program->inode)
        mm->program = inode_get(program->inode);
    if (mm)
        mm->like = *like;
    return mm;
}

struct mm *mm_get(struct mm *mm)
{
    ref_get(&mm->users);
    return mm;
}

struct mm *mm_grab(struct mm *mm)
{
    ref_get(&mm->ref);
    return mm;
}

void mm_drop(struct mm *mm)
{
    if (!ref_put(&mm->ref))
        return;
    cuts_free(mm);
    kfree(mm);
}

void mm_free_dead(struct list *dead)
{
    struct list *l;

    while ((l = list_pop(dead)) != NULL)
        region_free(list_entry(l, struct region, link));
}

/* The child's regions: all but those that it is not to have. */
static int copy_regions(struct mm *mm, struct mm *child)
{
    list_for_each(l, &mm->regions.list) {
        const struct region *r = list_entry(l, const struct region, link);
        struct region *copy;

        if (r->flags & REGION_DONTFORK)
            continue;
        copy = region_clone(r);
        if (!copy)
            return -ENOMEM;
        if (copy->shm && shmap_fork(copy)) {
            region_free(copy);
            return -ENOMEM;
        }
        region_insert(&child->regions, copy);
    }
    return 0;
}

/* A forked one in which no thread has run: all its pages are put away. */
static void mm_discard(struct mm *child)
{
    while (!list_empty(&child->regions.list)) {
        struct region *r = list_entry(child->regions.list.next, struct region, link);
        if (r->shm)
            shmap_unmap(r);
        region_remove(&child->regions, r);
        region_free(r);
    }
    patch_mm_gone(child);
    if (child->overlay)
        overlay_leave(child);
    mm_drop(child);
}

/* Joins the first group that has some of [start, end); errors as overlay_join's. */
static int join_any(struct mm *mm, uaddr_t start, uaddr_t end)
{
    int err = -ESRCH;

    for (uaddr_t at = start; at < end && err == -ESRCH; at = slot_unit_end(at))
        err = overlay_join(mm, at);
    return err;
}

/*
 * The units of [start, end) become mm's, also those of homes that are kept.  False: somebody else has some, whom mm can
 * join only with nothing but its home.
 */
static bool units_claim(struct mm *mm, uaddr_t start, uaddr_t end)
{
    mutex_lock(&mm->lock);
    bool ok = map_claim(mm, start, end - start);
    if (!ok)
        kept_forget(mm, mm->regions.low, mm->home);
    if (!ok)
        kept_forget(mm, mm->home_end, mm->regions.high);
    mutex_unlock(&mm->lock);
    mm_free_dead(&mm->kept_dead);
    return ok;
}

int mm_share(struct mm *mm, uaddr_t start, uaddr_t end)
{
    if (end > slots_end())
        return -ENOMEM;
    for (unsigned tries = 0; !units_claim(mm, start, end); tries++) {
        int err = join_any(mm, start, end);
        if (!err) {
            turn_enter();
            return slot_claim(mm->overlay, start, end) ? 0 : -ENOMEM;
        }
        if (err == -ENOMEM)
            return (int)reject(-ENOMEM, "the image's addresses are of two groups of processes");
        /* It is gone by now, or will be soon, unless it is a home that is kept. */
        if (tries >= SHARE_TRIES)
            (void)!kept_drop_oldest();
        if (err == -EAGAIN)
            thread_yield();
    }
    return 0;
}

void mm_end(struct mm *mm)
{
    patch_mm_gone(mm);
    if (mm->staging)
        kpages_free(mm->staging, STAGING_PAGES);
    mm->staging = NULL;
    if (mm->program)
        inode_put(mm->program);
    mm->program = NULL;
    overlay_leave(mm);
    if (current->turn == &mm->turn)
        turn_move(NULL);
    mm_drop(mm);
}

/* Its last user is gone, and nobody else of its group runs. */
static void mm_empty(struct mm *mm)
{
    struct list dead = LIST_INIT(dead);
    bool kept;
    int err;

    mm->dying = true;
    aio_end(mm);
    mutex_lock(&mm->lock);
    kept = !asks_for_same() && kept_clear(mm, &dead);
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    if (kept) {
        kept_store(mm);
        return;
    }
    patch_mm_gone(mm);
    mutex_lock(&mm->lock);
    kept_forget_home(mm);
    if (!overlay_shared(mm))
        kept_forget(mm, mm->regions.low, mm->regions.high);
    err = unmap_locked(mm, mm->regions.low, mm->regions.high, &dead); /* nothing to split */
    mutex_unlock(&mm->lock);
    mm_free_dead(&dead);
    mm_free_dead(&mm->kept_dead);
    if (err)
        panic("mm: cannot free an address space: error %d", -err);
    mm_end(mm);
}

void mm_leave(struct mm *mm)
{
    if (!mm)
        return;
    mm_grab(mm); /* another last user may take it away before we have left its turn */
    if (!ref_put(&mm->users)) {
        turn_move(NULL);
        mm_drop(mm);
        return;
    }
    (void)!ref_put(&mm->ref); /* the users' is still there */
    mm_empty(mm);
}

void mm_put(struct mm *mm)
{
    if (!mm || !ref_put(&mm->users))
        return;
    if (overlay_shared(mm))
        mm_discard(mm);
    else
        mm_empty(mm);
}

int mm_fork(struct mm *mm, struct mm **out)
{
    struct mm *child = kzalloc(sizeof(*child));
    int err;

    if (!child)
        return -ENOMEM;
    mutex_init(&child->lock);
    ref_init(&child->users);
    ref_init(&child->ref);
    region_tree_init(&child->regions, mm->regions.low, mm->regions.high);
    region_tree_init(&child->kept, mm->regions.low, mm->regions.high);
    list_init(&child->kept_dead);
    child->home = mm->home;
    child->home_end = mm->home_end;
    child->mmap_base = mm->mmap_base;
    child->stack_top = mm->stack_top;
    child->pie_base = mm->pie_base;
    mutex_lock(&mm->lock);
    kept_forget_home(mm); /* the child would not know of it */
    child->brk_start = mm->brk_start;
    child->brk = mm->brk;
    err = copy_regions(mm, child);
    if (!err)
        err = overlay_copy(mm, child);
    if (!err)
        err = patch_mm_fork(mm, child);
    mutex_unlock(&mm->lock);
    if (err) {
        mm_discard(child);
        return err;
    }
    *out = child;
    return 0;
}

void mm_fork_child_first(struct mm *mm, struct mm *child)
{
    overlay_child_first(mm, child);
}

void mm_set_brk(struct mm *mm, uaddr_t start)
{
    mutex_lock(&mm->lock);
    mm->brk_start = mm->brk = start;
    mutex_unlock(&mm->lock);
}

uaddr_t mm_stack_top(const struct mm *mm)
{
    return mm->stack_top;
}

uaddr_t mm_pie_base(const struct mm *mm)
{
    return mm->pie_base;
}

struct turn *mm_turn(struct mm *mm)
{
    return &mm->turn;
}

struct patch_space **mm_patch(struct mm *mm)
{
    return &mm->patch;
}

void mm_sync(struct mm *mm)
{
    mutex_lock(&mm->lock);
    list_for_each(it, &mm->regions.list) {
        struct region *r = list_entry(it, struct region, link);
        if (r->shm)
            shmap_sync(r, r->start, r->end); /* as on Linux, exit tells of no failure */
    }
    mutex_unlock(&mm->lock);
}

/* Limits */

uint64_t mm_rlimit(int resource)
{
    struct thread *t = current;

    return t && t->process ? t->process->rlimits[resource].rlim_cur : RLIM64_INFINITY;
}

static bool is_data(unsigned prot, unsigned region_flags)
{
    return (prot & MM_WRITE) && !(region_flags & (REGION_SHARED | REGION_GROWSDOWN));
}

static uint64_t data_bytes(const struct mm *mm)
{
    uint64_t sum = 0;

    list_for_each(it, &mm->regions.list) {
        const struct region *r = list_entry(it, struct region, link);
        if (is_data(r->prot, r->flags))
            sum += r->end - r->start;
    }
    return sum;
}

int mm_may_expand(struct mm *mm, uint64_t bytes, unsigned prot, unsigned region_flags)
{
    uint64_t limit = mm_rlimit(RLIMIT_AS);

    if (bytes > limit || mm->regions.bytes > limit - bytes)
        return -ENOMEM;
    limit = mm_rlimit(RLIMIT_DATA);
    if (limit == RLIM64_INFINITY || !is_data(prot, region_flags))
        return 0;
    return bytes > limit || data_bytes(mm) > limit - bytes ? -ENOMEM : 0;
}

/* Looking */

static void info_fill(const struct region *r, struct mm_region_info *out)
{
    out->start = r->start;
    out->end = r->end;
    out->prot = r->prot;
    /* The kernel's own objects show as on Linux. */
    out->flags = ((r->flags & REGION_SHARED) && r->file ? MAP_SHARED : MAP_PRIVATE) |
                 (r->flags & REGION_GROWSDOWN ? MAP_GROWSDOWN : 0) |
                 (r->flags & REGION_NORESERVE ? MAP_NORESERVE : 0) |
                 (r->flags & REGION_STACK ? MAP_STACK : 0);
    out->off = r->file ? r->off : 0;
    out->file = r->file;
    out->name = r->name;
    out->resident = pagemap_resident(r->start, (r->end - r->start) / PAGE_SIZE);
    out->clean = r->file ? region_clean_pages(r) : 0;
}

int mm_for_each(struct mm *mm, int (*fn)(const struct mm_region_info *, void *), void *arg)
{
    uaddr_t at = 0;
    int ret = 0;

    while (ret == 0) {
        struct mm_region_info info;
        struct region *r;

        mutex_lock(&mm->lock);
        r = region_find(&mm->regions, at);
        if (r) {
            info_fill(r, &info);
            if (info.file)
                file_get(info.file);
        }
        mutex_unlock(&mm->lock);
        if (!r)
            break;
        at = info.end;
        ret = fn(&info, arg);
        if (info.file)
            file_put(info.file);
    }
    return ret;
}

bool mm_find(struct mm *mm, uaddr_t addr, struct mm_region_info *out)
{
    struct region *r;

    mutex_lock(&mm->lock);
    r = region_find(&mm->regions, addr);
    if (r)
        info_fill(r, out);
    mutex_unlock(&mm->lock);
    return r != NULL;
}

size_t mm_resident(struct mm *mm)
{
    size_t sum = 0;

    mutex_lock(&mm->lock);
    list_for_each(it, &mm->regions.list) {
        const struct region *r = list_entry(it, struct region, link);
        sum += pagemap_resident(r->start, (r->end - r->start) / PAGE_SIZE);
    }
    mutex_unlock(&mm->lock);
    return sum;
}

size_t mm_total(struct mm *mm)
{
    return mm->regions.bytes / PAGE_SIZE;
}
