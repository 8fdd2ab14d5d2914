/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enclave pages for hosted tests: a range of host memory whose pages must be added before they are
 * used.  Host protection follows, so that the kernel code under test faults where it would in an
 * enclave; every call's idea of a page's state is checked.
 */
#ifndef KERNEL_MM_TEST_EPAGE_STUB_H
#define KERNEL_MM_TEST_EPAGE_STUB_H

#include <sys/mman.h>

#include "abi/host/layout.h"
#include "kernel/mm/epage.h"

#define STUB_ABSENT 0xffU

static struct {
    uintptr_t start, end;
    uint8_t *perm; /* per page: EPAGE_*, or STUB_ABSENT */
    size_t count, limit;
    unsigned adds, copies, removes, protects;
} stub;

static void stub_init(uintptr_t start, size_t pages, size_t limit)
{
    void *p = mmap((void *)start, pages * PAGE_SIZE, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (start ? MAP_FIXED_NOREPLACE : 0),
                   -1, 0);

    assert_true(p != MAP_FAILED);
    memset(&stub, 0, sizeof(stub));
    stub.start = (uintptr_t)p;
    stub.end = stub.start + pages * PAGE_SIZE;
    stub.perm = malloc(pages);
    memset(stub.perm, STUB_ABSENT, pages);
    stub.limit = limit;
}

static void stub_fini(void)
{
    munmap((void *)stub.start, stub.end - stub.start);
    free(stub.perm);
}

static void stub_set(uintptr_t addr, size_t n, unsigned from, unsigned to)
{
    int prot =
        to == STUB_ABSENT ? 0 : ((to & EPAGE_R ? PROT_READ : 0) | (to & EPAGE_W ? PROT_WRITE : 0));

    assert_true(n > 0 && addr % PAGE_SIZE == 0);
    assert_true(addr >= stub.start && addr + n * PAGE_SIZE <= stub.end);
    for (size_t i = 0; i < n; i++) {
        uint8_t *perm = &stub.perm[(addr - stub.start) / PAGE_SIZE + i];
        assert_int_equal(*perm, from);
        *perm = (uint8_t)to;
    }
    assert_int_equal(mprotect((void *)addr, n * PAGE_SIZE, prot), 0);
}

static __attribute__((unused)) unsigned stub_perm(uintptr_t addr)
{
    if (addr < stub.start || addr >= stub.end)
        return STUB_ABSENT;
    return stub.perm[(addr - stub.start) / PAGE_SIZE];
}

void epage_init(void)
{
}

int epage_add(uintptr_t addr, size_t n)
{
    if (stub.count + n > stub.limit)
        return -12;
    stub.adds++;
    stub.count += n;
    stub_set(addr, n, STUB_ABSENT, EPAGE_R | EPAGE_W);
    return 0;
}

int epage_add_copy(uintptr_t addr, const void *src, size_t n, unsigned perm)
{
    if (stub.count + n > stub.limit)
        return -12;
    stub.copies++;
    stub.count += n;
    stub_set(addr, n, STUB_ABSENT, EPAGE_R | EPAGE_W);
    memcpy((void *)addr, src, n * PAGE_SIZE);
    stub_set(addr, n, EPAGE_R | EPAGE_W, perm);
    return 0;
}

void epage_protect(uintptr_t addr, size_t n, unsigned from, unsigned to)
{
    assert_false((to & EPAGE_W) && !(to & EPAGE_R));
    stub.protects++;
    stub_set(addr, n, from, to);
}

void epage_settle(uintptr_t addr, unsigned perm)
{
    assert_int_equal(stub_perm(addr), perm);
}

void epage_remove(uintptr_t addr, size_t n)
{
    if (n == 0)
        return;
    stub.removes++;
    for (size_t i = 0; i < n; i++) {
        assert_int_not_equal(stub_perm(addr + i * PAGE_SIZE), STUB_ABSENT);
        stub_set(addr + i * PAGE_SIZE, 1, stub_perm(addr + i * PAGE_SIZE), STUB_ABSENT);
    }
    madvise((void *)addr, n * PAGE_SIZE, MADV_DONTNEED);
    stub.count -= n;
}

size_t epage_count(void)
{
    return stub.count;
}

size_t epage_limit(void)
{
    return stub.limit;
}

size_t epage_peak(void)
{
    return stub.count;
}

#endif
