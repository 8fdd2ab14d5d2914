/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XSAVE and XRSTOR of the components in SECS.ATTRIBUTES.XFRM, standard format throughout, so that an
 * area can go to a signal frame as it is.  XSAVEOPT skips components in their initial state.
 *
 * The size of an area must not come from cpuid, which only the host can answer: fpu_boot saves one over
 * two patterns and looks how far the CPU wrote.
 */
#include "kernel/arch/fpu.h"

#include <linux/errno.h>

#include "kernel/arch/fixup.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"
#include "lib/string.h"

#define XSAVE_LEGACY 512
#define XSAVE_HEADER 64
#define MXCSR_INIT 0x1f80U
#define FCW_INIT 0x37fU
#define MXCSR_OFF 24

static void *fpu_init_area; /* [I] XSTATE_BV 0: loading it puts all components in their initial state */

static void xsave(void *area)
{
    __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((uint32_t)kernel.xfrm), "d"((uint32_t)(kernel.xfrm >> 32)) : "memory");
}

static void xsaveopt(void *area)
{
    __asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"((uint32_t)kernel.xfrm), "d"((uint32_t)(kernel.xfrm >> 32)) : "memory");
}

/* 0, or -EINVAL when the area's header or MXCSR makes XRSTOR raise #GP. */
static int xrstor(const void *area)
{
    int ret = 0;
    __asm__ volatile("1: xrstor64 (%1)\n"
                     "2:\n"
                     ".pushsection .text.fixup,\"ax\"\n"
                     "3: movl %4, %0\n"
                     "jmp 2b\n"
                     ".popsection\n" EXTABLE("1b", "3b")
                     : "+r"(ret)
                     : "r"(area), "a"((uint32_t)kernel.xfrm), "d"((uint32_t)(kernel.xfrm >> 32)), "i"(-EINVAL)
                     : "memory");
    return ret;
}

static size_t written_bytes(const uint8_t *area, size_t n, uint8_t pattern)
{
    while (n && area[n - 1] == pattern)
        n--;
    return n;
}

void fpu_boot(void)
{
    size_t max = kernel.xstate_size;
    uint8_t *area = kpages_alloc(max / PAGE_SIZE);
    if (!area)
        panic("no memory for the initial vector state");
    size_t size = XSAVE_LEGACY + XSAVE_HEADER;
    for (int pass = 0; pass < 2; pass++) {
        uint8_t pattern = pass ? 0xa5 : 0x5a;
        memset(area, pattern, max);
        memset(area + XSAVE_LEGACY, 0, XSAVE_HEADER);
        xsave(area);
        size = MAX(size, written_bytes(area, max, pattern));
    }
    kernel.xsave_size = ALIGN_UP(size, 64);

    memset(area, 0, max);
    *(uint16_t *)area = FCW_INIT;
    *(uint32_t *)(area + MXCSR_OFF) = MXCSR_INIT;
    fpu_init_area = area;
}

void fpu_park(void)
{
    struct thread *t = current;
    if (t->fpu_parked)
        return;
    xsaveopt(t->xstate);
    t->fpu_parked = 1;
    if (xrstor(fpu_init_area))
        panic("the initial vector state was refused");
}

void fpu_unpark(struct thread *t)
{
    if (xrstor(t->xstate))
        panic("thread %d: the saved vector state was refused", t->tid);
    t->fpu_parked = 0;
}

void kernel_fpu_begin(void)
{
    fpu_park();
}

void kernel_fpu_end(void)
{
    /* Leave nothing of what was computed to the host. */
    if (xrstor(fpu_init_area))
        panic("the initial vector state was refused");
}

void fpu_save(void *buf)
{
    fpu_park();
    memcpy(buf, current->xstate, kernel.xsave_size);
}

int fpu_restore_checked(void *buf)
{
    fpu_park();
    int ret = xrstor(buf);
    if (!ret)
        memcpy(current->xstate, buf, kernel.xsave_size);
    if (xrstor(fpu_init_area))
        panic("the initial vector state was refused");
    return ret;
}

void fpu_reset(struct thread *t)
{
    memcpy(t->xstate, fpu_init_area, kernel.xsave_size);
    t->fpu_parked = 1;
}

void fpu_copy(struct thread *to)
{
    fpu_park();
    memcpy(to->xstate, current->xstate, kernel.xsave_size);
    to->fpu_parked = 1;
}
