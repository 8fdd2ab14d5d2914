/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only a hint for the user of `cella sign`: the kernel reads programs by itself.  A damaged file
 * names no interpreter here.
 */
#include "cli/manifest/interp.h"

#include <elf.h>
#include <string.h>

static void take(const char *from, size_t len, char *out, size_t size)
{
    if (len >= size)
        return;
    memcpy(out, from, len);
    out[len] = 0;
}

static void from_script(const char *data, size_t len, char *out, size_t size)
{
    const char *end = memchr(data, '\n', len);
    size_t n = end ? (size_t)(end - data) : len, i = 2;
    while (i < n && (data[i] == ' ' || data[i] == '\t'))
        i++;
    size_t start = i;
    while (i < n && data[i] && data[i] != ' ' && data[i] != '\t')
        i++;
    take(data + start, i - start, out, size);
}

static void from_elf(const char *data, size_t len, char *out, size_t size)
{
    Elf64_Ehdr eh;
    memcpy(&eh, data, sizeof eh);
    for (size_t i = 0; i < eh.e_phnum; i++) {
        Elf64_Phdr ph;
        if (eh.e_phoff > len || (i + 1) * sizeof ph > len - eh.e_phoff)
            return;
        memcpy(&ph, data + eh.e_phoff + i * sizeof ph, sizeof ph);
        if (ph.p_type != PT_INTERP)
            continue;
        if (ph.p_offset <= len && ph.p_filesz <= len - ph.p_offset && ph.p_filesz)
            take(data + ph.p_offset, strnlen(data + ph.p_offset, ph.p_filesz), out, size);
        return;
    }
}

void interp_find(const void *data, size_t len, char *out, size_t size)
{
    const char *p = data;
    out[0] = 0;
    if (len > 2 && p[0] == '#' && p[1] == '!')
        from_script(p, len, out, size);
    else if (len >= sizeof(Elf64_Ehdr) && !memcmp(p, ELFMAG, SELFMAG) && p[EI_CLASS] == ELFCLASS64)
        from_elf(p, len, out, size);
}
