/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's memory.  Pages come from the heap part of ELRANGE (abi/host/layout.h) and are added
 * to the enclave when first needed; small objects from size classes on top of them.  Memory is
 * zeroed unless said otherwise.  NULL means that the enclave's memory limit is reached.
 */
#ifndef KERNEL_MM_HEAP_H
#define KERNEL_MM_HEAP_H

#include "kernel/types.h"

void *kzalloc(size_t n) MUST_CHECK;   /* zeroed; 16-byte aligned, 64 from 64 bytes on */
void *kmalloc(size_t n) MUST_CHECK;   /* not zeroed */
void *krealloc(void *p, size_t n) MUST_CHECK;
void kfree(void *p);                  /* NULL is fine */
char *kstrdup(const char *s) MUST_CHECK;
void *kpages_alloc(size_t npages) MUST_CHECK; /* page aligned, zeroed */
void kpages_free(void *p, size_t npages);
/* A kernel stack of KSTACK_SIZE bytes with an absent guard page below. Not zeroed. */
#define KSTACK_SIZE (16UL * 1024)
void *kstack_alloc(void) MUST_CHECK;
void kstack_free(void *stack);

#endif
