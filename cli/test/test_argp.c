/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines as GNU argp takes them: what a parser is called with, and what ends in an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static jmp_buf ended;
static int ended_with;

_Noreturn static void test_exit(int status)
{
    ended_with = status;
    longjmp(ended, 1);
}
#define exit test_exit
#include "cli/argp.c"

static char seen[256];

static error_t parser(int key, char *arg, struct argp_state *state)
{
    size_t n = strlen(seen);
    if (key == ARGP_KEY_ARG)
        snprintf(seen + n, sizeof seen - n, "[%s]", arg);
    else if (key == ARGP_KEY_NO_ARGS)
        snprintf(seen + n, sizeof seen - n, "none");
    else
        snprintf(seen + n, sizeof seen - n, "%c(%s)", key, arg ? arg : "");
    if (key == ARGP_KEY_ARG && state->input)
        state->next = state->argc; /* the rest is not ours */
    return 0;
}

static const struct argp_option options[] = {
    {"quiet", 'q', NULL, 0, "Less", 0},
    {"env", 'e', "NAME", 0, "A variable", 0},
    {"trace", 't', "CALLS", OPTION_ARG_OPTIONAL, "Calls", 0},
    {"trace-file", 'f', "FILE", 0, "Where to", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};
static const struct argp argp = {options, parser, "WHAT", "Does it.\vNo more."};

/* The status of its end, or 0. */
static int parse(bool stop, int argc, char **argv)
{
    seen[0] = '\0';
    argp_err_exit_status = 125;
    if (setjmp(ended))
        return ended_with;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, stop ? seen : NULL);
    return 0;
}
#define PARSE(stop, ...)                                                            \
    parse(stop, (int)(sizeof((const char *[]){"x", __VA_ARGS__}) / sizeof(char *)), \
          (char **)(const char *[]){"x", __VA_ARGS__, NULL})
#define GIVES(text, ...)                                \
    do {                                                \
        assert_int_equal(PARSE(false, __VA_ARGS__), 0); \
        assert_string_equal(seen, text);                \
    } while (0)

static void test_forms(void **state)
{
    (void)state;
    GIVES("q()none", "-q");
    GIVES("q()e(A=1)[p]", "-qeA=1", "p");
    GIVES("e(A)[p]", "-e", "A", "p");
    GIVES("e(A)e(B)none", "--env=A", "--env", "B");
    GIVES("t()[a]", "--trace", "a");
    GIVES("t(a,b)none", "--trace=a,b");
    GIVES("t()t(x)none", "-t", "-tx");
    GIVES("f(a)none", "--trace-f", "a");
    GIVES("q()none", "--qu");
    GIVES("[-][--env]", "-", "--", "--env");
    assert_int_equal(PARSE(true, "-q", "prog", "--env", "-z"), 0);
    assert_string_equal(seen, "q()[prog]");
}

static void test_errors(void **state)
{
    (void)state;
    assert_int_equal(PARSE(false, "--what"), 125);
    assert_int_equal(PARSE(false, "-z"), 125);
    assert_int_equal(PARSE(false, "--tra"), 125);
    assert_int_equal(PARSE(false, "--env"), 125);
    assert_int_equal(PARSE(false, "-e"), 125);
    assert_int_equal(PARSE(false, "--quiet=1"), 125);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
