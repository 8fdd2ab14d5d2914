/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader of the kernel image: a static-PIE x86-64 ELF file with PT_LOAD segments and
 * R_X86_64_RELATIVE relocations and nothing else that would need a linker.
 *
 * Pure: image_parse only looks at the bytes it is given and believes none of them.
 */
#ifndef HOST_ENCLAVE_IMAGE_H
#define HOST_ENCLAVE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_SEGMENTS_MAX 16

struct image_segment {
    uint64_t vaddr;  /* relative to the image's base */
    uint64_t offset; /* in the file */
    uint64_t filesz; /* <= memsz */
    uint64_t memsz;
    bool r, w, x;
};

/* One R_X86_64_RELATIVE: the 8 bytes at `where` become base + addend. */
struct image_reloc {
    uint64_t where;
    uint64_t addend;
};

struct image {
    const uint8_t *data; /* borrowed */
    size_t len;
    uint64_t entry; /* relative to the base; inside an executable segment */
    uint64_t size;  /* of the image in memory, whole pages */
    struct image_segment seg[IMAGE_SEGMENTS_MAX]; /* rising, no page in common */
    unsigned int segs;
    uint64_t rela_off; /* file offset of the relocations */
    uint64_t relas;    /* their number */
};

/*
 * Reads the image's headers.  `limit` is the largest allowed image->size.  0, or -ENOEXEC with
 * *why naming what is wrong.
 */
int image_parse(struct image *img, const void *data, size_t len, uint64_t limit, const char **why);

/*
 * Relocation number i.  0, or -ENOEXEC with *why if it is of another kind or its place does not
 * lie within one segment's file bytes (*seg is that segment's index).
 */
int image_reloc(const struct image *img, uint64_t i, struct image_reloc *rel, unsigned int *seg,
                const char **why);

#endif
