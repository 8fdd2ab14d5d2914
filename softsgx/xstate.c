/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XSAVE state between a signal frame, which the kernel writes with XSAVE in the standard format for
 * all of XCR0, and an SSA frame, which holds the components of SECS.XFRM in the same format.
 */
#include "softsgx/sig.h"

#include <cpuid.h>
#include <string.h>

#define LEGACY_SIZE 512
#define HEADER_SIZE 64
#define COMPONENT_MAX 19
#define FP_XSTATE_MAGIC1 0x46505853U
#define MXCSR_RESERVED 0xffff0000U

#define XFRM_X87_SSE 3UL
#define XFRM_AVX 4UL
#define XFRM_AVX512 0xe0UL
#define XFRM_PKRU 0x200UL
#define XFRM_AMX 0x60000UL

struct header {
    uint64_t bv;
    uint64_t comp_bv;
    uint64_t reserved[6];
};

struct component {
    uint32_t offset;
    uint32_t size;
};
/* Filled when an enclave asks for them: cpuid costs 10 us in a virtual machine. */
static struct component components[COMPONENT_MAX] = {[2] = {576, 256}};

static const struct component *component_get(unsigned int i)
{
    struct component *c = &components[i];
    if (!c->size) {
        uint32_t size, offset, ecx, edx;
        __cpuid_count(0xd, i, size, offset, ecx, edx);
        c->offset = offset;
        c->size = size;
    }
    return c;
}

static uint64_t xcr0(void)
{
    uint32_t lo, hi;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

uint32_t xstate_size(uint64_t xfrm)
{
    if ((xfrm & XFRM_X87_SSE) != XFRM_X87_SSE || (xfrm & ~xcr0()))
        return 0;
    if (xfrm & ~(XFRM_X87_SSE | XFRM_AVX | XFRM_AVX512 | XFRM_PKRU | XFRM_AMX))
        return 0;
    if ((xfrm & XFRM_AVX512) && ((xfrm & XFRM_AVX512) != XFRM_AVX512 || !(xfrm & XFRM_AVX)))
        return 0;
    if ((xfrm & XFRM_AMX) && (xfrm & XFRM_AMX) != XFRM_AMX)
        return 0;
    uint32_t size = LEGACY_SIZE + HEADER_SIZE;
    for (unsigned int i = 2; i < COMPONENT_MAX; i++) {
        if (!(xfrm >> i & 1))
            continue;
        const struct component *c = component_get(i);
        if (c->offset + c->size > size)
            size = c->offset + c->size;
    }
    return size;
}

/* The extended part of a signal frame's state, or NULL if the kernel saved only the legacy part. */
static struct header *frame_header(const ucontext_t *uc)
{
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    uint32_t magic;
    memcpy(&magic, fp + 464, 4);
    return magic == FP_XSTATE_MAGIC1 ? (struct header *)(fp + LEGACY_SIZE) : NULL;
}

static void copy_components(uint8_t *to, const uint8_t *from, uint64_t which)
{
    for (unsigned int i = 2; i < COMPONENT_MAX; i++)
        if (which >> i & 1) {
            const struct component *c = component_get(i);
            memcpy(to + c->offset, from + c->offset, c->size);
        }
}

/* The software-reserved bytes at the end of the legacy area belong to the kernel. */
#define LEGACY_COPY 416

void xstate_save(void *ssa, const ucontext_t *uc, uint64_t xfrm)
{
    const uint8_t *fp = (const uint8_t *)uc->uc_mcontext.fpregs;
    const struct header *h = frame_header(uc);
    struct header *out = (struct header *)((uint8_t *)ssa + LEGACY_SIZE);
    uint64_t bv = h ? h->bv & xfrm : XFRM_X87_SSE;
    memcpy(ssa, fp, LEGACY_COPY);
    *out = (struct header){.bv = bv};
    copy_components(ssa, fp, bv);
}

void xstate_clear(ucontext_t *uc, uint64_t xfrm)
{
    static const uint8_t init[32] = {[0] = 0x7f, [1] = 0x03, [24] = 0x80, [25] = 0x1f};
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    struct header *h = frame_header(uc);
    uint32_t mask;
    memcpy(&mask, fp + 28, 4);
    memset(fp, 0, LEGACY_COPY);
    memcpy(fp, init, 28);
    memcpy(fp + 28, &mask, 4);
    if (h)
        h->bv &= ~xfrm;
}

bool xstate_load(ucontext_t *uc, const void *ssa, uint64_t xfrm)
{
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    struct header *h = frame_header(uc);
    struct header in;
    uint32_t mxcsr;
    memcpy(&in, (const uint8_t *)ssa + LEGACY_SIZE, sizeof(in));
    memcpy(&mxcsr, (const uint8_t *)ssa + 24, 4);
    if (in.comp_bv || (in.bv & ~xfrm) || in.reserved[0] || (mxcsr & MXCSR_RESERVED))
        return false;
    /* What is not in use must be in its initial state even if the bytes say otherwise. */
    xstate_clear(uc, xfrm);
    if (in.bv & 1)
        memcpy(fp, ssa, 24);
    memcpy(fp + 24, &mxcsr, 4);
    if (in.bv & 1)
        memcpy(fp + 32, (const uint8_t *)ssa + 32, 128);
    if (in.bv & 2)
        memcpy(fp + 160, (const uint8_t *)ssa + 160, 256);
    if (h) {
        h->bv |= in.bv | XFRM_X87_SSE;
        copy_components(fp, ssa, in.bv);
    }
    return true;
}
