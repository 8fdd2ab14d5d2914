/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that cannot fail, from the caller's point of view.
 */
#include "cli/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/say.h"

static void *checked(void *p)
{
    if (!p) {
        say_error("out of memory");
        exit(EXIT_CELLA);
    }
    return p;
}

void *mem_new(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *mem_grow(void *p, size_t count, size_t size)
{
    return checked(reallocarray(p, count ? count : 1, size));
}

void *mem_push(void *p, size_t count, size_t size)
{
    if (count & (count - 1)) /* not at a power of two (or zero): there is room */
        return p;
    return mem_grow(p, count ? 2 * count : 1, size);
}

char *mem_string(const char *s)
{
    return checked(strdup(s));
}

char *mem_string_n(const char *s, size_t len)
{
    char *p = mem_new(len + 1);
    memcpy(p, s, len);
    return p;
}

char *mem_format(const char *fmt, ...)
{
    char *s;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return checked(n < 0 ? NULL : s);
}
