/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes as people write them: a number of bytes, or with K, M, G or T (powers of 1024).
 */
#ifndef CLI_SIZE_H
#define CLI_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* False if text is not a size or does not fit. */
bool size_parse(const char *text, uint64_t *bytes);

/* The shortest exact form, "8M" or "1000"; out holds SIZE_TEXT bytes. */
#define SIZE_TEXT 24
void size_format(uint64_t bytes, char *out);

#endif
