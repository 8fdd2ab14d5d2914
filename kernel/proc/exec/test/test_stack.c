/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initial stack: a program that walks it from RSP, as a C library does, finds argc, argv,
 * envp and the auxiliary vector; every pointer lies in the image; RSP is aligned; too little room
 * is -E2BIG.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/proc/exec/stack.c"

#define TOP 0x7fff00000000UL
#define SIZE 8192UL

static char image[SIZE];

static const char *string_at(uint64_t addr)
{
    assert_in_range(addr, TOP - SIZE, TOP - 1);
    return image + (addr - (TOP - SIZE));
}

static uint64_t word_at(uint64_t addr)
{
    uint64_t v;
    memcpy(&v, string_at(addr), 8);
    return v;
}

static uint64_t aux_find(uint64_t at, uint64_t type)
{
    for (; word_at(at) != AT_NULL; at += 16)
        if (word_at(at) == type)
            return word_at(at + 8);
    return 0;
}

static void check(char *const argv[], char *const envp[], size_t nauxv)
{
    uint64_t auxv[2 * 16];
    struct stack_info info = {argv, envp, "/bin/prog", auxv, nauxv, "0123456789abcde"};
    struct stack_layout out;

    for (size_t i = 0; i < nauxv; i++) {
        auxv[2 * i] = 100 + i;
        auxv[2 * i + 1] = 1000 + i;
    }
    size_t need = stack_size_needed(&info);
    assert_in_range(need, 1, SIZE);
    memset(image, 0xcc, sizeof(image));
    assert_int_equal(stack_build(image + SIZE - need, need, TOP, &info, &out), 0);
    assert_int_equal(out.sp % 16, 0);

    uint64_t at = out.sp, argc = count(argv), envc = count(envp);
    assert_int_equal(word_at(at), argc);
    at += 8;
    assert_true(argc == 0 || word_at(at) == out.arg_start);
    for (size_t i = 0; i < argc; i++, at += 8)
        assert_string_equal(string_at(word_at(at)), argv[i]);
    assert_int_equal(word_at(at), 0);
    at += 8;
    for (size_t i = 0; i < envc; i++, at += 8)
        assert_string_equal(string_at(word_at(at)), envp[i]);
    assert_int_equal(word_at(at), 0);
    at += 8;
    assert_int_equal(at, out.auxv);
    for (size_t i = 0; i < nauxv; i++)
        assert_int_equal(aux_find(at, 100 + i), 1000 + i);
    assert_string_equal(string_at(aux_find(at, AT_EXECFN)), "/bin/prog");
    assert_string_equal(string_at(aux_find(at, AT_PLATFORM)), "x86_64");
    assert_memory_equal(string_at(aux_find(at, AT_RANDOM)), info.random, 16);
    assert_int_equal(out.arg_end - out.arg_start, total(argv));
    assert_int_equal(out.env_end - out.env_start, total(envp));
    assert_int_equal(out.arg_end, out.env_start);
}

/* Odd and even numbers of words, so that padding is needed and not. */
static void test_walk(void **state)
{
    static char a[] = "a", bc[] = "bc", empty[] = "", more[] = "a longer one", x[] = "x=1",
                y[] = "y";
    char *v[] = {a, bc, empty, more, x, y, NULL};

    (void)state;
    for (size_t skip_argv = 0; skip_argv < 6; skip_argv++)
        for (size_t skip_envp = 0; skip_envp < 7; skip_envp++)
            for (size_t nauxv = 0; nauxv < 4; nauxv++)
                check(v + skip_argv, v + skip_envp, nauxv);
}

static void test_too_small(void **state)
{
    static char prog[] = "prog", arg[] = "an argument", env[] = "A=1";
    char *argv[] = {prog, arg, NULL}, *envp[] = {env, NULL};
    struct stack_info info = {.argv = argv, .envp = envp, .execfn = "/p"};
    struct stack_layout out;

    (void)state;
    size_t need = stack_size_needed(&info);
    assert_int_equal(stack_build(image, need, TOP, &info, &out), 0);
    for (size_t size = 0; size < need - 64 - 16; size++) {
        char *exact = malloc(size ? size : 1); /* the sanitizer sees a byte too many */
        assert_int_equal(stack_build(exact, size, TOP, &info, &out), -E2BIG);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_too_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
