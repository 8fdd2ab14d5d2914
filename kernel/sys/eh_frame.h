/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a function begins and ends, from the unwind tables (.eh_frame_hdr, .eh_frame) of an ELF
 * image in memory.
 */
#ifndef KERNEL_SYS_EH_FRAME_H
#define KERNEL_SYS_EH_FRAME_H

#include "kernel/types.h"

/* How to read the image's memory: all n bytes or false. */
struct eh_reader {
    bool (*read)(const struct eh_reader *r, uint64_t addr, void *buf, size_t n);
};

/*
 * The bounds of the function that holds addr; base is where the image's ELF header lies.  False
 * when there is no table, no entry, or anything about them is odd.
 */
bool eh_frame_find(const struct eh_reader *r, uint64_t base, uint64_t addr, uint64_t *start,
                   uint64_t *end);

#endif
