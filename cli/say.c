/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages.  Each is one write, so that lines of several processes do not mix.
 */
#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

int say_level;

__attribute__((format(printf, 1, 0))) static void say(const char *fmt, va_list ap)
{
    char line[4096];
    int n = snprintf(line, sizeof line, "cella: ");
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
    if (m > 0)
        n = n + m < (int)sizeof line - 2 ? n + m : (int)sizeof line - 2;
    line[n++] = '\n';
    ssize_t done = write(STDERR_FILENO, line, (size_t)n);
    (void)done; /* nowhere left to complain */
}

void say_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void say_note(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (say_level >= 0)
        say(fmt, ap);
    va_end(ap);
}

void say_detail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (say_level > 0)
        say(fmt, ap);
    va_end(ap);
}
