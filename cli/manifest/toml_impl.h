/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the halves of the TOML parser: toml.c (statements and tables), toml_value.c (values),
 * toml_string.c (strings).  Functions return false after toml_fail, and everything unwinds.
 */
#ifndef CLI_MANIFEST_TOML_IMPL_H
#define CLI_MANIFEST_TOML_IMPL_H

#include "cli/manifest/toml.h"

#define TOML_DEPTH_MAX 64

struct toml_parser {
    const char *p, *end; /* *end is NUL, so looking at *p is always allowed */
    unsigned int line;
    const char *seen; /* a place on this line, and its column: toml_here counts on from it */
    unsigned int seen_column;
    unsigned int section; /* counts table headers, from 1 */
    unsigned int depth;
    struct toml_error *err;
};

struct toml_key {
    char *text;
    size_t len;
    struct toml_place place;
};

struct toml_keys {
    struct toml_key *part;
    size_t count;
};

struct toml_place toml_here(struct toml_parser *t);
bool toml_fail(struct toml_parser *t, struct toml_place place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "expected … , found …" at the present place. */
bool toml_expected(struct toml_parser *t, const char *what);

struct toml_value *toml_new(enum toml_kind kind, struct toml_place place);
struct toml_value *toml_table_find(const struct toml_value *table, const char *key, size_t len);
/* The value or item is the table's or array's from then on; the key is copied. */
void toml_table_add(struct toml_value *table, const struct toml_key *key, struct toml_value *value);
void toml_array_add(struct toml_value *array, struct toml_value *item);

void toml_skip_blanks(struct toml_parser *t);
/* Blanks, comments and line ends. */
bool toml_skip_lines(struct toml_parser *t);
/* One line end, LF or CRLF; false if none is there (no error). */
bool toml_take_newline(struct toml_parser *t);

/* A dotted key; keys->part is to be freed with toml_keys_free even after an error. */
bool toml_parse_keys(struct toml_parser *t, struct toml_keys *keys);
void toml_keys_free(struct toml_keys *keys);

struct toml_value *toml_parse_value(struct toml_parser *t);
/* "= value", of a pair. */
struct toml_value *toml_parse_assigned(struct toml_parser *t);

/* The string at p (any of the four kinds; `multi` allows multi-line ones). */
bool toml_parse_string(struct toml_parser *t, bool multi, char **text, size_t *len);

#endif
