/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that become shorter under private mappings: as on Linux, what lies behind the new end goes, pages that
 * were written to as well, and is SIGBUS until the file is long enough again.
 *
 * Most files that are cut were never mapped: which were, since the start, is in a table of bits by inode (the host's
 * can have several objects), which may say yes wrongly.  Only then the regions of all processes are looked
 * through.  One that takes turns with others (overlay.h) and is not the current one has its pages elsewhere: it
 * does the rest itself, when it has the turn and before it goes back to the program.
 *
 * Locks: none is held by the caller; each mm->lock, one at a time.
 */
#include "kernel/mm/overlay.h"
#include "kernel/mm/pagemap.h"

#include "abi/host/layout.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm_impl.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"

#define MAPPED_BITS (1U << 16)

static uint8_t mapped[MAPPED_BITS / 8]; /* [a] */

static uint8_t *mapped_byte(const struct inode *i, uint8_t *bit)
{
    uint64_t h = (i->ino ^ (uint64_t)(uintptr_t)i->super) * 0x9e3779b97f4a7c15UL >> 48;
    *bit = (uint8_t)(1U << (h & 7));
    return &mapped[(h % MAPPED_BITS) / 8];
}

void cut_note(const struct file *f)
{
    uint8_t bit;
    if (!f->inode)
        return;
    uint8_t *byte = mapped_byte(f->inode, &bit);
    if (!(__atomic_load_n(byte, __ATOMIC_RELAXED) & bit))
        __atomic_fetch_or(byte, bit, __ATOMIC_SEQ_CST);
}

/* By what one knows a file, for longer than an inode's object lasts; super blocks last for ever. */
struct cut {
    struct cut *next;
    const struct super *super;
    uint64_t ino, dev, size;
};

static bool cut_same_file(const struct cut *a, const struct cut *b)
{
    return a->super == b->super && a->ino == b->ino && a->dev == b->dev;
}

static struct cut cut_of(const struct inode *i, uint64_t size)
{
    return (struct cut){.super = i->super, .ino = i->ino, .dev = i->dev, .size = size};
}

static bool cut_shows(const struct region *r, const struct cut *c)
{
    if (!r->file || r->shm || !r->file->inode)
        return false;
    struct cut its = cut_of(r->file->inode, 0);
    return cut_same_file(&its, c);
}

/* Where in r what goes begins; r's end: nothing goes. */
static uaddr_t cut_start(const struct region *r, uint64_t size)
{
    uint64_t left = size > (uint64_t)r->off ? size - (uint64_t)r->off : 0;
    return left < r->end - r->start ? r->start + left : r->end;
}

static void cut_region(struct mm *mm, const struct region *r, uint64_t size)
{
    uaddr_t at = cut_start(r, size), start = ALIGN_UP(at, PAGE_SIZE);
    unsigned state = 0;
    if (at < start) { /* the page across the end: where it is the file's it ends in zeros now */
        (void)pagemap_run(start - PAGE_SIZE, 1, &state);
        if (state & PAGE_CLEAN)
            start -= PAGE_SIZE;
    }
    if (start >= r->end)
        return;
    mm_note_peak(mm, r->end - start);
    pages_remove(mm, start, r->end);
}

static void cut_regions(struct mm *mm, const struct cut *c)
{
    for (struct region *r = region_find(&mm->regions, 0); r; r = region_next(&mm->regions, r))
        if (cut_shows(r, c))
            cut_region(mm, r, c->size);
}

/* Leaves it to mm: true, it has something to do.  Without memory its pages stay. */
static bool cut_later(struct mm *mm, const struct cut *c)
{
    bool any = false;
    for (struct region *r = region_find(&mm->regions, 0); r; r = region_next(&mm->regions, r))
        any |= cut_shows(r, c) && cut_start(r, c->size) < r->end;
    if (!any)
        return false;
    for (struct cut *old = mm->cuts; old; old = old->next)
        if (cut_same_file(old, c)) {
            old->size = MIN(old->size, c->size);
            return true;
        }
    struct cut *more = kmalloc(sizeof(*more));
    if (!more)
        return false;
    *more = *c;
    more->next = mm->cuts;
    __atomic_store_n(&mm->cuts, more, __ATOMIC_RELAXED);
    return true;
}

static int cut_tell(struct process *p, void *mm)
{
    spin_lock(&p->lock);
    if (p->mm == mm)
        list_for_each(l, &p->threads)
            __atomic_store_n(&list_entry(l, struct thread, process_link)->exit_work, 1,
                             __ATOMIC_RELEASE);
    spin_unlock(&p->lock);
    return 0;
}

static void cut_mm(struct mm *mm, const struct cut *c)
{
    bool later = false;
    mutex_lock(&mm->lock);
    if (mm == current_process()->mm || !overlay_shared(mm))
        cut_regions(mm, c);
    else
        later = cut_later(mm, c);
    mutex_unlock(&mm->lock);
    if (later)
        (void)process_for_each(cut_tell, mm);
}

void mm_cut_rest(void)
{
    struct mm *mm = current_process()->mm;
    if (likely(!__atomic_load_n(&mm->cuts, __ATOMIC_RELAXED)))
        return;
    mutex_lock(&mm->lock);
    for (const struct cut *c = mm->cuts; c; c = c->next)
        cut_regions(mm, c);
    cuts_free(mm);
    mutex_unlock(&mm->lock);
}

void cuts_free(struct mm *mm)
{
    while (mm->cuts) {
        struct cut *c = mm->cuts;
        __atomic_store_n(&mm->cuts, c->next, __ATOMIC_RELAXED);
        kfree(c);
    }
}

/* All address spaces, some several times. */
struct all {
    size_t n, room;
    struct mm **mm;
};

static int cut_collect(struct process *p, void *arg)
{
    struct all *all = arg;
    spin_lock(&p->lock);
    if (p->mm && all->n < all->room)
        all->mm[all->n++] = mm_grab(p->mm);
    spin_unlock(&p->lock);
    return 0;
}

void mm_file_cut(const struct inode *i, uint64_t size)
{
    struct all all = {.room = processes_count() + 8};
    const struct cut c = cut_of(i, size);
    uint8_t bit;
    const uint8_t *byte = mapped_byte(i, &bit);
    if (!(__atomic_load_n(byte, __ATOMIC_SEQ_CST) & bit))
        return;
    all.mm = kmalloc(all.room * sizeof(*all.mm));
    if (all.mm) /* else they keep what they have */
        (void)process_for_each(cut_collect, &all);
    for (size_t k = 0; k < all.n; k++) {
        if (k == 0 || all.mm[k] != all.mm[k - 1])
            cut_mm(all.mm[k], &c);
        mm_drop(all.mm[k]);
    }
    kfree(all.mm);
}
