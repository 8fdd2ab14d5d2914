/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enclave pages (SGX2, "EDMM").  See epage.h for the states.
 *
 * A narrower permission and a removal go through the host's driver; what it did is then proven with
 * EACCEPT, which fails unless the page is in exactly the state that the kernel asked for.  A host that
 * does something else ends the enclave here: there is no state to fall back to.  Pages that it takes
 * away behind our back fault on the next access and stay gone, since only EACCEPT makes a page usable.
 *
 * No lock: a page belongs to the caller (the heap, or a locked address space); the count is atomic.
 */
#include "kernel/mm/epage.h"

#include "abi/config/config.h"
#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sgx/enclu.h"

#include <linux/errno.h>

#define PT_TCS 1
#define PT_TRIM 4

static struct {
    size_t count; /* [a] */
    size_t peak;  /* [a] */
    size_t limit; /* [I] after boot */
} pool;

void epage_init(void)
{
    const struct enclave_params *p = kernel.params;
    const struct config_header *config = (const void *)p->config_addr;
    size_t vcpu_pages = VCPU_GS_PAGES + 1 + (size_t)VCPU_NSSA * p->ssa_frame_pages +
                        VCPU_XSTACK_PAGES + VCPU_STACK_PAGES;

    pool.count = p->kernel_size / PAGE_SIZE + 1 + ALIGN_UP(p->config_len, PAGE_SIZE) / PAGE_SIZE +
                 p->vcpu_count * vcpu_pages;
    pool.peak = pool.count;
    pool.limit = SIZE_MAX;
    if (p->config_len >= sizeof(*config) && config->magic == CONFIG_MAGIC)
        pool.limit = config->memory_size / PAGE_SIZE;
}

void epage_limit_lower(uint64_t bytes)
{
    if (bytes && bytes / PAGE_SIZE < pool.limit)
        pool.limit = bytes / PAGE_SIZE;
}

size_t epage_count(void)
{
    return __atomic_load_n(&pool.count, __ATOMIC_RELAXED);
}

size_t epage_limit(void)
{
    return pool.limit;
}

size_t epage_peak(void)
{
    return __atomic_load_n(&pool.peak, __ATOMIC_RELAXED);
}

static int count_take(size_t n)
{
    size_t old = epage_count();

    do {
        if (n > pool.limit || old > pool.limit - n)
            return -ENOMEM;
    } while (!__atomic_compare_exchange_n(&pool.count, &old, old + n, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    if (old + n > epage_peak())
        __atomic_store_n(&pool.peak, old + n, __ATOMIC_RELAXED);
    return 0;
}

static void count_give(size_t n)
{
    __atomic_fetch_sub(&pool.count, n, __ATOMIC_RELAXED);
}

/* Proves that n pages are as `flags` say. */
static void accept_all(uintptr_t addr, size_t n, uint64_t flags, const char *what)
{
    struct secinfo s = {.flags = flags};

    for (size_t i = 0; i < n; i++) {
        int err = enclu(ENCLU_EACCEPT, &s, addr + i * PAGE_SIZE, 0);
        if (err)
            panic("the host did not %s enclave page %lx (EACCEPT %d)", what, addr + i * PAGE_SIZE,
                  err);
    }
}

static void remove_all(uintptr_t addr, size_t n)
{
    int err = ocall_modify_type(addr, n * PAGE_SIZE, PT_TRIM);

    if (err)
        panic("the host did not trim %zu enclave pages at %lx: error %d", n, addr, -err);
    accept_all(addr, n, SECINFO_TRIM | SECINFO_MODIFIED, "trim");
    err = ocall_remove_pages(addr, n * PAGE_SIZE);
    if (err)
        panic("the host did not remove %zu enclave pages at %lx: error %d", n, addr, -err);
}

int epage_add(uintptr_t addr, size_t n)
{
    struct secinfo s = {.flags = SECINFO_R | SECINFO_W | SECINFO_PENDING | SECINFO_REG};
    size_t i;

    if (count_take(n))
        return -ENOMEM;
    for (i = 0; i < n; i++)
        if (enclu(ENCLU_EACCEPT, &s, addr + i * PAGE_SIZE, 0))
            goto undo;
    return 0;
undo:
    if (i > 0)
        remove_all(addr, i);
    count_give(n);
    return -ENOMEM;
}

int epage_add_copy(uintptr_t addr, const void *src, size_t n, unsigned perm)
{
    struct secinfo s = {.flags = SECINFO_REG | perm};
    size_t i;

    if (count_take(n))
        return -ENOMEM;
    for (i = 0; i < n; i++)
        if (enclu(ENCLU_EACCEPTCOPY, &s, addr + i * PAGE_SIZE, (uintptr_t)src + i * PAGE_SIZE))
            goto undo;
    return 0;
undo:
    if (i > 0)
        remove_all(addr, i);
    count_give(n);
    return -ENOMEM;
}

void epage_protect(uintptr_t addr, size_t n, unsigned from, unsigned to)
{
    if (from & ~to) {
        /* Take away first, so that W and X are never there together on the way from RW to RX. */
        int err = ocall_restrict_perm(addr, n * PAGE_SIZE, from & to);
        if (err)
            panic("the host did not restrict %zu enclave pages at %lx: error %d", n, addr, -err);
        accept_all(addr, n, (from & to) | SECINFO_PR | SECINFO_REG, "restrict");
    }
    if (to & ~from) {
        struct secinfo s = {.flags = to};
        for (size_t i = 0; i < n; i++)
            enclu(ENCLU_EMODPE, &s, addr + i * PAGE_SIZE, 0);
    }
}

void epage_settle(uintptr_t addr, unsigned perm)
{
    struct secinfo s = {.flags = perm};

    if (perm)
        enclu(ENCLU_EMODPE, &s, addr, 0);
}

int epage_make_tcs(uintptr_t addr)
{
    if (ocall_modify_type(addr, PAGE_SIZE, PT_TCS))
        return -EIO;
    accept_all(addr, 1, SECINFO_TCS | SECINFO_MODIFIED, "make a TCS of");
    return 0;
}

void epage_remove(uintptr_t addr, size_t n)
{
    if (n == 0)
        return;
    remove_all(addr, n);
    count_give(n);
}
