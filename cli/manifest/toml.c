/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML documents: keys, table headers, and who may add to which table.
 *
 * The rules of the specification come down to three marks on a value.  `frozen`: an inline table
 * or a static array, to which nothing can be added.  `opened`: a table whose own [header] has been
 * seen; a second one is an error.  `section`: the number of the section whose dotted keys made or
 * went through the table; from another section neither a header nor dotted keys may name it.
 */
#include "cli/manifest/toml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/mem.h"
#include "cli/manifest/toml_impl.h"

static void start_line(struct toml_parser *t, unsigned int line, const char *p)
{
    t->line = line;
    t->seen = p;
    t->seen_column = 1;
}

struct toml_place toml_here(struct toml_parser *t)
{
    for (; t->seen < t->p; t->seen++)
        t->seen_column += (*t->seen & 0xc0) != 0x80;
    return (struct toml_place){t->line, t->seen_column};
}

bool toml_fail(struct toml_parser *t, struct toml_place place, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    t->err->place = place;
    vsnprintf(t->err->text, sizeof t->err->text, fmt, ap);
    va_end(ap);
    return false;
}

bool toml_expected(struct toml_parser *t, const char *what)
{
    char found[32];
    unsigned char c = (unsigned char)*t->p;
    if (t->p == t->end)
        snprintf(found, sizeof found, "the end of the file");
    else if (c == '\n' || c == '\r')
        snprintf(found, sizeof found, "the end of the line");
    else if (c < 0x20 || c >= 0x7f)
        snprintf(found, sizeof found, "the byte 0x%02x", c);
    else
        snprintf(found, sizeof found, "\"%c\"", c);
    return toml_fail(t, toml_here(t), "expected %s, found %s", what, found);
}

struct toml_value *toml_new(enum toml_kind kind, struct toml_place place)
{
    struct toml_value *v = mem_new(sizeof *v);
    v->kind = kind;
    v->place = place;
    return v;
}

void toml_free(struct toml_value *v)
{
    if (!v)
        return;
    if (v->kind == TOML_STRING)
        free(v->string.text);
    if (v->kind == TOML_ARRAY) {
        for (size_t i = 0; i < v->array.count; i++)
            toml_free(v->array.items[i]);
        free(v->array.items);
    }
    if (v->kind == TOML_TABLE) {
        for (size_t i = 0; i < v->table.count; i++) {
            free(v->table.entries[i].key);
            toml_free(v->table.entries[i].value);
        }
        free(v->table.entries);
    }
    free(v);
}

static uint32_t key_hash(const char *key, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)key[i]) * 16777619u;
    return h;
}

struct toml_value *toml_table_find(const struct toml_value *table, const char *key, size_t len)
{
    uint32_t hash = key_hash(key, len);
    for (size_t i = 0; i < table->table.count; i++) {
        const struct toml_entry *e = &table->table.entries[i];
        if (e->hash == hash && e->len == len && !memcmp(e->key, key, len))
            return e->value;
    }
    return NULL;
}

struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
    return toml_table_find(table, key, strlen(key));
}

void toml_table_add(struct toml_value *table, const struct toml_key *key, struct toml_value *value)
{
    size_t n = table->table.count;
    table->table.entries = mem_push(table->table.entries, n, sizeof *table->table.entries);
    table->table.entries[n] = (struct toml_entry){
        .key = mem_string_n(key->text, key->len),
        .len = key->len,
        .hash = key_hash(key->text, key->len),
        .place = key->place,
        .value = value,
    };
    table->table.count++;
}

void toml_array_add(struct toml_value *array, struct toml_value *item)
{
    size_t n = array->array.count++;
    array->array.items = mem_push(array->array.items, n, sizeof(struct toml_value *));
    array->array.items[n] = item;
}

void toml_skip_blanks(struct toml_parser *t)
{
    while (*t->p == ' ' || *t->p == '\t')
        t->p++;
}

bool toml_take_newline(struct toml_parser *t)
{
    if (*t->p == '\r' && t->p[1] == '\n')
        t->p++;
    if (*t->p != '\n')
        return false;
    t->p++;
    start_line(t, t->line + 1, t->p);
    return true;
}

static bool skip_comment(struct toml_parser *t)
{
    if (*t->p != '#')
        return true;
    for (; t->p < t->end && *t->p != '\n'; t->p++) {
        unsigned char c = (unsigned char)*t->p;
        if (c == '\r' && t->p[1] == '\n')
            break;
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return toml_fail(t, toml_here(t), "a comment may not hold the control character 0x%02x",
                             c);
    }
    return true;
}

bool toml_skip_lines(struct toml_parser *t)
{
    do {
        toml_skip_blanks(t);
        if (!skip_comment(t))
            return false;
    } while (toml_take_newline(t));
    return true;
}

void toml_keys_free(struct toml_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        free(keys->part[i].text);
    free(keys->part);
}

static bool parse_key(struct toml_parser *t, struct toml_key *k)
{
    k->place = toml_here(t);
    if (*t->p == '"' || *t->p == '\'')
        return toml_parse_string(t, false, &k->text, &k->len);
    size_t n = strspn(t->p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (!n) {
        toml_expected(t, "a key");
        return false;
    }
    k->text = mem_string_n(t->p, n);
    k->len = n;
    t->p += n;
    return true;
}

bool toml_parse_keys(struct toml_parser *t, struct toml_keys *keys)
{
    for (;;) {
        keys->part = mem_push(keys->part, keys->count, sizeof *keys->part);
        struct toml_key *k = &keys->part[keys->count];
        *k = (struct toml_key){0};
        toml_skip_blanks(t);
        if (!parse_key(t, k))
            return false;
        keys->count++;
        if (keys->count > TOML_DEPTH_MAX)
            return toml_fail(t, k->place, "tables are nested too deeply");
        toml_skip_blanks(t);
        if (*t->p != '.')
            return true;
        t->p++;
    }
}

/* From `table` to its subtable k, made if need be; through an array of tables to its last. */
static struct toml_value *enter(struct toml_parser *t, struct toml_value *table, struct toml_key *k)
{
    struct toml_value *next = toml_table_find(table, k->text, k->len);
    if (!next) {
        next = toml_new(TOML_TABLE, k->place);
        toml_table_add(table, k, next);
        return next;
    }
    if (next->kind == TOML_ARRAY && !next->frozen)
        return next->array.items[next->array.count - 1];
    if (next->kind == TOML_TABLE && !next->frozen)
        return next;
    toml_fail(t, k->place, "\"%s\" has a value already and cannot be extended", k->text);
    return NULL;
}

static bool taken_elsewhere(const struct toml_parser *t, const struct toml_value *table)
{
    return table->opened || (table->section && table->section != t->section);
}

/* The table that the last of `keys` is in, made if need be; NULL after an error. */
static struct toml_value *enter_all(struct toml_parser *t, struct toml_value *root,
                                    struct toml_keys *keys)
{
    struct toml_value *table = root;
    for (size_t i = 0; table && i + 1 < keys->count; i++)
        table = enter(t, table, &keys->part[i]);
    return table;
}

/* [a.b]; the table that follows, or NULL. */
static struct toml_value *open_table(struct toml_parser *t, struct toml_value *root,
                                     struct toml_keys *keys)
{
    struct toml_value *table = enter_all(t, root, keys);
    struct toml_key *last = &keys->part[keys->count - 1];
    if (!table)
        return NULL;
    struct toml_value *old = toml_table_find(table, last->text, last->len);
    if (old && (old->kind != TOML_TABLE || old->frozen || taken_elsewhere(t, old))) {
        toml_fail(t, last->place, "the table \"%s\" is defined already, in line %u", last->text,
                  old->place.line);
        return NULL;
    }
    table = enter(t, table, last);
    table->opened = true;
    return table;
}

/* [[a.b]]; the new element, or NULL. */
static struct toml_value *open_element(struct toml_parser *t, struct toml_value *root,
                                       struct toml_keys *keys)
{
    struct toml_value *table = enter_all(t, root, keys);
    struct toml_key *last = &keys->part[keys->count - 1];
    if (!table)
        return NULL;
    struct toml_value *array = toml_table_find(table, last->text, last->len);
    if (array && (array->kind != TOML_ARRAY || array->frozen)) {
        toml_fail(t, last->place, "\"%s\" is no array of tables (line %u)", last->text,
                  array->place.line);
        return NULL;
    }
    struct toml_value *element = toml_new(TOML_TABLE, last->place);
    if (!array) {
        array = toml_new(TOML_ARRAY, last->place);
        toml_table_add(table, last, array);
    }
    toml_array_add(array, element);
    element->opened = true;
    return element;
}

static bool parse_header(struct toml_parser *t, struct toml_value *root, struct toml_value **table)
{
    struct toml_keys keys = {0};
    bool element = t->p[1] == '[';
    t->p += element ? 2 : 1;
    t->section++;
    bool ok = toml_parse_keys(t, &keys);
    if (ok && (*t->p != ']' || (element && t->p[1] != ']')))
        ok = toml_expected(t, element ? "\"]]\"" : "\"]\"");
    if (ok) {
        t->p += element ? 2 : 1;
        *table = element ? open_element(t, root, &keys) : open_table(t, root, &keys);
        ok = *table;
    }
    toml_keys_free(&keys);
    return ok;
}

/* Where a dotted key of this section leads; NULL after an error. */
static struct toml_value *dotted_parent(struct toml_parser *t, struct toml_value *table,
                                        struct toml_keys *keys)
{
    for (size_t i = 0; table && i + 1 < keys->count; i++) {
        struct toml_key *k = &keys->part[i];
        struct toml_value *old = toml_table_find(table, k->text, k->len);
        if (old && old->kind == TOML_ARRAY) {
            toml_fail(t, k->place, "\"%s\" is an array", k->text);
            return NULL;
        }
        if (old && old->kind == TOML_TABLE && taken_elsewhere(t, old)) {
            toml_fail(t, k->place, "the table \"%s\" is defined already, in line %u", k->text,
                      old->place.line);
            return NULL;
        }
        table = enter(t, table, k);
        if (table)
            table->section = t->section;
    }
    return table;
}

static bool parse_pair(struct toml_parser *t, struct toml_value *table)
{
    struct toml_keys keys = {0};
    struct toml_value *parent, *value;
    bool ok = false;
    if (!toml_parse_keys(t, &keys))
        goto out;
    value = toml_parse_assigned(t);
    if (!value)
        goto out;
    parent = dotted_parent(t, table, &keys);
    struct toml_key *last = &keys.part[keys.count - 1];
    if (parent && !toml_table_find(parent, last->text, last->len)) {
        toml_table_add(parent, last, value);
        ok = true;
        goto out;
    }
    if (parent)
        toml_fail(t, last->place, "\"%s\" has a value already", last->text);
    toml_free(value);
out:
    toml_keys_free(&keys);
    return ok;
}

static bool parse_statement(struct toml_parser *t, struct toml_value *root,
                            struct toml_value **table)
{
    if (*t->p == '[' ? !parse_header(t, root, table) : !parse_pair(t, *table))
        return false;
    toml_skip_blanks(t);
    if (!skip_comment(t))
        return false;
    return t->p == t->end || toml_take_newline(t) || toml_expected(t, "the end of the line");
}

/* The whole text must be UTF-8 without NULs: every function above relies on it. */
static bool check_text(struct toml_parser *t)
{
    const unsigned char *p = (const unsigned char *)t->p;
    const unsigned char *end = (const unsigned char *)t->end;
    while (p < end) {
        int n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
        bool ok = *p && (*p < 0x80 || (*p >= 0xc2 && *p <= 0xf4)) && end - p >= n;
        for (int i = 1; ok && i < n; i++)
            ok = (p[i] & 0xc0) == 0x80;
        if (ok && n > 2)
            ok = !((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
                   (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f));
        if (!ok) {
            t->p = (const char *)p;
            return toml_fail(t, toml_here(t), *p ? "not UTF-8" : "a NUL byte");
        }
        if (*p == '\n')
            start_line(t, t->line + 1, (const char *)p + 1);
        p += n;
    }
    return true;
}

struct toml_value *toml_parse(const char *text, size_t len, struct toml_error *err)
{
    char *copy = mem_string_n(text, len); /* NUL-terminated */
    struct toml_parser t = {.p = copy, .end = copy + len, .section = 1, .err = err};
    struct toml_value *root = toml_new(TOML_TABLE, (struct toml_place){1, 1}), *table = root;
    start_line(&t, 1, copy);
    bool ok = check_text(&t);
    start_line(&t, 1, copy);
    while (ok && (ok = toml_skip_lines(&t)) && t.p < t.end)
        ok = parse_statement(&t, root, &table);
    free(copy);
    if (ok)
        return root;
    toml_free(root);
    return NULL;
}
