/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines: see argp.h.  Options may be abbreviated as long as they stay unique, `--` ends them, and
 * help texts are wrapped at 79 columns.  No state but the exit status for errors.
 */
#include "cli/argp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 79
#define DOC_COLUMN 29

int argp_err_exit_status = 64;

static const char *program(const struct argp_state *s)
{
    const char *slash = strrchr(s->argv[0], '/');
    return slash ? slash + 1 : s->argv[0];
}

void argp_error(const struct argp_state *state, const char *fmt, ...)
{
    const char *name = program(state);
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s: ", name);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nTry `%s --help' or `%s --usage' for more information.\n", name, name);
    va_end(ap);
    exit(argp_err_exit_status);
}

/* Columns of n bytes of UTF-8. */
static int columns(const char *s, size_t n)
{
    int count = 0;
    for (size_t i = 0; i < n; i++)
        count += (s[i] & 0xc0) != 0x80;
    return count;
}

/* Prints n bytes word by word from column `at` on, in lines that begin at `indent`; ends the line. */
static void print_wrapped(const char *s, size_t n, int at, int indent)
{
    const char *end = s + n;
    bool first = true;
    while (s < end) {
        size_t spaces = strspn(s, " "), word = strcspn(s + spaces, " \n");
        if (*s == '\n') {
            printf("\n%*s", s + 1 < end && s[1] != '\n' ? indent : 0, "");
            at = indent;
            first = true;
            s++;
            continue;
        }
        word = s + spaces + word > end ? (size_t)(end - s) - spaces : word;
        if (!first && at + (int)spaces + columns(s + spaces, word) > WIDTH) {
            printf("\n%*s", indent, "");
            at = indent;
            s += spaces;
            spaces = 0;
        }
        printf("%.*s", (int)(spaces + word), s);
        at += (int)spaces + columns(s + spaces, word);
        s += spaces + word;
        first = false;
    }
    putchar('\n');
}

static bool has_letter(const struct argp_option *o)
{
    return o->key > ' ' && o->key < 127;
}

static void print_option(const struct argp_option *o)
{
    char head[128];
    char letter[] = {'-', (char)o->key, ',', ' ', '\0'};
    const char *arg = o->arg ? o->arg : "";
    const char *open = !o->arg ? "" : o->flags & OPTION_ARG_OPTIONAL ? "[=" : "=";
    const char *close = o->flags & OPTION_ARG_OPTIONAL ? "]" : "";
    int n = snprintf(head, sizeof head, "  %s--%s%s%s%s", has_letter(o) ? letter : "    ", o->name,
                     open, arg, close);
    int at = columns(head, (size_t)n);
    printf("%s%*s", head, at + 2 > DOC_COLUMN ? 3 : DOC_COLUMN - at, "");
    print_wrapped(o->doc, strlen(o->doc), at + 2 > DOC_COLUMN ? at + 3 : DOC_COLUMN, DOC_COLUMN);
}

static const struct argp_option standard[] = {
    {"help", '?', NULL, 0, "Give this help list", 0},
    {"usage", 0x100, NULL, 0, "Give a short usage message", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static void print_usage(const struct argp_state *s)
{
    const char *args = s->argp->args_doc ? s->argp->args_doc : "", *word = "Usage:";
    for (;;) {
        size_t n = strcspn(args, "\n");
        printf("%s %s [OPTION...] %.*s\n", word, program(s), (int)n, args);
        if (!args[n])
            break;
        args += n + 1;
        word = "  or: ";
    }
}

static void print_help(const struct argp_state *s)
{
    const char *doc = s->argp->doc, *rest = strchr(doc, '\v');
    print_usage(s);
    print_wrapped(doc, rest ? (size_t)(rest - doc) : strlen(doc), 0, 0);
    putchar('\n');
    for (const struct argp_option *o = s->argp->options; o->name; o++)
        print_option(o);
    for (const struct argp_option *o = standard; o->name; o++)
        print_option(o);
    if (rest) {
        putchar('\n');
        print_wrapped(rest + 1, strlen(rest + 1), 0, 0);
    }
}

static void run_option(struct argp_state *s, const struct argp_option *o, char *arg)
{
    if (o == &standard[0] || o == &standard[1]) {
        o == standard ? print_help(s) : print_usage(s);
        exit(fflush(stdout) ? argp_err_exit_status : 0);
    }
    if (s->argp->parser(o->key, arg, s))
        exit(argp_err_exit_status);
}

/* The option of that name, or the only one that begins so; *many: there are several. */
static const struct argp_option *find_long(const struct argp_option *list, const char *name,
                                           size_t n, bool *many)
{
    const struct argp_option *found = NULL;
    for (; list->name; list++) {
        if (strncmp(list->name, name, n) != 0)
            continue;
        if (!list->name[n]) {
            *many = false;
            return list;
        }
        *many |= found != NULL;
        found = list;
    }
    return found;
}

static void parse_long(struct argp_state *s, char *text)
{
    size_t n = strcspn(text, "=");
    char *arg = text[n] ? text + n + 1 : NULL;
    bool many = false;
    const struct argp_option *o = find_long(s->argp->options, text, n, &many);
    if (!o && !many)
        o = find_long(standard, text, n, &many);
    if (many)
        argp_error(s, "option '--%.*s' is ambiguous", (int)n, text);
    if (!o)
        argp_error(s, "unrecognized option '--%.*s'", (int)n, text);
    else if (arg && !o->arg)
        argp_error(s, "option '--%s' doesn't allow an argument", o->name);
    else if (!arg && o->arg && !(o->flags & OPTION_ARG_OPTIONAL) && s->next == s->argc)
        argp_error(s, "option '--%s' requires an argument", o->name);
    else
        run_option(s, o,
                   arg || !o->arg || o->flags & OPTION_ARG_OPTIONAL ? arg : s->argv[s->next++]);
}

static const struct argp_option *find_short(const struct argp_option *list, char letter)
{
    while (list->name && list->key != letter)
        list++;
    return list->name ? list : NULL;
}

static void parse_short(struct argp_state *s, char *text)
{
    while (*text) {
        char letter = *text++;
        const struct argp_option *o = find_short(s->argp->options, letter);
        if (!o)
            o = find_short(standard, letter);
        if (!o) {
            argp_error(s, "invalid option -- '%c'", letter);
        } else if (!o->arg || (o->flags & OPTION_ARG_OPTIONAL && !*text)) {
            run_option(s, o, NULL);
        } else {
            if (!*text && s->next == s->argc)
                argp_error(s, "option requires an argument -- '%c'", letter);
            run_option(s, o, *text ? text : s->argv[s->next++]);
            return;
        }
    }
}

error_t argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *end,
                   void *input)
{
    struct argp_state s = {.argc = argc, .argv = argv, .next = 1, .input = input, .argp = argp};
    bool options = true, any = false;
    (void)flags;
    while (s.next < s.argc) {
        char *text = argv[s.next++];
        if (options && !strcmp(text, "--")) {
            options = false;
        } else if (options && text[0] == '-' && text[1] == '-') {
            parse_long(&s, text + 2);
        } else if (options && text[0] == '-' && text[1]) {
            parse_short(&s, text + 1);
        } else {
            any = true;
            if (argp->parser(ARGP_KEY_ARG, text, &s))
                argp_error(&s, "too many arguments");
        }
    }
    if (!any)
        (void)argp->parser(ARGP_KEY_NO_ARGS, NULL, &s);
    if (end)
        *end = s.next;
    return 0;
}
