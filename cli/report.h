/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of `cella inspect` and `cella doctor`: one tree of named values, printed as indented text
 * or as JSON, so that both show the same things.
 *
 * Inside an object each value has a key; inside a list pass NULL.  Text goes to the file as it
 * comes; nothing is kept but the nesting.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define REPORT_DEPTH 8

struct report {
    FILE *file;
    bool json;
    int depth;
    bool list[REPORT_DEPTH];
    bool more[REPORT_DEPTH]; /* something stands there already: a comma comes next */
};

/* The outermost object. */
void report_begin(struct report *r, FILE *file, bool json);
/* Flushes; false if the output could not be written. */
bool report_end(struct report *r);

void report_object(struct report *r, const char *key);
void report_list(struct report *r, const char *key);
/* Ends the innermost object or list. */
void report_close(struct report *r);

void report_string(struct report *r, const char *key, const char *value);
void report_number(struct report *r, const char *key, uint64_t value);
void report_bool(struct report *r, const char *key, bool value);
void report_hex(struct report *r, const char *key, const void *data, size_t len);
/* A number that people read in hexadecimal; a string "0x…" in JSON. */
void report_bits(struct report *r, const char *key, uint64_t value);
/* Bytes; text adds K, M, G where that is exact. */
void report_size(struct report *r, const char *key, uint64_t bytes);

#endif
