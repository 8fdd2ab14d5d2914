/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library's string functions that freestanding code needs, with the C library's names and
 * meaning, so that hosted unit tests link the real ones.  No vector registers are used.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *find);

/* Copies at most size-1 bytes and always ends dst with NUL; returns strlen(src). size > 0. */
static inline size_t str_copy(char *dst, const char *src, size_t size)
{
    size_t len = strlen(src);
    size_t n = len < size ? len : size - 1;
    memcpy(dst, src, n);
    dst[n] = '\0';
    return len;
}

#endif
