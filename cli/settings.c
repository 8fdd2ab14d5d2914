/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the configuration blob.
 *
 * Two passes over the same code: the first only counts (no buffer), the second writes.  Order in
 * the blob: header, arguments, environment, mounts, programs, then all strings in the order in which
 * the arrays name them; from a page of its own on the file table, nodes and then their strings.  So the same
 * settings always give the same bytes.
 */
#include "cli/settings.h"

#include <stdlib.h>
#include <string.h>

#include "abi/host/layout.h"
#include "cli/mem.h"
#include "lib/config.h"
#include "lib/sha256.h"

void settings_init(struct settings *s)
{
    *s = (struct settings){
        .memory_size = 4UL << 30,
        .stack_size = 8UL << 20,
        .brk_max = 1UL << 36,
        .elrange_bits = ELRANGE_BITS_DEFAULT,
        .ssa_frame_pages = 3,
        .fds_limit = 1024,
        .log_level = 1,
    };
}

void file_node_free(struct file_node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->child_count; i++)
        file_node_free(n->children[i]);
    free(n->children);
    free(n->target);
    free(n->name);
    free(n);
}

void settings_fini(struct settings *s)
{
    for (size_t i = 0; i < s->arg_count; i++)
        free(s->args[i]);
    for (size_t i = 0; i < s->exec_count; i++)
        free(s->exec[i]);
    for (size_t i = 0; i < s->env_count; i++) {
        free(s->env[i].name);
        free(s->env[i].value);
    }
    for (size_t i = 0; i < s->mount_count; i++) {
        free(s->mounts[i].path);
        free(s->mounts[i].source);
    }
    free(s->args);
    free(s->exec);
    free(s->env);
    free(s->mounts);
    free(s->entrypoint);
    free(s->start_dir);
    file_node_free(s->files);
    *s = (struct settings){0};
}

void settings_add_arg(struct settings *s, const char *arg)
{
    s->args = mem_push(s->args, s->arg_count, sizeof *s->args);
    s->args[s->arg_count++] = mem_string(arg);
}

void settings_add_exec(struct settings *s, const char *path)
{
    s->exec = mem_push(s->exec, s->exec_count, sizeof *s->exec);
    s->exec[s->exec_count++] = mem_string(path);
}

void settings_add_env(struct settings *s, const char *name, const char *value)
{
    size_t i = 0;
    while (i < s->env_count && strcmp(s->env[i].name, name) != 0)
        i++;
    if (i < s->env_count) {
        free(s->env[i].value);
    } else {
        s->env = mem_push(s->env, s->env_count, sizeof *s->env);
        s->env[s->env_count++].name = mem_string(name);
    }
    s->env[i].value = value ? mem_string(value) : NULL;
}

void settings_add_mount(struct settings *s, uint32_t kind, const char *path, const char *source)
{
    s->mounts = mem_push(s->mounts, s->mount_count, sizeof *s->mounts);
    s->mounts[s->mount_count++] = (struct settings_mount){
        .kind = kind,
        .path = mem_string(path),
        .source = source ? mem_string(source) : NULL,
    };
}

/* The blob in the making: base == NULL while counting. */
struct writer {
    uint8_t *base;
    size_t arrays;  /* next free byte for an array */
    size_t strings; /* next free byte for a string */
};

static struct config_array put_array(struct writer *w, size_t count, size_t size)
{
    struct config_array a = {count ? (uint32_t)w->arrays : 0, (uint32_t)count};
    w->arrays += (count * size + 7) & ~7UL;
    return a;
}

static struct config_str put_string(struct writer *w, const char *s)
{
    if (!s)
        return (struct config_str){0, 0};
    size_t len = strlen(s);
    struct config_str str = {(uint32_t)w->strings, (uint32_t)len};
    if (w->base)
        memcpy(w->base + w->strings, s, len + 1);
    w->strings += len + 1;
    return str;
}

static void put_element(struct writer *w, struct config_array a, size_t i, const void *e,
                        size_t size)
{
    if (w->base)
        memcpy(w->base + a.off + i * size, e, size);
}

static int env_compare(const void *a, const void *b)
{
    return strcmp(((const struct settings_env *)a)->name, ((const struct settings_env *)b)->name);
}

static struct config_array put_env(struct writer *w, const struct settings *s)
{
    struct config_array a = put_array(w, s->env_count, sizeof(struct config_env));
    if (s->env_count)
        qsort(s->env, s->env_count, sizeof *s->env, env_compare);
    for (size_t i = 0; i < s->env_count; i++) {
        struct config_env e = {
            .name = put_string(w, s->env[i].name),
            .value = put_string(w, s->env[i].value),
            .kind = s->env[i].value ? CONFIG_ENV_SET : CONFIG_ENV_HOST,
        };
        put_element(w, a, i, &e, sizeof e);
    }
    return a;
}

static struct config_array put_strings(struct writer *w, char *const *strings, size_t count)
{
    struct config_array a = put_array(w, count, sizeof(struct config_str));
    for (size_t i = 0; i < count; i++) {
        struct config_str str = put_string(w, strings[i]);
        put_element(w, a, i, &str, sizeof str);
    }
    return a;
}

static struct config_array put_mounts(struct writer *w, const struct settings *s)
{
    struct config_array a = put_array(w, s->mount_count, sizeof(struct config_mount));
    for (size_t i = 0; i < s->mount_count; i++) {
        struct config_mount m = {
            .kind = s->mounts[i].kind,
            .path = put_string(w, s->mounts[i].path),
            .source = put_string(w, s->mounts[i].source),
        };
        put_element(w, a, i, &m, sizeof m);
    }
    return a;
}

static size_t count_nodes(const struct file_node *n)
{
    size_t total = 1;
    for (size_t i = 0; i < n->child_count; i++)
        total += count_nodes(n->children[i]);
    return total;
}

static struct config_node make_node(struct writer *w, const struct file_node *n, uint32_t parent,
                                    size_t first)
{
    struct config_node c = {
        .name = put_string(w, n->name),
        .parent = parent,
        .kind = n->kind,
        .mode = n->mode,
        .first = n->child_count ? (uint32_t)first : 0,
        .count = (uint32_t)n->child_count,
        .size = n->size,
        .mtime = n->mtime,
        .data = n->kind == CONFIG_NODE_REG ? n->leaves : 0,
    };
    if (n->kind == CONFIG_NODE_LNK) {
        struct config_str target = put_string(w, n->target);
        c.data = target.off;
        c.size = target.len;
    }
    memcpy(c.root, n->root, sizeof c.root);
    return c;
}

/* Breadth-first: the queue is the table's order. */
static struct config_array put_nodes(struct writer *w, const struct settings *s)
{
    if (!s->files)
        return (struct config_array){0, 0};
    size_t count = count_nodes(s->files), next = 1;
    struct config_array a = put_array(w, count, sizeof(struct config_node));
    const struct file_node **queue = mem_grow(NULL, count, sizeof(struct file_node *));
    uint32_t *parent = mem_grow(NULL, count, sizeof *parent);
    queue[0] = s->files;
    parent[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const struct file_node *n = queue[i];
        struct config_node c = make_node(w, n, parent[i], next);
        put_element(w, a, i, &c, sizeof c);
        for (size_t k = 0; k < n->child_count; k++) {
            parent[next] = (uint32_t)i;
            queue[next++] = n->children[k];
        }
    }
    free(queue);
    free(parent);
    return a;
}

/* One pass over the measured part; afterwards w->arrays and w->strings are the ends. */
static void write_front(struct writer *w, const struct settings *s, struct config_header *h)
{
    *h = (struct config_header){
        .magic = CONFIG_MAGIC,
        .version = CONFIG_VERSION,
        .header_size = sizeof *h,
        .flags = s->flags,
        .memory_size = s->memory_size,
        .stack_size = s->stack_size,
        .brk_max = s->brk_max,
        .vcpu_count = s->vcpu_count,
        .elrange_bits = s->elrange_bits,
        .ssa_frame_pages = s->ssa_frame_pages,
        .fds_limit = s->fds_limit,
        .uid = s->uid,
        .gid = s->gid,
        .file_policy = s->file_policy,
        .log_level = s->log_level,
        .host_signals = s->host_signals,
        .leaves_len = s->leaves_len,
    };
    h->entrypoint = put_string(w, s->entrypoint);
    h->start_dir = put_string(w, s->start_dir);
    h->args = put_strings(w, s->args, s->arg_count);
    h->env = put_env(w, s);
    h->mounts = put_mounts(w, s);
    h->exec = put_strings(w, s->exec, s->exec_count);
}

/* The leaf hashes of the table, and what of them is measured. */
static bool hash_table(const struct writer *w, struct config_header *h, struct settings_hashes *out)
{
    size_t len = h->total - h->table_off, n = config_leaf_count(len);
    *out = (struct settings_hashes){.len = n * CONFIG_HASH_SIZE};
    if (!n)
        return true;
    out->data = malloc(out->len);
    if (!out->data)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t off = i * CONFIG_LEAF_SIZE;
        sha256(w->base + h->table_off + off,
               len - off < CONFIG_LEAF_SIZE ? len - off : CONFIG_LEAF_SIZE,
               out->data + i * CONFIG_HASH_SIZE);
    }
    h->table_hashes = h->leaves_len;
    h->leaves_len += out->len;
    sha256(out->data, out->len, h->table_root);
    return true;
}

void *settings_write(const struct settings *s, size_t *len, struct settings_hashes *hashes,
                     const char **why)
{
    struct writer front = {.arrays = sizeof(struct config_header)}, table = {0}, w;
    struct config_header h;
    struct config c;
    *hashes = (struct settings_hashes){NULL, 0};
    write_front(&front, s, &h);
    put_nodes(&table, s);
    h.table_off = front.arrays + front.strings;
    if (table.arrays)
        h.table_off = (h.table_off + CONFIG_LEAF_SIZE - 1) & ~(CONFIG_LEAF_SIZE - 1UL);
    uint64_t table_off = h.table_off;
    *len = table_off + table.arrays + table.strings;
    *why = "too large";
    if (*len > CONFIG_SIZE_MAX)
        return NULL;
    size_t room = (*len + PAGE_SIZE - 1) & PAGE_MASK;
    w = (struct writer){.base = aligned_alloc(PAGE_SIZE, room),
                        .arrays = sizeof(struct config_header),
                        .strings = front.arrays};
    *why = "out of memory";
    if (!w.base)
        return NULL;
    memset(w.base, 0, room);
    write_front(&w, s, &h);
    w.arrays = h.table_off = table_off;
    w.strings = table_off + table.arrays;
    h.nodes = put_nodes(&w, s);
    h.total = *len;
    bool ok = hash_table(&w, &h, hashes);
    memcpy(w.base, &h, sizeof h);
    if (ok && !config_check(&c, w.base, *len, why))
        return w.base;
    free(hashes->data);
    *hashes = (struct settings_hashes){NULL, 0};
    free(w.base);
    return NULL;
}
