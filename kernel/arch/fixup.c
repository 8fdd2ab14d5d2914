/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of fault fix-ups, collected by the linker: single instructions, and runs of them.  A few
 * dozen entries, searched only on a fault. */
#include "kernel/arch/fixup.h"

struct fixup_entry {
    int32_t insn, fixup; /* relative to the field itself */
};

struct fixup_range {
    int32_t start, end, fixup; /* likewise */
};

extern const struct fixup_entry fixup_table_start[], fixup_table_end[];
extern const struct fixup_range fixup_ranges_start[], fixup_ranges_end[];

static uint64_t target(const int32_t *field)
{
    return (uint64_t)field + (uint64_t)(int64_t)*field;
}

uint64_t fixup_find(uint64_t rip)
{
    for (const struct fixup_entry *e = fixup_table_start; e < fixup_table_end; e++)
        if (target(&e->insn) == rip)
            return target(&e->fixup);
    for (const struct fixup_range *r = fixup_ranges_start; r < fixup_ranges_end; r++)
        if (rip >= target(&r->start) && rip < target(&r->end))
            return target(&r->fixup);
    return 0;
}
