/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "#!" lines: the interpreter and its one argument come out as Linux's binfmt_script would have
 * them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/proc/exec/script.c"

static struct script out;

static int parse(const char *text)
{
    return script_parse(text, strlen(text), &out);
}

static void expect(const char *text, const char *interp, const char *arg)
{
    assert_int_equal(parse(text), 0);
    assert_string_equal(out.interp, interp);
    assert_string_equal(out.arg, arg);
}

static void test_lines(void **state)
{
    (void)state;
    expect("#!/bin/sh\n", "/bin/sh", "");
    expect("#!/bin/sh", "/bin/sh", "");
    expect("#! \t /bin/sh \t\n", "/bin/sh", "");
    expect("#!/usr/bin/env python3\nprint(1)\n", "/usr/bin/env", "python3");
    expect("#!/usr/bin/env -S a  b \t\nrest", "/usr/bin/env", "-S a  b");
    expect("#!relative\targ\n", "relative", "arg");
    expect("#!/bin/sh\r\n", "/bin/sh\r", "");
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(parse(""), -ENOEXEC);
    assert_int_equal(parse("#"), -ENOEXEC);
    assert_int_equal(parse("#!"), -ENOEXEC);
    assert_int_equal(parse("#!\n"), -ENOEXEC);
    assert_int_equal(parse("#!  \t \n/bin/sh"), -ENOEXEC);
    assert_int_equal(parse("\177ELF"), -ENOEXEC);
    assert_int_equal(script_parse("#!\0/bin/sh\n", 11, &out), -ENOEXEC);
}

/* A NUL ends the line; what is behind the head's end is not looked at. */
static void test_ends(void **state)
{
    char head[600];

    (void)state;
    assert_int_equal(script_parse("#!/bin/a\0 b\n", 12, &out), 0);
    assert_string_equal(out.interp, "/bin/a");
    assert_string_equal(out.arg, "");

    memset(head, 'x', sizeof(head));
    memcpy(head, "#!/", 3);
    assert_int_equal(script_parse(head, sizeof(head), &out), -ENOEXEC); /* the path is cut */
    assert_int_equal(script_parse(head, 100, &out), 0);                 /* the file ends there */
    assert_int_equal(strlen(out.interp), 98);
    head[10] = ' ';
    assert_int_equal(script_parse(head, sizeof(head), &out), 0); /* only the argument is cut */
    assert_int_equal(strlen(out.interp), 8);
    assert_int_equal(strlen(out.arg), SCRIPT_HEAD - 11);
    memset(head + 2, ' ', sizeof(head) - 2);
    assert_int_equal(script_parse(head, sizeof(head), &out), -ENOEXEC);
}

/* Any bytes: no crash, and the strings end. */
static void test_random(void **state)
{
    (void)state;
    srand(2);
    for (int i = 0; i < 100000; i++) {
        size_t n = (size_t)rand() % 300;
        char *head = malloc(n ? n : 1);
        for (size_t k = 0; k < n; k++)
            head[k] = "#! \t\n\0/abc"[rand() % 10];
        if (n >= 2)
            memcpy(head, "#!", 2);
        if (!script_parse(head, n, &out)) {
            assert_in_range(strlen(out.interp), 1, SCRIPT_HEAD);
            assert_in_range(strlen(out.arg), 0, SCRIPT_HEAD);
        }
        free(head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
