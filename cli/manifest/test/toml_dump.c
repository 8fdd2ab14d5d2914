/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints TOML documents for comparison with Python's tomllib (toml_compare).
 *
 * Standard input: for each document a line with its length in bytes, then the document.  Standard
 * output: one line each, the document's value or "error LINE:COLUMN TEXT".  Values are written so
 * that nothing is lost: strings in hexadecimal, floats as the bits of a double, table keys in the
 * order of their bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/manifest/toml.h"

static void dump_bytes(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", (unsigned char)s[i]);
}

static int entry_compare(const void *pa, const void *pb)
{
    const struct toml_entry *a = pa, *b = pb;
    int order = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static void dump(const struct toml_value *v);

static void dump_table(const struct toml_value *v)
{
    if (v->table.count)
        qsort(v->table.entries, v->table.count, sizeof *v->table.entries, entry_compare);
    putchar('{');
    for (size_t i = 0; i < v->table.count; i++) {
        dump_bytes(v->table.entries[i].key, v->table.entries[i].len);
        putchar('=');
        dump(v->table.entries[i].value);
        putchar(';');
    }
    putchar('}');
}

static void dump(const struct toml_value *v)
{
    uint64_t bits;
    switch (v->kind) {
    case TOML_STRING:
        putchar('s');
        dump_bytes(v->string.text, v->string.len);
        break;
    case TOML_INTEGER: printf("i%ld", v->integer); break;
    case TOML_FLOAT:
        memcpy(&bits, &v->real, sizeof bits);
        if (v->real != v->real)
            printf("fnan");
        else
            printf("f%016lx", bits);
        break;
    case TOML_BOOL: printf("b%d", v->boolean); break;
    case TOML_ARRAY:
        putchar('[');
        for (size_t i = 0; i < v->array.count; i++) {
            dump(v->array.items[i]);
            putchar(',');
        }
        putchar(']');
        break;
    case TOML_TABLE: dump_table(v); break;
    }
}

int main(void)
{
    size_t len;
    while (scanf("%zu", &len) == 1 && getchar() == '\n') {
        struct toml_error err;
        char *text = malloc(len + 1);
        if (fread(text, 1, len, stdin) != len)
            return 1;
        struct toml_value *v = toml_parse(text, len, &err);
        free(text);
        if (v)
            dump(v);
        else
            printf("error %u:%u %s", err.place.line, err.place.column, err.text);
        putchar('\n');
        toml_free(v);
    }
    return 0;
}
