/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a request for a program: see control.h. */
#include "lib/control.h"

#include <linux/errno.h>
#include <stdbool.h>

#include "lib/string.h"

const char *control_next_string(const char *s)
{
    return s + strlen(s) + 1;
}

/* Passes n strings; NULL when there are fewer. */
static const char *pass(const char *at, const char *end, uint32_t n)
{
    for (; at && n; n--) {
        const char *nul = memchr(at, 0, (size_t)(end - at));
        at = nul ? nul + 1 : NULL;
    }
    return at;
}

static const char *check(const char *data, size_t len, uint32_t argc, uint32_t envc,
                         struct control_exec *out)
{
    const char *end = data + len;

    if (!argc)
        return "there is no argv[0]";
    /* Each string has a byte at least: neither count makes the walk longer than the data. */
    if (argc > len || envc > len)
        return "there are fewer strings than it says";
    out->program = data;
    out->cwd = pass(out->program, end, 1);
    out->args = pass(out->cwd, end, 1);
    out->envs = pass(out->args, end, argc);
    const char *last = pass(out->envs, end, envc);
    if (!last)
        return "there are fewer strings than it says";
    if (last != end)
        return "there are more strings than it says";
    if (!out->program[0] || out->cwd - out->program > CONTROL_PATH_MAX)
        return "the program's name is empty or too long";
    if ((out->cwd[0] && out->cwd[0] != '/') || out->args - out->cwd > CONTROL_PATH_MAX)
        return "the working directory is not absolute, or too long";
    return NULL;
}

int control_exec_check(const char *data, size_t len, uint32_t argc, uint32_t envc,
                       struct control_exec *out, const char **why)
{
    *why = check(data, len, argc, envc, out);
    return *why ? -EINVAL : 0;
}
