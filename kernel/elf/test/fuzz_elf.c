/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes as an ELF file.  The parser neither reads outside its input nor accepts
 * what breaks its promises (parse.c).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "kernel/elf/needs.c"
#include "kernel/elf/parse.c"
#include "lib/hash.c"

#define HEAD 4096 /* what exec reads at first */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_promises(const struct elf_image *e, size_t file_size)
{
    uint64_t last = 0;

    require(e->nsegments >= 1 && e->nsegments <= ELF_MAX_SEGMENTS);
    for (unsigned i = 0; i < e->nsegments; i++) {
        const struct elf_segment *s = &e->segment[i];
        require(s->filesz <= s->memsz);
        require(s->offset <= file_size && s->filesz <= file_size - s->offset);
        require(s->vaddr >= last && s->vaddr <= ELF_ADDR_MAX);
        require(s->memsz <= ELF_ADDR_MAX - s->vaddr);
        require(((s->vaddr ^ s->offset) & 4095) == 0);
        require(s->vaddr >= e->low && s->vaddr + s->memsz <= e->high);
        last = s->vaddr + s->memsz;
    }
    require(e->align >= 4096 && (e->align & (e->align - 1)) == 0);
    require(e->interp_len <= ELF_INTERP_MAX);
    require(e->interp_off <= file_size && e->interp_len <= file_size - e->interp_off);
    require(e->dynamic_off <= file_size && e->dynamic_len <= file_size - e->dynamic_off);
}

/* The names of libraries are in the file, and each is looked at inside what was read. */
static void check_needs(const struct elf_image *e, const uint8_t *data, size_t file_size)
{
    struct elf_needs needs;
    size_t n = e->dynamic_len < ELF_DYNAMIC_MAX ? e->dynamic_len : ELF_DYNAMIC_MAX;

    if (elf_needs_parse(e, data + e->dynamic_off, n, &needs))
        return;
    require(needs.n >= 1 && needs.n <= ELF_NEEDS_MAX && needs.len <= ELF_NAMES_MAX);
    require(needs.off <= file_size && needs.len <= file_size - needs.off);
    char *names = malloc(needs.len);
    require(names || !needs.len);
    memcpy(names, data + needs.off, needs.len);
    (void)elf_needs_hash(&needs, names);
    free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_image image;
    uint64_t off, file_size = size;
    size_t len;

    size_t n = size < HEAD ? size : HEAD;
    if (elf_phdr_range(data, n, file_size, &off, &len))
        return 0;
    require(off <= file_size && len <= file_size - off && len <= ELF_PHDRS_MAX);
    if (!elf_parse(data, n, data + off, len, file_size, &image)) {
        check_promises(&image, file_size);
        check_needs(&image, data, file_size);
    }
    return 0;
}
