/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel image's reader.  Every offset and size is checked against the file before use, with
 * comparisons that cannot wrap; structures are copied out of the file, never cast, since the file
 * gives no alignment.
 */
#include "host/enclave/image.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "abi/host/layout.h"

#define CHECK(cond, text)    \
    do {                     \
        if (!(cond)) {       \
            *why = (text);   \
            return -ENOEXEC; \
        }                    \
    } while (0)

static bool inside(uint64_t off, uint64_t len, uint64_t total)
{
    return off <= total && len <= total - off;
}

static int check_ehdr(const struct image *img, const Elf64_Ehdr *eh, const char **why)
{
    CHECK(!memcmp(eh->e_ident, ELFMAG, SELFMAG), "not an ELF file");
    CHECK(eh->e_ident[EI_CLASS] == ELFCLASS64 && eh->e_ident[EI_DATA] == ELFDATA2LSB &&
              eh->e_machine == EM_X86_64,
          "not an x86-64 ELF file");
    CHECK(eh->e_type == ET_DYN, "not position-independent");
    CHECK(eh->e_phentsize == sizeof(Elf64_Phdr), "bad program header size");
    CHECK(inside(eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr), img->len),
          "truncated (program headers)");
    return 0;
}

static int add_segment(struct image *img, const Elf64_Phdr *ph, uint64_t limit, const char **why)
{
    if (!ph->p_memsz)
        return 0;
    CHECK(img->segs < IMAGE_SEGMENTS_MAX, "too many segments");
    CHECK(ph->p_filesz <= ph->p_memsz, "a segment has more bytes in the file than in memory");
    CHECK(inside(ph->p_offset, ph->p_filesz, img->len), "truncated (a segment)");
    CHECK(inside(ph->p_vaddr, ph->p_memsz, limit), "too large");
    CHECK((ph->p_flags & PF_R) && !(ph->p_flags & ~(uint32_t)(PF_R | PF_W | PF_X)),
          "a segment is not readable");
    CHECK((ph->p_flags & (PF_W | PF_X)) != (PF_W | PF_X), "a segment is writable and executable");
    CHECK((ph->p_vaddr & PAGE_MASK) >= img->size, "segments overlap, share a page or are unsorted");
    img->seg[img->segs++] = (struct image_segment){
        .vaddr = ph->p_vaddr,
        .offset = ph->p_offset,
        .filesz = ph->p_filesz,
        .memsz = ph->p_memsz,
        .r = true,
        .w = ph->p_flags & PF_W,
        .x = ph->p_flags & PF_X,
    };
    img->size = (ph->p_vaddr + ph->p_memsz + PAGE_SIZE - 1) & PAGE_MASK;
    return 0;
}

/* File offset of len bytes at a memory address, or -1 if no segment has them in the file. */
static int64_t file_offset(const struct image *img, uint64_t vaddr, uint64_t len, unsigned int *seg)
{
    for (unsigned int i = 0; i < img->segs; i++) {
        const struct image_segment *s = &img->seg[i];
        if (vaddr < s->vaddr || !inside(vaddr - s->vaddr, len, s->filesz))
            continue;
        *seg = i;
        return (int64_t)(s->offset + (vaddr - s->vaddr));
    }
    return -1;
}

static int read_dynamic(struct image *img, const Elf64_Phdr *ph, const char **why)
{
    CHECK(inside(ph->p_offset, ph->p_filesz, img->len), "truncated (dynamic section)");
    uint64_t rela = 0, size = 0;
    for (uint64_t off = 0; off + sizeof(Elf64_Dyn) <= ph->p_filesz; off += sizeof(Elf64_Dyn)) {
        Elf64_Dyn d;
        memcpy(&d, img->data + ph->p_offset + off, sizeof d);
        if (d.d_tag == DT_NULL)
            break;
        if (d.d_tag == DT_RELA)
            rela = d.d_un.d_ptr;
        if (d.d_tag == DT_RELASZ)
            size = d.d_un.d_val;
        CHECK(d.d_tag != DT_RELAENT || d.d_un.d_val == sizeof(Elf64_Rela), "bad relocation size");
        CHECK(d.d_tag != DT_NEEDED && d.d_tag != DT_REL && d.d_tag != DT_JMPREL && d.d_tag != 36,
              "needs a dynamic linker");
    }
    if (!size)
        return 0;
    unsigned int seg;
    int64_t off = file_offset(img, rela, size, &seg);
    CHECK(off >= 0 && size % sizeof(Elf64_Rela) == 0, "truncated (relocations)");
    img->rela_off = (uint64_t)off;
    img->relas = size / sizeof(Elf64_Rela);
    return 0;
}

static int check_entry(const struct image *img, uint64_t entry, const char **why)
{
    unsigned int seg = 0;
    CHECK(file_offset(img, entry, 1, &seg) >= 0 && img->seg[seg].x,
          "the entry point is not in an executable segment");
    return 0;
}

static Elf64_Phdr phdr_at(const struct image *img, const Elf64_Ehdr *eh, unsigned int i)
{
    Elf64_Phdr ph;
    memcpy(&ph, img->data + eh->e_phoff + (uint64_t)i * sizeof ph, sizeof ph);
    return ph;
}

int image_parse(struct image *img, const void *data, size_t len, uint64_t limit, const char **why)
{
    Elf64_Ehdr eh;
    *img = (struct image){.data = data, .len = len};
    CHECK(len >= sizeof eh, "truncated (ELF header)");
    memcpy(&eh, data, sizeof eh);
    int err = check_ehdr(img, &eh, why);
    for (unsigned int i = 0; !err && i < eh.e_phnum; i++) {
        Elf64_Phdr ph = phdr_at(img, &eh, i);
        if (ph.p_type == PT_LOAD)
            err = add_segment(img, &ph, limit, why);
        else
            CHECK(ph.p_type != PT_INTERP && ph.p_type != PT_TLS, "needs a dynamic linker");
    }
    for (unsigned int i = 0; !err && i < eh.e_phnum; i++) {
        Elf64_Phdr ph = phdr_at(img, &eh, i);
        if (ph.p_type == PT_DYNAMIC)
            err = read_dynamic(img, &ph, why);
    }
    if (err)
        return err;
    img->entry = eh.e_entry;
    return check_entry(img, img->entry, why);
}

int image_reloc(const struct image *img, uint64_t i, struct image_reloc *rel, unsigned int *seg,
                const char **why)
{
    Elf64_Rela r;
    memcpy(&r, img->data + img->rela_off + i * sizeof r, sizeof r);
    CHECK(r.r_info == R_X86_64_RELATIVE, "a relocation is not R_X86_64_RELATIVE");
    int64_t at = file_offset(img, r.r_offset, 8, seg);
    CHECK(at >= 0, "a relocation lies outside the file's bytes");
    /* The linker writes the addend there too.  It is overwritten, not measured: another value
     * would go unseen. */
    CHECK(!memcmp(img->data + at, &r.r_addend, 8), "a relocated word is not what was linked");
    rel->where = r.r_offset;
    rel->addend = (uint64_t)r.r_addend;
    return 0;
}
