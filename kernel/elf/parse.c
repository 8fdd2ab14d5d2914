/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF parser: bytes in, a checked description out.  Pure, so that it can be fuzzed.
 *
 * The threat: a program's file is the host's or another program's work.  No field is used before
 * it is checked; offsets and sizes are compared by subtraction so that nothing wraps.  What
 * elf_parse lets through holds these:
 *
 *   1. every segment's bytes lie in the file, its addresses in [0, ELF_ADDR_MAX];
 *   2. filesz <= memsz; the file offset and the address agree modulo a page;
 *   3. segments rise and do not overlap (two may share a page);
 *   4. the interpreter's path, if any, lies in the file and has a sane length.
 *
 * Linux leaves some of this to mmap's failure; here all of it is -ENOEXEC, before anything is
 * mapped. Source: System V ABI, chapter 4 and 5; x86-64 psABI.
 */
#include "kernel/elf/elf.h"

#include <linux/elf.h>
#include <linux/elf-em.h>
#include <linux/errno.h>

#include "abi/host/layout.h"
#include "kernel/mm/mm.h"
#include "lib/string.h"

#define ELF_ADDR_MAX (1UL << 46) /* no ELRANGE is larger */

static bool range_in_file(uint64_t off, uint64_t len, uint64_t file_size)
{
    return off <= file_size && len <= file_size - off;
}

static bool header_ok(const Elf64_Ehdr *h)
{
    return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
           h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_ident[EI_VERSION] == EV_CURRENT &&
           (h->e_type == ET_EXEC || h->e_type == ET_DYN) && h->e_machine == EM_X86_64 &&
           h->e_phentsize == sizeof(Elf64_Phdr) && h->e_phnum != 0;
}

int elf_phdr_range(const void *head, size_t n, uint64_t file_size, uint64_t *off, size_t *len)
{
    Elf64_Ehdr h;

    if (n < sizeof(h))
        return -ENOEXEC;
    memcpy(&h, head, sizeof(h));
    if (!header_ok(&h))
        return -ENOEXEC;
    size_t size = (size_t)h.e_phnum * sizeof(Elf64_Phdr);
    if (size > ELF_PHDRS_MAX || !range_in_file(h.e_phoff, size, file_size))
        return -ENOEXEC;
    *off = h.e_phoff;
    *len = size;
    return 0;
}

static unsigned segment_prot(uint32_t flags)
{
    return ((flags & PF_R) ? MM_READ : 0) | ((flags & PF_W) ? MM_WRITE : 0) |
           ((flags & PF_X) ? MM_EXEC : 0);
}

static void align_widen(struct elf_image *img, uint64_t align)
{
    if (align > img->align && (align & (align - 1)) == 0)
        img->align = align;
}

static int add_load(struct elf_image *img, const Elf64_Phdr *p, uint64_t file_size)
{
    if (p->p_memsz == 0 && p->p_filesz == 0)
        return 0;
    if (p->p_filesz > p->p_memsz || !range_in_file(p->p_offset, p->p_filesz, file_size))
        return -ENOEXEC;
    if (p->p_vaddr > ELF_ADDR_MAX || p->p_memsz > ELF_ADDR_MAX - p->p_vaddr)
        return -ENOEXEC;
    if ((p->p_vaddr ^ p->p_offset) & (PAGE_SIZE - 1))
        return -ENOEXEC;
    if (img->nsegments == ELF_MAX_SEGMENTS || p->p_align > ELF_ADDR_MAX)
        return -ENOEXEC;
    if (img->nsegments) {
        const struct elf_segment *last = &img->segment[img->nsegments - 1];
        if (p->p_vaddr < last->vaddr + last->memsz)
            return -ENOEXEC;
    }
    img->segment[img->nsegments++] = (struct elf_segment){
        .vaddr = p->p_vaddr,
        .filesz = p->p_filesz,
        .memsz = p->p_memsz,
        .offset = p->p_offset,
        .prot = segment_prot(p->p_flags),
    };
    align_widen(img, p->p_align);
    return 0;
}

static int add_interp(struct elf_image *img, const Elf64_Phdr *p, uint64_t file_size)
{
    if (img->interp_len)
        return 0; /* Linux takes the first */
    if (p->p_filesz < 2 || p->p_filesz > ELF_INTERP_MAX ||
        !range_in_file(p->p_offset, p->p_filesz, file_size))
        return -ENOEXEC;
    img->interp_off = p->p_offset;
    img->interp_len = p->p_filesz;
    return 0;
}

/* It is the loader's to read: the kernel only looks what it may mean. */
static void add_dynamic(struct elf_image *img, const Elf64_Phdr *p, uint64_t file_size)
{
    if (img->dynamic_len || !range_in_file(p->p_offset, p->p_filesz, file_size))
        return;
    img->dynamic_off = p->p_offset;
    img->dynamic_len = p->p_filesz;
}

static int add_phdr(struct elf_image *img, const Elf64_Phdr *p, uint64_t file_size)
{
    switch (p->p_type) {
    case PT_LOAD: return add_load(img, p, file_size);
    case PT_INTERP: return add_interp(img, p, file_size);
    case PT_DYNAMIC: add_dynamic(img, p, file_size); return 0;
    case PT_GNU_STACK: img->exec_stack = (p->p_flags & PF_X) != 0; return 0;
    default: return 0;
    }
}

/* Where the program headers are in memory: in the segment that holds their bytes of the file. */
static uint64_t find_phdr_vaddr(const struct elf_image *img, uint64_t phoff)
{
    for (unsigned i = 0; i < img->nsegments; i++) {
        const struct elf_segment *s = &img->segment[i];
        if (phoff >= s->offset && phoff - s->offset < s->filesz)
            return s->vaddr + (phoff - s->offset);
    }
    return 0;
}

int elf_parse(const void *head, size_t n, const void *phdrs, size_t phlen, uint64_t file_size,
              struct elf_image *out)
{
    Elf64_Ehdr h;
    uint64_t off;
    size_t len;

    int err = elf_phdr_range(head, n, file_size, &off, &len);
    if (err)
        return err;
    if (phlen < len)
        return -ENOEXEC;
    memcpy(&h, head, sizeof(h));
    *out = (struct elf_image){
        .pie = h.e_type == ET_DYN,
        .entry = h.e_entry,
        .phnum = h.e_phnum,
        .phentsize = sizeof(Elf64_Phdr),
        .align = PAGE_SIZE,
    };
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, (const char *)phdrs + i * sizeof(p), sizeof(p));
        err = add_phdr(out, &p, file_size);
        if (err)
            return err;
    }
    if (out->nsegments == 0)
        return -ENOEXEC;
    const struct elf_segment *last = &out->segment[out->nsegments - 1];
    out->low = ALIGN_DOWN(out->segment[0].vaddr, PAGE_SIZE);
    out->high = ALIGN_UP(last->vaddr + last->memsz, PAGE_SIZE);
    out->phdr_vaddr = find_phdr_vaddr(out, h.e_phoff);
    return 0;
}
