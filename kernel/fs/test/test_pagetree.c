/* SPDX-License-Identifier: Apache-2.0 */
/* The sparse array against a plain one, at the edges of its levels, and without memory. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/fs/pagetree.c"

#define KEYS 200

/* Indexes around every power of 64, and some in a bunch. */
static uint64_t key_at(unsigned i)
{
    static const int64_t around[] = {-1, 0, 1};
    if (i < 30)
        return (1UL << (6 * (i / 3))) + (uint64_t)around[i % 3];
    return 1000 + (uint64_t)(i - 30) * 7;
}

static void *value_at(unsigned i)
{
    return (void *)(uintptr_t)(i * 16 + 16);
}

static void check_all(const struct pagetree *t, const bool *in)
{
    unsigned present = 0, seen = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        assert_ptr_equal(pagetree_get(t, key_at(i)), in[i] ? value_at(i) : NULL);
        present += in[i];
    }
    uint64_t index = 0, last = 0;
    while (pagetree_next(t, &index)) {
        assert_true(!seen || index > last);
        last = index++;
        seen++;
    }
    assert_int_equal(seen, present);
}

static unsigned rnd(unsigned n)
{
    static uint64_t x = 88172645463325252UL;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (unsigned)(x % n);
}

static void test_model(void **state)
{
    struct pagetree t;
    bool in[KEYS] = {false};
    (void)state;
    pagetree_init(&t);
    for (int step = 0; step < 3000; step++) {
        unsigned i = rnd(KEYS);
        if (key_at(i) == key_at(0) && i)
            continue;
        if (rnd(3)) {
            assert_int_equal(pagetree_set(&t, key_at(i), value_at(i)), 0);
            in[i] = true;
        } else {
            assert_ptr_equal(pagetree_remove(&t, key_at(i)), in[i] ? value_at(i) : NULL);
            in[i] = false;
        }
        if (step % 50 == 0)
            check_all(&t, in);
    }
    for (unsigned i = 0; i < KEYS; i++)
        if (in[i])
            assert_ptr_equal(pagetree_remove(&t, key_at(i)), value_at(i));
    assert_null(t.root);
    assert_int_equal(stub_allocations, 0);
}

static void test_no_memory(void **state)
{
    struct pagetree t;
    (void)state;
    pagetree_init(&t);
    assert_int_equal(pagetree_set(&t, 5, value_at(0)), 0);
    for (int n = 0; n < 12; n++) {
        stub_fail_after = n;
        int err = pagetree_set(&t, 1UL << 40, value_at(1));
        stub_fail_after = -1;
        assert_ptr_equal(pagetree_get(&t, 5), value_at(0));
        if (!err) {
            assert_ptr_equal(pagetree_remove(&t, 1UL << 40), value_at(1));
            continue;
        }
        assert_int_equal(err, -ENOMEM);
        assert_null(pagetree_get(&t, 1UL << 40));
    }
    assert_ptr_equal(pagetree_remove(&t, 5), value_at(0));
    assert_int_equal(stub_allocations, 0);
}

static void test_ends(void **state)
{
    struct pagetree t;
    uint64_t index = 0;
    (void)state;
    pagetree_init(&t);
    assert_null(pagetree_get(&t, 0));
    assert_null(pagetree_remove(&t, 77));
    assert_null(pagetree_next(&t, &index));
    assert_int_equal(pagetree_set(&t, UINT64_MAX, value_at(3)), 0);
    index = 1;
    assert_ptr_equal(pagetree_next(&t, &index), value_at(3));
    assert_true(index == UINT64_MAX);
    assert_ptr_equal(pagetree_remove(&t, UINT64_MAX), value_at(3));
    assert_int_equal(stub_allocations, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
