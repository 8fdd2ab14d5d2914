/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of files that had to be verified or decrypted, kept in the enclave.
 *
 * A cache belongs to one file, whose kind fills pages on demand.  Pages are held in extents of
 * EXTENT_PAGES neighbours, the unit of reading ahead and of giving back; all extents of all caches are
 * on one list, oldest use first.  The whole never grows beyond what mm_headroom leaves.
 *
 *   page: ABSENT --fill--> PRESENT --shrink, while nobody copies (io == 0)--> ABSENT
 *
 * Locks, outer first: cache->lock (mutex; held while filling, never while data is copied out), the list's
 * lock (spin).  A reader raises `io` instead of holding the lock; pages go only when io is 0.
 */
#ifndef KERNEL_FS_PAGECACHE_H
#define KERNEL_FS_PAGECACHE_H

#include "kernel/fs/pagetree.h"
#include "kernel/sched/mutex.h"
#include "kernel/types.h"

struct pagecache;
struct uio;

#define EXTENT_PAGES 64U

/* Fills n <= EXTENT_PAGES whole pages of kernel memory with the file's bytes from page `index` on, zeros behind its
 * end; all of it verified, or an error.  Called with cache->lock held; may do ocalls. */
typedef int pagecache_fill(struct pagecache *c, pgoff_t index, void *const page[], size_t n);

struct pagecache {
    struct mutex lock;
    pagecache_fill *fill;    /* [I] */
    uint64_t size;           /* [I] of the file */
    struct pagetree extents; /* [lock] by index / EXTENT_PAGES */
    uint32_t io;             /* [a] copies under way; raised under lock */
};

/* Where a reader's next sequential read would be, and how far ahead it is worth reading. One an open file. */
struct readahead {
    uint64_t next;  /* [a] page; only a hint */
    uint32_t pages; /* [a] */
};

void pagecache_boot(void); /* once: makes the cache known to mm */
void pagecache_init(struct pagecache *c, pagecache_fill *fill, uint64_t size);
/* Drops all pages; nobody may use the cache any more. */
void pagecache_fini(struct pagecache *c);
/* Moves data at *pos to the uio, up to the end of the file. 0, -EFAULT, -ENOMEM, or what fill says. */
MUST_CHECK int pagecache_read(struct pagecache *c, struct uio *u, int64_t *pos,
                              struct readahead *ra);
/* Pages held, for /proc/meminfo. */
size_t pagecache_pages(void);

#endif
