/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables in manifests.  Only plain names; of Gramine's Jinja language nothing else.
 */
#include "cli/manifest/template.h"

#include <stdlib.h>
#include <string.h>

#include "cli/mem.h"

static const char *find(const struct template_vars *vars, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = vars->count; i-- > 0;) /* the last -D counts */
        if (!strncmp(vars->define[i], name, n) && vars->define[i][n] == '=')
            return vars->define[i] + n + 1;
    return strncmp(name, "env.", 4) ? NULL : getenv(name + 4);
}

/* The name between {{ and }}, without blanks; NULL if there is no }} on the line. */
static char *take_name(const char *open, const char **after)
{
    const char *start = open + 2;
    const char *close = strstr(start, "}}");
    if (!close || memchr(start, '\n', (size_t)(close - start)))
        return NULL;
    *after = close + 2;
    while (*start == ' ')
        start++;
    while (close > start && close[-1] == ' ')
        close--;
    return mem_string_n(start, (size_t)(close - start));
}

static char *complain(const char *text, const char *at, const char *what)
{
    unsigned int line = 1, column = 1;
    for (const char *p = text; p < at; p++) {
        column = *p == '\n' ? 1 : column + ((*p & 0xc0) != 0x80);
        line += *p == '\n';
    }
    return mem_format("%u:%u: %s", line, column, what);
}

static void put(char **out, size_t *len, const char *s, size_t n)
{
    *out = mem_grow(*out, *len + n + 1, 1);
    memcpy(*out + *len, s, n);
    *len += n;
    (*out)[*len] = 0;
}

char *template_expand(const char *text, size_t *len, const struct template_vars *vars, char **error)
{
    char *out = NULL;
    size_t done = 0;
    const char *p = text, *end = text + *len, *open;
    put(&out, &done, "", 0);
    while ((open = memmem(p, (size_t)(end - p), "{{", 2))) {
        const char *after;
        char *name = take_name(open, &after);
        const char *value = name ? find(vars, name) : NULL;
        put(&out, &done, p, (size_t)(open - p));
        if (!value) {
            char *what = name ? mem_format("the variable {{ %s }} has no value; give it with "
                                           "-D %s=VALUE",
                                           name, name)
                              : mem_string("{{ without }} on the same line; add it");
            *error = complain(text, open, what);
            free(what);
            free(name);
            free(out);
            return NULL;
        }
        put(&out, &done, value, strlen(value));
        free(name);
        p = after;
    }
    put(&out, &done, p, (size_t)(end - p));
    *len = done;
    return out;
}
