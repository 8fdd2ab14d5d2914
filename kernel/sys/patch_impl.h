/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of site patching: patch.c serves the trap and writes, sites.c remembers sites, tramp.c
 * makes trampolines and knows what they stand for.
 *
 * Locks: patch.c's mutex, one patcher at a time; then sites_lock, a spin lock, for what is
 * remembered.
 */
#ifndef KERNEL_SYS_PATCH_IMPL_H
#define KERNEL_SYS_PATCH_IMPL_H

#include "kernel/sched/lock.h"
#include "kernel/sys/site.h"
#include "lib/list.h"

#define SLOT_SIZE 32UL /* a trampoline takes one or two */
#define POOL_SIZE 4096UL
#define POOL_SLOTS (POOL_SIZE / SLOT_SIZE)

#define PATCH_AFTER 3U /* traps of a site before it is patched: about what a patch costs */

/* A site that has trapped, and what came of it. */
struct site_entry {
    uaddr_t site;  /* SITE_FREE, SITE_GONE, or its address */
    uaddr_t start; /* where its jmp stands */
    uaddr_t tail;  /* PATCH_WINDOW: where the call returns to */
    enum patch_kind kind;
    unsigned waits; /* 0: decided; 1: to be patched now; else so many traps more, and then 1 */
};
#define SITE_FREE 0UL
#define SITE_GONE 1UL /* the place was taken: searches go on behind it */

/* A page of trampolines in the program's memory, and what each of them stands for. */
struct tramp_pool {
    struct list link; /* [s] */
    uaddr_t addr;     /* [I] */
    unsigned used;    /* [s] slots */
    struct tramp_slot {
        uaddr_t site;   /* the `syscall` */
        uint8_t kind;   /* enum patch_kind; PATCH_NONE: unused, or the second slot of a long one */
        uint8_t moved;  /* bytes of moved instructions (PATCH_WINDOW: behind the call) */
    } slot[POOL_SLOTS]; /* [s] */
};

/* What is known of one address space.  [s] sites_lock, [m] patch.c's mutex. */
struct patch_space {
    struct mm *mm;  /* [m] whose thread patches */
    unsigned users; /* [s] address spaces: a family that forked from one (mm/overlay.h) */
    struct site_entry *entries; /* [s] open addressing */
    size_t capacity;            /* [s] a power of two, or 0 */
    size_t count;               /* [s] places that are not free */
    struct list pools;          /* [s] of struct tramp_pool; added to under [m] */
    unsigned npools;            /* [m] */
    bool lost;    /* [m, s] a trap could not be remembered: nothing is patched any more */
    bool damaged; /* [s] trampolines have gone, which patched text may still jump to */
};

extern struct spinlock sites_lock;

/* The space's record or NULL. */
struct patch_space *space_find(struct mm *mm) REQUIRES(sites_lock);
/* Likewise, made if need be; NULL: out of memory. */
struct patch_space *space_get(struct mm *mm);
/* A trap in mm could not be remembered, perhaps not even that mm has sites.  Patcher only. */
void space_lose(struct mm *mm);
/* False when the site has not trapped before.  One that waits has a trap fewer to wait for, down to 1. */
bool site_recall(struct mm *mm, uaddr_t site, struct site_entry *out);
/* False when there is no room: the site must not be patched.  Patcher only. */
bool site_record(struct patch_space *s, const struct site_entry *e);

/* A trampoline in the making. */
struct tramp {
    uaddr_t addr;
    uint8_t code[2 * SLOT_SIZE];
    size_t len;
    uaddr_t ret; /* where the call returns to */
};

/*
 * Finds room near the site and writes down what it is for: 0 or -errno.  Patcher only; may sleep.
 */
MUST_CHECK int tramp_reserve(struct patch_space *s, uaddr_t site, const struct site_plan *plan,
                             struct tramp *t);
/* Makes the code; `moved` are the bytes at plan->start.  False: something is out of reach. */
MUST_CHECK bool tramp_build(struct tramp *t, uaddr_t site, const struct site_plan *plan,
                            const uint8_t *moved);
/* The bytes of `jmp to` at `from`; false when it is out of reach. */
MUST_CHECK bool jmp_build(uint8_t out[SITE_JMP_LEN], uaddr_t from, uaddr_t to);
/* True when addr lies in a trampoline. */
bool tramp_contains(struct patch_space *s, uaddr_t addr);

#endif
