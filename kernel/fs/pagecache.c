/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page cache of pagecache.h.
 *
 * Reads for the kernel itself (mm fills mappings, elf reads headers) are served from the cache where it
 * has the page; whole pages that it has not are filled straight into the reader's memory and not kept:
 * mm keeps them already, and memory for them twice would be wasted.
 */
#include "kernel/fs/pagecache.h"

#include <linux/errno.h>

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/reclaim.h"
#include "kernel/vfs/uio.h"
#include "lib/list.h"
#include "lib/string.h"

#define READAHEAD_FIRST 4U          /* pages, for the first read that looks sequential */
#define SMALL_FILE (16 * PAGE_SIZE) /* read at once */
#define SHRINK_BATCH EXTENT_PAGES

struct extent {
    struct list lru;          /* [list lock] */
    struct pagecache *owner;  /* [I] */
    pgoff_t base;             /* [I] index of page[0] */
    unsigned count;           /* [owner's lock] pages present */
    void *page[EXTENT_PAGES]; /* [owner's lock] set and cleared; read under it or with io raised */
};

static struct {
    struct spinlock lock;
    struct list lru;              /* [l] oldest first */
    size_t pages;                 /* [l] */
    const struct pagecache *busy; /* [l] whose extent is being given back */
} cache = {.lru = LIST_INIT(cache.lru)};

void pagecache_init(struct pagecache *c, pagecache_fill *fill, uint64_t size)
{
    mutex_init(&c->lock);
    c->fill = fill;
    c->size = size;
    pagetree_init(&c->extents);
    c->io = 0;
}

size_t pagecache_pages(void)
{
    spin_lock(&cache.lock);
    size_t n = cache.pages;
    spin_unlock(&cache.lock);
    return n;
}

static void count_pages(long n)
{
    spin_lock(&cache.lock);
    cache.pages += (size_t)n;
    spin_unlock(&cache.lock);
}

/* Giving back. */

/* Frees an extent that is off the list; with its owner's lock held and io 0. */
static size_t extent_free(struct extent *e)
{
    size_t n = e->count;
    (void)pagetree_remove(&e->owner->extents, e->base / EXTENT_PAGES);
    for (unsigned i = 0; i < EXTENT_PAGES; i++)
        if (e->page[i])
            kpages_free(e->page[i], 1);
    kfree(e);
    count_pages(-(long)n);
    return n;
}

/*
 * Takes the oldest extent off the list whose owner nobody uses, leaving the owner locked and marked
 * busy.  `mine` is a cache that the caller has locked itself, `keep` the link of an extent to be spared.
 * NO_TSA here and in shrink: whether a lock is taken depends on whose it is.
 */
static struct extent *victim_take(const struct pagecache *mine, const struct list *keep) NO_TSA
{
    struct extent *found = NULL;
    spin_lock(&cache.lock);
    list_for_each(it, &cache.lru) {
        struct extent *e = list_entry(it, struct extent, lru);
        struct pagecache *c = e->owner;
        if (cache.busy || it == keep || __atomic_load_n(&c->io, __ATOMIC_ACQUIRE))
            continue;
        if (c != mine && !mutex_trylock(&c->lock))
            continue;
        if (__atomic_load_n(&c->io, __ATOMIC_ACQUIRE)) {
            if (c != mine)
                mutex_unlock(&c->lock);
            continue;
        }
        cache.busy = c;
        list_del(&e->lru);
        found = e;
        break;
    }
    spin_unlock(&cache.lock);
    return found;
}

/* Gives back about n pages; with the lock of `mine` held, if that is not NULL. */
static size_t shrink(size_t n, const struct pagecache *mine, const struct list *keep) NO_TSA
{
    size_t freed = 0;
    while (freed < n) {
        struct extent *e = victim_take(mine, keep);
        if (!e)
            break;
        struct pagecache *owner = e->owner;
        freed += extent_free(e);
        if (owner != mine)
            mutex_unlock(&owner->lock);
        spin_lock(&cache.lock);
        cache.busy = NULL;
        spin_unlock(&cache.lock);
    }
    return freed;
}

static size_t shrink_for_mm(size_t n)
{
    return shrink(n, NULL, NULL);
}

void pagecache_boot(void)
{
    static struct shrinker shrinker = {.shrink = shrink_for_mm};
    shrinker_register(&shrinker);
}

void pagecache_fini(struct pagecache *c)
{
    uint64_t index = 0;
    struct extent *e;
    mutex_lock(&c->lock);
    while ((e = pagetree_next(&c->extents, &index))) {
        spin_lock(&cache.lock);
        list_del(&e->lru);
        spin_unlock(&cache.lock);
        extent_free(e);
        index = 0;
    }
    mutex_unlock(&c->lock);
    /* A shrinker that held the lock before us may still be in its unlock. */
    while (__atomic_load_n(&cache.busy, __ATOMIC_ACQUIRE) == c)
        thread_yield();
}

/* Filling. */

static struct extent *extent_find(const struct pagecache *c, pgoff_t index)
{
    return pagetree_get(&c->extents, index / EXTENT_PAGES);
}

static struct extent *extent_get(struct pagecache *c, pgoff_t index)
{
    struct extent *e = extent_find(c, index);
    if (e)
        return e;
    e = kzalloc(sizeof(*e));
    if (!e)
        return NULL;
    e->owner = c;
    e->base = ALIGN_DOWN(index, (pgoff_t)EXTENT_PAGES);
    if (pagetree_set(&c->extents, index / EXTENT_PAGES, e)) {
        kfree(e);
        return NULL;
    }
    spin_lock(&cache.lock);
    list_add_tail(&cache.lru, &e->lru);
    spin_unlock(&cache.lock);
    return e;
}

static void extent_used(struct extent *e)
{
    if (__atomic_load_n(&cache.lru.prev, __ATOMIC_RELAXED) == &e->lru)
        return;
    spin_lock(&cache.lock);
    list_del(&e->lru);
    list_add_tail(&cache.lru, &e->lru);
    spin_unlock(&cache.lock);
}

/* Fresh pages for an extent: as many of the n as memory allows, old ones of other extents going first. */
static size_t pages_alloc(struct pagecache *c, const struct extent *e, void **page, size_t n)
{
    size_t got = 0, room = mm_headroom();
    if (room < n)
        room += shrink(n - room, c, &e->lru);
    n = MIN(n, MAX(room, (size_t)1));
    while (got < n && (page[got] = kpages_alloc(1)))
        got++;
    if (!got && shrink(SHRINK_BATCH, c, &e->lru) && (page[0] = kpages_alloc(1)))
        got = 1;
    return got;
}

/* How many pages from index on are absent and worth reading now: at least 1, within the extent. */
static size_t window(const struct pagecache *c, const struct extent *e, pgoff_t index, size_t want)
{
    pgoff_t end = MIN((c->size + PAGE_SIZE - 1) >> PAGE_SHIFT, e->base + EXTENT_PAGES);
    size_t n = 1;
    while (n < want && index + n < end && !e->page[index + n - e->base])
        n++;
    return n;
}

/* How far to read for a request of `pages` pages at index. */
static size_t readahead_next(const struct pagecache *c, struct readahead *ra, pgoff_t index,
                             size_t pages)
{
    if (c->size <= SMALL_FILE)
        return EXTENT_PAGES;
    if (index != ra->next)
        ra->pages = 0;
    else
        ra->pages = MIN(MAX(2 * ra->pages, READAHEAD_FIRST), EXTENT_PAGES);
    return MAX(pages, (size_t)ra->pages);
}

/* Makes n pages from index on present, of which memory may allow fewer. With c->lock held. */
static int fill_window(struct pagecache *c, struct extent *e, pgoff_t index, size_t n)
{
    void *page[EXTENT_PAGES];
    n = pages_alloc(c, e, page, n);
    int err = n ? c->fill(c, index, page, n) : -ENOMEM;
    if (err) {
        for (size_t i = 0; i < n; i++)
            kpages_free(page[i], 1);
        return err;
    }
    for (size_t i = 0; i < n; i++)
        e->page[index - e->base + i] = page[i];
    e->count += (unsigned)n;
    count_pages((long)n);
    return 0;
}

/* Makes page `index` and some after it present. With c->lock held. */
static int fill_cached(struct pagecache *c, pgoff_t index, size_t want, struct readahead *ra)
{
    struct extent *e = extent_get(c, index);
    if (!e)
        return -ENOMEM;
    size_t n = window(c, e, index, MIN(want, (size_t)EXTENT_PAGES));
    int err = fill_window(c, e, index, n);
    if (err == -EIO && n > 1) /* a bad page later on must not take this one with it */
        err = fill_window(c, e, index, n = 1);
    ra->next = index + n;
    return err;
}

/* Fills whole pages into the reader's own kernel memory. With c->lock held. Pages filled, or -errno. */
static long fill_direct(struct pagecache *c, struct uio *u, pgoff_t index)
{
    void *page[EXTENT_PAGES];
    char *to = (char *)(u->seg->base + u->seg_off);
    const struct extent *e = extent_find(c, index);
    size_t room = MIN(u->seg->len - u->seg_off, u->left) / PAGE_SIZE;
    pgoff_t end =
        MIN(c->size >> PAGE_SHIFT, ALIGN_DOWN(index, (pgoff_t)EXTENT_PAGES) + EXTENT_PAGES);
    size_t n = 0;
    while (n < room && index + n < end && !(e && e->page[index + n - e->base])) {
        page[n] = to + n * PAGE_SIZE;
        n++;
    }
    int err = n ? c->fill(c, index, page, n) : 0;
    if (err == -EIO && n > 1)
        err = c->fill(c, index, page, n = 1);
    return err ? err : (long)n;
}

/* Copies from pages that are present, from *pos on, at most to the end of the extent; with c->lock held, which
 * is dropped while copying. */
static int copy_present(struct pagecache *c, struct extent *e, struct uio *u, int64_t *pos)
    REQUIRES(c->lock)
{
    size_t left = MIN(c->size - (uint64_t)*pos, (uint64_t)u->left), before = u->done;
    size_t slot = ((pgoff_t)*pos >> PAGE_SHIFT) - e->base, from = (size_t)*pos % PAGE_SIZE;
    int err = 0;
    __atomic_add_fetch(&c->io, 1, __ATOMIC_ACQUIRE);
    extent_used(e);
    mutex_unlock(&c->lock);
    for (; left && !err && slot < EXTENT_PAGES; slot++, from = 0) {
        char *page = __atomic_load_n(&e->page[slot], __ATOMIC_ACQUIRE);
        if (!page)
            break;
        size_t n = MIN(PAGE_SIZE - from, left);
        err = uio_put(u, page + from, n);
        left -= n;
    }
    *pos += (int64_t)(u->done - before);
    __atomic_sub_fetch(&c->io, 1, __ATOMIC_RELEASE);
    mutex_lock(&c->lock);
    return err;
}

static bool wants_direct(const struct uio *u, int64_t pos, uint64_t size)
{
    return u->kernel && !((uint64_t)pos % PAGE_SIZE) && (uint64_t)pos + PAGE_SIZE <= size &&
           u->seg->len - u->seg_off >= PAGE_SIZE && u->left >= PAGE_SIZE;
}

/* Moves some of what is at *pos, which lies before the end. With c->lock held. */
static int read_some(struct pagecache *c, struct uio *u, int64_t *pos, struct readahead *ra)
    REQUIRES(c->lock)
{
    pgoff_t index = (pgoff_t)*pos >> PAGE_SHIFT;
    struct extent *e = extent_find(c, index);
    if (e && e->page[index - e->base])
        return copy_present(c, e, u, pos);
    if (wants_direct(u, *pos, c->size)) {
        long n = fill_direct(c, u, index);
        if (n <= 0)
            return n ? (int)n : -EIO;
        uio_skip(u, (size_t)n * PAGE_SIZE);
        *pos += n * (long)PAGE_SIZE;
        return 0;
    }
    size_t pages = ((size_t)*pos % PAGE_SIZE + u->left + PAGE_SIZE - 1) >> PAGE_SHIFT;
    return fill_cached(c, index, readahead_next(c, ra, index, pages), ra);
}

int pagecache_read(struct pagecache *c, struct uio *u, int64_t *pos, struct readahead *ra)
{
    int err = 0;
    if (*pos < 0)
        return -EINVAL;
    mutex_lock(&c->lock);
    while (!err && u->left && (uint64_t)*pos < c->size)
        err = read_some(c, u, pos, ra);
    mutex_unlock(&c->lock);
    return err;
}
