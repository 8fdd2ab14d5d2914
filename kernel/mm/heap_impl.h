/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by heap.c (objects), kpages.c (runs of pages) and kstack.c.
 *
 * Every page of the heap has a descriptor in an array at the heap's start, which is itself added to
 * the enclave as the heap grows.
 */
#ifndef KERNEL_MM_HEAP_IMPL_H
#define KERNEL_MM_HEAP_IMPL_H

#include "kernel/mm/heap.h"
#include "kernel/sched/lock.h"
#include "lib/list.h"

enum kpage_kind {
    KPAGE_NONE,   /* never used */
    KPAGE_FREE,   /* first and last page of a free run that is present */
    KPAGE_ABSENT, /* first and last page of a free run that is not present */
    KPAGE_RUN,    /* first page of an allocated run */
    KPAGE_SLAB,   /* a page of objects */
    KPAGE_INNER,  /* any other page of a run */
};

struct kpage {
    struct list link; /* free run: its bin; slab: its class's list while it has free objects */
    void *free;       /* slab: the first free object */
    uint32_t npages;  /* run: at its first page, and at the last one of a free run */
    uint16_t inuse;   /* slab: objects handed out */
    uint8_t kind;     /* enum kpage_kind */
    uint8_t class;    /* slab: size class; free run: nonzero when known to be zero */
};
_Static_assert(sizeof(struct kpage) == 32, "kpage");

/* Guards all of the heap but the kernel stacks. */
extern struct spinlock heap_lock;

void kpages_init(uintptr_t start, uintptr_t end);
void kstack_init(uintptr_t start, uintptr_t end);

/* A run of npages or NULL; *zero tells whether it is known to be zero. */
void *kpages_take(size_t npages, bool *zero) REQUIRES(heap_lock);
void kpages_give(void *p, size_t npages) REQUIRES(heap_lock);
/* The descriptor of the page that holds p; panics when p is not in the heap. */
struct kpage *kpage_of(const void *p);
void *kpage_address(const struct kpage *page);

size_t kpages_trim(void);
size_t kstack_trim(void);
void kpages_stat(size_t *pages, size_t *free_pages);

#endif
