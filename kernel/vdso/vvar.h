/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page that the vDSO reads: how to make nanoseconds out of the TSC.
 *
 *     mono = mono_base + ((tsc - tsc_base) * mult >> 32)         real = mono + real_off
 *
 * with a 128-bit product (clock.c computes the same).  It holds until tsc_valid_until; after that, and
 * while seq is odd or 0, the caller asks the kernel, which then refreshes the parameters.  A writer makes seq
 * odd, writes, makes it even; a reader that saw it change starts again.
 */
#ifndef KERNEL_VDSO_VVAR_H
#define KERNEL_VDSO_VVAR_H

#include <stdint.h>

struct vvar {
    uint32_t seq; /* odd: being written; 0: nothing there yet */
    uint32_t reserved;
    uint64_t tsc_base;
    uint64_t tsc_valid_until;
    uint64_t mult;     /* nanoseconds in a tick, 32.32 fixed point */
    int64_t mono_base; /* CLOCK_MONOTONIC at tsc_base, ns */
    int64_t real_off;  /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
    int64_t boot_off;  /* CLOCK_BOOTTIME - CLOCK_MONOTONIC, ns */
};

#endif
