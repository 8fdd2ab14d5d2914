/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF images.  The parser (parse.c) is pure: bytes in, a checked description out; it never trusts
 * an offset or a size, and it is fuzzed.  Reading the headers and mapping the segments is in
 * map.c.
 *
 * Loading is in two steps, so that exec can refuse an image before it gives up the old one:
 * elf_read checks everything that the file says, elf_map touches the address space.
 */
#ifndef KERNEL_ELF_ELF_H
#define KERNEL_ELF_ELF_H

#include "kernel/types.h"

#define ELF_MAX_SEGMENTS 32
#define ELF_HEAD_SIZE 64          /* bytes of the file that elf_phdr_range needs */
#define ELF_PHDRS_MAX (64 * 1024) /* Linux's limit on the program headers' size */
#define ELF_INTERP_MAX 4096       /* with the NUL, as PATH_MAX */
#define ELF_NEEDS_MAX 32          /* libraries */
#define ELF_NAMES_MAX 4096U       /* bytes of the string table, from their first name on */
#define ELF_DYNAMIC_MAX 1024U     /* bytes of PT_DYNAMIC: the names come first */

struct file;
struct mm;

struct elf_segment {
    uint64_t vaddr, filesz, memsz,
        offset;    /* memsz >= filesz, no wrap, offset % 4096 == vaddr % 4096 */
    unsigned prot; /* MM_* */
};

struct elf_image {
    bool pie;       /* ET_DYN */
    uint64_t entry; /* unrelocated */
    uint64_t phdr_vaddr, phnum,
        phentsize;      /* phdr_vaddr: unrelocated; 0 when no segment holds them */
    uint64_t low, high; /* page-aligned bounds of all segments */
    uint64_t align;     /* largest p_align, a power of two, at least a page */
    unsigned nsegments;
    struct elf_segment segment[ELF_MAX_SEGMENTS]; /* rising, not overlapping */
    uint64_t interp_off, interp_len;              /* PT_INTERP in the file, 0: none */
    uint64_t dynamic_off, dynamic_len;            /* PT_DYNAMIC in the file, 0: none */
    bool exec_stack;                              /* PT_GNU_STACK says so */
};

/*
 * head: the file's first n bytes; phdrs: what elf_phdr_range asked for.  -ENOEXEC for anything
 * that is not a 64-bit little-endian x86-64 executable or shared object, or is inconsistent.
 */
MUST_CHECK int elf_phdr_range(const void *head, size_t n, uint64_t file_size, uint64_t *off,
                              size_t *len);
MUST_CHECK int elf_parse(const void *head, size_t n, const void *phdrs, size_t phlen,
                         uint64_t file_size, struct elf_image *out);

/*
 * Reads and checks an image's headers.  head: the file's first n bytes, which the caller has read;
 * file_size: the whole file's.  0, -ENOEXEC, -ENOMEM or the read's error.  May sleep.
 */
MUST_CHECK int elf_read(struct file *f, const void *head, size_t n, uint64_t file_size,
                        struct elf_image *out);
/* The interpreter's path as a string of its own (kfree it); *out is NULL when there is none. */
MUST_CHECK int elf_read_interp(struct file *f, const void *head, size_t n,
                               const struct elf_image *img, char **out);

/*
 * A hash of the names of the libraries that the image asks for, in its order; 0: it asks for none, or nothing is known.
 * Programs with the same one mostly get the same libraries at the same places.  May sleep.
 */
uint64_t elf_needs(struct file *f, const struct elf_image *img);
/* Its pure halves (needs.c).  Where the names lie in the file, from the n first bytes of PT_DYNAMIC; -ENOEXEC. */
struct elf_needs {
    uint64_t off;
    size_t len; /* <= ELF_NAMES_MAX */
    unsigned n;
    uint64_t name[ELF_NEEDS_MAX]; /* where each begins in these bytes, perhaps behind them */
};
MUST_CHECK int elf_needs_parse(const struct elf_image *img, const void *dynamic, size_t n,
                               struct elf_needs *out);
/* names: these bytes. */
uint64_t elf_needs_hash(const struct elf_needs *needs, const char *names);

/*
 * Maps all segments into the current process's address space, which must be `mm`.  hint: where a
 * position-independent image should go, 0: anywhere.  *bias is what to add to the image's
 * addresses.  On failure what was mapped stays: the caller gives the address space up.
 */
MUST_CHECK int elf_map(struct mm *mm, struct file *f, const struct elf_image *img, uaddr_t hint,
                       uint64_t *bias);

#endif
