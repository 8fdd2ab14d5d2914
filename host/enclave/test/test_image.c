/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel image's reader: takes a good image apart, and refuses each bad one with a reason and
 * without reading outside it (the sanitizers look).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/enclave/image.c"
#include "host/enclave/test/elf_make.h"

static void test_good(void **state)
{
    struct image img;
    struct image_reloc rel;
    unsigned int seg;
    const char *why;
    unsigned char *p = elf_make();
    (void)state;
    assert_int_equal(image_parse(&img, p, ELF_SIZE, CONFIG_OFF, &why), 0);
    assert_int_equal(img.entry, 0x2010);
    assert_int_equal(img.segs, 3);
    assert_int_equal(img.size, 0x28000);
    assert_int_equal(img.relas, 2);
    assert_true(img.seg[1].x && !img.seg[1].w && img.seg[2].w && !img.seg[0].w);
    assert_int_equal(image_reloc(&img, 0, &rel, &seg, &why), 0);
    assert_int_equal(rel.where, 0x4108);
    assert_int_equal(rel.addend, 0x2020);
    assert_int_equal(seg, 2);
    free(p);
}

#define REFUSES(damage, text)                                                         \
    do {                                                                              \
        struct image img;                                                             \
        const char *why = NULL;                                                       \
        unsigned char *p = elf_make();                                                \
        struct elf_file *f = (void *)p;                                               \
        Elf64_Dyn *dyn = (void *)(p + ELF_DYNAMIC);                                   \
        (void)f, (void)dyn;                                                           \
        damage;                                                                       \
        assert_int_equal(image_parse(&img, p, ELF_SIZE, CONFIG_OFF, &why), -ENOEXEC); \
        assert_string_equal(why, text);                                               \
        free(p);                                                                      \
    } while (0)

static void test_headers(void **state)
{
    (void)state;
    REFUSES(p[0] = 'x', "not an ELF file");
    REFUSES(f->eh.e_machine = EM_386, "not an x86-64 ELF file");
    REFUSES(f->eh.e_ident[EI_CLASS] = ELFCLASS32, "not an x86-64 ELF file");
    REFUSES(f->eh.e_type = ET_EXEC, "not position-independent");
    REFUSES(f->eh.e_phentsize = 32, "bad program header size");
    REFUSES(f->eh.e_phoff = ELF_SIZE - 1, "truncated (program headers)");
    REFUSES(f->eh.e_phoff = UINT64_MAX, "truncated (program headers)");
    REFUSES(f->eh.e_phnum = 0xffff, "truncated (program headers)");
    REFUSES(f->eh.e_entry = 0x10, "the entry point is not in an executable segment");
    REFUSES(f->eh.e_entry = 0x3000, "the entry point is not in an executable segment");
    REFUSES(f->ph[3].p_type = PT_INTERP, "needs a dynamic linker");
    REFUSES(f->ph[3].p_type = PT_TLS, "needs a dynamic linker");
}

static void test_segments(void **state)
{
    (void)state;
    REFUSES(f->ph[0].p_filesz = ELF_SIZE + 1;
            f->ph[0].p_memsz = ELF_SIZE + 1, "truncated (a segment)");
    REFUSES(f->ph[0].p_offset = UINT64_MAX, "truncated (a segment)");
    REFUSES(f->ph[0].p_filesz = 0x1801, "a segment has more bytes in the file than in memory");
    REFUSES(f->ph[2].p_memsz = UINT64_MAX, "too large");
    REFUSES(f->ph[2].p_vaddr = UINT64_MAX - 1, "too large");
    REFUSES(f->ph[2].p_memsz = CONFIG_OFF, "too large");
    REFUSES(f->ph[1].p_flags = PF_X, "a segment is not readable");
    REFUSES(f->ph[1].p_flags = PF_R | PF_W | PF_X, "a segment is writable and executable");
    REFUSES(f->ph[1].p_vaddr = 0x1fff, "segments overlap, share a page or are unsorted");
    REFUSES(f->ph[2].p_vaddr = 0, "segments overlap, share a page or are unsorted");
}

static void test_relocations(void **state)
{
    struct image img;
    struct image_reloc rel;
    unsigned int seg;
    const char *why;
    unsigned char *p = elf_make();
    Elf64_Rela *rela = (void *)(p + ELF_RELA);
    (void)state;
    REFUSES(f->ph[3].p_offset = ELF_SIZE - 1, "truncated (dynamic section)");
    REFUSES(dyn[0].d_un.d_ptr = 0x10000, "truncated (relocations)");
    REFUSES(dyn[1].d_un.d_val = 25, "truncated (relocations)");
    REFUSES(dyn[1].d_un.d_val = UINT64_MAX, "truncated (relocations)");
    REFUSES(dyn[2].d_un.d_val = 8, "bad relocation size");
    REFUSES(dyn[2].d_tag = DT_NEEDED, "needs a dynamic linker");
    REFUSES(dyn[2].d_tag = DT_JMPREL, "needs a dynamic linker");
    p[0x3108] ^= 1;
    assert_int_equal(image_parse(&img, p, ELF_SIZE, CONFIG_OFF, &why), 0);
    assert_int_equal(image_reloc(&img, 0, &rel, &seg, &why), -ENOEXEC);
    assert_string_equal(why, "a relocated word is not what was linked");
    rela[0].r_info = R_X86_64_64;
    rela[1].r_offset = 0x4ffc; /* the last 4 bytes of the file's part, then bss */
    assert_int_equal(image_parse(&img, p, ELF_SIZE, CONFIG_OFF, &why), 0);
    assert_int_equal(image_reloc(&img, 0, &rel, &seg, &why), -ENOEXEC);
    assert_int_equal(image_reloc(&img, 1, &rel, &seg, &why), -ENOEXEC);
    assert_string_equal(why, "a relocation lies outside the file's bytes");
    free(p);
}

/* Cut short at every length, in memory of just that size. */
static void test_truncated(void **state)
{
    unsigned char *p = elf_make();
    (void)state;
    for (size_t len = 0; len < ELF_SIZE; len += len < 0x400 ? 1 : 97) {
        struct image img;
        const char *why;
        unsigned char *copy = malloc(len ? len : 1);
        memcpy(copy, p, len);
        assert_int_equal(image_parse(&img, copy, len, CONFIG_OFF, &why), -ENOEXEC);
        free(copy);
    }
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_headers),
        cmocka_unit_test(test_segments),  cmocka_unit_test(test_relocations),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
