/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF images.  The parser is pure: bytes in, a checked description out; it never trusts an offset or
 * a size, and it is fuzzed.  Mapping is in map.c.
 */
#ifndef KERNEL_ELF_ELF_H
#define KERNEL_ELF_ELF_H

#include "kernel/types.h"

#define ELF_MAX_SEGMENTS 32

struct elf_segment {
    uint64_t vaddr, filesz, memsz, offset; /* memsz >= filesz, no wrap, offset % 4096 == vaddr % 4096 */
    unsigned prot;                         /* MM_* */
};

struct elf_image {
    bool pie;       /* ET_DYN */
    uint64_t entry; /* unrelocated */
    uint64_t phdr_vaddr, phnum, phentsize;
    uint64_t low, high; /* page-aligned bounds of all segments */
    uint64_t align;     /* largest p_align, a power of two */
    unsigned nsegments;
    struct elf_segment segment[ELF_MAX_SEGMENTS]; /* rising, not overlapping */
    uint64_t interp_off, interp_len; /* PT_INTERP in the file, 0: none */
    bool exec_stack;                 /* PT_GNU_STACK says so */
};

/*
 * head: the file's first n bytes; phdrs: what elf_phdr_range asked for.  -ENOEXEC for anything that is
 * not a 64-bit little-endian x86-64 executable or shared object, or is inconsistent.
 */
MUST_CHECK int elf_phdr_range(const void *head, size_t n, uint64_t file_size, uint64_t *off, size_t *len);
MUST_CHECK int elf_parse(const void *head, size_t n, const void *phdrs, size_t phlen, uint64_t file_size, struct elf_image *out);

#endif
