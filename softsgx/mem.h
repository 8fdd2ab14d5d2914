/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory without malloc, which a signal handler must not call: pages from the kernel, and a bump
 * arena for what lives as long as its enclave.
 */
#ifndef SOFTSGX_MEM_H
#define SOFTSGX_MEM_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed and private; NULL if there is none. */
void *mem_map(size_t len);
/* The same without reservation, for ranges of which little will be touched. */
void *mem_reserve(size_t len);
void mem_unmap(void *p, size_t len);

/* One line, and the end of the process: what cannot go on without another mapping. */
_Noreturn void mem_exhausted(void);

#define ARENA_CHUNK 0x10000UL

struct arena {
    struct arena_chunk *chunks;
    size_t used; /* in the first chunk */
};

/* len <= ARENA_CHUNK / 2, zeroed, 64-byte aligned; NULL if there is no memory. */
void *arena_alloc(struct arena *a, size_t len);
void arena_free(struct arena *a);

#endif
