/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF parser: a well-formed image comes out as described, and every way of lying in a header
 * is -ENOEXEC.  Whatever is accepted keeps the parser's promises (parse.c), also when bytes are
 * changed at random in a real program.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/elf/needs.c"
#include "kernel/elf/parse.c"
#include "lib/hash.c"

#define BASE 0x400000UL

struct image {
    Elf64_Ehdr h;
    Elf64_Phdr p[8];
    char data[4096 * 3];
};

static struct image img;
static struct elf_image out;

/* text, data with bss, interpreter and stack header */
static void image_init(void)
{
    memset(&img, 0, sizeof(img));
    memcpy(img.h.e_ident, ELFMAG, SELFMAG);
    img.h.e_ident[EI_CLASS] = ELFCLASS64;
    img.h.e_ident[EI_DATA] = ELFDATA2LSB;
    img.h.e_ident[EI_VERSION] = EV_CURRENT;
    img.h.e_type = ET_EXEC;
    img.h.e_machine = EM_X86_64;
    img.h.e_phoff = offsetof(struct image, p);
    img.h.e_phentsize = sizeof(Elf64_Phdr);
    img.h.e_phnum = 4;
    img.h.e_entry = BASE + 0x800;
    img.p[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_X,
                            .p_vaddr = BASE,
                            .p_filesz = 0x1234,
                            .p_memsz = 0x1234,
                            .p_align = 0x1000};
    img.p[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_W,
                            .p_offset = 0x1234,
                            .p_vaddr = BASE + 0x2234,
                            .p_filesz = 0x100,
                            .p_memsz = 0x5000,
                            .p_align = 0x200000};
    img.p[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x300, .p_filesz = 20};
    img.p[3] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W | PF_X};
}

static int parse_size(size_t file_size)
{
    uint64_t off;
    size_t len;

    int err = elf_phdr_range(&img, MIN(file_size, sizeof(img)), file_size, &off, &len);
    if (err)
        return err;
    return elf_parse(&img, sizeof(img.h), (char *)&img + off, len, file_size, &out);
}

static int parse(void)
{
    return parse_size(sizeof(img));
}

static int setup(void **state)
{
    (void)state;
    image_init();
    return 0;
}

static void test_good(void **state)
{
    (void)state;
    assert_int_equal(parse(), 0);
    assert_false(out.pie);
    assert_int_equal(out.entry, BASE + 0x800);
    assert_int_equal(out.nsegments, 2);
    assert_int_equal(out.low, BASE);
    assert_int_equal(out.high, BASE + 0x8000);
    assert_int_equal(out.align, 0x200000);
    assert_int_equal(out.segment[0].prot, MM_READ | MM_EXEC);
    assert_int_equal(out.segment[1].prot, MM_READ | MM_WRITE);
    assert_int_equal(out.phdr_vaddr, BASE + offsetof(struct image, p));
    assert_int_equal(out.phnum, 4);
    assert_int_equal(out.interp_off, 0x300);
    assert_int_equal(out.interp_len, 20);
    assert_true(out.exec_stack);
    img.h.e_type = ET_DYN;
    assert_int_equal(parse(), 0);
    assert_true(out.pie);
}

#define REFUSED(change)                      \
    do {                                     \
        image_init();                        \
        change;                              \
        assert_int_equal(parse(), -ENOEXEC); \
    } while (0)

static void test_bad_header(void **state)
{
    (void)state;
    REFUSED(img.h.e_ident[0] = 0);
    REFUSED(img.h.e_ident[EI_CLASS] = ELFCLASS32);
    REFUSED(img.h.e_ident[EI_DATA] = ELFDATA2MSB);
    REFUSED(img.h.e_ident[EI_VERSION] = 2);
    REFUSED(img.h.e_type = ET_REL);
    REFUSED(img.h.e_type = ET_CORE);
    REFUSED(img.h.e_machine = EM_386);
    REFUSED(img.h.e_phentsize = 32);
    REFUSED(img.h.e_phnum = 0);
    REFUSED(img.h.e_phnum = 65535);
    REFUSED(img.h.e_phoff = sizeof(img));
    REFUSED(img.h.e_phoff = UINT64_MAX - 8);
}

static void test_bad_segment(void **state)
{
    (void)state;
    REFUSED(img.p[0].p_type = img.p[1].p_type = PT_NULL);
    REFUSED(img.p[0].p_memsz = 0x1233);
    REFUSED(img.p[0].p_filesz = img.p[0].p_memsz = sizeof(img) + 1);
    REFUSED(img.p[0].p_filesz = img.p[0].p_memsz = UINT64_MAX);
    REFUSED(img.p[1].p_offset = UINT64_MAX & ~0xfffUL);
    REFUSED(img.p[1].p_memsz = UINT64_MAX - 0x1000);
    REFUSED(img.p[1].p_vaddr = UINT64_MAX & ~0xdcbUL);
    REFUSED(img.p[1].p_vaddr += 8);
    REFUSED(img.p[1].p_vaddr = BASE + 0x234);
    REFUSED(img.p[1].p_vaddr = BASE - 0x1000 + 0x234);
    REFUSED(img.p[1].p_align = 1UL << 63);
}

static void test_bad_interp(void **state)
{
    (void)state;
    REFUSED(img.p[2].p_filesz = 0);
    REFUSED(img.p[2].p_filesz = 1);
    REFUSED(img.p[2].p_filesz = ELF_INTERP_MAX + 1);
    REFUSED(img.p[2].p_offset = sizeof(img) - 5);
    REFUSED(img.p[2].p_offset = UINT64_MAX - 5);
}

/* Too many segments; a header or program headers that are cut off. */
static void test_limits(void **state)
{
    static struct {
        Elf64_Ehdr h;
        Elf64_Phdr p[ELF_MAX_SEGMENTS + 1];
    } many;

    (void)state;
    many.h = img.h;
    many.h.e_phoff = sizeof(Elf64_Ehdr);
    many.h.e_phnum = ELF_MAX_SEGMENTS + 1;
    for (unsigned i = 0; i <= ELF_MAX_SEGMENTS; i++)
        many.p[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                                 .p_flags = PF_R,
                                 .p_filesz = 16,
                                 .p_memsz = 16,
                                 .p_vaddr = BASE + i * 4096};
    assert_int_equal(elf_parse(&many, sizeof(many), many.p, sizeof(many.p), sizeof(many), &out),
                     -ENOEXEC);
    many.p[0].p_type = PT_NULL;
    assert_int_equal(elf_parse(&many, sizeof(many), many.p, sizeof(many.p), sizeof(many), &out), 0);
    assert_int_equal(elf_parse(&many, sizeof(many), many.p, 56, sizeof(many), &out), -ENOEXEC);
    for (size_t n = 0; n < sizeof(Elf64_Ehdr); n++)
        assert_int_equal(elf_parse(&many, n, many.p, sizeof(many.p), sizeof(many), &out), -ENOEXEC);
}

/* A file cut anywhere is refused as soon as a segment's bytes are missing. */
static void test_truncated(void **state)
{
    (void)state;
    for (size_t n = 0; n < 0x1334; n += 7)
        assert_int_equal(parse_size(n), -ENOEXEC);
    assert_int_equal(parse_size(0x1334), 0);
}

/* What parse.c promises of an accepted image. */
static void check_promises(const struct elf_image *e, size_t file_size)
{
    uint64_t last = 0;

    assert_in_range(e->nsegments, 1, ELF_MAX_SEGMENTS);
    for (unsigned i = 0; i < e->nsegments; i++) {
        const struct elf_segment *s = &e->segment[i];
        assert_true(s->filesz <= s->memsz);
        assert_true(s->offset <= file_size && s->filesz <= file_size - s->offset);
        assert_true(s->vaddr >= last && s->vaddr + s->memsz >= s->vaddr);
        assert_true(((s->vaddr ^ s->offset) & 4095) == 0);
        assert_true(s->vaddr >= e->low && s->vaddr + s->memsz <= e->high);
        last = s->vaddr + s->memsz;
    }
    assert_true(e->align >= 4096 && (e->align & (e->align - 1)) == 0);
    if (e->interp_len)
        assert_true(e->interp_off <= file_size && e->interp_len <= file_size - e->interp_off);
}

/* What the image needs, as a hash; the dynamic section and its strings lie in the first segment. */
#define DYNAMIC_AT 0x400
#define STRINGS_AT 0x900

static void needs_init(const char *const names[], size_t n)
{
    Elf64_Dyn d[40] = {{.d_tag = DT_SONAME, .d_un.d_val = 1}};
    size_t at = 33, i = 1;

    for (size_t k = 0; k < n; k++) {
        d[i++] = (Elf64_Dyn){.d_tag = DT_NEEDED, .d_un.d_val = at};
        memcpy((char *)&img + STRINGS_AT + at, names[k], strlen(names[k]) + 1);
        at += strlen(names[k]) + 1 + k; /* others' names lie between */
    }
    d[i++] = (Elf64_Dyn){.d_tag = DT_STRTAB, .d_un.d_ptr = BASE + STRINGS_AT};
    d[i++] = (Elf64_Dyn){.d_tag = DT_NULL};
    d[i++] = (Elf64_Dyn){.d_tag = DT_NEEDED, .d_un.d_val = 1}; /* behind the end */
    memcpy((char *)&img + DYNAMIC_AT, d, sizeof(d));
    img.h.e_phnum = 5;
    img.p[4] = (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = DYNAMIC_AT, .p_filesz = sizeof(d)};
}

static uint64_t needs_hash(void)
{
    struct elf_needs needs;

    assert_int_equal(parse(), 0);
    if (elf_needs_parse(&out, (char *)&img + out.dynamic_off, out.dynamic_len, &needs))
        return 0;
    assert_in_range(needs.off, STRINGS_AT, STRINGS_AT + ELF_NAMES_MAX);
    return elf_needs_hash(&needs, (char *)&img + needs.off);
}

static void test_needs(void **state)
{
    static const char *const names[] = {"libbfd.so", "libc.so.6", "libm.so.6"};
    static const char *const turned[] = {"libc.so.6", "libbfd.so", "libm.so.6"};
    (void)state;

    assert_int_equal(needs_hash(), 0); /* static */
    needs_init(names, 0);
    assert_int_equal(needs_hash(), 0);
    needs_init(names, 3);
    uint64_t three = needs_hash();
    assert_int_not_equal(three, 0);
    img.h.e_entry++; /* another program */
    ((Elf64_Dyn *)(void *)((char *)&img + DYNAMIC_AT))[0].d_un.d_val = 2;
    assert_int_equal(needs_hash(), three);
    needs_init(names, 2);
    assert_int_not_equal(needs_hash(), three);
    needs_init(turned, 3);
    assert_int_not_equal(needs_hash(), three);
    assert_int_not_equal(needs_hash(), 0);
}

/* What cannot be is not known, and no reason to refuse the program. */
static void test_bad_needs(void **state)
{
    static const char *const names[] = {"libc.so.6"};
    Elf64_Dyn *d = (void *)((char *)&img + DYNAMIC_AT);
    (void)state;

    needs_init(names, 1);
    img.p[4].p_filesz = sizeof(img);
    assert_int_equal(needs_hash(), 0);
    needs_init(names, 1);
    d[2].d_un.d_ptr = BASE - 1;
    assert_int_equal(needs_hash(), 0);
    needs_init(names, 1);
    d[1].d_un.d_val = 0x1234 - STRINGS_AT; /* the segment's end */
    assert_int_equal(needs_hash(), 0);
    needs_init(names, 1);
    d[1].d_un.d_val = UINT64_MAX;
    assert_int_equal(needs_hash(), 0);
    needs_init(names, 1);
    memset((char *)&img + STRINGS_AT + 33, 'x', 0x1234 - STRINGS_AT - 33); /* no end */
    assert_int_equal(needs_hash(), 0);
    needs_init(names, 1);
    for (size_t i = 1; i <= ELF_NEEDS_MAX + 1; i++)
        d[i] = d[1];
    d[ELF_NEEDS_MAX + 2] = (Elf64_Dyn){.d_tag = DT_STRTAB, .d_un.d_ptr = BASE + STRINGS_AT};
    assert_int_equal(needs_hash(), 0);
}

static void test_mutations(void **state)
{
    unsigned accepted = 0;

    (void)state;
    srand(1);
    for (int i = 0; i < 200000; i++) {
        image_init();
        for (int k = rand() % 3; k >= 0; k--)
            ((uint8_t *)&img)[(size_t)rand() % offsetof(struct image, p[4])] = (uint8_t)rand();
        if (parse())
            continue;
        check_promises(&out, sizeof(img));
        accepted++;
    }
    assert_true(accepted > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good, setup),
        cmocka_unit_test_setup(test_bad_header, setup),
        cmocka_unit_test_setup(test_bad_segment, setup),
        cmocka_unit_test_setup(test_bad_interp, setup),
        cmocka_unit_test_setup(test_limits, setup),
        cmocka_unit_test_setup(test_truncated, setup),
        cmocka_unit_test_setup(test_needs, setup),
        cmocka_unit_test_setup(test_bad_needs, setup),
        cmocka_unit_test_setup(test_mutations, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
