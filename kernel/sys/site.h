/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a `syscall` instruction can be made not to trap: a pure decision over code bytes.
 */
#ifndef KERNEL_SYS_SITE_H
#define KERNEL_SYS_SITE_H

#include "kernel/sys/patch.h"

#define SITE_JMP_LEN 5    /* jmp rel32 */
#define SITE_LOOK_BACK 64 /* bytes before an address that tell what ends there */
#define SITE_NEAR 192     /* bytes around a site that matter when its function is not known */
#define SITE_LEN_MAX 24   /* bytes that move to the trampoline */

/* Code around a site, and the bounds of its function if they are known. */
struct site_code {
    const uint8_t *bytes; /* copies of [base, base + n) */
    size_t n;
    uint64_t base;
    uint64_t func_start, func_end; /* within [base, base + n]; equal: not known */
    uint32_t nr;                   /* the number that the first call came with */
};

struct site_plan {
    enum patch_kind kind; /* PATCH_NONE: leave it */
    uint64_t start;       /* the jmp goes here … */
    uint8_t len;          /* … and so many bytes, whole instructions from there on, move */
    uint64_t cave;        /* PATCH_CAVE: five bytes of padding for the jmp; the site jumps there */
};

/* Decides for the `syscall` at `site`, which lies within the code with both its bytes. */
void site_decide(const struct site_code *c, uint64_t site, struct site_plan *out);

#endif
