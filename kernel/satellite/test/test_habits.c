/* SPDX-License-Identifier: Apache-2.0 */
/* What is learnt of programs, how long it takes to unlearn it, and whose place is taken. */
#include "kernel/mm/test/stubs.h"

#include "kernel/satellite/habits.c"

static struct super super = {.dev = 7}, other_super = {.dev = 8};
static struct inode program[HABITS + 2];

static int setup(void **state)
{
    (void)state;
    memset(&habits, 0, sizeof(habits));
    for (unsigned i = 0; i < HABITS + 2; i++)
        program[i] = (struct inode){.super = &super, .ino = 100 + i};
    return 0;
}

/* How long one of it must have run before it may go. */
static ktime_t patience(const struct inode *p)
{
    static const ktime_t known[] = {0, TRIAL_NS, PATIENCE_NS};

    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (habit_may_go(p, known[i])) {
            assert_true(!known[i] || !habit_may_go(p, known[i] - 1));
            return known[i];
        }
    fail();
    return -1;
}

static void test_learn(void **state)
{
    static const struct {
        const char *history; /* s: stayed; b: came back */
        ktime_t patience;
    } table[] = {
        {"", TRIAL_NS},
        {"s", 0},
        {"b", PATIENCE_NS},
        {"sb", PATIENCE_NS},
        {"bs", 0},
        {"ssb", 0},
        {"bbs", PATIENCE_NS},
        {"sssssssssbbb", 0},
        {"sssssssssbbbb", PATIENCE_NS},
        {"bbbbbbbbbsss", PATIENCE_NS},
        {"bbbbbbbbbssss", 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        setup(state);
        for (const char *h = table[i].history; *h; h++)
            habit_learn(&program[0], *h == 's');
        assert_int_equal(patience(&program[0]), table[i].patience);
        assert_int_equal(habit_goes_at_once(&program[0]), table[i].patience == 0);
    }
}

static void test_which(void **state)
{
    struct inode same_number = {.super = &other_super, .ino = program[0].ino};

    (void)state;
    habit_learn(NULL, true);
    assert_int_equal(patience(NULL), TRIAL_NS);
    habit_learn(&program[0], true);
    assert_int_equal(patience(&same_number), TRIAL_NS);
    assert_int_equal(patience(&program[1]), TRIAL_NS);
    assert_int_equal(patience(&program[0]), 0);
}

/* The oldest is forgotten for a new one, and nobody else. */
static void test_forget(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HABITS; i++)
        habit_learn(&program[i], i % 2);
    for (unsigned i = 0; i < HABITS; i++)
        assert_int_equal(patience(&program[i]), i % 2 ? 0 : PATIENCE_NS);
    habit_learn(&program[HABITS], true);
    assert_int_equal(patience(&program[0]), TRIAL_NS);
    habit_learn(&program[HABITS + 1], false);
    assert_int_equal(patience(&program[1]), TRIAL_NS);
    for (unsigned i = 2; i < HABITS + 2; i++)
        assert_int_equal(patience(&program[i]),
                         (i == HABITS || (i < HABITS && i % 2)) ? 0 : PATIENCE_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_learn, setup),
        cmocka_unit_test_setup(test_which, setup),
        cmocka_unit_test_setup(test_forget, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
