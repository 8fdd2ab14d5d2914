/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fault fix-ups, collected by the linker; a few dozen entries, searched only on a
 * fault. */
#include "kernel/arch/fixup.h"

struct fixup_entry {
    int32_t insn, fixup; /* relative to the field itself */
};

extern const struct fixup_entry fixup_table_start[], fixup_table_end[];

uint64_t fixup_find(uint64_t rip)
{
    for (const struct fixup_entry *e = fixup_table_start; e < fixup_table_end; e++)
        if ((uint64_t)&e->insn + (uint64_t)(int64_t)e->insn == rip)
            return (uint64_t)&e->fixup + (uint64_t)(int64_t)e->fixup;
    return 0;
}
