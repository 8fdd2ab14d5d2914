/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths as text.
 */
#include "cli/manifest/path.h"

#include <stdlib.h>
#include <string.h>

#include "cli/mem.h"

const char *uri_path(const char *uri)
{
    if (!strncmp(uri, "file:", 5))
        return uri + 5;
    if (!strncmp(uri, "dev:", 4))
        return uri + 4;
    return NULL;
}

/* Appends the components of `path` to out, which holds `len` bytes of a normal path without "/". */
static size_t append(char *out, size_t len, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (len && out[--len] != '/')
                ;
        } else if (n && !(n == 1 && path[0] == '.')) {
            out[len++] = '/';
            memcpy(out + len, path, n);
            len += n;
        }
        path += n;
        path += *path == '/';
    }
    return len;
}

char *path_normal(const char *base, const char *path)
{
    char *out = mem_new(strlen(base) + strlen(path) + 3);
    size_t len = path[0] == '/' ? 0 : append(out, 0, base);
    len = append(out, len, path);
    if (!len)
        out[len++] = '/';
    out[len] = 0;
    return out;
}

bool path_below(const char *path, const char *dir, const char **rest)
{
    size_t n = strlen(dir);
    if (n == 1) { /* "/" */
        *rest = path[1] ? path : "";
        return true;
    }
    if (strncmp(path, dir, n) != 0 || (path[n] && path[n] != '/'))
        return false;
    *rest = path + n;
    return true;
}

char *path_join(const char *dir, const char *rest)
{
    if (!*rest)
        return mem_string(dir);
    return mem_format("%s%s", dir[1] ? dir : "", rest);
}

char *path_relative(const char *from, const char *to)
{
    size_t same = 0; /* length of the common directory */
    for (size_t i = 0;; i++) {
        bool from_ends = !from[i] || from[i] == '/', to_ends = !to[i] || to[i] == '/';
        if (from_ends && to_ends)
            same = i;
        if (from[i] != to[i] || !from[i])
            break;
    }
    char *out = mem_string("");
    for (const char *p = from + same; *p; p++) {
        if (*p != '/' || !p[1])
            continue;
        char *up = mem_format("../%s", out);
        free(out);
        out = up;
    }
    to += same + (to[same] == '/');
    char *path = mem_format("%s%s", out, to);
    free(out);
    size_t len = strlen(path);
    if (len && path[len - 1] == '/')
        path[--len] = 0;
    if (len)
        return path;
    free(path);
    return mem_string(".");
}
