/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration's validator: a blob made by hand is accepted, each way of damaging it is
 * refused with its own reason, and the accessors find what is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "abi/host/layout.h"
#include "lib/config.c"

/*
 * /            0  children 1…3
 *   bin        1  children 4
 *   link       2  -> bin
 *   tmp        3  HOST
 *   bin/a      4  REG, 5000 bytes
 */
enum { NODES = 5, STRINGS = 512 };

struct blob {
    struct config_header h;
    struct config_str args[2], exec[1];
    struct config_env env[2];
    struct config_mount mounts[2];
    char strings[STRINGS];
    _Alignas(CONFIG_LEAF_SIZE) struct config_node nodes[NODES]; /* the file table */
    char names[STRINGS];
};
#define BLOB_SIZE (offsetof(struct blob, names) + STRINGS)

static size_t used, used_names;

static struct config_str put(struct blob *b, const char *s)
{
    struct config_str str = {(uint32_t)(offsetof(struct blob, strings) + used),
                             (uint32_t)strlen(s)};
    strcpy(b->strings + used, s);
    used += strlen(s) + 1;
    return str;
}

static struct config_str put_name(struct blob *b, const char *s)
{
    struct config_str str = {(uint32_t)(offsetof(struct blob, names) + used_names),
                             (uint32_t)strlen(s)};
    strcpy(b->names + used_names, s);
    used_names += strlen(s) + 1;
    return str;
}

static struct blob *make(void)
{
    struct blob *b = aligned_alloc(CONFIG_LEAF_SIZE, sizeof *b);
    memset(b, 0, sizeof *b);
    used = used_names = 0;
    b->h = (struct config_header){
        .magic = CONFIG_MAGIC,
        .version = CONFIG_VERSION,
        .header_size = sizeof b->h,
        .total = BLOB_SIZE,
        .memory_size = 1UL << 30,
        .stack_size = 8UL << 20,
        .brk_max = 1UL << 30,
        .vcpu_count = 4,
        .elrange_bits = ELRANGE_BITS_DEFAULT,
        .ssa_frame_pages = 3,
        .fds_limit = 1024,
        .args = {offsetof(struct blob, args), 2},
        .env = {offsetof(struct blob, env), 2},
        .exec = {offsetof(struct blob, exec), 1},
        .mounts = {offsetof(struct blob, mounts), 2},
        .nodes = {offsetof(struct blob, nodes), NODES},
        .leaves_len = 96,
        .table_off = offsetof(struct blob, nodes),
        .table_hashes = 64,
    };
    b->h.entrypoint = put(b, "/bin/a");
    b->h.start_dir = put(b, "/");
    b->args[0] = put(b, "a");
    b->args[1] = put(b, "");
    b->exec[0] = put(b, "/bin/sh");
    b->env[0] = (struct config_env){put(b, "A"), put(b, "1"), CONFIG_ENV_SET, 0};
    b->env[1] = (struct config_env){put(b, "B"), {0, 0}, CONFIG_ENV_HOST, 0};
    b->mounts[0] = (struct config_mount){
        .kind = CONFIG_MOUNT_TRUSTED, .path = put(b, "/"), .source = put(b, ".")};
    b->mounts[1] = (struct config_mount){.kind = CONFIG_MOUNT_PROC, .path = put(b, "/proc")};
    b->nodes[0] =
        (struct config_node){.kind = CONFIG_NODE_DIR, .mode = 0755, .first = 1, .count = 3};
    b->nodes[1] = (struct config_node){
        .name = put_name(b, "bin"), .kind = CONFIG_NODE_DIR, .mode = 0755, .first = 4, .count = 1};
    b->nodes[2] =
        (struct config_node){.name = put_name(b, "link"), .kind = CONFIG_NODE_LNK, .mode = 0777};
    struct config_str target = put_name(b, "bin");
    b->nodes[2].size = target.len;
    b->nodes[2].data = target.off;
    b->nodes[3] =
        (struct config_node){.name = put_name(b, "tmp"), .kind = CONFIG_NODE_HOST, .mode = 0755};
    b->nodes[4] = (struct config_node){
        .name = put_name(b, "a"), .parent = 1, .kind = CONFIG_NODE_REG, .mode = 0755, .size = 5000};
    return b;
}

static const char *reason(struct blob *b)
{
    struct config c;
    const char *why = NULL;
    int err = config_check(&c, b, BLOB_SIZE, &why);
    assert_int_equal(err, why ? -EINVAL : 0);
    return why;
}

static void test_accepts(void **state)
{
    struct config c;
    struct blob *b = make();
    (void)state;
    assert_null(reason(b));
    assert_int_equal(config_check(&c, b, BLOB_SIZE, NULL), 0);
    assert_string_equal(config_string(&c, c.head->entrypoint), "/bin/a");
    assert_null(config_string(&c, c.env[1].value));
    assert_string_equal(config_string(&c, c.args[1]), "");
    free(b);
}

static void test_finds(void **state)
{
    struct config c;
    struct blob *b = make();
    (void)state;
    assert_int_equal(config_check(&c, b, BLOB_SIZE, NULL), 0);
    assert_int_equal(config_node_find(&c, "/"), 0);
    assert_int_equal(config_node_find(&c, "/bin"), 1);
    assert_int_equal(config_node_find(&c, "//bin/./a/"), 4);
    assert_int_equal(config_node_find(&c, "/tmp"), 3);
    assert_int_equal(config_node_find(&c, "/bin/b"), CONFIG_NO_NODE);
    assert_int_equal(config_node_find(&c, "/bin/.."), CONFIG_NO_NODE);
    assert_int_equal(config_node_find(&c, "/bin/a/x"), CONFIG_NO_NODE);
    assert_int_equal(config_node_find(&c, "bin"), CONFIG_NO_NODE);
    assert_int_equal(config_node_child(&c, 0, "link/x", 4), 2);
    assert_string_equal(config_node_target(&c, 2), "bin");
    assert_string_equal(config_node_name(&c, 4), "a");
    assert_string_equal(config_node_name(&c, 0), "");
    free(b);
}

static void test_exec(void **state)
{
    struct config c;
    struct blob *b = make();
    (void)state;
    assert_int_equal(config_check(&c, b, BLOB_SIZE, NULL), 0);
    assert_true(config_may_exec_some(&c));
    assert_true(config_may_exec(&c, "/bin/sh"));
    assert_false(config_may_exec(&c, "/bin/s"));
    assert_false(config_may_exec(&c, "/bin/sh2"));
    assert_false(config_may_exec(&c, "/bin/../bin/sh"));
    assert_false(config_may_exec(&c, ""));
    b->h.exec = (struct config_array){0, 0};
    assert_false(config_may_exec_some(&c));
    assert_false(config_may_exec(&c, "/bin/sh"));
    b->h.flags |= CONFIG_F_HOST_EXEC;
    assert_true(config_may_exec(&c, "/anything"));
    free(b);
}

static void test_leaf_count(void **state)
{
    (void)state;
    assert_int_equal(config_leaf_count(0), 0);
    assert_int_equal(config_leaf_count(1), 1);
    assert_int_equal(config_leaf_count(4096), 1);
    assert_int_equal(config_leaf_count(4097), 2);
    assert_true(config_leaf_count(UINT64_MAX) == (1UL << 52));
}

/* One damage to an otherwise good blob, and the reason that must be given. */
#define REFUSES(damage, text)           \
    do {                                \
        struct blob *b = make();        \
        damage;                         \
        const char *why = reason(b);    \
        assert_non_null(why);           \
        assert_string_equal(why, text); \
        free(b);                        \
    } while (0)

static void test_header(void **state)
{
    (void)state;
    REFUSES(b->h.magic++, "not a configuration");
    REFUSES(b->h.version++, "a configuration of another version");
    REFUSES(b->h.header_size++, "bad header size");
    REFUSES(b->h.total--, "the length differs from the header's");
    REFUSES(b->h.flags = 1UL << 63, "unknown flags");
    REFUSES(b->h.host_signals = 1UL << 8, "a signal that the host cannot inject"); /* SIGKILL */
    REFUSES(b->h.memory_size = 0, "bad memory size");
    REFUSES(b->h.memory_size++, "bad memory size");
    REFUSES(b->h.memory_size = 1UL << 41, "memory exceeds the address range");
    REFUSES(b->h.stack_size = 0, "bad stack size");
    REFUSES(b->h.stack_size = 2UL << 30, "stack or break exceeds the memory");
    REFUSES(b->h.brk_max = 1, "bad break size");
    REFUSES(b->h.vcpu_count = VCPU_MAX + 1, "bad number of vCPUs");
    REFUSES(b->h.elrange_bits = 64, "bad address range");
    REFUSES(b->h.ssa_frame_pages = 7, "bad SSA frame size");
    REFUSES(b->h.ssa_frame_pages = 0x80000000, "bad SSA frame size");
    REFUSES(b->h.fds_limit = 2, "bad limit of file descriptors");
    REFUSES(b->h.uid = UINT32_MAX, "bad user or group id");
    REFUSES(b->h.file_policy = 2, "unknown file policy");
    REFUSES(b->h.log_level = 6, "unknown log level");
}

static void test_strings(void **state)
{
    (void)state;
    REFUSES(b->h.entrypoint.off = 0, "a required string is absent");
    REFUSES(b->h.entrypoint.off = sizeof(struct blob), "a string lies outside the blob");
    REFUSES(b->h.entrypoint = b->nodes[4].name,
            "a string lies outside the blob"); /* in the table */
    REFUSES(b->h.entrypoint.off = 8, "a string lies outside the blob");
    REFUSES(b->h.entrypoint.len = UINT32_MAX, "a string lies outside the blob");
    REFUSES(b->h.entrypoint.len--, "a string does not end with a NUL byte");
    REFUSES(b->h.entrypoint.len++, "a string holds a NUL byte");
    REFUSES(b->strings[0] = 'x', "a path is not absolute or too long");
    REFUSES(b->strings[1] = '/', "a path is not normalised");
    REFUSES(b->strings[5] = '/', "a path is not normalised");
    REFUSES(memcpy(b->strings, "/./b/a", 7), "a path is not normalised");
    REFUSES(memcpy(b->strings, "/b/..a", 7); b->strings[5] = '.'; b->strings[4] = '.';
            b->strings[3] = '/', "a path is not normalised");
    REFUSES(b->args[0].off = 0; b->args[0].len = 0, "an argument is absent");
    REFUSES(b->args[1].len = 1; b->args[1].off = 0, "an argument is absent");
    REFUSES(b->h.flags = CONFIG_F_HOST_ENTRY, "two sources of the entry point");
    REFUSES(b->h.flags = CONFIG_F_HOST_CWD, "two sources of the working directory");
    REFUSES(b->h.flags = CONFIG_F_HOST_ARGV, "two sources of the arguments");
    REFUSES(b->h.flags = CONFIG_F_HOST_EXEC, "two sources of the host's programs");
    REFUSES(b->exec[0].off++; b->exec[0].len--, "a path is not absolute or too long");
    REFUSES(b->exec[0].off = 0; b->exec[0].len = 0, "a required string is absent");
}

static void test_arrays(void **state)
{
    (void)state;
    REFUSES(b->h.args.off += 4, "an array is not aligned");
    REFUSES(b->h.args.count = UINT32_MAX, "an array lies outside the blob");
    REFUSES(b->h.args.off = 0, "an array lies outside the blob");
    REFUSES(b->h.args.count = 0, "an empty array has an offset");
    REFUSES(b->h.exec.count = UINT32_MAX, "an array lies outside the blob");
    REFUSES(b->h.nodes.count = UINT32_MAX, "an array lies outside the blob");
    REFUSES(b->h.mounts.count = 0, "no root mount");
}

static void test_env(void **state)
{
    (void)state;
    REFUSES(b->env[0].kind = 3, "bad kind of variable");
    REFUSES(b->env[0].reserved = 1, "a reserved field is not zero");
    REFUSES(b->env[0].kind = CONFIG_ENV_HOST, "a passed variable has a value");
    REFUSES(b->env[1].kind = CONFIG_ENV_SET, "a variable has no value");
    REFUSES(b->strings[b->env[0].name.off - offsetof(struct blob, strings)] = '=',
            "a variable's name holds '='");
    REFUSES(b->strings[b->env[0].name.off - offsetof(struct blob, strings)] = 'B',
            "the variables are not sorted");
}

static void test_mounts(void **state)
{
    (void)state;
    REFUSES(b->mounts[1].kind = CONFIG_MOUNT_SYS, "unknown kind of mount");
    REFUSES(b->mounts[1].flags = 1, "a reserved field is not zero");
    REFUSES(b->mounts[1].source = b->mounts[0].source, "a mount without a host side has a source");
    REFUSES(b->mounts[0].source = (struct config_str){0}, "a required string is absent");
    REFUSES(b->mounts[0] = b->mounts[1], "not exactly one root mount, in the first place");
    REFUSES(b->h.nodes.off = b->h.nodes.count = 0; b->h.table_off = BLOB_SIZE;
            b->h.table_hashes = 0, "a trusted mount without a node table");
}

static void test_tree(void **state)
{
    (void)state;
    REFUSES(b->nodes[0].parent = 1, "a bad root node");
    REFUSES(b->nodes[0].kind = CONFIG_NODE_REG, "a bad root node");
    REFUSES(b->nodes[1].kind = CONFIG_NODE_REG, "a file or link has children");
    REFUSES(b->nodes[1].kind = 9, "unknown kind of node");
    REFUSES(b->nodes[1].mode = 010000, "bad permission bits");
    REFUSES(b->nodes[1].first = 3, "the file tree is not in order");
    REFUSES(b->nodes[1].first = 1, "the file tree is not in order");
    REFUSES(b->nodes[1].count = 2, "the file tree is not in order");
    REFUSES(b->nodes[1].count = 0, "a node without children names a first one");
    REFUSES(b->nodes[1].count = 0; b->nodes[1].first = 0, "a node has no parent");
    REFUSES(b->nodes[4].parent = 3, "a node names another parent");
    REFUSES(b->nodes[0].count = UINT32_MAX, "the file tree is not in order");
    REFUSES(b->nodes[1].size = 1, "a directory has a size or data");
    REFUSES(b->nodes[1].root[3] = 1, "a hash where none belongs");
    REFUSES(struct config_node n = b->nodes[3]; b->nodes[3] = b->nodes[2];
            b->nodes[2] = n, "the files are not sorted");
    REFUSES(memcpy(b->names + b->nodes[4].name.off - offsetof(struct blob, names), "/", 1),
            "a bad file name");
}

static void test_table(void **state)
{
    struct config c;
    struct blob *b = make();
    const char *why;
    (void)state;
    REFUSES(b->h.table_off = 0, "the file table lies outside the blob");
    REFUSES(b->h.table_off = BLOB_SIZE + 1, "the file table lies outside the blob");
    REFUSES(b->h.table_off -= 8, "the file table is not aligned");
    REFUSES(b->h.table_hashes -= 8, "the file table is not aligned");
    REFUSES(b->h.table_hashes += 32, "the file table's hashes lie outside the side data");
    REFUSES(b->h.table_hashes = -32UL, "the file table's hashes lie outside the side data");
    REFUSES(b->h.nodes.off = b->h.nodes.count = 0, "a file table without files");
    REFUSES(b->h.table_off = BLOB_SIZE, "files without a file table");
    REFUSES(b->h.nodes.off = b->h.args.off, "an array lies outside the blob");
    REFUSES(b->nodes[4].name = b->args[0], "a string lies outside the blob");
    /* The measured part alone, and its table elsewhere. */
    char *table = malloc(BLOB_SIZE - b->h.table_off);
    memcpy(table, b->nodes, BLOB_SIZE - b->h.table_off);
    memset(b->nodes, 0xff, sizeof b->nodes);
    assert_int_equal(config_check_measured(&c, b, BLOB_SIZE, &why), -EINVAL);
    assert_int_equal(config_check_measured(&c, b, b->h.table_off, &why), 0);
    config_set_table(&c, table, NULL);
    assert_int_equal(config_node_find(&c, "/bin/a"), 4);
    assert_string_equal(config_node_target(&c, 2), "bin");
    free(table);
    free(b);
}

static void test_files(void **state)
{
    (void)state;
    REFUSES(b->nodes[4].data = 64, "leaf hashes lie outside the side data");
    REFUSES(b->nodes[4].data = 1, "leaf hashes are not aligned");
    REFUSES(b->nodes[4].size = 12289, "leaf hashes lie outside the side data");
    REFUSES(b->nodes[4].size = UINT64_MAX, "a file is too large");
    REFUSES(b->nodes[4].size = INT64_MAX, "leaf hashes lie outside the side data");
    REFUSES(b->nodes[2].size = 0, "a link is empty or too long");
    REFUSES(b->nodes[2].data = UINT64_MAX, "a string lies outside the blob");
}

/* Many strings that are the same bytes would make the check quadratic. */
static void test_overlap(void **state)
{
    enum { COUNT = 2000, LEN = 1000 };
    size_t size = sizeof(struct config_header) + COUNT * sizeof(struct config_str) + LEN + 8;
    char *p = test_calloc(1, size);
    struct blob *b = make();
    struct config_header *h = (void *)p;
    struct config_str *args = (void *)(p + sizeof *h);
    struct config c;
    const char *why;
    (void)state;
    *h = b->h;
    h->total = h->table_off = size;
    h->table_hashes = 0;
    h->nodes = (struct config_array){0, 0};
    h->flags = CONFIG_F_HOST_ENTRY | CONFIG_F_HOST_CWD;
    h->entrypoint = h->start_dir = (struct config_str){0, 0};
    h->args = (struct config_array){sizeof *h, COUNT};
    for (int i = 0; i < COUNT; i++)
        args[i] = (struct config_str){(uint32_t)(size - LEN - 8), LEN};
    memset(p + size - LEN - 8, 'x', LEN);
    assert_int_equal(config_check(&c, p, size, &why), -EINVAL);
    assert_string_equal(why, "strings overlap");
    free(b);
    test_free(p);
}

/* Every single-byte change is either refused or harmless to the accessors (the sanitizers look). */
static void test_mutations(void **state)
{
    (void)state;
    for (size_t i = 0; i < BLOB_SIZE - STRINGS; i++) {
        struct blob *b = make();
        struct config c;
        ((uint8_t *)b)[i] ^= 0xff;
        if (!config_check(&c, b, BLOB_SIZE, NULL)) {
            config_node_find(&c, "/bin/a");
            for (uint32_t n = 0; n < c.head->nodes.count; n++)
                config_node_child(&c, n, "a", 1);
        }
        free(b);
    }
}

static void test_length(void **state)
{
    struct config c;
    struct blob *b = make();
    (void)state;
    for (size_t len = 0; len < BLOB_SIZE; len++) {
        void *copy = malloc(len ? len : 1);
        memcpy(copy, b, len);
        assert_int_equal(config_check(&c, copy, len, NULL), -EINVAL);
        free(copy);
    }
    assert_int_equal(config_check(&c, (char *)b + 4, BLOB_SIZE - 4, NULL), -EINVAL);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),    cmocka_unit_test(test_finds),
        cmocka_unit_test(test_leaf_count), cmocka_unit_test(test_exec),
        cmocka_unit_test(test_header),     cmocka_unit_test(test_strings),
        cmocka_unit_test(test_arrays),     cmocka_unit_test(test_env),
        cmocka_unit_test(test_mounts),     cmocka_unit_test(test_tree),
        cmocka_unit_test(test_files),      cmocka_unit_test(test_table),
        cmocka_unit_test(test_overlap),    cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
