/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing of sizes.
 */
#include "cli/size.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool size_parse(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGTkmgt";
    uint64_t n = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            return false;
    if (p == text)
        return false;
    const char *unit = *p ? strchr(units, *p) : NULL;
    if (*p && (!unit || p[1]))
        return false;
    for (long i = unit ? (unit - units) % 4 + 1 : 0; i > 0; i--)
        if (__builtin_mul_overflow(n, 1024, &n))
            return false;
    *bytes = n;
    return true;
}

void size_format(uint64_t bytes, char *out)
{
    static const char units[] = " KMGT";
    int unit = 0;
    while (bytes && bytes % 1024 == 0 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, SIZE_TEXT, unit ? "%lu%c" : "%lu", bytes, units[unit]);
}
