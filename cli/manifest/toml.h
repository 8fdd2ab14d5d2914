/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TOML 1.0 parser (https://toml.io/en/v1.0.0) without dates and times, which are refused.
 *
 * The document is a tree of values, each with the place where it stands, so that whoever reads the
 * tree can point at what is wrong.  A table keeps its keys in the order of the text.
 */
#ifndef CLI_MANIFEST_TOML_H
#define CLI_MANIFEST_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum toml_kind {
    TOML_STRING,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOL,
    TOML_ARRAY,
    TOML_TABLE,
};

struct toml_place {
    unsigned int line, column; /* from 1; columns count characters */
};

struct toml_value {
    enum toml_kind kind;
    struct toml_place place;
    union {
        struct {
            char *text; /* UTF-8, NUL-terminated, may hold NULs */
            size_t len;
        } string;
        int64_t integer;
        double real;
        bool boolean;
        struct {
            struct toml_value **items;
            size_t count;
        } array;
        struct {
            struct toml_entry *entries;
            size_t count;
        } table;
    };
    /* How the parser came by it; see toml.c. */
    bool frozen, opened;
    unsigned int section;
};

struct toml_entry {
    char *key; /* UTF-8, NUL-terminated, may hold NULs */
    size_t len;
    uint32_t hash;
    struct toml_place place; /* of the key */
    struct toml_value *value;
};

struct toml_error {
    struct toml_place place;
    char text[160];
};

/* The document's table, or NULL with *err. */
struct toml_value *toml_parse(const char *text, size_t len, struct toml_error *err);
void toml_free(struct toml_value *v);

/* The value of a key in a table, or NULL. */
struct toml_value *toml_get(const struct toml_value *table, const char *key);

#endif
