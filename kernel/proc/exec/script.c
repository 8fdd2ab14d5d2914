/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "#!" lines, as Linux's binfmt_script reads them: the interpreter's path after optional blanks,
 * then at most one argument, which is the rest of the line with blanks trimmed at both ends.  The
 * line ends at a newline or a NUL; one that does not end within SCRIPT_HEAD bytes is accepted
 * only if the interpreter's path itself is complete (its argument is then cut, as Linux does).
 */
#include <linux/errno.h>

#include "kernel/proc/exec/exec_impl.h"
#include "lib/string.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_end(char c)
{
    return is_blank(c) || c == '\0';
}

/* The line's end, or NULL when it is not within the head. */
static const char *line_end(const char *p, const char *end)
{
    for (; p < end; p++)
        if (*p == '\n' || *p == '\0')
            return p;
    return NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

int script_parse(const char *head, size_t n, struct script *out)
{
    if (n > SCRIPT_HEAD)
        n = SCRIPT_HEAD;
    if (n < 2 || head[0] != '#' || head[1] != '!')
        return -ENOEXEC;
    const char *start = head + 2;
    const char *end = line_end(start, head + n);
    bool cut = false;
    if (!end) {
        end = head + n;
        cut = n == SCRIPT_HEAD; /* a shorter file simply ends here */
    }
    while (end > start && is_blank(end[-1]) && !cut)
        end--;
    const char *interp = skip_blanks(start, end);
    const char *interp_end = interp;
    while (interp_end < end && !is_end(*interp_end))
        interp_end++;
    if (interp == interp_end || (cut && interp_end == end))
        return -ENOEXEC;
    memcpy(out->interp, interp, (size_t)(interp_end - interp));
    out->interp[interp_end - interp] = '\0';

    const char *arg = skip_blanks(interp_end, end);
    while (end > arg && is_blank(end[-1]))
        end--;
    memcpy(out->arg, arg, (size_t)(end - arg));
    out->arg[end - arg] = '\0';
    return 0;
}
