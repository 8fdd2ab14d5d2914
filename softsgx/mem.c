/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and arenas: see mem.h.  Uses raw system calls, so that leaves can call it too. */
#include "softsgx/mem.h"
#include "softsgx/lock.h"

#include <sys/mman.h>

struct arena_chunk {
    struct arena_chunk *next;
};

static void *map_flags(size_t len, int flags)
{
    long p = softsgx_syscall(SYS_mmap, 0L, len, (long)(PROT_READ | PROT_WRITE),
                             (long)(MAP_PRIVATE | MAP_ANONYMOUS | flags), -1L, 0L);
    if (p < 0 && p > -4096)
        return NULL;
    return (void *)p;
}

void *mem_map(size_t len)
{
    return map_flags(len, 0);
}

void *mem_reserve(size_t len)
{
    return map_flags(len, MAP_NORESERVE);
}

void mem_unmap(void *p, size_t len)
{
    if (p)
        softsgx_syscall(SYS_munmap, p, len);
}

_Noreturn void mem_exhausted(void)
{
    static const char text[] =
        "softsgx: the host refuses another mapping: it is out of memory, or has reached its limit "
        "(sysctl -w vm.max_map_count=262144 allows more)\n";
    softsgx_syscall(SYS_write, 2L, text, sizeof(text) - 1);
    for (;;)
        softsgx_syscall(SYS_exit_group, 125L);
}

void *arena_alloc(struct arena *a, size_t len)
{
    len = (len + 63) & ~63UL;
    if (!a->chunks || a->used + len > ARENA_CHUNK) {
        struct arena_chunk *c = mem_map(ARENA_CHUNK);
        if (!c)
            return NULL;
        c->next = a->chunks;
        a->chunks = c;
        a->used = 64;
    }
    void *p = (char *)a->chunks + a->used;
    a->used += len;
    return p;
}

void arena_free(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *c = a->chunks;
        a->chunks = c->next;
        mem_unmap(c, ARENA_CHUNK);
    }
    a->used = 0;
}
