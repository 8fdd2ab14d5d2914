/* SPDX-License-Identifier: Apache-2.0 */
/* lib/string.c against the C library: all small sizes, alignments and overlaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define memcpy k_memcpy
#define memmove k_memmove
#define memset k_memset
#define memcmp k_memcmp
#define memchr k_memchr
#define strlen k_strlen
#define strnlen k_strnlen
#define strcmp k_strcmp
#define strncmp k_strncmp
#define strchr k_strchr
#define strrchr k_strrchr
#define strstr k_strstr
/* Word-wise reads beyond the end of a string stay in its page, which ASan cannot know. */
__attribute__((no_sanitize("address"))) size_t k_strlen(const char *s);
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr

enum { BUF = 1200, MAX = 600 };

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(rand() >> 4);
}

static void test_memcpy(void **state)
{
    uint8_t src[BUF], want[BUF], got[BUF];
    (void)state;
    for (size_t n = 0; n < MAX; n++) {
        fill(src, BUF);
        fill(want, BUF);
        memcpy(got, want, BUF);
        size_t a = (size_t)rand() % 16, b = (size_t)rand() % 16;
        memcpy(want + a, src + b, n);
        assert_ptr_equal(k_memcpy(got + a, src + b, n), got + a);
        assert_memory_equal(got, want, BUF);
    }
}

static void test_memmove(void **state)
{
    uint8_t want[BUF], got[BUF];
    (void)state;
    for (size_t n = 0; n < MAX; n++) {
        for (int shift = -40; shift <= 40; shift++) {
            fill(want, BUF);
            memcpy(got, want, BUF);
            memmove(want + 100 + shift, want + 100, n);
            k_memmove(got + 100 + shift, got + 100, n);
            assert_memory_equal(got, want, BUF);
        }
    }
}

static void test_memset(void **state)
{
    uint8_t want[BUF], got[BUF];
    (void)state;
    for (size_t n = 0; n < MAX; n++) {
        fill(want, BUF);
        memcpy(got, want, BUF);
        memset(want + 3, (int)n, n);
        k_memset(got + 3, (int)n, n);
        assert_memory_equal(got, want, BUF);
    }
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void test_memcmp(void **state)
{
    uint8_t a[64], b[64];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)rand() % 64;
        fill(a, 64);
        memcpy(b, a, 64);
        if (n && rand() % 2)
            b[(size_t)rand() % n] ^= (uint8_t)(1 << rand() % 8);
        assert_int_equal(sign(k_memcmp(a, b, n)), sign(memcmp(a, b, n)));
        assert_ptr_equal(k_memchr(a, b[0], n), memchr(a, b[0], n));
    }
}

static void test_strings(void **state)
{
    char a[40], b[40];
    (void)state;
    for (int i = 0; i < 50000; i++) {
        size_t n = (size_t)rand() % 30, m = (size_t)rand() % 4, off = (size_t)rand() % 8;
        for (size_t k = 0; k < sizeof(a); k++) {
            a[k] = (char)("ab\xff"[rand() % 3]);
            b[k] = (char)("ab\xff"[rand() % 3]);
        }
        a[off + n] = b[m] = '\0';
        assert_int_equal(k_strlen(a + off), strlen(a + off));
        assert_int_equal(k_strnlen(a + off, m), strnlen(a + off, m));
        assert_int_equal(sign(k_strcmp(a + off, b)), sign(strcmp(a + off, b)));
        assert_int_equal(sign(k_strncmp(a + off, b, 2)), sign(strncmp(a + off, b, 2)));
        assert_ptr_equal(k_strchr(a + off, 'b'), strchr(a + off, 'b'));
        assert_ptr_equal(k_strchr(a + off, 0), strchr(a + off, 0));
        assert_ptr_equal(k_strrchr(a + off, 'a'), strrchr(a + off, 'a'));
        assert_ptr_equal(k_strstr(a + off, b), strstr(a + off, b));
    }
}

static void test_str_copy(void **state)
{
    char buf[4];
    (void)state;
    assert_int_equal(str_copy(buf, "abcdef", sizeof(buf)), 6);
    assert_string_equal(buf, "abc");
    assert_int_equal(str_copy(buf, "x", sizeof(buf)), 1);
    assert_string_equal(buf, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy),  cmocka_unit_test(test_memmove),
        cmocka_unit_test(test_memset),  cmocka_unit_test(test_memcmp),
        cmocka_unit_test(test_strings), cmocka_unit_test(test_str_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
