/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to make nanoseconds out of the TSC: what clock.c computes, and what the vDSO reads.
 *
 *     mono = mono_base + ((tsc - tsc_base) * mult >> 32)         real = mono + real_off
 *
 * This holds until tsc_valid_until; then the caller asks the kernel, which refreshes the
 * parameters. For the vDSO the bases are cut into seconds and nanoseconds, so that it need not
 * divide, and the time that they hold for is so short that the product fits 64 bits.
 *
 * A writer makes seq odd, writes, makes it even; a reader that saw it change starts again.
 */
#ifndef KERNEL_VDSO_VVAR_H
#define KERNEL_VDSO_VVAR_H

#include <stdint.h>

struct vvar {
    uint32_t seq; /* odd: being written */
    uint64_t tsc_base;
    uint64_t tsc_valid_until;
    uint64_t mult;     /* nanoseconds in a tick, 32.32 fixed point */
    int64_t mono_base; /* CLOCK_MONOTONIC at tsc_base, ns */
    int64_t real_off;  /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
    int64_t boot_off;  /* CLOCK_BOOTTIME - CLOCK_MONOTONIC, ns */
};

enum vvar_clock { VVAR_MONO, VVAR_REAL, VVAR_BOOT, VVAR_CLOCKS };

/* What the vDSO reads, in the kernel's memory.  One cache line but for the last clock. */
struct vvar_time {
    uint32_t seq; /* odd: being written */
    uint32_t reserved;
    uint64_t tsc_base;
    uint64_t tsc_span; /* good for tsc_base <= tsc < tsc_base + tsc_span */
    uint64_t mult;
    struct {
        int64_t sec;
        uint64_t nsec; /* < 10^9 */
    } at_base[VVAR_CLOCKS];
};

/* The vvar page: nothing that ever changes. */
struct vvar_page {
    const struct vvar_time *time;
};

#define VVAR_SPAN_NS 2000000000UL /* the longest that they hold for: ns << 32 fits 63 bits */

#endif
