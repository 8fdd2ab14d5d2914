/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory and string functions for freestanding code.
 *
 * Copies of up to 32 bytes are two overlapping pairs of moves, up to 256 a loop of 32, beyond that
 * `rep movsb`, which current processors turn into full-line moves.  memcpy may be what the compiler
 * calls for a struct assignment, so nothing here may be turned into a call of itself: the file is
 * compiled with -fno-tree-loop-distribute-patterns by the pragma below.
 */
#include "lib/string.h"

#include <stdint.h>

#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;
typedef uint32_t __attribute__((may_alias, aligned(1))) half_t;
typedef uint16_t __attribute__((may_alias, aligned(1))) quarter_t;

#define ONES 0x0101010101010101UL
#define HIGHS 0x8080808080808080UL
#define HAS_ZERO(w) (((w)-ONES) & ~(w)&HIGHS)
#define STRING_REP_MIN 256 /* from here on the string instructions win */

/* n <= 32; all loads come before the stores, so the ranges may overlap. */
static inline void copy_small(char *d, const char *s, size_t n)
{
    if (n >= 16) {
        word_t a = *(const word_t *)s, b = *(const word_t *)(s + 8);
        word_t y = *(const word_t *)(s + n - 16), z = *(const word_t *)(s + n - 8);
        *(word_t *)d = a;
        *(word_t *)(d + 8) = b;
        *(word_t *)(d + n - 16) = y;
        *(word_t *)(d + n - 8) = z;
    } else if (n >= 8) {
        word_t a = *(const word_t *)s, z = *(const word_t *)(s + n - 8);
        *(word_t *)d = a;
        *(word_t *)(d + n - 8) = z;
    } else if (n >= 4) {
        half_t a = *(const half_t *)s, z = *(const half_t *)(s + n - 4);
        *(half_t *)d = a;
        *(half_t *)(d + n - 4) = z;
    } else if (n) {
        char a = s[0], b = s[n / 2], z = s[n - 1];
        d[0] = a;
        d[n / 2] = b;
        d[n - 1] = z;
    }
}

static inline void copy_rep(void *d, const void *s, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    char *d = dst;
    const char *s = src;

    if (n >= STRING_REP_MIN) {
        copy_rep(d, s, n);
        return dst;
    }
    for (; n > 32; n -= 32, d += 32, s += 32) {
        word_t a = *(const word_t *)s, b = *(const word_t *)(s + 8);
        word_t e = *(const word_t *)(s + 16), f = *(const word_t *)(s + 24);
        *(word_t *)d = a;
        *(word_t *)(d + 8) = b;
        *(word_t *)(d + 16) = e;
        *(word_t *)(d + 24) = f;
    }
    copy_small(d, s, n);
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;

    if ((uintptr_t)d - (uintptr_t)s >= n) {
        /* The destination does not start inside the source: rising order is safe. */
        if (n >= STRING_REP_MIN) {
            copy_rep(d, s, n);
            return dst;
        }
        for (; n > 32; n -= 8, d += 8, s += 8)
            *(word_t *)d = *(const word_t *)s;
        copy_small(d, s, n);
        return dst;
    }
    for (; n > 32; n -= 8)
        *(word_t *)(d + n - 8) = *(const word_t *)(s + n - 8);
    copy_small(d, s, n);
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    char *d = dst;
    uint64_t w = (uint8_t)c * ONES;

    if (n >= STRING_REP_MIN) {
        void *p = dst;
        __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
        return dst;
    }
    if (n < 8) {
        if (n >= 4) {
            *(half_t *)d = (half_t)w;
            *(half_t *)(d + n - 4) = (half_t)w;
        } else if (n) {
            d[0] = d[n / 2] = d[n - 1] = (char)c;
        }
        return dst;
    }
    *(word_t *)(d + n - 8) = w;
    for (size_t i = 0; i + 8 < n; i += 8)
        *(word_t *)(d + i) = w;
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;

    while (n >= 8 && *(const word_t *)p == *(const word_t *)q) {
        p += 8;
        q += 8;
        n -= 8;
    }
    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    for (const uint8_t *p = s; n; n--, p++)
        if (*p == (uint8_t)c)
            return (void *)(uintptr_t)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while ((uintptr_t)p % 8)
        if (!*p++)
            return (size_t)(p - 1 - s);
    /* Whole aligned words never reach into a page that the string is not in. */
    while (!HAS_ZERO(*(const word_t *)p))
        p += 8;
    while (*p)
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    const char *end = memchr(s, 0, max);
    return end ? (size_t)(end - s) : max;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; a++, b++, n--)
        ;
    return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;
    do {
        if (*s == (char)c)
            found = s;
    } while (*s++);
    return (char *)(uintptr_t)found;
}

char *strstr(const char *s, const char *find)
{
    size_t n = strlen(find);
    for (; *s || !n; s++)
        if (!strncmp(s, find, n))
            return (char *)(uintptr_t)s;
    return NULL;
}
