/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways to park: by plain moves into a private image (fpu_fast.S), when only SSE, AVX and
 * AVX-512 are in use, and by XSAVE of the components in SECS.ATTRIBUTES.XFRM otherwise.
 * thread->fpu_parked says which. Signal frames want the XSAVE standard format: fpu_save_user
 * loads what is parked and saves it that way, by moves too (fpu_frame.S) when they can.
 *
 * The size of an area must not come from cpuid, which only the host can answer: fpu_boot saves one
 * over two patterns and looks how far the CPU wrote.
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
#define XSAVE_ST0 32
#define XSAVE_X87_END 160
#define MXCSR_INIT 0x1f80U
#define FCW_INIT 0x37fU
#define XFRM_AVX 4U
#define XFRM_AVX512 0xe0U
#define IN_USE_AVX 6U /* what the AVX image holds: SSE, AVX */
#define IN_USE_AVX512 0xe6U
#define IN_USE_X87 1U
#define IN_USE_LEGACY 3U
#define MXCSR_OFF 24

uint32_t fpu_xinuse(void);
void fpu_store_avx(void *image);
void fpu_load_avx(const void *image);
void fpu_clear_avx(void);
void fpu_store_avx512(void *image);
void fpu_load_avx512(const void *image);
void fpu_clear_avx512(void);
int fpu_frame_store(void *image, uint32_t in_use);
int fpu_frame_load(const void *image, uint32_t xstate_bv, uint32_t in_use);
void fpu_frame_clear(uint32_t in_use);

static bool frames_by_moves; /* [I] the standard format has components where fpu_frame.S does */
static void
    *fpu_init_area; /* [I] XSTATE_BV 0: loading it puts all components in their initial state */

static void xsave_some(void *area, uint64_t components)
{
    __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((uint32_t)components),
                     "d"((uint32_t)(components >> 32))
                     : "memory");
}

static void xsave(void *area)
{
    xsave_some(area, kernel.xfrm);
}

/* Components in use, of those that are the enclave's: on softsgx XCR0 may have more. */
static uint32_t fpu_in_use(void)
{
    return fpu_xinuse() & (uint32_t)kernel.xfrm;
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
                     : "r"(area), "a"((uint32_t)kernel.xfrm), "d"((uint32_t)(kernel.xfrm >> 32)),
                       "i"(-EINVAL)
                     : "memory");
    return ret;
}

static size_t written_bytes(const uint8_t *area, size_t n, uint8_t pattern)
{
    while (n && area[n - 1] == pattern)
        n--;
    return n;
}

/* Where the standard format has a component, by saving it over two patterns. */
static size_t component_offset(uint8_t *area, unsigned n)
{
    size_t at = kernel.xstate_size;

    for (int pass = 0; pass < 2; pass++) {
        uint8_t pattern = pass ? 0xa5 : 0x5a;
        memset(area, pattern, kernel.xstate_size);
        memset(area + XSAVE_LEGACY, 0, XSAVE_HEADER);
        xsave_some(area, 1UL << n);
        for (size_t i = XSAVE_LEGACY + XSAVE_HEADER; i < at; i++)
            if (area[i] != pattern)
                at = i;
    }
    return at;
}

static bool frame_format_fits(uint8_t *area)
{
    static const struct {
        unsigned n, offset;
    } want[] = {{2, 576}, {5, 1088}, {6, 1152}, {7, 1664}};

    if (!(kernel.xfrm & XFRM_AVX))
        return false;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        if (kernel.xfrm >> want[i].n & 1 && component_offset(area, want[i].n) != want[i].offset)
            return false;
    return true;
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
    frames_by_moves = frame_format_fits(area);

    memset(area, 0, max);
    *(uint16_t *)area = FCW_INIT;
    *(uint32_t *)(area + MXCSR_OFF) = MXCSR_INIT;
    fpu_init_area = area;
}

/* Registers as after reset, whatever is in them. */
static void fpu_clear(void)
{
    if (xrstor(fpu_init_area))
        panic("the initial vector state was refused");
}

/* The plain images do not cover all components: what the host has left in the others must go
 * first. */
void fpu_unpark(struct thread *t)
{
    uint32_t how = t->fpu_parked;
    uint32_t covered = how == FPU_PARKED_AVX ? IN_USE_AVX : IN_USE_AVX512;

    t->fpu_parked = FPU_LIVE;
    if (how == FPU_PARKED_XSAVE) {
        if (xrstor(t->xstate))
            panic("thread %d: the saved vector state was refused", t->tid);
        return;
    }
    if (fpu_in_use() & ~covered)
        fpu_clear();
    if (how == FPU_PARKED_AVX)
        fpu_load_avx(t->xstate);
    else
        fpu_load_avx512(t->xstate);
}

/*
 * A signal frame (of the host's kernel on softsgx, or of a program) marks x87 as in use even when
 * it is as after reset. Unmarked, it comes back unused, and the next park can take the short way.
 */
static void x87_settle(uint8_t *area)
{
    static const uint8_t zero[XSAVE_X87_END - XSAVE_ST0];
    if (*(uint16_t *)area == FCW_INIT && !memcmp(area + 2, zero, MXCSR_OFF - 2) &&
        !memcmp(area + XSAVE_ST0, zero, sizeof(zero)))
        *(uint64_t *)(area + XSAVE_LEGACY) &= ~1UL;
}

/* Parks in standard format. */
static void fpu_park_xsave(void)
{
    struct thread *t = current;
    if (t->fpu_parked == FPU_PARKED_XSAVE)
        return;
    if (t->fpu_parked)
        fpu_unpark(t);
    /* XSAVE leaves the header's reserved bytes as they are, and the plain images lie over them. */
    memset((char *)t->xstate + XSAVE_LEGACY, 0, XSAVE_HEADER);
    xsave(t->xstate);
    x87_settle(t->xstate);
    t->fpu_parked = FPU_PARKED_XSAVE;
    fpu_clear();
}

void fpu_park(void)
{
    struct thread *t = current;
    if (t->fpu_parked)
        return;
    uint32_t in_use = fpu_in_use();
    if (!(in_use & ~IN_USE_AVX) && (kernel.xfrm & XFRM_AVX)) {
        fpu_store_avx(t->xstate);
        t->fpu_parked = FPU_PARKED_AVX;
    } else if (!(in_use & ~IN_USE_AVX512) && (kernel.xfrm & XFRM_AVX512) == XFRM_AVX512) {
        fpu_store_avx512(t->xstate);
        t->fpu_parked = FPU_PARKED_AVX512;
    } else {
        fpu_park_xsave();
    }
}

void kernel_fpu_begin(void)
{
    fpu_park();
}

/* Leaves nothing of what was computed to the host. */
void kernel_fpu_end(void)
{
    if ((kernel.xfrm & XFRM_AVX512) == XFRM_AVX512)
        fpu_clear_avx512();
    else if (kernel.xfrm & XFRM_AVX)
        fpu_clear_avx();
    else
        fpu_clear();
}

/*
 * Straight to the program's memory and back: copies in between would cost more than the
 * instructions. What the program does to the image meanwhile is its own affair: XRSTOR checks what
 * it loads.
 */
int fpu_save_user(uaddr_t fp, uint64_t *xstate_bv)
{
    struct thread *t = current;
    int ret = 0;

    if (t->fpu_parked)
        fpu_unpark(t);
    uint32_t in_use = fpu_in_use();
    /* What XSAVE writes there, of the components that a frame can have.  Programs look at the legacy
     * part without asking, as they can on Linux. */
    *xstate_bv = in_use | IN_USE_LEGACY;
    if (frames_by_moves && !(in_use & ~IN_USE_AVX512))
        return fpu_frame_store((void *)fp, in_use) ? -EFAULT : 0;
    __asm__ volatile("1: xsave64 (%1)\n"
                     "2:\n"
                     ".pushsection .text.fixup,\"ax\"\n"
                     "3: movl %4, %0\n"
                     "jmp 2b\n"
                     ".popsection\n" EXTABLE("1b", "3b")
                     : "+r"(ret)
                     : "r"(fp), "a"((uint32_t)kernel.xfrm), "d"((uint32_t)(kernel.xfrm >> 32)),
                       "i"(-EFAULT)
                     : "memory");
    return ret;
}

/* 0, -1 on a fault, or 1: only XRSTOR can do this. */
static int frame_load(uaddr_t fp, const uint64_t *header)
{
    uint32_t in_use = fpu_in_use();
    uint64_t other = 0;

    for (int i = 1; i < XSAVE_HEADER / 8; i++)
        other |= header[i];
    other |= header[0] & ~(uint64_t)(IN_USE_AVX512 | IN_USE_X87);
    if (!frames_by_moves || other || in_use & ~IN_USE_AVX512)
        return 1;
    return fpu_frame_load((const void *)fp, (uint32_t)header[0] & (uint32_t)kernel.xfrm, in_use);
}

int fpu_restore_user(uaddr_t fp, const uint64_t *header)
{
    int ret = frame_load(fp, header);

    if (ret > 0)
        return fpu_restore_checked((void *)fp);
    if (ret)
        fpu_clear();
    current->fpu_parked = FPU_LIVE;
    return ret ? -EINVAL : 0;
}

int fpu_restore_checked(void *buf)
{
    int ret = xrstor(buf);
    if (ret)
        fpu_clear();
    current->fpu_parked = FPU_LIVE;
    return ret;
}

uint32_t fpu_x87_exceptions(void)
{
    uint16_t control, status;
    __asm__ volatile("fnstcw %0\n\tfnstsw %1" : "=m"(control), "=m"(status));
    return status & ~(uint32_t)control & 0x3f;
}

uint32_t fpu_sse_exceptions(void)
{
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return mxcsr & ~(mxcsr >> 7) & 0x3f;
}

void fpu_start_over(void)
{
    uint32_t in_use = fpu_in_use();
    if (in_use & ~(IN_USE_AVX512 | IN_USE_X87) || !(kernel.xfrm & XFRM_AVX)) {
        fpu_clear();
    } else {
        if (in_use & IN_USE_X87)
            __asm__ volatile("fninit");
        fpu_frame_clear(in_use);
    }
    current->fpu_parked = FPU_LIVE;
}

void fpu_reset(struct thread *t)
{
    memcpy(t->xstate, fpu_init_area, kernel.xsave_size);
    t->fpu_parked = FPU_PARKED_XSAVE;
}

void fpu_copy(struct thread *to)
{
    fpu_park();
    memcpy(to->xstate, current->xstate, kernel.xstate_size);
    to->fpu_parked = current->fpu_parked;
}

void fpu_export(void *out)
{
    fpu_park_xsave();
    memcpy(out, current->xstate, kernel.xsave_size);
}

void fpu_import(const void *in)
{
    memcpy(current->xstate, in, kernel.xsave_size);
    current->fpu_parked = FPU_PARKED_XSAVE;
}
