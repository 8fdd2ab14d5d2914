/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a function's bounds: ELF header, program headers, PT_GNU_EH_FRAME with its sorted
 * table, the FDE that the table names, and the FDE's CIE, which says how the FDE's addresses are
 * encoded (LSB core specification, chapter 10; DWARF 4, section 6.4.1).
 *
 * All of it is the program's own memory and may be anything, and may change while it is read: each
 * piece is read once, every loop is bounded, addresses may wrap but are only ever passed to `read`,
 * and no more comes of a lie than wrong bounds, which harm nobody but the program.
 */
#include "kernel/sys/eh_frame.h"

#include <linux/elf.h>

#include "lib/string.h"

#define PHDRS_MAX 64U
#define TABLE_MAX (1U << 24) /* functions in one image */
#define CIE_READ 64U         /* bytes of a CIE that are looked at */

/* Pointer encodings (DW_EH_PE_*) as Linux toolchains use them on x86-64. */
#define PE_ABSPTR 0x00
#define PE_UDATA4 0x03
#define PE_SDATA4 0x0b
#define PE_PCREL_SDATA4 0x1b
#define PE_DATAREL_SDATA4 0x3b

struct eh_header {
    uint8_t version, frame_enc, count_enc, table_enc;
    int32_t frame;
    uint32_t count;
};

struct eh_entry {
    int32_t start, fde; /* relative to the header */
};

struct eh_table {
    uint64_t addr;
    uint32_t count;
};

static bool find_segment(const struct eh_reader *r, uint64_t base, uint64_t *addr, uint64_t *size)
{
    Elf64_Ehdr e;
    Elf64_Phdr ph;
    uint64_t bias = 0;
    bool loaded = false;

    if (!r->read(r, base, &e, sizeof(e)) || memcmp(e.e_ident, ELFMAG, SELFMAG) ||
        e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phentsize != sizeof(ph) || e.e_phnum > PHDRS_MAX)
        return false;
    *size = 0;
    for (unsigned i = 0; i < e.e_phnum; i++) {
        if (!r->read(r, base + e.e_phoff + i * sizeof(ph), &ph, sizeof(ph)))
            return false;
        if (ph.p_type == PT_LOAD && !ph.p_offset && !loaded) {
            bias = base - ph.p_vaddr;
            loaded = true;
        }
        if (ph.p_type == PT_GNU_EH_FRAME) {
            *addr = ph.p_vaddr;
            *size = ph.p_memsz;
        }
    }
    *addr += bias;
    return loaded && *size;
}

static bool find_table(const struct eh_reader *r, uint64_t base, struct eh_table *t)
{
    struct eh_header h;
    uint64_t size;

    t->addr = 0;
    if (!find_segment(r, base, &t->addr, &size) || !r->read(r, t->addr, &h, sizeof(h)))
        return false;
    t->count = h.count;
    return h.version == 1 && h.frame_enc == PE_PCREL_SDATA4 && h.count_enc == PE_UDATA4 &&
           h.table_enc == PE_DATAREL_SDATA4 && h.count && h.count <= TABLE_MAX &&
           sizeof(h) + (uint64_t)h.count * sizeof(struct eh_entry) <= size;
}

static bool table_entry(const struct eh_reader *r, const struct eh_table *t, uint32_t i,
                        struct eh_entry *e)
{
    return r->read(r, t->addr + sizeof(struct eh_header) + (uint64_t)i * sizeof(*e), e, sizeof(*e));
}

/* The last entry that starts at or before addr. */
static bool table_search(const struct eh_reader *r, const struct eh_table *t, uint64_t addr,
                         struct eh_entry *found)
{
    uint32_t low = 0, high = t->count;
    struct eh_entry e;

    if (!table_entry(r, t, 0, found))
        return false;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (!table_entry(r, t, mid, &e))
            return false;
        if (t->addr + (uint64_t)(int64_t)e.start <= addr) {
            low = mid;
            *found = e;
        } else {
            high = mid;
        }
    }
    return true;
}

/* Moves over one LEB128 number. */
static bool skip_leb(const uint8_t **p, const uint8_t *end)
{
    while (*p < end)
        if (!(*(*p)++ & 0x80))
            return true;
    return false;
}

/*
 * The encoding of addresses in the FDEs of the CIE at addr: its augmentation string must be z and
 * then any of R, S, L, P, B in whatever order.  *lead is 1 for signal frames (S), whose FDEs begin
 * one byte before the function, so that an unwinder finds them with the return address less one.
 */
static bool cie_encoding(const struct eh_reader *r, uint64_t addr, uint8_t *enc, unsigned *lead)
{
    uint8_t cie[CIE_READ];
    const uint8_t *end = cie + sizeof(cie), *p = cie + 9;

    if (!r->read(r, addr, cie, sizeof(cie)) || cie[4] || cie[5] || cie[6] || cie[7] || p[0] != 'z')
        return false;
    const uint8_t *aug = p + 1;
    while (p < end && *p)
        p++;
    p++;
    /* Code and data alignment, return register, length of the augmentation data. */
    for (int i = 0; i < 4; i++)
        if (!skip_leb(&p, end))
            return false;
    bool found = false;
    *lead = 0;
    for (; *aug && aug < p && p < end; aug++) {
        if (*aug == 'R') {
            *enc = *p++;
            found = true;
        } else if (*aug == 'P') {
            p += (*p & 7) == PE_UDATA4 ? 5 : 9;
        } else if (*aug == 'L') {
            p++;
        } else if (*aug == 'S') {
            *lead = 1;
        }
    }
    return found;
}

struct fde_head {
    uint32_t length, cie;
    union {
        uint64_t abs[2];
        uint32_t rel[2];
    } range; /* start and length */
};

static bool fde_bounds(const struct eh_reader *r, uint64_t fde, uint64_t *start, uint64_t *end)
{
    struct fde_head f;
    uint8_t enc;
    unsigned lead;

    if (!r->read(r, fde, &f, sizeof(f)) || f.length < 16 || f.length == UINT32_MAX || !f.cie ||
        !cie_encoding(r, fde + 4 - f.cie, &enc, &lead))
        return false;
    switch (enc) {
    case PE_PCREL_SDATA4:
        *start = fde + 8 + (uint64_t)(int64_t)(int32_t)f.range.rel[0];
        *end = *start + f.range.rel[1];
        break;
    case PE_UDATA4:
    case PE_SDATA4:
        *start = (uint64_t)(int64_t)(int32_t)f.range.rel[0];
        *end = *start + f.range.rel[1];
        break;
    case PE_ABSPTR:
        *start = f.range.abs[0];
        *end = *start + f.range.abs[1];
        break;
    default: return false;
    }
    *start += lead;
    return true;
}

bool eh_frame_find(const struct eh_reader *r, uint64_t base, uint64_t addr, uint64_t *start,
                   uint64_t *end)
{
    struct eh_table t;
    struct eh_entry e;

    if (!find_table(r, base, &t) || !table_search(r, &t, addr, &e))
        return false;
    if (!fde_bounds(r, t.addr + (uint64_t)(int64_t)e.fde, start, end))
        return false;
    return *start <= addr && addr < *end;
}
