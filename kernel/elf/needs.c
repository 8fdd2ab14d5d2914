/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libraries an image asks its loader for: a hint of what will be mapped where, and nothing else.  Whatever is odd about
 * the image means that nothing is known; its loader will say so.  Pure, and fuzzed.
 */
#include "kernel/elf/elf.h"

#include <linux/elf.h>
#include <linux/errno.h>

#include "lib/hash.h"
#include "lib/string.h"

int elf_needs_parse(const struct elf_image *img, const void *dynamic, size_t n,
                    struct elf_needs *out)
{
    uint64_t strtab = 0, first = UINT64_MAX;

    *out = (struct elf_needs){0};
    for (size_t i = 0; i + sizeof(Elf64_Dyn) <= n; i += sizeof(Elf64_Dyn)) {
        Elf64_Dyn d;
        memcpy(&d, (const char *)dynamic + i, sizeof(d));
        if (d.d_tag == DT_NULL)
            break;
        if (d.d_tag == DT_STRTAB)
            strtab = d.d_un.d_ptr;
        if (d.d_tag != DT_NEEDED)
            continue;
        if (out->n == ELF_NEEDS_MAX)
            return -ENOEXEC;
        first = MIN(first, d.d_un.d_val);
        out->name[out->n++] = d.d_un.d_val;
    }
    for (unsigned i = 0; i < out->n; i++) {
        out->name[i] -= first;
        if (out->name[i] >= ELF_NAMES_MAX)
            return -ENOEXEC;
    }
    for (unsigned i = 0; i < img->nsegments && out->n; i++) {
        const struct elf_segment *s = &img->segment[i];
        if (strtab < s->vaddr || strtab - s->vaddr >= s->filesz ||
            first >= s->filesz - (strtab - s->vaddr))
            continue;
        uint64_t at = strtab - s->vaddr + first;
        out->off = s->offset + at;
        out->len = MIN(s->filesz - at, ELF_NAMES_MAX);
        return 0;
    }
    return -ENOEXEC;
}

uint64_t elf_needs_hash(const struct elf_needs *needs, const char *names)
{
    uint64_t hash = 0;

    for (unsigned i = 0; i < needs->n; i++) {
        size_t at = needs->name[i];
        const char *end = at < needs->len ? memchr(names + at, 0, needs->len - at) : NULL;
        if (!end)
            return 0;
        hash = hash_bytes(names + at, (size_t)(end - names) - at, hash_u64(hash + 1));
    }
    return hash | 1;
}
