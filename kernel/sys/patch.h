/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patching of system-call sites: what others may know of it.
 */
#ifndef KERNEL_SYS_PATCH_H
#define KERNEL_SYS_PATCH_H

#include "kernel/types.h"

struct mm;

/* How a site was patched. */
enum patch_kind { PATCH_NONE, PATCH_MOV, PATCH_BEFORE, PATCH_CAVE, PATCH_WINDOW, PATCH_KINDS };

struct patch_stats {
    uint64_t patched[PATCH_KINDS]; /* sites, by kind */
    uint64_t refused;              /* sites that keep trapping */
    uint64_t traps;                /* system calls that came as a trap */
};

void patch_stats_get(struct patch_stats *out);

#endif
