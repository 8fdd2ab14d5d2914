/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared objects of mm/ on stub enclave pages, for the tests of file systems whose files are such.  The
 * program's part of the addresses is [STUB_LOW, STUB_TOP) of this process, the upper half of it shared.
 */
#ifndef KERNEL_FS_TEST_SHMEM_STUB_H
#define KERNEL_FS_TEST_SHMEM_STUB_H

#include "kernel/mm/test/epage_stub.h"

#include "kernel/mm/mapcount.c"
#include "kernel/mm/pagemap.c"
#include "kernel/mm/region.c"
#include "kernel/mm/shmem.c"
#include "kernel/mm/window.c"

#define STUB_LOW 0x20000000UL
#define STUB_SHARED 0x30000000UL
#define STUB_TOP 0x40000000UL

static struct enclave_params stub_params = {.kernel_base = STUB_TOP};

int shmap_cut(struct region *r, uaddr_t at)
{
    (void)r;
    (void)at;
    return 0;
}

int fd_install(struct file *f, bool cloexec, int min)
{
    (void)cloexec;
    (void)min;
    file_put(f);
    return -EMFILE;
}

uaddr_t slots_end(void)
{
    return STUB_SHARED;
}

bool reclaim_room(struct mm *mm, size_t n)
{
    (void)mm;
    return stub.count + n <= stub.limit;
}

static void stub_shmem_init(size_t limit)
{
    kernel.params = &stub_params;
    stub_init(STUB_LOW, (STUB_TOP - STUB_LOW) / PAGE_SIZE, limit);
    assert_int_equal(pagemap_init(STUB_TOP), 0);
}

/* All enclave pages are gone; so is the page map. */
static void stub_shmem_fini(void)
{
    assert_int_equal(stub.count, 0);
    for (size_t i = 0; i < map.nroot; i++) {
        for (size_t k = 0; map.root[i] && k < NODE_LEAVES; k++)
            kfree(map.root[i]->leaf[k]);
        kfree(map.root[i]);
    }
    kfree(map.root);
    stub_fini();
}

#endif
