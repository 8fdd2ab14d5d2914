/* SPDX-License-Identifier: Apache-2.0 */
/* lib/format.c against the C library's snprintf over many random conversions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define vsnprintf k_vsnprintf
#define snprintf k_snprintf
#include "lib/format.c"
#undef vsnprintf
#undef snprintf

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static void same(const char *fmt, long long v)
{
    char want[300], got[300];
    int n = snprintf(want, sizeof(want), fmt, v);
    assert_int_equal(k_snprintf(got, sizeof(got), fmt, v), n);
    assert_string_equal(got, want);
}

static void test_numbers(void **state)
{
    static const char *const flags[] = {"", "-", "0", "+", " ", "#", "-#", "0#", "+0", "- "};
    static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "j"};
    static const long long values[] = {0, 1, -1, 7, 8, 255, -128, 65536, INT64_MIN, INT64_MAX};
    char fmt[32];
    (void)state;
    for (int i = 0; i < 200000; i++) {
        int n = snprintf(fmt, sizeof(fmt), "<%%%s", flags[rand() % 10]);
        if (rand() % 2)
            n += snprintf(fmt + n, sizeof(fmt) - (size_t)n, "%d", 1 + rand() % 30);
        if (rand() % 2)
            n += snprintf(fmt + n, sizeof(fmt) - (size_t)n, ".%d", rand() % 25);
        snprintf(fmt + n, sizeof(fmt) - (size_t)n, "%s%c>", lengths[rand() % 7],
                 "diuxXo"[rand() % 6]);
        same(fmt, rand() % 2 ? values[rand() % 10] : (long long)rand() * rand());
    }
}

static void test_strings(void **state)
{
    char want[64], got[64];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int w = rand() % 20 - 10, p = rand() % 10 - 2;
        size_t size = (size_t)rand() % sizeof(got);
        memset(want, 'x', sizeof(want));
        memset(got, 'x', sizeof(got));
        int n =
            snprintf(want, size, "%*s|%.*s|%c|%p|%%", w, "abc", p, "hello", 'z', (void *)0x1234);
        assert_int_equal(
            k_snprintf(got, size, "%*s|%.*s|%c|%p|%%", w, "abc", p, "hello", 'z', (void *)0x1234),
            n);
        assert_memory_equal(got, want, sizeof(want));
    }
    const char *volatile null = NULL;
    k_snprintf(got, sizeof(got), "%s", null);
    assert_string_equal(got, "(null)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
