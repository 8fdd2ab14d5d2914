/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in /proc/sys: shown in a line, written as many as come, each within its bounds, or none. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/fs/seq.c"
#include "kernel/fs/proc/sysctl_number.c"

static uint64_t a, b, c;
static const struct proc_number three[] = {{&a, 0, 100}, {&b, 5, 10}, {&c, 0, UINT64_MAX}};
static const struct pseudo_entry entry = {.data = &(const struct proc_numbers){three, 3}};
static const struct pseudo_inode inode = {.entry = &entry};

static int store(const char *text)
{
    return proc_numbers_store(&inode, text, strlen(text));
}

static int setup(void **state)
{
    (void)state;
    a = 1;
    b = 6;
    c = 7;
    return 0;
}

static void test_show(void **state)
{
    struct seq s;
    (void)state;
    c = UINT64_MAX;
    seq_init(&s);
    assert_int_equal(proc_numbers_show(&s, &inode), 0);
    assert_int_equal(s.len, strlen("1\t6\t18446744073709551615\n"));
    assert_memory_equal(s.buf, "1\t6\t18446744073709551615\n", s.len);
    seq_fini(&s);
}

static void test_store(void **state)
{
    (void)state;
    assert_int_equal(store("  100\t5 \n18446744073709551615\n"), 0);
    assert_true(a == 100 && b == 5 && c == UINT64_MAX);
    assert_int_equal(store("3\n"), 0);
    assert_true(a == 3 && b == 5);
    assert_int_equal(proc_numbers_store(&inode, "4\0", 2), 0);
    assert_int_equal(a, 4);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"",
                                      " \n",
                                      "x",
                                      "1x",
                                      "-1",
                                      "101",
                                      "1 4",
                                      "1 11",
                                      "1 6 7 8",
                                      "1,6",
                                      "0x10",
                                      "1 6 a",
                                      "1 6 18446744073709551616"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(store(bad[i]), -EINVAL);
    assert_true(a == 1 && b == 6 && c == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_show, setup),
        cmocka_unit_test_setup(test_store, setup),
        cmocka_unit_test_setup(test_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
