/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tools write: files that appear whole or not at all, sizes, paths, reports, templates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/outfile.c"
#include "cli/report.c"
#include "cli/size.h"
#include "cli/manifest/template.h"
#include "cli/manifest/path.h"

static char dir[] = "/tmp/cella-output-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink("a");
    return chdir("/") || rmdir(dir);
}

static void check_contents(const char *path, const char *want)
{
    char got[64] = "";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof got - 1, f), strlen(want));
    assert_string_equal(got, want);
    fclose(f);
}

static void test_outfile(void **state)
{
    struct outfile o;
    struct stat st;
    (void)state;
    assert_int_equal(outfile_open(&o, "a", 0600), 0);
    outfile_write(&o, "one", 3);
    assert_int_equal(access("a", F_OK), -1);
    assert_int_equal(outfile_commit(&o, false), 0);
    check_contents("a", "one");
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(outfile_open(&o, "a", 0600), 0);
    outfile_write(&o, "xwo", 3);
    outfile_rewrite(&o, 0, "t", 1);
    assert_int_equal(outfile_commit(&o, false), -EEXIST);
    check_contents("a", "one");
    assert_int_equal(outfile_open(&o, "a", 0600), 0);
    outfile_write(&o, "xwo", 3);
    outfile_rewrite(&o, 0, "t", 1);
    assert_int_equal(outfile_commit(&o, true), 0);
    check_contents("a", "two");
    assert_int_equal(outfile_open(&o, "none/a", 0600), -ENOENT);
    assert_int_equal(outfile_open(&o, "b", 0600), 0);
    outfile_write(&o, "x", 1);
    outfile_abandon(&o);
    assert_int_equal(access("b", F_OK), -1);
}

/* A full disk: an error at the end, and no file. */
static void test_full(void **state)
{
    struct outfile o;
    (void)state;
    assert_int_equal(outfile_open(&o, "b", 0600), 0);
    dup2(open("/dev/full", O_RDWR), o.fd);
    outfile_write(&o, "x", 1);
    outfile_align(&o, 10000);
    assert_int_equal(o.written, 10000);
    assert_int_equal(outfile_commit(&o, true), -ENOSPC);
    assert_int_equal(access("b", F_OK), -1);
}

/* A device is written to and stays a device. */
static void test_special(void **state)
{
    struct outfile o;
    struct stat st;
    (void)state;
    assert_int_equal(outfile_open(&o, "/dev/null", 0600), 0);
    outfile_write(&o, "x", 1);
    assert_int_equal(outfile_commit(&o, true), 0);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},     {"1", 1},          {"4K", 4096},
                {"4k", 4096}, {"1G", 1UL << 30}, {"16777215T", 16777215UL << 40}};
    static const char *const bad[] = {
        "", "K", "4KB", "4 K", " 4", "4 ", "-1", "0x10", "4X", "16777216T", "18446744073709551616"};
    char text[SIZE_TEXT];
    uint64_t bytes;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(size_parse(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(size_parse(bad[i], &bytes));
    size_format(8UL << 20, text);
    assert_string_equal(text, "8M");
    size_format(1025, text);
    assert_string_equal(text, "1025");
    size_format(UINT64_MAX, text);
    assert_string_equal(text, "18446744073709551615");
}

static void check_text(char *got, const char *want)
{
    assert_string_equal(got, want);
    free(got);
}

static void test_paths(void **state)
{
    const char *rest;
    (void)state;
    check_text(path_normal("/a/b", "c"), "/a/b/c");
    check_text(path_normal("/a/b", "/c//d/./e/"), "/c/d/e");
    check_text(path_normal("/a/b", "../../../x"), "/x");
    check_text(path_normal("/", "."), "/");
    check_text(path_normal("/a", ""), "/a");
    check_text(path_normal("/a/b", ".."), "/a");
    assert_true(path_below("/a/b", "/a", &rest));
    assert_string_equal(rest, "/b");
    assert_true(path_below("/a", "/a", &rest));
    assert_string_equal(rest, "");
    assert_false(path_below("/ab", "/a", &rest));
    assert_true(path_below("/", "/", &rest));
    assert_string_equal(rest, "");
    check_text(path_join("/", "/a"), "/a");
    check_text(path_join("/x", "/a"), "/x/a");
    check_text(path_join("/", ""), "/");
    check_text(path_relative("/a/b", "/a/b"), ".");
    check_text(path_relative("/a", "/a/b/c"), "b/c");
    check_text(path_relative("/a/b/c", "/a"), "../..");
    check_text(path_relative("/ab", "/a"), "../a");
    check_text(path_relative("/", "/a"), "a");
    check_text(path_relative("/a", "/"), "..");
    assert_string_equal(uri_path("file:/a"), "/a");
    assert_string_equal(uri_path("dev:/dev/x"), "/dev/x");
    assert_null(uri_path("/a"));
}

static void test_template(void **state)
{
    char *define[] = {(char *)"a=1", (char *)"b.c=two", (char *)"a=3"};
    const struct template_vars vars = {define, 3};
    static const struct {
        const char *text, *out, *error;
    } cases[] = {
        {"x {{a}} {{ b.c }}{{ a }}\n", "x 3 two3\n", NULL},
        {"no variables { { }}", "no variables { { }}", NULL},
        {"{{ env.CELLA_TEST }}", "here", NULL},
        {"x\n {{ d }}", NULL, "2:2: the variable {{ d }} has no value; give it with -D d=VALUE"},
        {"{{ a\n}}", NULL, "1:1: {{ without }} on the same line; add it"},
    };
    (void)state;
    setenv("CELLA_TEST", "here", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text);
        char *error = NULL, *out = template_expand(cases[i].text, &len, &vars, &error);
        if (cases[i].out) {
            assert_non_null(out);
            assert_int_equal(len, strlen(cases[i].out));
            assert_string_equal(out, cases[i].out);
        } else {
            assert_null(out);
            assert_string_equal(error, cases[i].error);
        }
        free(out);
        free(error);
    }
}

static char *report(bool json)
{
    struct report r;
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    report_begin(&r, f, json);
    report_string(&r, "s", "a\"\\\n\xff\xc3\xbc");
    report_list(&r, "l");
    report_number(&r, NULL, 1);
    report_object(&r, NULL);
    report_bool(&r, "b", true);
    report_close(&r);
    report_close(&r);
    report_list(&r, "e");
    report_close(&r);
    report_size(&r, "z", 4096);
    report_bits(&r, "x", 255);
    report_hex(&r, "h", "\x01\xab", 2);
    assert_true(report_end(&r));
    fclose(f);
    return text;
}

static void test_report(void **state)
{
    (void)state;
    check_text(report(true),
               "{\n  \"s\": \"a\\\"\\\\\\u000a\\ufffd\xc3\xbc\",\n  \"l\": [\n    1,\n"
               "    {\n      \"b\": true\n    }\n  ],\n  \"e\": [],\n  \"z\": 4096,\n"
               "  \"x\": \"0xff\",\n  \"h\": \"01ab\"\n}\n");
    check_text(report(false), "s: a\"\\\\x0a\xff\xc3\xbc\nl:\n  - 1\n  -\n    b: yes\ne:\nz: 4K\n"
                              "x: 0xff\nh: 01ab\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outfile), cmocka_unit_test(test_full),
        cmocka_unit_test(test_special), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_paths),   cmocka_unit_test(test_template),
        cmocka_unit_test(test_report),
    };
    return cmocka_run_group_tests_name("output", tests, set_up, tear_down);
}
