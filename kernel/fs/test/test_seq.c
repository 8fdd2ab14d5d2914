/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows: over its buffer's ends, with escapes, and when memory or patience ends. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/fs/seq.c"

static void test_grows(void **state)
{
    struct seq s;
    char expect[4096] = "";
    (void)state;
    seq_init(&s);
    for (int i = 0; i < 400; i++) {
        seq_printf(&s, "%d,", i);
        sprintf(expect + strlen(expect), "%d,", i);
    }
    seq_puts(&s, "end");
    strcat(expect, "end");
    assert_int_equal(s.err, 0);
    assert_int_equal(s.len, strlen(expect));
    assert_memory_equal(s.buf, expect, s.len);
    seq_fini(&s);
    assert_int_equal(stub_allocations, 0);
}

static void test_exact_fit(void **state)
{
    char text[600];
    (void)state;
    for (int n = 505; n < 520; n++) {
        struct seq s;
        memset(text, 'x', sizeof(text));
        text[n] = '\0';
        seq_init(&s);
        seq_printf(&s, "%s", text);
        seq_printf(&s, "%s", "yz");
        assert_int_equal(s.len, n + 2);
        assert_memory_equal(s.buf + n, "yz", 2);
        seq_fini(&s);
    }
}

static void test_escape(void **state)
{
    struct seq s;
    (void)state;
    seq_init(&s);
    seq_escape(&s, "a b\\c\nd", 7, " \n");
    assert_int_equal(s.len, 16);
    assert_memory_equal(s.buf, "a\\040b\\134c\\012d", 16);
    seq_fini(&s);
}

static void test_error_sticks(void **state)
{
    struct seq s;
    (void)state;
    seq_init(&s);
    seq_puts(&s, "kept");
    s.err = -ENOMEM;
    seq_puts(&s, "lost");
    seq_printf(&s, "%d", 1);
    assert_int_equal(s.len, 4);
    s.err = 0;
    s.room = s.len; /* full */
    char *big = calloc(1, SEQ_MAX + 1);
    seq_write(&s, big, SEQ_MAX + 1);
    free(big);
    assert_int_equal(s.err, -EFBIG);
    assert_int_equal(s.len, 4);
    seq_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_exact_fit),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_error_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
