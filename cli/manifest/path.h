/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths as text: URIs of a manifest, and normal forms.  Nothing here looks at the file system.
 */
#ifndef CLI_MANIFEST_PATH_H
#define CLI_MANIFEST_PATH_H

#include <stdbool.h>

/* The path of "file:PATH" (or "dev:PATH"), borrowed from uri; NULL if it is something else. */
const char *uri_path(const char *uri);

/*
 * `path` starting from the directory `base` if it is relative, without empty, "." and ".."
 * components (".." goes up lexically, above "/" stays there) and without a trailing slash.
 * base is absolute.  free() it.
 */
char *path_normal(const char *base, const char *path);

/* True if path is `dir` or below it; *rest is then what follows, "" or "/…".  Both normal. */
bool path_below(const char *path, const char *dir, const char **rest);

/* `dir` and "/name" or "" joined ("/" and "/name" give "/name").  free() it. */
char *path_join(const char *dir, const char *rest);

/* How to get from the directory `from` to `to` ("." if they are the same); both normal. */
char *path_relative(const char *from, const char *to);

#endif
