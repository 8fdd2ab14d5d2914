/* SPDX-License-Identifier: Apache-2.0 */
/* The strings of a request for a program: what is taken, and the reason when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/control.c"

/* A copy that ends where the data ends, so that a look behind it is seen. */
static const char *reason(const char *data, size_t len, uint32_t argc, uint32_t envc)
{
    struct control_exec e;
    const char *why;
    char *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    int err = control_exec_check(copy, len, argc, envc, &e, &why);
    free(copy);
    assert_int_equal(err, why ? -EINVAL : 0);
    return why;
}
#define REASON(text, argc, envc) reason(text, sizeof(text) - 1, argc, envc)

static void test_accepts(void **state)
{
    static const char data[] = "/bin/sh\0/tmp\0sh\0-c\0\0A=1";
    struct control_exec e;
    const char *why;
    (void)state;
    assert_int_equal(control_exec_check(data, sizeof(data), 3, 1, &e, &why), 0);
    assert_string_equal(e.program, "/bin/sh");
    assert_string_equal(e.cwd, "/tmp");
    assert_string_equal(e.args, "sh");
    assert_string_equal(control_next_string(e.args), "-c");
    assert_string_equal(e.envs, "A=1");
    assert_null(REASON("sh\0\0sh\0", 1, 0));
}

static void test_refuses(void **state)
{
    static const char few[] = "there are fewer strings than it says";
    static const char more[] = "there are more strings than it says";
    static const char name[] = "the program's name is empty or too long";
    char *data = calloc(1, 2 * CONTROL_PATH_MAX);
    (void)state;
    assert_string_equal(REASON("", 1, 0), few);
    assert_string_equal(REASON("sh\0/\0sh\0", 0, 0), "there is no argv[0]");
    assert_string_equal(REASON("sh\0/\0sh\0", 2, 0), few);
    assert_string_equal(REASON("sh\0/\0sh\0", 1, 1), few);
    assert_string_equal(REASON("sh\0/\0sh\0", UINT32_MAX, 0), few);
    assert_string_equal(REASON("sh\0/\0sh\0", 1, UINT32_MAX), few);
    assert_string_equal(REASON("sh\0/\0sh", 1, 0), few);
    assert_string_equal(REASON("sh\0/\0sh\0x\0", 1, 0), more);
    assert_string_equal(REASON("sh\0/\0sh\0x", 1, 0), more);
    assert_string_equal(REASON("\0/\0sh\0", 1, 0), name);
    assert_string_equal(REASON("sh\0tmp\0sh\0", 1, 0),
                        "the working directory is not absolute, or too long");
    memset(data, 'x', CONTROL_PATH_MAX);
    assert_string_equal(reason(data, CONTROL_PATH_MAX + 3, 1, 0), name);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
