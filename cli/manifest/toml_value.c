/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML values: numbers, booleans, arrays and inline tables.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/mem.h"
#include "cli/manifest/toml_impl.h"

/* What a bare value may consist of; its end is where something else stands. */
static size_t token_length(const char *p)
{
    return strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.:");
}

static bool is_digit(char c, int base)
{
    if (c >= '0' && c <= '9')
        return c - '0' < base;
    return base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
}

/* Copies digits of s[*i …) to out without the underscores that separate them; false if none. */
static bool copy_digits(const char *s, size_t *i, int base, char *out, size_t *n)
{
    if (!is_digit(s[*i], base))
        return false;
    while (is_digit(s[*i], base) || (s[*i] == '_' && is_digit(s[*i + 1], base))) {
        if (s[*i] != '_')
            out[(*n)++] = s[*i];
        ++*i;
    }
    return true;
}

static bool parse_prefixed(const char *s, size_t len, char *out, struct toml_value *v)
{
    static const struct {
        char letter;
        int base;
    } kinds[] = {{'x', 16}, {'o', 8}, {'b', 2}};
    for (size_t k = 0; k < 3; k++) {
        size_t i = 2, n = 0;
        if (s[1] != kinds[k].letter || !copy_digits(s, &i, kinds[k].base, out, &n) || i != len)
            continue;
        out[n] = 0;
        errno = 0;
        v->kind = TOML_INTEGER;
        v->integer = strtoll(out, NULL, kinds[k].base);
        return !errno;
    }
    return false;
}

/* Decimal integer or float: [sign] digits [. digits] [e [sign] digits]. */
static bool parse_decimal(const char *s, size_t len, char *out, struct toml_value *v)
{
    size_t i = 0, n = 0;
    if (s[0] == '+' || s[0] == '-')
        out[n++] = s[i++];
    size_t first = i;
    if (!copy_digits(s, &i, 10, out, &n) || (s[first] == '0' && i > first + 1))
        return false;
    v->kind = i == len ? TOML_INTEGER : TOML_FLOAT;
    if (s[i] == '.') {
        out[n++] = s[i++];
        if (!copy_digits(s, &i, 10, out, &n))
            return false;
    }
    if (s[i] == 'e' || s[i] == 'E') {
        out[n++] = s[i++];
        if (s[i] == '+' || s[i] == '-')
            out[n++] = s[i++];
        if (!copy_digits(s, &i, 10, out, &n))
            return false;
    }
    out[n] = 0;
    errno = 0;
    if (v->kind == TOML_FLOAT)
        v->real = strtod(out, NULL);
    else
        v->integer = strtoll(out, NULL, 10);
    return i == len && (v->kind == TOML_FLOAT || !errno);
}

static bool parse_special(const char *s, size_t len, struct toml_value *v)
{
    double sign = s[0] == '-' ? -1 : 1;
    if (s[0] == '+' || s[0] == '-') {
        s++;
        len--;
    }
    if (len != 3 || (strncmp(s, "inf", 3) != 0 && strncmp(s, "nan", 3) != 0))
        return false;
    v->kind = TOML_FLOAT;
    v->real = s[0] == 'i' ? sign * (double)INFINITY : (double)NAN;
    return true;
}

/* 1979-05-27…, 07:32…: valid TOML, but no key of a manifest has such a value. */
static bool looks_like_date(const char *s, size_t len)
{
    size_t digits = strspn(s, "0123456789");
    return (digits == 4 && len > 4 && s[4] == '-') || (digits == 2 && len > 2 && s[2] == ':');
}

static bool parse_token(struct toml_parser *t, struct toml_value *v)
{
    const char *s = t->p;
    size_t len = token_length(s);
    if (!len)
        return toml_expected(t, "a value");
    t->p += len;
    if ((len == 4 && !strncmp(s, "true", 4)) || (len == 5 && !strncmp(s, "false", 5))) {
        v->kind = TOML_BOOL;
        v->boolean = len == 4;
        return true;
    }
    if (looks_like_date(s, len))
        return toml_fail(t, v->place, "dates and times are not supported; write a string");
    char *out = mem_new(len + 1);
    /* The copy ends the token for the functions below, which look one character ahead. */
    char *copy = mem_string_n(s, len);
    bool ok = (copy[0] == '0' && len > 2 && parse_prefixed(copy, len, out, v)) ||
              parse_decimal(copy, len, out, v) || parse_special(copy, len, v);
    free(out);
    free(copy);
    if (ok)
        return true;
    return toml_fail(t, v->place, "\"%.*s\" is no value; is a string without quotes meant?",
                     (int)(len > 40 ? 40 : len), s);
}

static bool parse_array(struct toml_parser *t, struct toml_value *v)
{
    v->kind = TOML_ARRAY;
    v->frozen = true;
    t->p++;
    for (;;) {
        if (!toml_skip_lines(t))
            return false;
        if (*t->p == ']')
            break;
        struct toml_value *item = toml_parse_value(t);
        if (!item)
            return false;
        toml_array_add(v, item);
        if (!toml_skip_lines(t))
            return false;
        if (*t->p == ']')
            break;
        if (*t->p != ',')
            return toml_expected(t, "\",\" or \"]\"");
        t->p++;
    }
    t->p++;
    return true;
}

/* Where a dotted key leads inside an inline table; NULL after an error. */
static struct toml_value *inline_parent(struct toml_parser *t, struct toml_value *table,
                                        struct toml_keys *keys)
{
    for (size_t i = 0; i + 1 < keys->count; i++) {
        struct toml_key *k = &keys->part[i];
        struct toml_value *next = toml_table_find(table, k->text, k->len);
        if (!next) {
            next = toml_new(TOML_TABLE, k->place);
            toml_table_add(table, k, next);
        } else if (next->kind != TOML_TABLE || next->frozen) {
            toml_fail(t, k->place, "\"%s\" has a value already", k->text);
            return NULL;
        }
        table = next;
    }
    return table;
}

static bool parse_pair(struct toml_parser *t, struct toml_value *table)
{
    struct toml_keys keys = {0};
    struct toml_value *parent, *value;
    bool ok = false;
    if (!toml_parse_keys(t, &keys) || !(parent = inline_parent(t, table, &keys)))
        goto out;
    struct toml_key *last = &keys.part[keys.count - 1];
    if (toml_table_find(parent, last->text, last->len)) {
        toml_fail(t, last->place, "\"%s\" has a value already", last->text);
        goto out;
    }
    value = toml_parse_assigned(t);
    if (value)
        toml_table_add(parent, last, value);
    ok = value;
out:
    toml_keys_free(&keys);
    return ok;
}

static bool parse_inline_table(struct toml_parser *t, struct toml_value *v)
{
    v->kind = TOML_TABLE;
    t->p++;
    toml_skip_blanks(t);
    while (*t->p != '}') {
        if (!parse_pair(t, v))
            return false;
        toml_skip_blanks(t);
        if (*t->p == '}')
            break;
        if (*t->p != ',')
            return toml_expected(t, "\",\" or \"}\" (an inline table stands on one line)");
        t->p++;
        toml_skip_blanks(t);
        if (*t->p == '}')
            return toml_expected(t, "a key after \",\"");
    }
    t->p++;
    v->frozen = true;
    return true;
}

static bool parse_into(struct toml_parser *t, struct toml_value *v)
{
    switch (*t->p) {
    case '"':
    case '\'':
        v->kind = TOML_STRING;
        return toml_parse_string(t, true, &v->string.text, &v->string.len);
    case '[': return parse_array(t, v);
    case '{': return parse_inline_table(t, v);
    default: return parse_token(t, v);
    }
}

struct toml_value *toml_parse_value(struct toml_parser *t)
{
    if (t->depth == TOML_DEPTH_MAX) {
        toml_fail(t, toml_here(t), "arrays and tables are nested too deeply");
        return NULL;
    }
    /* As a boolean it owns nothing until the value is whole. */
    struct toml_value *v = toml_new(TOML_BOOL, toml_here(t));
    t->depth++;
    bool ok = parse_into(t, v);
    t->depth--;
    if (ok)
        return v;
    toml_free(v);
    return NULL;
}

struct toml_value *toml_parse_assigned(struct toml_parser *t)
{
    if (*t->p != '=') {
        toml_expected(t, "\"=\"");
        return NULL;
    }
    t->p++;
    toml_skip_blanks(t);
    return toml_parse_value(t);
}
