/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small kernel image made by hand, for the tests of the image's reader and of the layout.
 *
 *   segment   file            memory            rights
 *   0         0x0000 0x1800   0x0000 0x1800     r
 *   1         0x2000 0x1000   0x2000 0x1000     r x   (entry at 0x2010)
 *   2         0x3100 0x0f00   0x4100 0x23000    rw    (the rest is bss)
 *
 * One relocation at 0x4108 (base + 0x2020), and one in the read-only segment at 0x1000.
 */
#ifndef HOST_ENCLAVE_TEST_ELF_MAKE_H
#define HOST_ENCLAVE_TEST_ELF_MAKE_H

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define ELF_SIZE 0x4000
#define ELF_RELA 0x1200
#define ELF_DYNAMIC 0x1300

struct elf_file {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[4];
};

/* page-aligned; free() it */
static unsigned char *elf_make(void)
{
    unsigned char *p = aligned_alloc(4096, ELF_SIZE);
    struct elf_file *f = (void *)p;
    Elf64_Rela *rela = (void *)(p + ELF_RELA);
    Elf64_Dyn *dyn = (void *)(p + ELF_DYNAMIC);
    for (size_t i = 0; i < ELF_SIZE; i++)
        p[i] = (unsigned char)(i * 7 + (i >> 8));
    memset(f, 0, sizeof *f);
    memcpy(f->eh.e_ident, ELFMAG, SELFMAG);
    f->eh.e_ident[EI_CLASS] = ELFCLASS64;
    f->eh.e_ident[EI_DATA] = ELFDATA2LSB;
    f->eh.e_type = ET_DYN;
    f->eh.e_machine = EM_X86_64;
    f->eh.e_entry = 0x2010;
    f->eh.e_phoff = sizeof f->eh;
    f->eh.e_phentsize = sizeof f->ph[0];
    f->eh.e_phnum = 4;
    f->ph[0] = (Elf64_Phdr){PT_LOAD, PF_R, 0, 0, 0, 0x1800, 0x1800, 0x1000};
    f->ph[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x2000, 0x2000, 0, 0x1000, 0x1000, 0x1000};
    f->ph[2] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x3100, 0x4100, 0, 0xf00, 0x23000, 0x1000};
    f->ph[3] = (Elf64_Phdr){PT_DYNAMIC, PF_R, ELF_DYNAMIC, ELF_DYNAMIC, 0, 4 * 16, 4 * 16, 8};
    rela[0] = (Elf64_Rela){0x4108, R_X86_64_RELATIVE, 0x2020};
    rela[1] = (Elf64_Rela){0x1000, R_X86_64_RELATIVE, 0x4200};
    /* the linker writes the addends to their places too */
    memcpy(p + 0x3108, &rela[0].r_addend, 8);
    memcpy(p + 0x1000, &rela[1].r_addend, 8);
    dyn[0] = (Elf64_Dyn){DT_RELA, {ELF_RELA}};
    dyn[1] = (Elf64_Dyn){DT_RELASZ, {2 * sizeof *rela}};
    dyn[2] = (Elf64_Dyn){DT_RELAENT, {sizeof *rela}};
    dyn[3] = (Elf64_Dyn){DT_NULL, {0}};
    return p;
}

#endif
