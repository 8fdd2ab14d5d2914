/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for short-lived tools: these calls end the process with one line if there is none left.
 */
#ifndef CLI_MEM_H
#define CLI_MEM_H

#include <stddef.h>

void *mem_new(size_t size); /* zeroed */
void *mem_grow(void *p, size_t count, size_t size);
/* Room for one more in an array of `count` elements that grows by doubling. */
void *mem_push(void *p, size_t count, size_t size);
char *mem_string(const char *s);
char *mem_string_n(const char *s, size_t len);
char *mem_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
