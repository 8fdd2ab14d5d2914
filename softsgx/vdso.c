/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vDSO image for programs that look __vdso_sgx_enter_enclave up in the ELF file at
 * AT_SYSINFO_EHDR: the kernel's own symbols, relocated, plus this one.  Only what such a lookup
 * reads is there: the ELF header, two program headers and a dynamic section with symbols, strings
 * and a one-bucket hash table.
 */
#include "softsgx/preload.h"
#include "softsgx/mem.h"
#include "softsgx/softsgx.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#define SYMBOLS_MAX 64

struct image {
    Elf64_Ehdr ehdr;
    Elf64_Phdr phdr[2];
    Elf64_Dyn dyn[6];
    Elf64_Word hash[2 + 1 + SYMBOLS_MAX]; /* nbucket, nchain, bucket, chains */
    Elf64_Sym sym[SYMBOLS_MAX];
    char str[4096];
};

/* What is needed of the real vDSO. */
struct source {
    const char *base;
    uint64_t bias;
    const Elf64_Sym *sym;
    const char *str;
    uint32_t count;
};

static bool source_read(struct source *s, const void *vdso)
{
    const Elf64_Ehdr *eh = vdso;
    const Elf64_Dyn *dyn = NULL;
    *s = (struct source){.base = vdso};
    if (!vdso)
        return false;
    const Elf64_Phdr *ph = (const void *)(s->base + eh->e_phoff);
    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD)
            s->bias = (uint64_t)vdso - ph[i].p_vaddr + ph[i].p_offset;
        if (ph[i].p_type == PT_DYNAMIC)
            dyn = (const void *)(s->base + ph[i].p_offset);
    }
    for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
        const void *p = (const void *)(s->bias + dyn->d_un.d_ptr);
        if (dyn->d_tag == DT_SYMTAB)
            s->sym = p;
        else if (dyn->d_tag == DT_STRTAB)
            s->str = p;
        else if (dyn->d_tag == DT_HASH)
            s->count = ((const Elf64_Word *)p)[1];
    }
    return s->sym && s->str;
}

static void symbol_add(struct image *im, uint32_t *n, size_t *used, const char *name,
                       uint64_t value, const Elf64_Sym *like)
{
    size_t len = strlen(name) + 1;
    if (*n == SYMBOLS_MAX || *used + len > sizeof(im->str))
        return;
    memcpy(im->str + *used, name, len);
    im->sym[*n] = (Elf64_Sym){.st_name = (Elf64_Word)*used,
                              .st_value = value - (uint64_t)im,
                              .st_shndx = 1,
                              .st_size = like ? like->st_size : 0,
                              .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)};
    *used += len;
    im->hash[3 + *n] = im->hash[2]; /* the bucket's chain, newest first */
    im->hash[2] = (*n)++;
}

static void headers_make(struct image *im, uint32_t count)
{
    im->ehdr = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                            .e_type = ET_DYN,
                            .e_machine = EM_X86_64,
                            .e_version = EV_CURRENT,
                            .e_phoff = offsetof(struct image, phdr),
                            .e_ehsize = sizeof(Elf64_Ehdr),
                            .e_phentsize = sizeof(Elf64_Phdr),
                            .e_phnum = 2};
    im->phdr[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                               .p_flags = PF_R,
                               .p_filesz = sizeof(*im),
                               .p_memsz = sizeof(*im),
                               .p_align = 4096};
    im->phdr[1] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                               .p_flags = PF_R,
                               .p_offset = offsetof(struct image, dyn),
                               .p_vaddr = offsetof(struct image, dyn),
                               .p_filesz = sizeof(im->dyn),
                               .p_memsz = sizeof(im->dyn)};
    im->dyn[0] = (Elf64_Dyn){DT_SYMTAB, {offsetof(struct image, sym)}};
    im->dyn[1] = (Elf64_Dyn){DT_STRTAB, {offsetof(struct image, str)}};
    im->dyn[2] = (Elf64_Dyn){DT_STRSZ, {sizeof(im->str)}};
    im->dyn[3] = (Elf64_Dyn){DT_HASH, {offsetof(struct image, hash)}};
    im->dyn[4] = (Elf64_Dyn){DT_SYMENT, {sizeof(Elf64_Sym)}};
    im->dyn[5] = (Elf64_Dyn){DT_NULL, {0}};
    im->hash[0] = 1;
    im->hash[1] = count;
}

const void *vdso_image(const void *vdso)
{
    static struct image *made;
    struct source src;
    uint32_t count = 1; /* symbol 0 is undefined */
    size_t used = 1;
    if (made)
        return made;
    struct image *im = mem_map(sizeof(*im));
    if (!im)
        return vdso;
    bool real = source_read(&src, vdso);
    for (uint32_t i = 1; real && i < src.count; i++)
        if (src.sym[i].st_shndx != SHN_UNDEF && ELF64_ST_TYPE(src.sym[i].st_info) == STT_FUNC &&
            strcmp(src.str + src.sym[i].st_name, "__vdso_sgx_enter_enclave") != 0)
            symbol_add(im, &count, &used, src.str + src.sym[i].st_name,
                       src.bias + src.sym[i].st_value, &src.sym[i]);
    symbol_add(im, &count, &used, "__vdso_sgx_enter_enclave", (uint64_t)softsgx_enter_enclave,
               NULL);
    headers_make(im, count);
    mprotect(im, sizeof(*im), PROT_READ);
    made = im;
    return made;
}
