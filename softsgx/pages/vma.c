/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device mappings of one enclave: a sorted array of disjoint ranges with their protection, as
 * Linux's VMAs of /dev/sgx_enclave.  Neighbours of equal protection are merged.  Enclave lock held.
 */
#include "softsgx/encl.h"

#include <errno.h>

/* The first VMA that ends after addr. */
static uint32_t vma_search(const struct encl *e, uint64_t addr)
{
    uint32_t lo = 0, hi = e->vma_count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (e->vmas[mid].end <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct vma *vma_find(struct encl *e, uint64_t addr)
{
    uint32_t i = e->vma_hint;
    if (i >= e->vma_count || addr < e->vmas[i].start || addr >= e->vmas[i].end) {
        i = vma_search(e, addr);
        if (i == e->vma_count || addr < e->vmas[i].start)
            return NULL;
        e->vma_hint = i;
    }
    return &e->vmas[i];
}

bool vma_covers(struct encl *e, uint64_t start, uint64_t end)
{
    for (uint32_t i = vma_search(e, start); start < end; i++) {
        if (i == e->vma_count || e->vmas[i].start > start)
            return false;
        start = e->vmas[i].end;
    }
    return true;
}

static int vma_reserve(struct encl *e, uint32_t count)
{
    if (count <= e->vma_max)
        return 0;
    uint32_t max = e->vma_max ? e->vma_max * 2 : 128;
    struct vma *v = mem_map(max * sizeof(*v));
    if (!v)
        return -ENOMEM;
    if (e->vma_count)
        __builtin_memcpy(v, e->vmas, e->vma_count * sizeof(*v));
    mem_unmap(e->vmas, e->vma_max * sizeof(*v));
    e->vmas = v;
    e->vma_max = max;
    return 0;
}

static void vma_insert(struct encl *e, uint32_t at, struct vma v)
{
    __builtin_memmove(e->vmas + at + 1, e->vmas + at, (e->vma_count - at) * sizeof(v));
    e->vmas[at] = v;
    e->vma_count++;
}

static void vma_delete(struct encl *e, uint32_t at)
{
    e->vma_count--;
    __builtin_memmove(e->vmas + at, e->vmas + at + 1, (e->vma_count - at) * sizeof(*e->vmas));
}

/* Removes [start, end) from the array, splitting a VMA that sticks out on both sides. */
static void vma_cut(struct encl *e, uint64_t start, uint64_t end)
{
    uint32_t i = vma_search(e, start);
    while (i < e->vma_count && e->vmas[i].start < end) {
        struct vma *v = &e->vmas[i];
        if (v->start < start && v->end > end) {
            struct vma tail = {end, v->end, v->prot};
            v->end = start;
            vma_insert(e, i + 1, tail);
            return;
        }
        if (v->start < start) {
            v->end = start;
            i++;
        } else if (v->end > end) {
            v->start = end;
            return;
        } else {
            vma_delete(e, i);
        }
    }
}

int vma_set(struct encl *e, uint64_t start, uint64_t end, int prot)
{
    if (vma_reserve(e, e->vma_count + 2))
        return -ENOMEM;
    vma_cut(e, start, end);
    if (prot < 0)
        return 0;
    uint32_t i = vma_search(e, start);
    vma_insert(e, i, (struct vma){start, end, (uint32_t)prot});
    if (i + 1 < e->vma_count && e->vmas[i + 1].start == end &&
        e->vmas[i + 1].prot == (uint32_t)prot) {
        e->vmas[i].end = e->vmas[i + 1].end;
        vma_delete(e, i + 1);
    }
    if (i > 0 && e->vmas[i - 1].end == start && e->vmas[i - 1].prot == (uint32_t)prot) {
        e->vmas[i - 1].end = e->vmas[i].end;
        vma_delete(e, i);
    }
    return 0;
}
