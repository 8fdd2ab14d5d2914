/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instruction decoder against Zydis, over the text of real binaries: every executable segment,
 * swept linearly; where either side finds no instruction, the sweep goes on one byte later.  Then
 * some cases by hand: branches, cut-off bytes.
 */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernel/sys/insn.c"

#if __has_include(<Zydis/Zydis.h>)
#include <Zydis/Zydis.h>
#include <dlfcn.h>

static ZydisDecoder decoder;
static __typeof__(&ZydisDecoderInit) zydis_init;
static __typeof__(&ZydisDecoderDecodeFull) zydis_decode;
static __typeof__(&ZydisMnemonicGetString) zydis_name;
static unsigned long seen, differ, operands;

static bool same_branch(const struct insn *i, const ZydisDecodedInstruction *z)
{
    bool relative = z->attributes & ZYDIS_ATTRIB_IS_RELATIVE;
    if (insn_is_relative(i) != (relative && !i->rip_relative))
        return insn_is_relative(i) == false && relative && i->rip_relative;
    return !insn_is_relative(i) || i->rel == z->raw.imm[0].value.s;
}

static uint8_t number_of(ZydisRegister r)
{
    return (uint8_t)(r == ZYDIS_REGISTER_NONE ? INSN_NO_REG : r - ZYDIS_REGISTER_RAX);
}

/* What is said to be known of the memory operand. */
static bool same_memory(const struct insn *i, const ZydisDecodedInstruction *z,
                        const ZydisDecodedOperand *op)
{
    if (!i->memory.known)
        return true;
    for (unsigned k = 0; k < z->operand_count_visible; k++) {
        const struct ZydisDecodedOperandMem_ *m = &op[k].mem;
        if (op[k].type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        operands++;
        return i->memory.base == number_of(m->base) && i->memory.index == number_of(m->index) &&
               (m->index == ZYDIS_REGISTER_NONE || i->memory.scale == m->scale) &&
               i->memory.disp == (m->disp.has_displacement ? m->disp.value : 0);
    }
    return z->meta.category == ZYDIS_CATEGORY_NOP || z->meta.category == ZYDIS_CATEGORY_WIDENOP;
}

static bool same_stack(const struct insn *i, const ZydisDecodedInstruction *z,
                       const ZydisDecodedOperand *op)
{
    bool uses = false;

    for (unsigned k = z->operand_count_visible; k < z->operand_count; k++)
        uses |= op[k].type == ZYDIS_OPERAND_TYPE_MEMORY &&
                (op[k].mem.base == ZYDIS_REGISTER_RSP || op[k].mem.base == ZYDIS_REGISTER_RBP);
    return uses == (i->stack != INSN_NO_REG);
}

static void compare(const uint8_t *p, size_t n)
{
    for (size_t off = 0; off < n;) {
        ZydisDecodedInstruction z;
        ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
        struct insn i;
        size_t len = insn_decode(p + off, n - off, &i);
        if (!ZYAN_SUCCESS(zydis_decode(&decoder, p + off, n - off, &z, op))) {
            off++;
            continue;
        }
        seen++;
        if (len != z.length || !same_branch(&i, &z) || !same_memory(&i, &z, op) ||
            !same_stack(&i, &z, op)) {
            if (differ++ < 20)
                fprintf(stderr, "%02x %02x %02x %02x %02x %02x: %zu, Zydis %u %s\n", p[off],
                        p[off + 1], p[off + 2], p[off + 3], p[off + 4], p[off + 5], len, z.length,
                        zydis_name(z.mnemonic));
        }
        off += z.length;
    }
}

static void sweep(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        print_message("%s is not there\n", path);
        return;
    }
    const uint8_t *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(map != MAP_FAILED);
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)map;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(map + e->e_phoff);
    seen = differ = operands = 0;
    for (int k = 0; k < e->e_phnum; k++)
        if (ph[k].p_type == PT_LOAD && ph[k].p_flags & PF_X)
            compare(map + ph[k].p_offset, ph[k].p_filesz);
    print_message("%s: %lu instructions, %lu differ\n", path, seen, differ);
    /* Data in the text decodes to oddities on which even decoders disagree. */
    assert_true(differ * 100000 <= seen);
    assert_true(operands > seen / 10);
    munmap((void *)(uintptr_t)map, (size_t)st.st_size);
    close(fd);
}

static void test_zydis(void **state)
{
    void *lib = dlopen("libZydis.so.4.0", RTLD_NOW);
    (void)state;
    if (!lib)
        skip();
    *(void **)&zydis_init = dlsym(lib, "ZydisDecoderInit");
    *(void **)&zydis_decode = dlsym(lib, "ZydisDecoderDecodeFull");
    *(void **)&zydis_name = dlsym(lib, "ZydisMnemonicGetString");
    zydis_init(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    sweep("/lib/x86_64-linux-gnu/libc.so.6");
    sweep("/lib64/ld-linux-x86-64.so.2");
    sweep("/bin/busybox");
    sweep("/lib/x86_64-linux-gnu/libcrypto.so.3");
    sweep("/usr/lib/go-1.19/bin/gofmt");
    sweep("/usr/lib/x86_64-linux-musl/libc.so");
}
#else
static void test_zydis(void **state)
{
    (void)state;
    skip();
}
#endif

struct example {
    const char *code;
    uint8_t n, len;
    enum insn_kind kind;
    bool rip_relative;
    int rel;
};

static void test_examples(void **state)
{
    static const struct example examples[] = {
        {"\xb8\x01\x00\x00\x00", 5, 5, INSN_PLAIN, false, 0},         /* mov $1,%eax */
        {"\x48\xb8\1\2\3\4\5\6\7\x08", 10, 10, INSN_PLAIN, false, 0}, /* movabs */
        {"\x48\xc7\xc0\x27\0\0\0", 7, 7, INSN_PLAIN, false, 0},       /* mov $0x27,%rax */
        {"\x0f\x05", 2, 2, INSN_SYSTEM, false, 0},                    /* syscall */
        {"\x48\x3d\x00\xf0\xff\xff", 6, 6, INSN_PLAIN, false, 0},     /* cmp */
        {"\x8b\x05\x10\0\0\0", 6, 6, INSN_PLAIN, true, 0},            /* mov 16(%rip),%eax */
        {"\x75\xfe", 2, 2, INSN_BRANCH, false, -2},                   /* jne . */
        {"\x0f\x84\x00\x01\x00\x00", 6, 6, INSN_BRANCH, false, 256},  /* je */
        {"\xe9\xfb\xff\xff\xff", 5, 5, INSN_JUMP, false, -5},         /* jmp . */
        {"\xe8\x00\x00\x00\x80", 5, 5, INSN_CALL, false, INT32_MIN},  /* call */
        {"\xc7\xf8\x04\x00\x00\x00", 6, 6, INSN_BRANCH, false, 4},    /* xbegin */
        {"\xff\x24\xc5\0\0\0\0", 7, 7, INSN_JUMP_INDIRECT, false, 0}, /* jmp *0(,%rax,8) */
        {"\x3e\xff\xe0", 3, 3, INSN_JUMP_INDIRECT, false, 0},         /* notrack jmp *%rax */
        {"\xff\xd0", 2, 2, INSN_CALL_INDIRECT, false, 0},             /* call *%rax */
        {"\xc3", 1, 1, INSN_RET, false, 0},
        {"\xf3\xc3", 2, 2, INSN_RET, false, 0},
        {"\x0f\x0b", 2, 2, INSN_SYSTEM, false, 0}, /* ud2 */
        {"\x66\x90", 2, 2, INSN_PLAIN, false, 0},
        {"\xb8\x01\x00\x00", 4, 0, INSN_PLAIN, false, 0}, /* cut off */
        {"\x06", 1, 0, INSN_PLAIN, false, 0},             /* push %es: not in 64-bit mode */
        {"\x48", 1, 0, INSN_PLAIN, false, 0},
        {"", 0, 0, INSN_PLAIN, false, 0},
        {"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16, 0, INSN_PLAIN,
         false, 0}, /* longer than 15 */
    };
    (void)state;
    for (size_t k = 0; k < sizeof(examples) / sizeof(examples[0]); k++) {
        const struct example *e = &examples[k];
        uint8_t *code = malloc(e->n + 1U); /* ASan sees a read beyond */
        struct insn i;
        memcpy(code + 1, e->code, e->n);
        assert_int_equal(insn_decode(code + 1, e->n, &i), e->len);
        if (e->len) {
            assert_int_equal(i.kind, e->kind);
            assert_int_equal(i.rip_relative, e->rip_relative);
            assert_int_equal(i.rel, e->rel);
        }
        free(code);
    }
}

static void test_random(void **state)
{
    (void)state;
    for (int k = 0; k < 300000; k++) {
        size_t n = (size_t)rand() % 18;
        uint8_t *code = malloc(n + 1);
        struct insn i;
        for (size_t j = 0; j < n; j++)
            code[j] = (uint8_t)(rand() >> 5);
        size_t len = insn_decode(code, n, &i);
        assert_true(len <= n && len <= INSN_MAX);
        free(code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_zydis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
