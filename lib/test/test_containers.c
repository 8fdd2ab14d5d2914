/* SPDX-License-Identifier: Apache-2.0 */
/* Bitmaps, hash tables and trees against naive models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/bitmap.c"
#include "lib/hash.c"
#include "lib/tree.c"

enum { BITS = 200, KEYS = 300 };

static size_t model_find(const bool *m, bool v, size_t bits, size_t from)
{
    while (from < bits && m[from] != v)
        from++;
    return from < bits ? from : bits;
}

static void test_bitmap(void **state)
{
    uint64_t map[BITMAP_WORDS(BITS)] = {0};
    bool model[BITS] = {false};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t from = (size_t)rand() % BITS, n = (size_t)rand() % (BITS - from + 1);
        bool v = rand() % 2;
        bitmap_fill(map, from, n, v);
        for (size_t k = from; k < from + n; k++)
            model[k] = v;
        bitmap_set(map, 5);
        bitmap_clear(map, 70);
        model[5] = true;
        model[70] = false;
        size_t bits = (size_t)rand() % BITS, count = 0;
        assert_int_equal(bitmap_find_set(map, bits, from), model_find(model, true, bits, from));
        assert_int_equal(bitmap_find_clear(map, bits, from), model_find(model, false, bits, from));
        for (size_t k = 0; k < bits; k++)
            count += model[k];
        assert_int_equal(bitmap_count(map, bits), count);
        assert_int_equal(bitmap_test(map, from), model[from]);
    }
}

struct item {
    struct hash_link link;
    struct tree_node node;
    int key;
    bool in;
};

static void test_hash(void **state)
{
    struct hash_link *buckets[16] = {NULL};
    struct item items[KEYS] = {0};
    struct hash_table t;
    size_t count = 0;
    (void)state;
    hash_init(&t, buckets, 16);
    for (int i = 0; i < 20000; i++) {
        struct item *it = &items[rand() % KEYS];
        it->key = (int)(it - items) / 2; /* two of each */
        if (it->in)
            hash_del(&t, &it->link);
        else
            hash_add(&t, &it->link, hash_u64((uint64_t)it->key));
        count += it->in ? -1UL : 1UL;
        it->in = !it->in;
        assert_int_equal(t.count, count);
        int key = rand() % (KEYS / 2);
        int found = 0;
        for (struct hash_link *l = hash_first(&t, hash_u64((uint64_t)key)); l; l = hash_next(l))
            found += hash_entry(l, struct item, link)->key == key;
        assert_int_equal(found, items[key * 2].in + items[key * 2 + 1].in);
    }
}

static void test_hash_bytes(void **state)
{
    (void)state;
    assert_int_equal(hash_bytes("abcdefghij", 10, 1), hash_bytes("abcdefghij", 10, 1));
    assert_int_not_equal(hash_bytes("abcdefghij", 10, 1), hash_bytes("abcdefghij", 9, 1));
    assert_int_not_equal(hash_bytes("abcdefghij", 10, 1), hash_bytes("abcdefghij", 10, 2));
    assert_int_not_equal(hash_bytes("abcdefghij", 10, 1), hash_bytes("bacdefghij", 10, 1));
}

static int item_cmp(const struct tree_node *a, const struct tree_node *b)
{
    return tree_entry(a, struct item, node)->key - tree_entry(b, struct item, node)->key;
}

static int key_cmp(const void *key, const struct tree_node *n)
{
    return *(const int *)key - tree_entry(n, struct item, node)->key;
}

static int node_key(const struct tree_node *n)
{
    return n ? tree_entry(n, struct item, node)->key : -1;
}

static void check_searches(const struct tree *t, const struct item *items)
{
    int key = rand() % KEYS, below = key, above = key;
    while (below >= 0 && !items[below].in)
        below--;
    while (above < KEYS && !items[above].in)
        above++;
    assert_int_equal(node_key(tree_floor(t, &key, key_cmp)), below);
    assert_int_equal(node_key(tree_ceil(t, &key, key_cmp)), above == KEYS ? -1 : above);
    assert_int_equal(node_key(tree_find(t, &key, key_cmp)), items[key].in ? key : -1);
}

static void check_order(const struct tree *t, const struct item *items)
{
    size_t n = 0;
    int last = -1;
    for (struct tree_node *p = tree_first(t); p; p = tree_next(p), n++) {
        assert_true(items[node_key(p)].in);
        assert_true(node_key(p) > last);
        assert_int_equal(node_key(tree_prev(p)), last);
        last = node_key(p);
    }
    assert_int_equal(n, t->count);
    assert_int_equal(node_key(tree_last(t)), last);
}

static int depth(const struct tree_node *n)
{
    if (!n)
        return 0;
    int l = depth(n->left), r = depth(n->right);
    return 1 + (l > r ? l : r);
}

static void test_tree(void **state)
{
    struct tree t = TREE_INIT(item_cmp);
    struct item items[KEYS] = {0};
    (void)state;
    for (int i = 0; i < KEYS; i++)
        items[i].key = i;
    for (int i = 0; i < 20000; i++) {
        struct item *it = &items[rand() % KEYS];
        if (it->in) {
            assert_ptr_equal(tree_insert(&t, &(struct item){.key = it->key}.node), &it->node);
            tree_remove(&t, &it->node);
        } else {
            assert_null(tree_insert(&t, &it->node));
        }
        it->in = !it->in;
        check_searches(&t, items);
        if (i % 100 == 0)
            check_order(&t, items);
    }
    assert_true(depth(t.root) < 30);
}

/* Rising keys, as mappings often come, must not degenerate into a list. */
static void test_tree_depth(void **state)
{
    struct tree t;
    struct item *items = calloc(20000, sizeof(*items));
    (void)state;
    tree_init(&t, item_cmp);
    for (int i = 0; i < 20000; i++) {
        items[i].key = i;
        assert_null(tree_insert(&t, &items[i].node));
    }
    assert_true(depth(t.root) < 50);
    while (!tree_empty(&t))
        tree_remove(&t, tree_first(&t));
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bitmap),     cmocka_unit_test(test_hash),
        cmocka_unit_test(test_hash_bytes), cmocka_unit_test(test_tree),
        cmocka_unit_test(test_tree_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
