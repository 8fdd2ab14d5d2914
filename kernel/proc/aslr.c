/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places follow Linux's: program at two thirds of the address space, break up to 32 MiB
 * behind it; the spans shrink with ELRANGE.  Where mappings and the stack go is the mm's
 * (mm/mm.c).
 */
#include "kernel/proc/aslr.h"

#include <linux/personality.h>

#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sgx/random.h"
#include "lib/config.h"

#define PIE_SPAN_MAX (1UL << 40)
#define BRK_SPAN (32UL << 20)

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

uaddr_t aslr_pie_base(void)
{
    uint64_t top = kernel.params->kernel_base;
    uint64_t base = ALIGN_DOWN(top / 3 * 2, PAGE_SIZE);
    return base + random_pages(MIN(PIE_SPAN_MAX, top / 16));
}

uaddr_t aslr_brk(uaddr_t end)
{
    return end + random_pages(BRK_SPAN);
}
