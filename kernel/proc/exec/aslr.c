/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The break lies some way behind the program: up to 1 GiB as on Linux, if that is linked for its addresses, so
 * that programs which are linked for the same mostly have heaps apart from each other and from their images; in a
 * home there is room for less.  Where program, mappings and stack go is the mm's (mm/mm.c).
 */
#include "kernel/proc/exec/aslr.h"

#include <linux/personality.h>

#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sgx/random.h"
#include "lib/config.h"

#define BRK_SPAN (32UL << 20)
#define BRK_SPAN_FIXED (1UL << 30)

static bool randomize(void)
{
    return !config_flag(kernel.config, CONFIG_F_NO_ASLR) &&
           !(current_process()->personality & ADDR_NO_RANDOMIZE);
}

/* A page-aligned number below span. */
static uint64_t random_pages(uint64_t span)
{
    return randomize() ? random_u64() % (span / PAGE_SIZE) * PAGE_SIZE : 0;
}

size_t aslr_stack_shift(void)
{
    return randomize() ? random_u64() % PAGE_SIZE & ~15UL : 0;
}

uaddr_t aslr_brk(uaddr_t end, bool fixed)
{
    uint64_t room = kernel.params->kernel_base / 4;

    if (!fixed || end > room)
        return end + random_pages(BRK_SPAN);
    return end + random_pages(MIN(BRK_SPAN_FIXED, room));
}
