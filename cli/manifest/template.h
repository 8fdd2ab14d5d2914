/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables in manifests: `{{ NAME }}` stands for the value given with -D NAME=VALUE, and
 * `{{ env.NAME }}` for an environment variable, as in Gramine's templates.
 */
#ifndef CLI_MANIFEST_TEMPLATE_H
#define CLI_MANIFEST_TEMPLATE_H

#include <stddef.h>

struct template_vars {
    char **define; /* NAME=VALUE */
    size_t count;
};

/*
 * The text with its variables replaced; free() it.  NULL with *error (to be freed), as
 * "LINE:COL: what; fix".
 */
char *template_expand(const char *text, size_t *len, const struct template_vars *vars,
                      char **error);

#endif
