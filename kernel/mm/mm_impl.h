/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of mm/.  Everything here expects mm->lock to be held unless said otherwise.
 *
 * Layers: map.c (what the program asked for) and fault.c (what it touches) work on regions
 * (region.c) and pages (pages.c); pages.c alone changes enclave pages and their map (pagemap.c).
 */
#ifndef KERNEL_MM_MM_IMPL_H
#define KERNEL_MM_MM_IMPL_H

#include "kernel/mm/mm.h"
#include "kernel/mm/away.h"
#include "kernel/mm/region.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/turns.h"

struct mm {
    struct mutex lock;
    struct ref users, ref;   /* mm.h; the users together hold one ref */
    struct overlay *overlay; /* [I] owner of its addresses; overlay.h */
    uaddr_t home, home_end;  /* [I] slot.h */
    struct list member_link; /* [overlay_lock] of its group */
    struct turn turn;        /* sched/turns.h */
    uint64_t copied_alone;   /* [I] turn_alone when fork began to copy it */
    struct away_tree away;   /* overlay.h: pages that are not in place */
    unsigned turns_had;      /* how often it got the turn of others; merge.c */
    uint64_t family;         /* [I] the same for all that forked from one */
    struct region_tree kept; /* [l] kept.h: what is kept of the home */
    struct list kept_link;   /* kept.c's */
    struct list kept_dead;   /* [l] regions to be freed without the lock */
    struct inode *program;   /* [I while there are users] reference: what was executed; or NULL */
    struct mm_like like;     /* [I] which programs its libraries may be useful for */
    bool borrowed;           /* [I while there are users] the home was another program's; kept.c */
    bool lost;               /* pages of it found no room: it must end */
    bool dying;              /* its last user is gone */
    bool guest;              /* [I] it comes from another enclave; passage.h */
    bool is_away;            /* [l] it has left for another enclave … */
    struct mm_usage away_usage; /* [l] … where it has this */
    struct patch_space *patch;  /* sys/'s */
    struct region_tree regions; /* [l] */
    uaddr_t brk_start, brk;     /* [l] brk_start 0: no heap */
    uaddr_t mmap_base;          /* [I] mmap goes downward from here */
    uaddr_t stack_top;          /* [I] */
    uaddr_t pie_base;           /* [I] */
    size_t resident_peak;       /* [l] pages; usage.c */
    struct cut *cuts;           /* [l] what is still to be cut off; cut.c */
    uaddr_t clean_hand;         /* [l] where reclaim goes on among clean file pages */
    void *staging;              /* [l] STAGING_PAGES of file contents on their way; or NULL */
};

/* Linux's vocabulary for sizes that this folder shares. */
#define STAGING_PAGES 64UL        /* most of a file that one fault reads */
#define FAULT_PAGES 16UL          /* first fault-around window */
#define FAULT_PAGES_TEXT 32UL     /* of what only files have: a page costs less than a fault */
#define FAULT_PAGES_STACK 4UL     /* of stacks */
#define FAULT_PAGES_MAX 512UL     /* last, after some sequential faults */
#define EAGER_BYTES (64UL * 1024) /* smaller writable private maps are filled at once */
#define EAGER_BRK_BYTES (256UL * 1024)

/* mm.c */
bool mm_randomizes(void);         /* what the current process gets is at random places */
void mm_end(struct mm *mm);       /* the last of it, which has no regions any more */
uint64_t mm_rlimit(int resource); /* of the current process; any context */
/* -ENOMEM when `bytes` more would exceed RLIMIT_AS (or RLIMIT_DATA, for writable private memory). */
MUST_CHECK int mm_may_expand(struct mm *mm, uint64_t bytes, unsigned prot, unsigned region_flags);
void mm_free_dead(struct list *dead); /* without the lock: frees regions and drops their files */

/* usage.c */
size_t region_clean_pages(
    const struct region *r); /* those whose contents are as their file has them */
void mm_note_peak(struct mm *mm, uint64_t bytes); /* before so many go */

/* pages.c: start and end are page aligned */
unsigned region_perm(const struct region *r); /* EPAGE_* that its prot means */
/* Absent pages of [start, start + n pages) in anonymous r become zero pages. -ENOMEM: some may be in. */
MUST_CHECK int pages_fill_zero(struct mm *mm, struct region *r, uaddr_t start, size_t n);
/* Absent pages in file-backed r get the file's contents; all of them lie before the end of file. */
MUST_CHECK int pages_fill_file(struct mm *mm, struct region *r, uaddr_t start, size_t n,
                               uint64_t file_size);
/* Pages get the permission that their region and state ask for. */
void pages_protect(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end);
/* The pages' contents are gone: kept as spare ones where that is cheap, else removed. */
void pages_drop(struct mm *mm, uaddr_t start, uaddr_t end);
/* Likewise, but given back to the host. */
void pages_remove(struct mm *mm, uaddr_t start, uaddr_t end);
/* Contents of private anonymous memory become zero. */
void pages_clear(struct mm *mm, uaddr_t start, uaddr_t end);
/* n pages in place of one state, whose contents matter to nobody: kept as spare ones, or given back. */
void pages_give_up(uaddr_t start, size_t n, unsigned state);
/* n pages in place become frames: zero, writable and nobody's. */
void frames_make(uaddr_t start, size_t n, unsigned state);
/* Frames among n pages in file-backed r, which may not be written, show the file; they stay frames. */
MUST_CHECK int frames_show_file(struct mm *mm, const struct region *r, uaddr_t start, size_t n,
                                uint64_t file_size);
/* Moves n pages to dst, where none is present. -ENOMEM: nothing moved. */
MUST_CHECK int pages_move(struct mm *mm, uaddr_t dst, uaddr_t src, size_t n);
/* Kernel writes to a present page whatever its permission: opens it; pages_close restores. */
void pages_open(struct mm *mm, uaddr_t page, unsigned state);
void pages_close(uaddr_t page, unsigned state);

/* fault.c */
/* What a fault brings in. */
struct fault_window {
    uaddr_t start;
    size_t n;
};
/* … for a fault at page, at most max pages, within the region; and: that is what came in. */
struct fault_window window_choose(const struct region *r, uaddr_t page, size_t max);
void window_note(struct region *r, struct fault_window w);
MUST_CHECK int mm_fault_locked(struct mm *mm, uaddr_t addr, unsigned access);
/* How many pages of file-backed r, from its start, lie before the file's end, and its size. */
MUST_CHECK int region_file_pages(const struct region *r, uint64_t *size, size_t *n);
/* Brings in what of [start, end) in r may be accessed. */
MUST_CHECK int region_populate(struct mm *mm, struct region *r, uaddr_t start, uaddr_t end);
/* Brings in all of [start, end) that may be accessed: the first error. */
MUST_CHECK int mm_populate(struct mm *mm, uaddr_t start, uaddr_t end);

/* map.c */
struct map_args {
    uaddr_t addr;
    uint64_t len; /* page multiple, not 0 */
    unsigned prot;
    unsigned flags; /* MAP_* */
    struct file *file;
    int64_t off;
    const char *name;
    struct shmem *shm; /* the object of a shared mapping, or NULL */
    bool no_write;     /* file_ops.mmap: it may not become writable */
};
unsigned map_region_flags(const struct map_args *a); /* REGION_* */
MUST_CHECK int64_t map_locked(struct mm *mm, const struct map_args *a, struct list *dead);
MUST_CHECK int unmap_locked(struct mm *mm, uaddr_t start, uaddr_t end, struct list *dead);
MUST_CHECK int munmap_locked(struct mm *mm, uaddr_t start, uaddr_t end, struct list *dead);
MUST_CHECK int protect_locked(struct mm *mm, uaddr_t start, uaddr_t end, unsigned prot);
/* [addr, addr + len) is not another group's, and from now on ours. */
MUST_CHECK bool map_claim(struct mm *mm, uaddr_t addr, uint64_t len);
/* A free range within [low, high) in what is ours, or 0. */
uaddr_t map_gap_near(struct mm *mm, uint64_t len, uaddr_t low, uaddr_t high);
/* An address for a mapping, or -errno: MAP_FIXED, hints, top down. */
MUST_CHECK int64_t map_place(struct mm *mm, uaddr_t addr, uint64_t len, unsigned flags);

/* cut.c: a private mapping of f is made. */
void cut_note(const struct file *f);
void cuts_free(struct mm *mm); /* of one that nobody uses any more, or with its lock */

/* reclaim.c: makes room for n more pages of the program; false: there is none. */
bool reclaim_room(struct mm *mm, size_t n);
bool reclaim_tight(void);       /* most of the limit is used by what cannot be given back easily */
size_t reclaim_spare_max(void); /* spare pages that may be kept */

#endif
