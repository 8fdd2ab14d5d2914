/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Site decisions and function bounds: by hand for each kind and each refusal, then over the text of
 * real libraries, where nothing that was decided to be overwritten may be the target of a branch,
 * and what is decided without function bounds must agree with what is decided with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kernel/sys/test/image.h"

#include "kernel/sys/eh_frame.c"
#include "kernel/sys/insn.c"
#include "kernel/sys/site.c"

#define BASE 0x10000UL
#define AT 256 /* offset of the code under test, a multiple of 16 */

static uint8_t text[1024];

/* Straight-line code before and behind, then the code, with `syscall` at site_off in it. */
static struct site_plan decide(const char *code, size_t n, size_t site_off, bool bounds,
                               uint32_t nr)
{
    struct site_code c = {.bytes = text, .n = sizeof(text), .base = BASE, .nr = nr};
    struct site_plan plan;

    for (size_t i = 0; i + 4 <= sizeof(text); i += 4)
        memcpy(text + i, "\x48\x83\xc0\x01", 4); /* add $1,%rax */
    memcpy(text + AT, code, n);
    assert_int_equal(text[AT + site_off], 0x0f);
    assert_int_equal(text[AT + site_off + 1], 0x05);
    if (bounds) {
        c.func_start = BASE + AT;
        c.func_end = BASE + AT + n;
    }
    site_decide(&c, BASE + AT + site_off, &plan);
    if (plan.kind != PATCH_NONE)
        plan.start -= BASE + AT;
    return plan;
}
#define DECIDE(code, off, bounds, nr) decide("" code, sizeof(code) - 1, (off), (bounds), (nr))

static void check(struct site_plan p, enum patch_kind kind, uint64_t start, uint8_t len)
{
    assert_int_equal(p.kind, kind);
    if (kind == PATCH_NONE)
        return;
    assert_int_equal(p.start, start);
    assert_int_equal(p.len, len);
}

#define CMP "\x48\x3d\x00\xf0\xff\xff" /* cmp $-4096,%rax */
#define JA "\x77\x01"                  /* ja over the ret */
#define RET "\xc3"

static void test_mov(void **state)
{
    (void)state;
    for (int bounds = 0; bounds < 2; bounds++) {
        check(DECIDE("\xb8\x27\0\0\0\x0f\x05" CMP RET, 5, bounds, 0x27), PATCH_MOV, 0, 5);
        check(DECIDE("\x48\xc7\xc0\x27\0\0\0\x0f\x05" RET, 7, bounds, 0x27), PATCH_MOV, 0, 7);
        /* Another number than the one it was called with: someone jumped to the syscall. */
        check(DECIDE("\xb8\x27\0\0\0\x0f\x05" CMP RET, 5, bounds, 1), PATCH_MOV, 0, 5);
    }
}

/* The five bytes before the syscall look like a mov to eax, but belong to a longer instruction. */
static void test_tail_of_another(void **state)
{
    (void)state;
    for (int bounds = 0; bounds < 2; bounds++) {
        /* mov $0,%r8d */
        check(DECIDE("\x41\xb8\0\0\0\0\x0f\x05" RET, 6, bounds, 0), PATCH_BEFORE, 0, 6);
        /* movl $39,-0x48(%rbp) */
        check(DECIDE("\xc7\x45\xb8\x27\0\0\0\x0f\x05" RET, 7, bounds, 39), PATCH_BEFORE, 0, 7);
    }
}

static void test_before(void **state)
{
    (void)state;
    for (int bounds = 0; bounds < 2; bounds++) {
        /* mov 8(%rsp),%rax, as Go has it */
        check(DECIDE("\x48\x8b\x44\x24\x08\x0f\x05" RET, 5, bounds, 1), PATCH_BEFORE, 0, 5);
        /* relative to RIP; a call; a branch: cannot move */
        check(DECIDE("\x8b\x05\x10\0\0\0\x0f\x05" RET, 6, bounds, 1), PATCH_NONE, 0, 0);
        check(DECIDE("\xe8\x10\0\0\0\x0f\x05" RET, 5, bounds, 1), PATCH_NONE, 0, 0);
        check(DECIDE("\x0f\x84\x10\0\0\0\x0f\x05" RET, 6, bounds, 1), PATCH_NONE, 0, 0);
        check(DECIDE("\x31\xc0\x0f\x05" RET, 2, bounds, 0), PATCH_NONE, 0, 0);
    }
}

#define MOV_EDX "\xba\x3c\0\0\0"        /* mov $60,%edx */
#define EXIT "\x31\xff\x89\xd0\x0f\x05" /* xor %edi,%edi; mov %edx,%eax; syscall */

/* What can give way is some instructions before, as where glibc's threads end. */
static void test_ahead(void **state)
{
    (void)state;
    check(DECIDE(MOV_EDX "\x66\x90" EXIT "\xeb\xf8", 11, true, 60), PATCH_BEFORE, 0, 11);
    check(DECIDE("\x90" MOV_EDX EXIT RET, 10, true, 60), PATCH_BEFORE, 1, 9);
    /* the nearest of two; a jump to what follows it finds that unchanged */
    check(DECIDE(MOV_EDX MOV_EDX EXIT "\x74\xf8" RET, 14, true, 60), PATCH_BEFORE, 5, 9);
    /* bounds not known; a branch between, or what is relative to RIP; too far */
    check(DECIDE(MOV_EDX EXIT RET, 9, false, 60), PATCH_NONE, 0, 0);
    check(DECIDE(MOV_EDX "\x74\x00" EXIT RET, 11, true, 60), PATCH_NONE, 0, 0);
    check(DECIDE(MOV_EDX "\x8b\x05\x10\0\0\0" EXIT RET, 15, true, 60), PATCH_NONE, 0, 0);
    check(DECIDE(MOV_EDX
                 "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90" EXIT RET,
                 25, true, 60),
          PATCH_NONE, 0, 0);
}

static void test_window(void **state)
{
    (void)state;
    check(DECIDE("\x31\xc0\x0f\x05" CMP JA RET RET, 2, true, 0), PATCH_WINDOW, 2, 8);
    /* bounds not known; not enough movable behind */
    check(DECIDE("\x31\xc0\x0f\x05" CMP JA RET RET, 2, false, 0), PATCH_NONE, 0, 0);
    check(DECIDE("\x31\xc0\x0f\x05\x77\x01" RET RET, 2, true, 0), PATCH_NONE, 0, 0);
    /* je to the cmp, from before and from behind */
    check(DECIDE("\x74\x04\x31\xc0\x0f\x05" CMP RET, 4, true, 0), PATCH_NONE, 0, 0);
    check(DECIDE("\x31\xc0\x0f\x05" CMP "\x74\xf8" RET, 2, true, 0), PATCH_NONE, 0, 0);
    /* je to the syscall itself and to just behind the window are fine */
    check(DECIDE("\x74\x02\x31\xc0\x0f\x05" CMP RET, 4, true, 0), PATCH_WINDOW, 4, 8);
    check(DECIDE("\x74\x0a\x31\xc0\x0f\x05" CMP RET, 4, true, 0), PATCH_WINDOW, 4, 8);
    /* an indirect jump could go anywhere; a function that does not decode */
    check(DECIDE("\x31\xc0\x0f\x05" CMP "\xff\xe0", 2, true, 0), PATCH_NONE, 0, 0);
    check(DECIDE("\x31\xc0\x0f\x05" CMP RET "\x06\x06", 2, true, 0), PATCH_NONE, 0, 0);
}

static void no_cave(struct site_plan p)
{
    assert_int_not_equal(p.kind, PATCH_CAVE);
}

/* 16-aligned: xor, syscall, ret, padding up to the next 16. */
static void test_cave(void **state)
{
    (void)state;
    for (int bounds = 0; bounds < 2; bounds++) {
        struct site_plan p =
            DECIDE("\x31\xc0\x0f\x05\x48\x98" RET "\x66\x0f\x1f\x84\0\0\0\0\0", 2, bounds, 0);
        check(p, PATCH_CAVE, 2, 0);
        assert_int_equal(p.cave, BASE + AT + 7);
        p = DECIDE("\x31\xc0\x0f\x05\x48\x98" RET "\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc", 2, bounds,
                   0);
        check(p, PATCH_CAVE, 2, 0);
        /* too short; not behind an instruction that ends the flow; not up to the alignment */
        no_cave(DECIDE("\x31\xc0\x0f\x05\x48\x98\x48\x98\x48\x98\x48" RET "\x0f\x1f\x40\0", 2,
                       bounds, 0));
        no_cave(DECIDE("\x31\xc0\x0f\x05\x48\x98\x90\x66\x0f\x1f\x84\0\0\0\0\0" RET, 2, bounds, 0));
        no_cave(DECIDE("\x31\xc0\x0f\x05" RET "\x66\x0f\x1f\x44\0\0\x48\x98\x48\x98\x48\x98\x48", 2,
                       bounds, 0));
    }
}

/* musl's return from a signal handler has no FDE: unwinders know it by its bytes. */
static void test_sigreturn(void **state)
{
    (void)state;
    check(DECIDE("\x48\xc7\xc0\x0f\0\0\0\x0f\x05", 7, false, 15), PATCH_NONE, 0, 0);
    check(DECIDE("\x48\xc7\xc0\x0f\0\0\0\x0f\x05", 7, true, 15), PATCH_MOV, 0, 7);
}

/* Random bytes: nothing is read beyond the copy, every plan is within it. */
static void test_random(void **state)
{
    (void)state;
    for (int k = 0; k < 20000; k++) {
        size_t n = 2 + (size_t)rand() % 400;
        uint8_t *code = malloc(n);
        for (size_t i = 0; i < n; i++)
            code[i] = rand() % 3 ? (uint8_t)rand()
                                 : (uint8_t) "\x90\xcc\xc3\x0f\x1f\x66\xb8\x05"[rand() % 8];
        size_t off = (size_t)rand() % (n - 1);
        struct site_code c = {.bytes = code, .n = n, .base = BASE + (uint64_t)rand() % 64};
        struct site_plan p;
        c.func_start = c.base + (uint64_t)rand() % n;
        c.func_end = c.func_start + (uint64_t)rand() % (c.base + n - c.func_start + 1);
        site_decide(&c, c.base + off, &p);
        if (p.kind != PATCH_NONE) {
            assert_true(p.start >= c.base && p.start + p.len <= c.base + n);
            assert_true(p.len <= SITE_LEN_MAX);
        }
        if (p.kind == PATCH_CAVE)
            assert_true(p.cave >= c.base && p.cave + SITE_JMP_LEN <= c.base + n);
        free(code);
    }
}

/* Real libraries. */

static struct image img;

static bool read_image(const struct eh_reader *r, uint64_t addr, void *buf, size_t n)
{
    (void)r;
    if (addr < (uint64_t)img.mem || addr - (uint64_t)img.mem > img.size ||
        n > img.size - (addr - (uint64_t)img.mem))
        return false;
    memcpy(buf, (const void *)addr, n);
    return true;
}
static const struct eh_reader reader = {read_image};

/*
 * One byte for each byte of text: is it the target of some function's branch, or a function's
 * start?
 */
static uint8_t *mark_targets(void)
{
    uint8_t *mark = calloc(1, img.text_size + 1);
    uint64_t text_start = (uint64_t)img.text, start, end;
    struct insn i;

    for (uint64_t a = text_start; a < text_start + img.text_size; a++) {
        if (!eh_frame_find(&reader, (uint64_t)img.mem, a, &start, &end))
            continue;
        mark[start - text_start] = 1;
        for (a = start; a < end && insn_decode((const uint8_t *)a, end - a, &i); a += i.len) {
            uint64_t to = a + i.len + (uint64_t)(int64_t)i.rel;
            if (insn_is_relative(&i) && to - text_start < img.text_size)
                mark[to - text_start] = 1;
        }
        a = end - 1;
    }
    return mark;
}

static void no_target_in(const uint8_t *mark, uint64_t from, uint64_t to)
{
    for (; from < to; from++)
        assert_false(mark[from - (uint64_t)img.text]);
}

static void check_plan(const uint8_t *mark, uint64_t site, const struct site_plan *p)
{
    struct insn i;

    if (p->kind == PATCH_MOV || p->kind == PATCH_BEFORE) {
        size_t len = insn_decode((const uint8_t *)p->start, site - p->start, &i);
        assert_true(len >= SITE_JMP_LEN);
        no_target_in(mark, p->start + 1, p->start + len);
    }
    if (p->kind == PATCH_WINDOW)
        no_target_in(mark, site + 1, site + p->len);
    if (p->kind == PATCH_CAVE)
        no_target_in(mark, p->cave, p->cave + SITE_JMP_LEN);
}

static bool is_instruction(uint64_t start, uint64_t end, uint64_t site)
{
    struct insn i;
    while (start < site && insn_decode((const uint8_t *)start, end - start, &i))
        start += i.len;
    return start == site;
}

/* The share of sites that must be patched, in percent, with function bounds and without. */
static void check_library(const char *path, unsigned with_min, unsigned without_min)
{
    unsigned total = 0, with = 0, without = 0;

    if (!image_load(path, &img)) {
        print_message("%s is not there\n", path);
        return;
    }
    uint8_t *mark = mark_targets();
    for (size_t o = SITE_NEAR; o + SITE_NEAR < img.text_size; o++) {
        uint64_t site = (uint64_t)img.text + o, start, end;
        if (img.text[o] != 0x0f || img.text[o + 1] != 0x05)
            continue;
        struct site_code c = {.bytes = img.text + o - SITE_NEAR,
                              .n = 2 * SITE_NEAR,
                              .base = site - SITE_NEAR,
                              .nr = 1000};
        struct site_plan near, far = {PATCH_NONE};
        bool known = eh_frame_find(&reader, (uint64_t)img.mem, site, &start, &end);
        if (known && !is_instruction(start, end, site))
            continue; /* bytes of something else */
        total++;
        memcpy(&c.nr, img.text + o - 4, 4);
        site_decide(&c, site, &near);
        check_plan(mark, site, &near);
        without += near.kind != PATCH_NONE;
        if (known && start >= (uint64_t)img.text && end - start < 16384) {
            c.base = MIN(start, c.base);
            c.n = MAX(end, site + SITE_NEAR) - c.base;
            c.bytes = (const uint8_t *)c.base;
            c.func_start = start;
            c.func_end = end;
            site_decide(&c, site, &far);
            check_plan(mark, site, &far);
            if (near.kind == PATCH_MOV || near.kind == PATCH_BEFORE)
                assert_true(near.start == far.start && near.kind == far.kind);
        }
        with += far.kind != PATCH_NONE;
    }
    print_message("%s: %u sites, patched %u with bounds, %u without\n", path, total, with, without);
    assert_true(with * 100 >= total * with_min && without * 100 >= total * without_min);
    free(mark);
    image_free(&img);
}

static void test_libraries(void **state)
{
    (void)state;
    check_library("/lib/x86_64-linux-gnu/libc.so.6", 97, 90);
    check_library("/lib64/ld-linux-x86-64.so.2", 90, 80);
    check_library("/bin/busybox", 0, 80);
    check_library("/usr/lib/x86_64-linux-musl/libc.so", 0, 75);
    check_library("/usr/lib/go-1.19/bin/gofmt", 0, 70);
}

/* Every bit of the tables wrong in turn: never a crash, never an answer that does not hold addr. */
static void test_eh_frame_damage(void **state)
{
    uint64_t start, end, size, addr = 0;
    (void)state;
    if (!image_load("/lib64/ld-linux-x86-64.so.2", &img))
        skip();
    uint64_t pc = (uint64_t)img.text + 0x5000;
    assert_true(eh_frame_find(&reader, (uint64_t)img.mem, pc, &start, &end));
    assert_true(find_segment(&reader, (uint64_t)img.mem, &addr, &size));
    for (int k = 0; k < 20000; k++) {
        uint8_t *at = rand() % 2 ? img.mem + rand() % 1024 : (uint8_t *)addr + rand() % (int)size;
        uint8_t old = *at;
        *at = (uint8_t)rand();
        if (eh_frame_find(&reader, (uint64_t)img.mem, pc, &start, &end))
            assert_true(start <= pc && pc < end);
        *at = old;
    }
    image_free(&img);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mov),       cmocka_unit_test(test_tail_of_another),
        cmocka_unit_test(test_before),    cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_window),    cmocka_unit_test(test_cave),
        cmocka_unit_test(test_sigreturn), cmocka_unit_test(test_random),
        cmocka_unit_test(test_libraries), cmocka_unit_test(test_eh_frame_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
