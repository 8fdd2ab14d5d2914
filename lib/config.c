/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration's validator and accessors.
 *
 * config_check proves everything that the accessors and the kernel rely on: that each array lies
 * aligned inside the blob, that each string ends with a NUL inside the blob and holds none, that
 * paths are absolute and normalised, that the node table is one tree without cycles (the children
 * ranges of the nodes tile the table in index order), that siblings are sorted, and that unused
 * fields are zero.  The enclave's blob is measured, so this guards against our own signer's
 * mistakes; on the host it guards against any file that calls itself a bundle.  The enclave checks
 * the measured part alone (config_check_measured): of the file table it has the signer's word, and
 * keeps to its bounds.
 *
 * No state, no lock.
 */
#include "lib/config.h"

#include <linux/errno.h>

#include "abi/host/layout.h"

#define CHECK(cond, text)  \
    do {                   \
        if (!(cond))       \
            return (text); \
    } while (0)

#define TRY(call)                  \
    do {                           \
        const char *why_ = (call); \
        if (why_)                  \
            return why_;           \
    } while (0)

/* The checks below return NULL if all is well, else what is wrong. */

static const char *blob_byte(const struct config *c, uint64_t off)
{
    return off < c->head->table_off || !c->table ? (const char *)c->head + off
                                                 : c->table + (off - c->head->table_off);
}

static void need(const struct config *c, uint64_t off, uint64_t len)
{
    if (c->need)
        c->need(c, off, len);
}

static size_t str_len(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

static bool range_inside(const struct config *c, uint64_t off, uint64_t len)
{
    uint64_t start = c->in_table ? c->head->table_off : sizeof(struct config_header);
    uint64_t end = c->in_table ? c->head->total : c->head->table_off;
    return off >= start && off <= end && len <= end - off;
}

/* True if one of the n bytes at p is c: eight at a time, as most of the blob is names. */
static bool has_byte(const char *p, size_t n, char c)
{
    const uint64_t ones = ~0UL / 255;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x;
        __builtin_memcpy(&x, p + i, 8);
        x ^= ones * (unsigned char)c;
        if ((x - ones) & ~x & ones << 7)
            return true;
    }
    for (; i < n; i++)
        if (p[i] == c)
            return true;
    return false;
}

/*
 * No two strings share bytes, so all of them together are no longer than the blob; the budget
 * holds a hostile blob to that, which keeps the whole check linear.
 */
static const char *check_bytes(struct config *c, uint64_t off, uint64_t len)
{
    CHECK(range_inside(c, off, len + 1), "a string lies outside the blob");
    CHECK(len < c->budget, "strings overlap");
    c->budget -= len + 1;
    const char *p = blob_byte(c, off);
    CHECK(!has_byte(p, len, 0), "a string holds a NUL byte");
    CHECK(!p[len], "a string does not end with a NUL byte");
    return NULL;
}

static const char *check_string(struct config *c, struct config_str s)
{
    if (!s.off) {
        CHECK(!s.len, "an absent string has a length");
        return NULL;
    }
    return check_bytes(c, s.off, s.len);
}

static const char *check_required(struct config *c, struct config_str s)
{
    CHECK(s.off && s.len, "a required string is absent");
    return check_string(c, s);
}

/* Of a part of a string that has been checked. */
static bool name_ok(const char *p, size_t len)
{
    if (!len || len > CONFIG_NAME_MAX)
        return false;
    if (p[0] == '.' && (len == 1 || (len == 2 && p[1] == '.')))
        return false;
    return !has_byte(p, len, '/');
}

/* Absolute, no empty, "." or ".." component, no trailing slash (except "/" itself). */
static const char *check_path(struct config *c, struct config_str s)
{
    TRY(check_required(c, s));
    const char *p = config_string(c, s);
    CHECK(p[0] == '/' && s.len <= CONFIG_PATH_MAX, "a path is not absolute or too long");
    if (s.len == 1)
        return NULL;
    for (size_t start = 1, i = 1; i <= s.len; i++) {
        if (i < s.len && p[i] != '/')
            continue;
        CHECK(name_ok(p + start, i - start), "a path is not normalised");
        start = i + 1;
    }
    return NULL;
}

static const char *check_array(struct config *c, struct config_array a, size_t size)
{
    if (!a.count) {
        CHECK(!a.off, "an empty array has an offset");
        return NULL;
    }
    CHECK(a.off % 8 == 0, "an array is not aligned");
    CHECK(range_inside(c, a.off, (uint64_t)a.count * size), "an array lies outside the blob");
    return NULL;
}

/* Negative, 0 or positive, as unsigned bytes; a prefix sorts first. */
static int name_compare(const char *a, size_t alen, const char *b, size_t blen)
{
    size_t n = alen < blen ? alen : blen;
    for (size_t i = 0; i < n && b; i++) /* none: nothing to compare with */
        if (a[i] != b[i])
            return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
    return alen < blen ? -1 : alen > blen;
}

static const char *check_limits(const struct config_header *h)
{
    CHECK(h->memory_size && h->memory_size % PAGE_SIZE == 0, "bad memory size");
    CHECK(h->stack_size && h->stack_size % PAGE_SIZE == 0, "bad stack size");
    CHECK(h->brk_max % PAGE_SIZE == 0, "bad break size");
    CHECK(h->vcpu_count <= VCPU_MAX, "bad number of vCPUs");
    CHECK(h->elrange_bits >= ELRANGE_BITS_MIN && h->elrange_bits <= ELRANGE_BITS_MAX,
          "bad address range");
    CHECK(h->memory_size <= 1UL << (h->elrange_bits - 1), "memory exceeds the address range");
    CHECK(h->stack_size <= h->memory_size && h->brk_max <= KERNEL_BASE(h->elrange_bits),
          "stack or break exceeds the memory");
    CHECK(h->ssa_frame_pages >= 1 &&
              VCPU_SSA_PAGE + VCPU_NSSA * h->ssa_frame_pages < VCPU_XSTACK_PAGE,
          "bad SSA frame size");
    CHECK(h->fds_limit >= 3, "bad limit of file descriptors");
    CHECK(h->uid <= INT32_MAX && h->gid <= INT32_MAX, "bad user or group id");
    CHECK(h->file_policy <= CONFIG_FILES_LOG, "unknown file policy");
    CHECK(!(h->host_signals & ~CONFIG_HOST_SIGNALS), "a signal that the host cannot inject");
    CHECK(h->log_level <= 5, "unknown log level");
    return NULL;
}

/* Where the file table lies, and its hashes. */
static const char *check_table(const struct config_header *h)
{
    CHECK(h->table_off >= sizeof *h && h->table_off <= h->total && h->total <= CONFIG_SIZE_MAX,
          "the file table lies outside the blob");
    uint64_t leaves = config_leaf_count(h->total - h->table_off);
    if (!leaves) {
        CHECK(!h->nodes.count && !h->table_hashes, "files without a file table");
        return NULL;
    }
    CHECK(h->nodes.count, "a file table without files");
    CHECK(h->table_off % CONFIG_LEAF_SIZE == 0 && h->table_hashes % CONFIG_HASH_SIZE == 0,
          "the file table is not aligned");
    CHECK(h->table_hashes <= h->leaves_len &&
              leaves * CONFIG_HASH_SIZE <= h->leaves_len - h->table_hashes,
          "the file table's hashes lie outside the side data");
    return NULL;
}

static const char *check_header(const struct config_header *h, size_t len, bool whole)
{
    CHECK(h->magic == CONFIG_MAGIC, "not a configuration");
    CHECK(h->version == CONFIG_VERSION, "a configuration of another version");
    CHECK(h->header_size == sizeof *h, "bad header size");
    CHECK((whole ? h->total : h->table_off) == len, "the length differs from the header's");
    CHECK(!(h->flags & ~CONFIG_F_MASK), "unknown flags");
    TRY(check_table(h));
    return check_limits(h);
}

static const char *check_exec(struct config *c)
{
    const struct config_header *h = c->head;
    CHECK(!(h->flags & CONFIG_F_HOST_EXEC) || !h->exec.count, "two sources of the host's programs");
    TRY(check_array(c, h->exec, sizeof *c->exec));
    for (uint32_t i = 0; i < h->exec.count; i++)
        TRY(check_path(c, c->exec[i]));
    return NULL;
}

static const char *check_start(struct config *c)
{
    const struct config_header *h = c->head;
    if (h->flags & CONFIG_F_HOST_ENTRY)
        CHECK(!h->entrypoint.off && !h->entrypoint.len, "two sources of the entry point");
    else
        TRY(check_path(c, h->entrypoint));
    if (h->flags & CONFIG_F_HOST_CWD)
        CHECK(!h->start_dir.off && !h->start_dir.len, "two sources of the working directory");
    else
        TRY(check_path(c, h->start_dir));
    CHECK(!(h->flags & CONFIG_F_HOST_ARGV) || !h->args.count, "two sources of the arguments");
    TRY(check_array(c, h->args, sizeof *c->args));
    for (uint32_t i = 0; i < h->args.count; i++) {
        CHECK(c->args[i].off, "an argument is absent");
        TRY(check_string(c, c->args[i]));
    }
    return check_exec(c);
}

static const char *check_env_entry(struct config *c, uint32_t i)
{
    const struct config_env *e = &c->env[i];
    TRY(check_required(c, e->name));
    const char *name = config_string(c, e->name);
    for (uint32_t k = 0; k < e->name.len; k++)
        CHECK(name[k] != '=', "a variable's name holds '='");
    CHECK(e->kind == CONFIG_ENV_SET || e->kind == CONFIG_ENV_HOST, "bad kind of variable");
    CHECK(!e->reserved, "a reserved field is not zero");
    if (e->kind == CONFIG_ENV_HOST)
        CHECK(!e->value.off, "a passed variable has a value");
    else
        CHECK(e->value.off, "a variable has no value");
    TRY(check_string(c, e->value));
    if (!i)
        return NULL;
    const struct config_env *p = &c->env[i - 1];
    CHECK(name_compare(config_string(c, p->name), p->name.len, name, e->name.len) < 0,
          "the variables are not sorted");
    return NULL;
}

static const char *check_env(struct config *c)
{
    TRY(check_array(c, c->head->env, sizeof *c->env));
    for (uint32_t i = 0; i < c->head->env.count; i++)
        TRY(check_env_entry(c, i));
    return NULL;
}

static const char *check_mount(struct config *c, const struct config_mount *m)
{
    CHECK(m->kind >= CONFIG_MOUNT_HOST && m->kind <= CONFIG_MOUNT_PROC, "unknown kind of mount");
    CHECK(!m->flags && !m->key_name.off && !m->key_name.len, "a reserved field is not zero");
    TRY(check_path(c, m->path));
    if (m->kind == CONFIG_MOUNT_HOST || m->kind == CONFIG_MOUNT_TRUSTED)
        return check_required(c, m->source);
    CHECK(!m->source.off && !m->source.len, "a mount without a host side has a source");
    return NULL;
}

static const char *check_mounts(struct config *c)
{
    CHECK(c->head->mounts.count, "no root mount");
    TRY(check_array(c, c->head->mounts, sizeof *c->mounts));
    for (uint32_t i = 0; i < c->head->mounts.count; i++) {
        const struct config_mount *m = &c->mounts[i];
        TRY(check_mount(c, m));
        CHECK((m->path.len == 1) == (i == 0), "not exactly one root mount, in the first place");
        CHECK(m->kind != CONFIG_MOUNT_TRUSTED || c->head->nodes.count,
              "a trusted mount without a node table");
    }
    return NULL;
}

static const char *check_reg(struct config *c, const struct config_node *n)
{
    uint64_t leaves = config_leaf_count(n->size);
    CHECK(n->size <= INT64_MAX, "a file is too large");
    CHECK(n->data % CONFIG_HASH_SIZE == 0, "leaf hashes are not aligned");
    CHECK(n->data <= c->head->leaves_len &&
              leaves * CONFIG_HASH_SIZE <= c->head->leaves_len - n->data,
          "leaf hashes lie outside the side data");
    return NULL;
}

/* The part of a node that depends on its kind. */
static const char *check_node_kind(struct config *c, const struct config_node *n)
{
    if (n->kind == CONFIG_NODE_REG || n->kind == CONFIG_NODE_LNK)
        CHECK(!n->count, "a file or link has children");
    else
        CHECK(!n->size && !n->data, "a directory has a size or data");
    if (n->kind == CONFIG_NODE_REG)
        return check_reg(c, n);
    for (size_t i = 0; i < sizeof n->root; i++)
        CHECK(!n->root[i], "a hash where none belongs");
    if (n->kind == CONFIG_NODE_LNK) {
        CHECK(n->size && n->size <= CONFIG_PATH_MAX, "a link is empty or too long");
        return check_bytes(c, n->data, n->size);
    }
    CHECK(n->kind == CONFIG_NODE_DIR || n->kind == CONFIG_NODE_HOST, "unknown kind of node");
    return NULL;
}

static const char *check_node_name(struct config *c, uint32_t i)
{
    const struct config_node *n = &c->nodes[i];
    TRY(check_required(c, n->name));
    const char *name = config_string(c, n->name);
    CHECK(name_ok(name, n->name.len), "a bad file name");
    const struct config_node *prev = &c->nodes[i - 1];
    if (i == c->nodes[n->parent].first)
        return NULL;
    CHECK(name_compare(config_string(c, prev->name), prev->name.len, name, n->name.len) < 0,
          "the files are not sorted");
    return NULL;
}

/*
 * Children ranges in index order tile [1, count): together with first > i this makes the table a
 * tree in breadth-first order.  That a child's parent field names the node in whose range it lies
 * is checked from the parent's side.
 */
static const char *check_nodes(struct config *c)
{
    uint32_t count = c->head->nodes.count, next = 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct config_node *n = &c->nodes[i];
        if (!i)
            CHECK(!n->parent && !n->name.off && !n->name.len &&
                      (n->kind == CONFIG_NODE_DIR || n->kind == CONFIG_NODE_HOST),
                  "a bad root node");
        CHECK(n->mode <= 07777, "bad permission bits");
        TRY(check_node_kind(c, n));
        CHECK(n->count || !n->first, "a node without children names a first one");
        if (!n->count)
            continue;
        CHECK(n->first == next && n->first > i && n->count <= count - next,
              "the file tree is not in order");
        next += n->count;
        for (uint32_t k = n->first; k < next; k++)
            CHECK(c->nodes[k].parent == i, "a node names another parent");
    }
    CHECK(!count || next == count, "a node has no parent");
    for (uint32_t i = 1; i < count; i++)
        TRY(check_node_name(c, i));
    return NULL;
}

static const char *check_front(struct config *c, const void *blob, size_t len, bool whole)
{
    CHECK((uintptr_t)blob % 8 == 0, "not aligned");
    CHECK(len >= sizeof(struct config_header) && len <= CONFIG_SIZE_MAX, "bad length");
    *c = (struct config){.head = blob, .budget = len};
    TRY(check_header(c->head, len, whole));
    c->args = (const void *)blob_byte(c, c->head->args.off);
    c->env = (const void *)blob_byte(c, c->head->env.off);
    c->exec = (const void *)blob_byte(c, c->head->exec.off);
    c->mounts = (const void *)blob_byte(c, c->head->mounts.off);
    return check_start(c);
}

static const char *check_measured(struct config *c, const void *blob, size_t len, bool whole)
{
    TRY(check_front(c, blob, len, whole));
    TRY(check_env(c));
    TRY(check_mounts(c));
    c->in_table = true;
    return check_array(c, c->head->nodes, sizeof *c->nodes);
}

static const char *check_all(struct config *c, const void *blob, size_t len)
{
    TRY(check_measured(c, blob, len, true));
    config_set_table(c, (const char *)blob + c->head->table_off, NULL);
    return check_nodes(c);
}

static int verdict(const char *text, const char **why)
{
    if (why)
        *why = text;
    return text ? -EINVAL : 0;
}

int config_check_front(struct config *c, const void *blob, size_t len, const char **why)
{
    return verdict(check_front(c, blob, len, true), why);
}

int config_check_measured(struct config *c, const void *blob, size_t len, const char **why)
{
    return verdict(check_measured(c, blob, len, false), why);
}

int config_check(struct config *c, const void *blob, size_t len, const char **why)
{
    return verdict(check_all(c, blob, len), why);
}

void config_set_table(struct config *c, const char *table,
                      void (*bring_in)(const struct config *c, uint64_t off, uint64_t len))
{
    c->table = table;
    c->need = bring_in;
    if (c->head->nodes.count)
        c->nodes = (const void *)(table + (c->head->nodes.off - c->head->table_off));
}

const char *config_string(const struct config *c, struct config_str s)
{
    return s.off ? blob_byte(c, s.off) : NULL;
}

bool config_may_exec(const struct config *c, const char *path)
{
    if (config_flag(c, CONFIG_F_HOST_EXEC))
        return true;
    size_t len = str_len(path);
    for (uint32_t i = 0; i < c->head->exec.count; i++)
        if (!name_compare(path, len, config_string(c, c->exec[i]), c->exec[i].len))
            return true;
    return false;
}

const struct config_node *config_node(const struct config *c, uint32_t node)
{
    need(c, c->head->nodes.off + node * sizeof *c->nodes, sizeof *c->nodes);
    return &c->nodes[node];
}

/* Of the table: len bytes and a NUL. */
static const char *table_string(const struct config *c, uint64_t off, uint64_t len)
{
    need(c, off, len + 1);
    return blob_byte(c, off);
}

const char *config_node_name(const struct config *c, uint32_t node)
{
    struct config_str s = config_node(c, node)->name;
    return node ? table_string(c, s.off, s.len) : "";
}

uint32_t config_node_child(const struct config *c, uint32_t node, const char *name, size_t len)
{
    const struct config_node *n = config_node(c, node);
    uint32_t low = n->first, high = low + n->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const char *have = config_node_name(c, mid);
        int order = name_compare(name, len, have, config_node(c, mid)->name.len);
        if (!order)
            return mid;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return CONFIG_NO_NODE;
}

uint32_t config_node_find(const struct config *c, const char *path)
{
    if (!c->head->nodes.count || path[0] != '/')
        return CONFIG_NO_NODE;
    uint32_t node = 0;
    size_t end = str_len(path);
    for (size_t i = 0; i < end && node != CONFIG_NO_NODE;) {
        size_t start = i;
        while (i < end && path[i] != '/')
            i++;
        size_t len = i - start;
        if (len && !(len == 1 && path[start] == '.'))
            node = config_node_child(c, node, path + start, len);
        i++;
    }
    return node;
}

const char *config_node_target(const struct config *c, uint32_t node)
{
    const struct config_node *n = config_node(c, node);
    return table_string(c, n->data, n->size);
}
