/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The break lies up to 32 MiB behind the program, as on Linux.  Where program, mappings and stack go is the
 * mm's (mm/mm.c).
 */
#include "kernel/proc/exec/aslr.h"

#include <linux/personality.h>

#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sgx/random.h"
#include "lib/config.h"

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

uaddr_t aslr_brk(uaddr_t end)
{
    return end + random_pages(BRK_SPAN);
}
