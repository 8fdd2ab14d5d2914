/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's memory.  Pages come from the heap part of ELRANGE (abi/host/layout.h) and are added
 * to the enclave when first needed; small objects from size classes on top of them.  Memory is
 * zeroed unless said otherwise.  NULL means that the enclave's memory limit is reached.
 *
 * Allocating and freeing never sleeps and never exits: both may be done with spin locks held.
 */
#ifndef KERNEL_MM_HEAP_H
#define KERNEL_MM_HEAP_H

#include "kernel/types.h"

/* First of all init calls: needs kernel.params only. */
void mm_heap_init(void);

void *kzalloc(size_t n) MUST_CHECK; /* zeroed; 16-byte aligned, 64 from 64 bytes on */
void *kmalloc(size_t n) MUST_CHECK; /* not zeroed */
void *krealloc(void *p, size_t n) MUST_CHECK;
void kfree(void *p); /* NULL is fine */
char *kstrdup(const char *s) MUST_CHECK;
void *kpages_alloc(size_t npages) MUST_CHECK;     /* page aligned, zeroed */
void *kpages_alloc_any(size_t npages) MUST_CHECK; /* likewise, not zeroed */
void kpages_free(void *p, size_t npages);
/* A kernel stack of KSTACK_SIZE bytes with an absent guard page below. Not zeroed. */
#define KSTACK_SIZE (16UL * 1024)
void *kstack_alloc(void) MUST_CHECK;
void kstack_free(void *stack);

/* Gives free memory back to the host; returns the pages given.  Exits: no spin lock may be held. */
size_t heap_trim(void);
/* Objects of one size; [0, heap_classes()). */
struct heap_class {
    size_t size;
    size_t used;  /* objects that somebody has */
    size_t pages; /* cut into such objects */
};
unsigned heap_classes(void);
struct heap_class heap_class_stat(unsigned i);
/* Pages of kernel stacks that are in the enclave, and those of them that are free. */
void kstack_stat(size_t *pages, size_t *free_pages);
/* Pages of the heap that are in the enclave, and those of them that are free. */
void heap_stat(size_t *pages, size_t *free_pages);

#endif
