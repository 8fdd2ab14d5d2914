/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file table comes in leaf by leaf, once each, and only as it was signed; what points outside of it
 * ends the enclave.  The hash is a toy.  Linked with lib/config.c.
 */
#include "kernel/fs/test/stubs.h"

static jmp_buf panicked;
#define panic(...) longjmp(panicked, 1)
#include "kernel/fs/trusted/table.c"

enum { LEAVES = 3, TABLE_OFF = CONFIG_LEAF_SIZE, NAMES = 2 * CONFIG_LEAF_SIZE + 100 };

static unsigned hashed;

void sha256_hash(const void *data, size_t n, uint8_t out[SHA256_HASH_SIZE])
{
    const uint8_t *p = data;
    uint64_t h = n + 1;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211UL;
    memset(out, 0, SHA256_HASH_SIZE);
    memcpy(out, &h, sizeof(h));
    hashed++;
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
    return !memcmp(a, b, n);
}

static struct config_header head;
static struct config config;
static _Alignas(8) uint8_t host[LEAVES * CONFIG_LEAF_SIZE]; /* the last leaf is short */
static uint8_t side[LEAVES + 1][CONFIG_HASH_SIZE];
#define TABLE_LEN (2 * CONFIG_LEAF_SIZE + 2000)

/* Node 0 with children 1 … 60; 51 fit into the first leaf, the 52nd lies across. Names in the last leaf. */
static int setup(void **state)
{
    struct config_node *node = (void *)host;
    (void)state;
    memset(host, 0, sizeof(host));
    node[0] = (struct config_node){.kind = CONFIG_NODE_DIR, .first = 1, .count = 60};
    for (uint32_t i = 1; i <= 60; i++) {
        node[i] = (struct config_node){
            .name = {TABLE_OFF + NAMES + 4 * i, 3}, .kind = CONFIG_NODE_REG, .size = i};
        snprintf((char *)host + NAMES + 4 * i, 4, "f%02u", i);
    }
    for (size_t i = 0; i < LEAVES; i++)
        sha256_hash(host + i * CONFIG_LEAF_SIZE, i + 1 < LEAVES ? CONFIG_LEAF_SIZE : 2000,
                    side[i + 1]);
    head = (struct config_header){.total = TABLE_OFF + TABLE_LEN,
                                  .table_off = TABLE_OFF,
                                  .table_hashes = CONFIG_HASH_SIZE,
                                  .nodes = {TABLE_OFF, 61}};
    sha256_hash(side[1], LEAVES * CONFIG_HASH_SIZE, head.table_root);
    config = (struct config){.head = &head};
    stub_boot_args.side = (haddr_t)side;
    stub_boot_args.side_len = sizeof(side);
    stub_boot_args.table = (haddr_t)host;
    stub_boot_args.table_len = TABLE_LEN;
    stub_log_lines = 0;
    memset(&table, 0, sizeof(table));
    hashed = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kfree(table.hashes);
    kfree(table.there);
    kpages_free(table.bytes, LEAVES);
    return 0;
}

static void test_lazy(void **state)
{
    (void)state;
    assert_int_equal(trusted_table_open(&config), 0);
    assert_int_equal(hashed, 1); /* the hashes */
    assert_int_equal(config_node(&config, 0)->count, 60);
    assert_int_equal(config_node(&config, 1)->size, 1);
    assert_int_equal(hashed, 2);
    host[0] ^= 1; /* ours is a copy */
    assert_int_equal(config_node(&config, 0)->count, 60);
    assert_int_equal(config_node(&config, 51)->size, 51); /* across */
    assert_int_equal(hashed, 3);
    assert_string_equal(config_node_name(&config, 60), "f60");
    assert_int_equal(hashed, 4);
    assert_int_equal(config_node_child(&config, 0, "f07", 3), 7);
    assert_int_equal(config_node_find(&config, "/f33"), 33);
    assert_int_equal(config_node_find(&config, "/f61"), CONFIG_NO_NODE);
    assert_int_equal(hashed, 4);
}

static void test_damaged_hashes(void **state)
{
    (void)state;
    side[2][0] ^= 1;
    assert_int_equal(trusted_table_open(&config), -EIO);
    assert_int_equal(stub_log_lines, 1);
}

static void test_lengths(void **state)
{
    (void)state;
    stub_boot_args.table_len--;
    assert_int_equal(trusted_table_open(&config), -EIO);
    teardown(NULL);
    setup(NULL);
    stub_boot_args.side_len--;
    assert_int_equal(trusted_table_open(&config), -EIO);
    teardown(NULL);
    setup(NULL);
    head.total = head.table_off;
    assert_int_equal(trusted_table_open(&config), 0); /* none */
    assert_int_equal(hashed, 0);
}

/* The end of the enclave, even with the lock held. */
#define PANICS(call)                                \
    do {                                            \
        if (!setjmp(panicked)) {                    \
            (void)(call);                           \
            fail_msg("%s does not panic", #call);   \
        }                                           \
        memset(&table.lock, 0, sizeof(table.lock)); \
    } while (0)

static void test_changed(void **state)
{
    (void)state;
    assert_int_equal(trusted_table_open(&config), 0);
    host[CONFIG_LEAF_SIZE + 9] ^= 4;
    assert_int_equal(config_node(&config, 50)->size, 50);
    PANICS(config_node(&config, 51));
    PANICS(config_node(&config, 60));
    assert_string_equal(config_node_name(&config, 2), "f02");
}

static void test_outside(void **state)
{
    (void)state;
    assert_int_equal(trusted_table_open(&config), 0);
    PANICS(config_node(&config, 1000));
    PANICS(table_need(&config, TABLE_OFF - 1, 1));
    PANICS(table_need(&config, TABLE_OFF + TABLE_LEN - 1, 2));
    PANICS(table_need(&config, TABLE_OFF, UINT64_MAX));
    PANICS(table_need(&config, UINT64_MAX, 1));
    PANICS(table_need(&config, TABLE_OFF, 0));
    table_need(&config, TABLE_OFF + TABLE_LEN - 1, 1);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_lazy), T(test_damaged_hashes), T(test_lengths), T(test_changed), T(test_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
