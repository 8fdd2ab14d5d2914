/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a TOML table against a list of known keys.
 *
 * Each message names the place, the key, what is wrong, and what to do about it; for a key that is
 * not known, the nearest one that is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/manifest/manifest_impl.h"
#include "cli/mem.h"
#include "cli/size.h"

static const char *const kind_names[] = {
    [TOML_STRING] = "a string", [TOML_INTEGER] = "an integer", [TOML_FLOAT] = "a float",
    [TOML_BOOL] = "a boolean",  [TOML_ARRAY] = "an array",     [TOML_TABLE] = "a table",
};

static const char *const kind_fixes[] = {
    [TOML_STRING] = "write \"…\"",       [TOML_INTEGER] = "write a number without quotes",
    [TOML_FLOAT] = "write a number",     [TOML_BOOL] = "write true or false without quotes",
    [TOML_ARRAY] = "write [ \"…\", … ]", [TOML_TABLE] = "write { … } or a [table]",
};

bool manifest_fail(struct manifest *m, struct toml_place place, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(m->error, sizeof m->error, "%s:%u:%u: ", m->name, place.line, place.column);
    if (n < 0 || n >= (int)sizeof m->error)
        return false;
    va_start(ap, fmt);
    vsnprintf(m->error + n, sizeof m->error - (size_t)n, fmt, ap);
    va_end(ap);
    return false;
}

bool schema_is(struct manifest *m, const char *path, const struct toml_value *v,
               enum toml_kind kind)
{
    if (v->kind == kind)
        return true;
    return manifest_fail(m, v->place, "%s must be %s, not %s; %s", path, kind_names[kind],
                         kind_names[v->kind], kind_fixes[kind]);
}

const char *schema_text(struct manifest *m, const char *path, const struct toml_value *v)
{
    if (!schema_is(m, path, v, TOML_STRING))
        return NULL;
    if (strlen(v->string.text) == v->string.len)
        return v->string.text;
    manifest_fail(m, v->place, "%s holds a NUL byte; remove it", path);
    return NULL;
}

int schema_word(struct manifest *m, const char *path, const struct toml_value *v,
                const char *const *words)
{
    char list[128];
    size_t len = 0;
    const char *text = schema_text(m, path, v);
    if (!text)
        return -1;
    for (int i = 0; words[i]; i++)
        if (!strcmp(text, words[i]))
            return i;
    for (int i = 0; words[i] && len < sizeof list; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s\"%s\"",
                                !i             ? ""
                                : words[i + 1] ? ", "
                                               : " or ",
                                words[i]);
    manifest_fail(m, v->place, "%s = \"%.40s\" is not known; write %s", path, text, list);
    return -1;
}

static bool is_default(const struct toml_value *v, const char *word)
{
    switch (v->kind) {
    case TOML_STRING: return !strcmp(v->string.text, word);
    case TOML_INTEGER: return v->integer == 0 && !*word;
    case TOML_BOOL: return !v->boolean && !*word;
    case TOML_ARRAY: return v->array.count == 0;
    case TOML_TABLE: return v->table.count == 0;
    default: return false;
    }
}

static bool store_size(struct manifest *m, const struct key *k, const char *path, uint64_t *to,
                       const struct toml_value *v)
{
    uint64_t size;
    const char *text = schema_text(m, path, v);
    if (!text)
        return false;
    if (!size_parse(text, &size))
        return manifest_fail(m, v->place, "%s = \"%.40s\" is not a size; write for example \"4G\"",
                             path, text);
    if (size < k->min || size > k->max) {
        char limit[SIZE_TEXT];
        size_format(size < k->min ? k->min : k->max, limit);
        return manifest_fail(m, v->place, "%s = \"%.40s\" is too %s; write at %s \"%s\"", path,
                             text, size < k->min ? "small" : "large",
                             size < k->min ? "least" : "most", limit);
    }
    *to = (size + 4095) & ~4095UL;
    return true;
}

static bool take_integer(struct manifest *m, const char *path, const struct toml_value *v,
                         uint64_t min, uint64_t max, uint64_t *n)
{
    if (!schema_is(m, path, v, TOML_INTEGER))
        return false;
    if (v->integer < 0 || (uint64_t)v->integer < min || (uint64_t)v->integer > max)
        return manifest_fail(m, v->place, "%s = %ld is out of range; write %lu to %lu", path,
                             v->integer, min, max);
    *n = (uint64_t)v->integer;
    return true;
}

static bool store_bool(struct manifest *m, const struct key *k, const char *path, uint64_t *to,
                       const struct toml_value *v)
{
    if (!schema_is(m, path, v, TOML_BOOL))
        return false;
    if (k->bits && v->boolean)
        *to |= k->bits;
    if (k->insecure && v->boolean)
        manifest_insecure(m, path);
    return true;
}

static bool store_string(struct manifest *m, const char *path, char **to,
                         const struct toml_value *v)
{
    const char *text = schema_text(m, path, v);
    if (!text)
        return false;
    free(*to);
    *to = mem_string(text);
    return true;
}

static bool store(struct manifest *m, const struct key *k, const char *path, void *target,
                  const struct toml_value *v)
{
    char *to = (char *)target + k->offset;
    uint64_t n = 0;
    switch (k->kind) {
    case KEY_IGNORE: return true;
    case KEY_BOOL: return store_bool(m, k, path, (void *)to, v);
    case KEY_SIZE: return store_size(m, k, path, (void *)to, v);
    case KEY_U32:
        if (!take_integer(m, path, v, k->min, k->max, &n))
            return false;
        *(uint32_t *)(void *)to = (uint32_t)n;
        return true;
    case KEY_U16:
        if (!take_integer(m, path, v, 0, UINT16_MAX, &n))
            return false;
        *(uint16_t *)(void *)to = (uint16_t)n;
        return true;
    case KEY_STRING: return store_string(m, path, (void *)to, v);
    case KEY_CALL: return k->call(m, target, path, v);
    case KEY_LATER:
        return is_default(v, k->word) ||
               manifest_fail(m, v->place, "%s is not supported yet; remove it", path);
    }
    return false;
}

#define WORD_MAX 100

/*
 * Number of insertions, deletions, replacements and swaps of neighbours that make b of a.
 * d[i][j] is that of the first i characters of a and the first j of b.
 */
static size_t edit_distance(const char *a, const char *b)
{
    static unsigned char d[WORD_MAX + 1][WORD_MAX + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            size_t best = i + j;
            if (i && j) {
                size_t other = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
                best = (size_t)(d[i - 1][j] < d[i][j - 1] ? d[i - 1][j] : d[i][j - 1]) + 1;
                best = other < best ? other : best;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1u < best)
                best = d[i - 2][j - 2] + 1u;
            d[i][j] = (unsigned char)best;
        }
    }
    return d[n][m];
}

/* Keys of old Gramine versions, and what became of them. */
static const struct {
    const char *old, *hint;
} renamed[] = {
    {"sgx.thread_num", "write sgx.max_threads"},
    {"sgx.rpc_thread_num", "remove it: Cella needs no such threads"},
    {"sgx.insecure__protected_files_key", "write an fs.mounts entry of type \"encrypted\""},
    {"sgx.protected_files", "write an fs.mounts entry of type \"encrypted\""},
    {"sgx.require_avx", "write sgx.cpu_features.avx"},
    {"sgx.require_avx512", "write sgx.cpu_features.avx512"},
    {"sgx.require_amx", "write sgx.cpu_features.amx"},
    {"sgx.require_mpx", "write sgx.cpu_features.mpx"},
    {"sgx.require_pkru", "write sgx.cpu_features.pkru"},
    {"sgx.require_exinfo", "remove it: Cella always has it"},
    {"sgx.nonpie_binary", "remove it: Cella always runs such programs"},
    {"sgx.ra_client_spid", "remove it: EPID is gone; write sgx.remote_attestation = \"dcap\""},
    {"sgx.ra_client_linkable", "remove it: EPID is gone"},
    {"sgx.zero_heap_on_demand", "remove it"},
    {"sgx.sigfile", "remove it: cella sign makes a bundle"},
    {"sgx.enclave_pal_file", "remove it"},
    {"loader.exec", "write libos.entrypoint"},
    {"loader.execname", "write libos.entrypoint"},
    {"loader.argv0_override", "write loader.argv"},
    {"loader.preload", "remove it"},
    {"loader.pal_internal_mem_size", "remove it"},
    {"loader.debug_type", "write loader.log_level"},
    {"fs.mount", "write [[fs.mounts]] or fs.mounts = [ … ]"},
    {"fs.experimental__enable_sysfs_topology", "remove it"},
};

/* Distance from `word` to the first components of a key's path, as many as `word` has. */
static size_t key_distance(const char *word, const char *path, char *prefix, size_t size)
{
    size_t dots = 0, len;
    for (const char *p = word; *p; p++)
        dots += *p == '.';
    for (len = 0; path[len] && (path[len] != '.' || dots--); len++)
        ;
    snprintf(prefix, size, "%.*s", (int)len, path);
    return edit_distance(word, prefix);
}

static bool unknown_key(struct manifest *m, const struct key *keys, size_t count,
                        const char *prefix, const char *path, struct toml_place place)
{
    char name[128], best[128] = "";
    size_t least = SIZE_MAX;
    for (size_t i = 0; !*prefix && i < sizeof renamed / sizeof renamed[0]; i++)
        if (!strcmp(path, renamed[i].old))
            return manifest_fail(m, place, "%s is no longer a key; %s", path, renamed[i].hint);
    for (size_t i = 0; i < count; i++) {
        size_t d = key_distance(path, keys[i].path, name, sizeof name);
        if (d < least) {
            least = d;
            memcpy(best, name, sizeof best);
        }
    }
    if (least <= strlen(path) / 3 + 1)
        return manifest_fail(m, place, "unknown key %s%.80s; did you mean %s%s?", prefix, path,
                             prefix, best);
    return manifest_fail(m, place, "unknown key %s%.80s; remove it", prefix, path);
}

/* True if some key lies below the table `path`. */
static bool has_keys_below(const struct key *keys, size_t count, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < count; i++)
        if (!strncmp(keys[i].path, path, n) && keys[i].path[n] == '.')
            return true;
    return false;
}

static const struct key *find_key(const struct key *keys, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(keys[i].path, path))
            return &keys[i];
    return NULL;
}

struct walk {
    struct manifest *m;
    const struct key *keys;
    size_t count;
    const char *prefix;
    void *target;
};

static bool walk_table(const struct walk *w, const char *above, const struct toml_value *table);

static bool walk_entry(const struct walk *w, const char *path, const struct toml_entry *e)
{
    const struct key *k = find_key(w->keys, w->count, path);
    if (k) {
        char *full = mem_format("%s%s", w->prefix, path);
        bool ok = store(w->m, k, full, w->target, e->value);
        free(full);
        return ok;
    }
    if (!has_keys_below(w->keys, w->count, path))
        return unknown_key(w->m, w->keys, w->count, w->prefix, path, e->place);
    return schema_is(w->m, path, e->value, TOML_TABLE) && walk_table(w, path, e->value);
}

static bool walk_table(const struct walk *w, const char *above, const struct toml_value *table)
{
    for (size_t i = 0; i < table->table.count; i++) {
        const struct toml_entry *e = &table->table.entries[i];
        if (strcspn(e->key, ".") != e->len)
            return manifest_fail(w->m, e->place, "unknown key \"%.80s\"; remove it", e->key);
        char *path = mem_format("%s%s%s", above, *above ? "." : "", e->key);
        bool ok = walk_entry(w, path, e);
        free(path);
        if (!ok)
            return false;
    }
    return true;
}

bool schema_apply(struct manifest *m, const struct key *keys, size_t count, const char *prefix,
                  void *target, const struct toml_value *table)
{
    const struct walk w = {m, keys, count, prefix, target};
    return walk_table(&w, "", table);
}
