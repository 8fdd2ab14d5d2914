/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TOML parser's places and messages; what it accepts is compared with Python's tomllib by
 * toml_compare.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/manifest/toml.h"

static void test_values(void **state)
{
    static const char text[] =
        "[a]\nb.c = \"x\\u00fc\" # c\n[[a.list]]\nn = 7\n[[a.list]]\nf = 1.5\n";
    struct toml_error err;
    struct toml_value *doc = toml_parse(text, strlen(text), &err);
    (void)state;
    assert_non_null(doc);
    struct toml_value *a = toml_get(doc, "a");
    struct toml_value *c = toml_get(toml_get(a, "b"), "c");
    assert_int_equal(c->kind, TOML_STRING);
    assert_string_equal(c->string.text, "x\xc3\xbc");
    assert_int_equal(c->place.line, 2);
    assert_int_equal(c->place.column, 7);
    struct toml_value *list = toml_get(a, "list");
    assert_int_equal(list->array.count, 2);
    assert_int_equal(toml_get(list->array.items[0], "n")->integer, 7);
    assert_true(toml_get(list->array.items[1], "f")->real == 1.5);
    assert_null(toml_get(doc, "b"));
    toml_free(doc);
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"a = ", "1:5 expected a value, found the end of the file"},
        {"a = \n", "1:5 expected a value, found the end of the line"},
        {"ab\n", "1:3 expected \"=\", found the end of the line"},
        {"\na = 1 x", "2:7 expected the end of the line, found \"x\""},
        {"\xc3\xbc = 1", "1:1 expected a key, found the byte 0xc3"},
        {"'\xc3\xbc' = x", "1:7 \"x\" is no value; is a string without quotes meant?"},
        {"a = \"x", "1:5 the string does not end on its line; add \""},
        {"a = '''x", "1:5 the string does not end; add '''"},
        {"a = \"\\q\"", "1:6 unknown escape; write \\\\ for a backslash, or use '\xe2\x80\xa6'"},
        {"a = \"\\ud800\"", "1:8 an escape names no Unicode character"},
        {"a = 1\na = 2", "2:1 \"a\" has a value already"},
        {"[a]\n[b]\n[a]", "3:2 the table \"a\" is defined already, in line 1"},
        {"a = 1\n[a]", "2:2 the table \"a\" is defined already, in line 1"},
        {"a = 1979-05-27", "1:5 dates and times are not supported; write a string"},
        {"a = 99999999999999999999",
         "1:5 \"99999999999999999999\" is no value; is a string without quotes meant?"},
        {"a = [1, 2", "1:10 expected \",\" or \"]\", found the end of the file"},
        {"a = \xff", "1:5 not UTF-8"},
        {"a = 1\n\n#\x01", "3:2 a comment may not hold the control character 0x01"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct toml_error err;
        char got[256];
        assert_null(toml_parse(cases[i].text, strlen(cases[i].text), &err));
        snprintf(got, sizeof got, "%u:%u %s", err.place.line, err.place.column, err.text);
        assert_string_equal(got, cases[i].error);
    }
}

/* Deep nesting ends in an error, not in a full stack. */
static void test_depth(void **state)
{
    static char text[100002];
    struct toml_error err;
    (void)state;
    memcpy(text, "a=", 2);
    memset(text + 2, '[', 100000);
    assert_null(toml_parse(text, sizeof text, &err));
    assert_string_equal(err.text, "arrays and tables are nested too deeply");
    for (size_t i = 0; i < 100000; i += 2)
        memcpy(text + i, "a.", 2);
    assert_null(toml_parse(text, 100000, &err));
    assert_string_equal(err.text, "tables are nested too deeply");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
