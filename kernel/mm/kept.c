/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See kept.h.  mm->kept has the regions of the last process whose pages are still in place.  ld.so maps a
 * whole library with its first segment's rights and then each segment over it: so what is kept under a
 * mapping of the same page of the same file with other rights waits for the one that fits.
 *
 * Of writable memory only frames stay (pages.c): a region of mm->kept that is writable says where.  While they
 * wait under a mapping that is not, they show what it does.
 *
 * Outside homes, where images are linked for, only pages that are as their file has them stay, in the tree of
 * the addresses' owner (overlay): all its members find them there, and the next owner gets them with the
 * addresses (kept_hand_over).  They never wait under a mapping: it has them, or they go.
 *
 * Lock: kept.lock, a spin lock, for the list; an mm on it is nobody's but reclaim's (overlay_hold).
 */
#include "kernel/mm/kept.h"

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/mm/overlay_impl.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/reclaim.h"
#include "kernel/mm/slot.h"
#include "kernel/sys/patch.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/string.h"

#define KEPT_MAX 32U
#define FRAMES_MAX 64UL /* frames of one home */
#define SEEN_MAX 64U /* programs that are remembered: a program that comes later is as a new one */

#define FRAME_PROT (MM_READ | MM_WRITE)

static struct {
    struct spinlock lock;
    struct list list; /* [l] of mm, by kept_link, the oldest first */
    unsigned count;   /* [l] */
    struct seen {
        uint64_t dev, ino;
    } seen[SEEN_MAX];   /* [l] programs that have had no home of their own once */
    unsigned seen_next; /* [l] whose place is taken next */
} kept = {.list = LIST_INIT(kept.list)};

/* The region leaves its tree; its file is closed when the lock is released. */
static void region_done(struct mm *mm, struct region_tree *t, struct region *k)
{
    region_remove(t, k);
    list_add_tail(&mm->kept_dead, &k->link);
}

/* k's pages go. */
static void region_forget(struct mm *mm, struct region_tree *t, struct region *k)
{
    size_t n = (k->end - k->start) / PAGE_SIZE, run;
    unsigned state;

    for (uaddr_t at = k->start; n > 0; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if ((state & PAGE_PRESENT) || ((state & PAGE_SPARE) && (state & PAGE_PERM)))
            pages_give_up(at, run, state);
    }
    if (k->prot & MM_EXEC)
        patch_range_gone(mm, k->start, k->end);
    region_done(mm, t, k);
}

static void tree_forget(struct mm *mm, struct region_tree *t, uaddr_t start, uaddr_t end)
{
    struct region *k = region_find(t, start);

    if (!k || k->start >= end)
        return;
    if (region_isolate(t, start, end)) { /* no memory for a cut: more goes than must */
        start = k->start;
        end = t->high;
    }
    while ((k = region_find(t, start)) != NULL && k->start < end)
        region_forget(mm, t, k);
}

void kept_forget(struct mm *mm, uaddr_t start, uaddr_t end)
{
    tree_forget(mm, &mm->kept, start, end);
    tree_forget(mm, &mm->overlay->kept, start, end);
}

void kept_forget_home(struct mm *mm)
{
    tree_forget(mm, &mm->kept, mm->regions.low, mm->regions.high);
}

static bool same_place(const struct region *k, const struct region *r)
{
    return r->file && k->file && r->file->inode == k->file->inode &&
           k->off - (int64_t)k->start == r->off - (int64_t)r->start;
}

/* Both show the same bytes, and nothing has changed the file in between. */
static bool same_contents(const struct region *k, const struct region *r)
{
    const struct file_version *a = &k->version, *b = &r->version;

    return same_place(k, r) && !(r->flags & (REGION_SHARED | REGION_WRITTEN)) &&
           a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime;
}

/* Frames that are not in use go. */
static void frames_give_up(const struct region *k)
{
    size_t n = (k->end - k->start) / PAGE_SIZE, run;
    unsigned state;

    for (uaddr_t at = k->start; n > 0; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if (state == (PAGE_SPARE | EPAGE_R | EPAGE_W))
            pages_give_up(at, run, state);
    }
}

/* k's frames become pages of r, which is a mapping like the one that they were. */
static void frames_take(struct mm *mm, struct region *k, struct region *r)
{
    (void)!region_populate(mm, r, k->start, k->end);
    frames_give_up(k); /* behind the end of a file, or what could not be read */
    region_done(mm, &mm->kept, k);
}

/* Behind k's addresses r maps the file whose bss k was, as a loader does before it maps the parts. */
static bool bss_of(const struct mm *mm, const struct region *k, const struct region *r)
{
    const struct region *data = k->file ? NULL : region_prev(&mm->kept, k);

    return data && data->end == k->start && data->start >= r->start && same_place(data, r);
}

/* k's frames wait under r, which may not be written: false when they cannot show what it does. */
static bool frames_wait(struct mm *mm, const struct region *k, const struct region *r)
{
    uint64_t size;
    size_t n, skip = (k->start - r->start) / PAGE_SIZE;

    if ((r->flags & REGION_SHARED) || (r->prot & MM_WRITE) ||
        !(same_place(k, r) || bss_of(mm, k, r)) || region_file_pages(r, &size, &n))
        return false;
    if (n <= skip)
        return true; /* an access there would be SIGBUS */
    n = MIN(n - skip, (k->end - k->start) / PAGE_SIZE);
    return frames_show_file(mm, r, k->start, n, size) == 0;
}

static void frames_settle(struct mm *mm, struct region *k, struct region *r)
{
    bool like = r->prot == FRAME_PROT && !r->shm && (k->file ? same_place(k, r) : !r->file);

    if (like && !(r->flags & (REGION_SHARED | REGION_NORESERVE)))
        frames_take(mm, k, r);
    else if (!frames_wait(mm, k, r))
        region_forget(mm, &mm->kept, k);
}

static void home_settle(struct mm *mm, struct region *k, struct region *r)
{
    if (k->prot & MM_WRITE)
        frames_settle(mm, k, r);
    else if (!same_contents(k, r) || (r->prot & ~k->prot))
        region_forget(mm, &mm->kept, k); /* also what would wait and could not be used as r says */
    else if (k->prot == r->prot)
        region_done(mm, &mm->kept, k);
}

static void fixed_settle(struct mm *mm, struct region *k, struct region *r)
{
    struct region_tree *t = &mm->overlay->kept;

    if (same_contents(k, r) && k->prot == r->prot)
        region_done(mm, t, k);
    else
        region_forget(mm, t, k);
}

static void tree_settle(struct mm *mm, struct region_tree *t, struct region *r,
                        void (*settle)(struct mm *, struct region *, struct region *))
{
    struct region *k = region_find(t, r->start);
    uaddr_t at = r->start;

    if (!k || k->start >= r->end)
        return;
    if (region_isolate(t, r->start, r->end)) {
        tree_forget(mm, t, r->start, r->end);
        return;
    }
    while ((k = region_find(t, at)) != NULL && k->start < r->end) {
        at = k->end;
        settle(mm, k, r);
    }
}

void kept_settle(struct mm *mm, struct region *r)
{
    tree_settle(mm, &mm->kept, r, home_settle);
    tree_settle(mm, &mm->overlay->kept, r, fixed_settle);
}

size_t kept_run(const struct mm *mm, uaddr_t addr, size_t *n)
{
    const struct region *k = region_find(&mm->kept, addr);

    if (!k)
        return 0;
    if (k->start <= addr)
        return MIN(*n, (k->end - addr) / PAGE_SIZE);
    *n = MIN(*n, (k->start - addr) / PAGE_SIZE);
    return 0;
}

/* --- storing ------------------------------------------------------------------------------ */

/* It is at home, and nothing is kept there already. */
static bool place_ok(const struct mm *mm, const struct region *r)
{
    size_t n = (r->end - r->start) / PAGE_SIZE;

    return r->start >= mm->home && r->end <= mm->home_end && !kept_run(mm, r->start, &n) &&
           n == (r->end - r->start) / PAGE_SIZE;
}

static bool keepable(const struct region *r)
{
    if (r->flags & REGION_KERNEL)
        return true;
    return r->file && r->file->inode && !(r->prot & MM_WRITE) &&
           !(r->flags & (REGION_SHARED | REGION_WRITTEN));
}

/* It was writable, is small or the stack, and will be mapped again as it was. */
static bool frames_keepable(const struct region *r)
{
    if (r->shm || (r->flags & (REGION_SHARED | REGION_KERNEL | REGION_COMMON | REGION_NORESERVE)))
        return false;
    if ((r->prot & MM_EXEC) || !(r->prot & MM_READ))
        return false;
    if (r->file ? !r->file->inode || !(r->flags & REGION_WRITTEN) : !(r->prot & MM_WRITE))
        return false;
    return r->end - r->start <= EAGER_BYTES || (r->flags & REGION_GROWSDOWN);
}

/* What may stay of r's pages in t: all that are as the file has them, and patched text if `patched`. */
static void region_keep(struct mm *mm, struct region *r, struct region_tree *t, bool patched)
{
    size_t n = (r->end - r->start) / PAGE_SIZE, run;
    unsigned state;

    for (uaddr_t at = r->start; n > 0; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if (!(state & PAGE_PRESENT))
            continue;
        if (!(state & PAGE_CLEAN) && !patched)
            pages_give_up(at, run, state & ~PAGE_COMMON);
        else
            pagemap_set(at, run, state & ~PAGE_COMMON);
    }
    region_remove(&mm->regions, r);
    region_insert(t, r);
}

/* How many frames are made of r's pages: all, if they are `max` at most. */
static size_t frames_keep(struct mm *mm, struct region *r, size_t max)
{
    size_t n = (r->end - r->start) / PAGE_SIZE, made = pagemap_resident(r->start, n), run;
    unsigned state;

    if (made == 0 || made > max || pagemap_spare() + made > reclaim_spare_max())
        return 0;
    for (uaddr_t at = r->start; n > 0; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if (state & PAGE_PRESENT)
            frames_make(at, run, state);
    }
    region_remove(&mm->regions, r);
    r->prot = FRAME_PROT;
    region_insert(&mm->kept, r);
    region_merge(&mm->kept, r);
    return made;
}

/* A file's, outside the home. */
static bool fixed_keepable(const struct mm *mm, const struct region *r)
{
    return (r->end <= mm->home || r->start >= mm->home_end) && r->file && keepable(r);
}

/* r, which is that, stays where no other member maps anything. */
static void fixed_keep(struct mm *mm, struct region *r)
{
    if (r->prot & MM_EXEC)
        patch_range_gone(mm, r->start, r->end);
    for (struct region *rest; r; r = rest) {
        uaddr_t end = r->end;
        bool used;
        uaddr_t stop = overlay_same(mm, r->start, end, &used);
        if (stop < end && region_split(&mm->regions, r, stop))
            return;
        rest = stop < end ? region_next(&mm->regions, r) : NULL;
        if (!used)
            region_keep(mm, r, &mm->overlay->kept, false);
    }
}

/* with_frames: … and what was writable, for the next one. */
static void regions_keep(struct mm *mm, bool with_frames)
{
    size_t frames = 0;

    list_for_each_safe(l, &mm->regions.list) {
        struct region *r = list_entry(l, struct region, link);
        if (fixed_keepable(mm, r))
            fixed_keep(mm, r);
        else if (!place_ok(mm, r))
            continue;
        else if (keepable(r))
            region_keep(mm, r, &mm->kept, r->prot & MM_EXEC);
        else if (with_frames && frames_keepable(r))
            frames += frames_keep(mm, r, FRAMES_MAX - frames);
    }
}

/* Of mm's units, which has its group alone, the home stays, and where something is kept. */
static void units_trim(struct mm *mm)
{
    const struct region_tree *t = &mm->overlay->kept;
    uaddr_t below = slots_end(), at, end, next;

    while (slot_below(mm->overlay, below, &at, &end)) {
        below = at;
        for (; at < end; at = next) {
            next = at == mm->home ? mm->home_end : slot_unit_end(at);
            if (at != mm->home && region_range_free(t, at, next))
                slots_release_range(mm->overlay, at, next);
        }
    }
}

/* Nothing of mm is anybody's any more. */
static void mm_reset(struct mm *mm)
{
    mm->brk_start = mm->brk = 0;
    mm->clean_hand = 0;
    mm->dying = mm->is_away = false;
    mm->away_usage = (struct mm_usage){0};
    cuts_free(mm); /* they were for regions that are no more */
    turn_leave(&mm->turn);
    if (current->turn == &mm->turn)
        turn_move(NULL);
    mm->turn = (struct turn){0};
    ref_init(&mm->users);
}

bool kept_clear(struct mm *mm, struct list *dead)
{
    struct overlay *own = NULL;
    int err;

    if (mm->ref.count != 1 || mm->lost || !patch_intact(mm))
        return false;
    if (!mm->guest && (!mm->program || mm->home_end - mm->home != slot_home_size()))
        return false;
    if (!overlay_close(mm) && (own = overlay_apart(mm)) == NULL)
        return false;
    if (mm->borrowed) /* what of another program's it had no use for */
        kept_forget_home(mm);
    mm->borrowed = false;
    regions_keep(mm, !mm->guest); /* a guest comes with what it has */
    err = unmap_locked(mm, mm->regions.low, mm->regions.high, dead); /* nothing to split */
    if (err)
        panic("mm: cannot clear an address space: error %d", -err);
    if (own)
        overlay_part(mm, own);
    else
        units_trim(mm);
    return true;
}

/* Trampolines: patched text jumps there, so nothing else may come to it. */
static void kernel_regions_move(struct region_tree *from, struct region_tree *to)
{
    list_for_each_safe(l, &from->list) {
        struct region *r = list_entry(l, struct region, link);
        if (r->flags & REGION_KERNEL) {
            region_remove(from, r);
            region_insert(to, r);
        }
    }
}

void kept_vacate(struct mm *mm, struct list *dead)
{
    struct region *r, *next;

    if (patch_intact(mm) && !overlay_home_used(mm)) {
        regions_keep(mm, false);
        kernel_regions_move(&mm->kept, &mm->regions);
    }
    for (r = region_find(&mm->regions, 0); r; r = next) {
        next = region_next(&mm->regions, r);
        if (!r->shm && !(r->flags & REGION_KERNEL) && unmap_locked(mm, r->start, r->end, dead))
            panic("mm: cannot clear an address space");
    }
}

void kept_store(struct mm *mm)
{
    mm_free_dead(&mm->kept_dead);
    mm_reset(mm);
    spin_lock(&kept.lock);
    list_add_tail(&kept.list, &mm->kept_link);
    bool full = ++kept.count > KEPT_MAX;
    spin_unlock(&kept.lock);
    if (full)
        (void)!kept_drop_oldest();
}

/* --- taking ------------------------------------------------------------------------------- */

static struct mm *take(const struct inode *program)
{
    struct mm *found = NULL;

    spin_lock(&kept.lock);
    list_for_each(l, &kept.list) {
        struct mm *mm = list_entry(l, struct mm, kept_link);
        if (program && mm->program != program)
            continue;
        found = mm;
        if (!program)
            break; /* the oldest; else the youngest, which is most likely whole */
    }
    if (found) {
        list_del(&found->kept_link);
        kept.count--;
    }
    spin_unlock(&kept.lock);
    return found;
}

static struct mm *taken(struct mm *mm)
{
    overlay_open(mm);
    mutex_lock(&mm->lock);
    kernel_regions_move(&mm->kept, &mm->regions);
    mutex_unlock(&mm->lock);
    return mm;
}

struct mm *kept_take(const struct file *program)
{
    struct mm *mm = program && program->inode ? take(program->inode) : NULL;

    return mm ? taken(mm) : NULL;
}

/* It was asked for before; from now on it was. */
static bool seen_locked(const struct inode *program) REQUIRES(kept.lock)
{
    const struct seen s = {program->super->dev, program->ino};

    for (unsigned i = 0; i < SEEN_MAX; i++)
        if (kept.seen[i].dev == s.dev && kept.seen[i].ino == s.ino)
            return true;
    kept.seen[kept.seen_next++ % SEEN_MAX] = s;
    return false;
}

/* The youngest that is alike, and has only a home. */
static struct mm *take_like(const struct inode *program, const struct mm_like *like)
{
    struct mm *found = NULL;

    spin_lock(&kept.lock);
    bool seen = seen_locked(program);
    list_for_each(l, &kept.list) {
        struct mm *mm = list_entry(l, struct mm, kept_link);
        if (!seen && !memcmp(&mm->like, like, sizeof(*like)) && !mm->overlay->kept.count)
            found = mm;
    }
    if (found) {
        list_del(&found->kept_link);
        kept.count--;
    }
    spin_unlock(&kept.lock);
    return found;
}

struct mm *kept_take_like(const struct file *program, const struct mm_like *like)
{
    struct mm *mm =
        program && program->inode && like->needs ? take_like(program->inode, like) : NULL;

    if (!mm)
        return NULL;
    mutex_lock(&mm->lock);
    /* The next one need not be allowed to read the program itself. */
    list_for_each_safe(l, &mm->kept.list) {
        struct region *k = list_entry(l, struct region, link);
        if (k->file && k->file->inode == mm->program)
            region_forget(mm, &mm->kept, k);
    }
    mutex_unlock(&mm->lock);
    mm_free_dead(&mm->kept_dead);
    inode_put(mm->program);
    mm->program = inode_get(program->inode);
    mm->borrowed = true;
    return taken(mm);
}

struct mm *kept_take_home(uaddr_t home, uaddr_t end)
{
    struct mm *found = NULL;

    spin_lock(&kept.lock);
    list_for_each(l, &kept.list) {
        struct mm *mm = list_entry(l, struct mm, kept_link);
        if (mm->home == home && mm->home_end == end)
            found = mm;
    }
    if (found) {
        list_del(&found->kept_link);
        kept.count--;
    }
    spin_unlock(&kept.lock);
    return found ? taken(found) : NULL;
}

/* The one that owns addr, off the list. */
static struct mm *take_owner(uaddr_t addr)
{
    struct mm *found = NULL;

    spin_lock(&kept.lock);
    const struct overlay *owner = slot_owner(addr);
    list_for_each(l, &kept.list) {
        struct mm *mm = list_entry(l, struct mm, kept_link);
        if (mm->overlay == owner)
            found = mm;
    }
    if (found)
        list_del(&found->kept_link);
    spin_unlock(&kept.lock);
    return found;
}

bool kept_hand_over(struct mm *to, uaddr_t addr)
{
    struct mm *mm = take_owner(addr);

    if (!mm)
        return false;
    bool fixed = addr < mm->home || addr >= mm->home_end;
    if (fixed) {
        mutex_lock(&mm->lock);
        list_for_each_safe(l, &mm->overlay->kept.list) {
            struct region *k = list_entry(l, struct region, link);
            region_remove(&mm->overlay->kept, k);
            region_insert(&to->overlay->kept, k);
        }
        slots_pass(mm->overlay, to->overlay, 0, mm->home);
        slots_pass(mm->overlay, to->overlay, mm->home_end, slots_end());
        mutex_unlock(&mm->lock);
    }
    spin_lock(&kept.lock);
    list_add_head(&kept.list, &mm->kept_link);
    spin_unlock(&kept.lock);
    return fixed;
}

bool kept_drop_oldest(void)
{
    struct mm *mm = take(NULL);

    if (!mm)
        return false;
    mutex_lock(&mm->lock);
    kept_forget(mm, mm->regions.low, mm->regions.high);
    mutex_unlock(&mm->lock);
    mm_free_dead(&mm->kept_dead);
    mm_end(mm);
    return true;
}

/* The oldest that has pages, locked: whoever reclaims may have any other lock. */
static struct mm *take_full(void) NO_TSA
{
    struct mm *found = NULL;

    spin_lock(&kept.lock);
    list_for_each(l, &kept.list) {
        struct mm *mm = list_entry(l, struct mm, kept_link);
        if (!found && mm->kept.count + mm->overlay->kept.count > 0 && mutex_trylock(&mm->lock))
            found = mm;
    }
    if (found)
        list_del(&found->kept_link);
    spin_unlock(&kept.lock);
    return found;
}

/* Only pages go: to close files, and to give up addresses, is for when they are needed. */
static size_t kept_shrink(size_t n) NO_TSA
{
    size_t before = epage_count(), now = before;
    struct mm *mm;

    while (before - now < n && (mm = take_full()) != NULL) {
        kept_forget(mm, mm->regions.low, mm->regions.high);
        patch_mm_gone(mm); /* with all text that knew of it */
        mutex_unlock(&mm->lock);
        spin_lock(&kept.lock);
        list_add_head(&kept.list, &mm->kept_link);
        spin_unlock(&kept.lock);
        now = MIN(before, epage_count());
    }
    return before - now;
}

void kept_init(void)
{
    static struct shrinker shrinker = {.shrink = kept_shrink};

    shrinker_register(&shrinker);
}
