/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella list: the live enclaves.  cella ps: the processes in them, as their kernels tell it.
 *
 * What comes from an enclave or its host process is printed without control characters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/argp.h"
#include "cli/live/link.h"
#include "cli/live/place.h"
#include "cli/mem.h"
#include "cli/say.h"
#include "cli/verbs.h"

struct ps {
    int first; /* of the names in argv; 0: none */
};

static const struct argp_option no_options[] = {{0}};

static const char ps_doc[] = "Show the processes of live enclaves: all, or those named.\v"
                             "TIME is the CPU time, STATE R (runs), S (sleeps), T (stopped) or Z "
                             "(has ended).  Arguments are shown where the enclave may log.\n"
                             "\n"
                             "Examples:\n"
                             "  cella ps\n"
                             "  cella ps build\n";

static const char list_doc[] = "Show the live enclaves of this user.\v"
                               "PID is the host process.\n"
                               "\n"
                               "Examples:\n"
                               "  cella list\n";

static error_t parse_names(int key, char *arg, struct argp_state *state)
{
    struct ps *p = state->input;
    (void)arg;
    if (key == ARGP_KEY_NO_ARGS)
        return 0;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    p->first = state->next - 1;
    state->next = state->argc;
    return 0;
}

static error_t parse_none(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    (void)state;
    return key == ARGP_KEY_NO_ARGS ? 0 : ARGP_ERR_UNKNOWN;
}

static void print_clean(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        putchar((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i]);
}

/* --- ps ------------------------------------------------------------------------------------ */

/* A number and the blank behind it; false: there is none. */
static bool take_number(char **at, unsigned long *n)
{
    char *end;
    *n = strtoul(*at, &end, 10);
    if (end == *at || *end != ' ')
        return false;
    *at = end + 1;
    return true;
}

/* "pid ppid state ms command" */
static void print_process(const char *enclave, const char *line, size_t n)
{
    unsigned long pid, ppid, ms;
    char *text = mem_string_n(line, n), *at = text;
    if (take_number(&at, &pid) && take_number(&at, &ppid) && at[0] && at[1] == ' ') {
        char state = at[0];
        at += 2;
        if (take_number(&at, &ms)) {
            printf("%-16s %7lu %7lu %c %5lu:%02lu.%02lu ", enclave, pid, ppid,
                   state < ' ' || state > '~' ? '?' : state, ms / 60000, ms / 1000 % 60,
                   ms / 10 % 100);
            print_clean(at, strlen(at));
            putchar('\n');
        }
    }
    free(text);
}

static void print_lines(const char *enclave, const char *text, size_t n)
{
    while (n) {
        const char *end = memchr(text, '\n', n);
        size_t line = end ? (size_t)(end - text) : n;
        print_process(enclave, text, line);
        line += end != NULL;
        text += line;
        n -= line;
    }
}

static bool ps_one(const char *name)
{
    struct link l;
    if (!link_open(&l, name))
        return false;
    bool all = false;
    if (link_send(&l, WIRE_PS, NULL, 0))
        while (!all && link_receive(&l, true) == LINK_MESSAGE && l.in.head.kind == WIRE_LIST) {
            all = !l.in.have;
            print_lines(name, l.in.data, l.in.have);
        }
    if (!all)
        say_error("%s: its list of processes is not complete", name);
    link_close(&l);
    return all;
}

int verb_ps(int argc, char **argv)
{
    static const struct argp argp = {no_options, parse_names, "[NAME…]", ps_doc};
    struct ps p = {0};
    bool ok = true;
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &p);
    printf("%-16s %7s %7s %c %11s %s\n", "ENCLAVE", "PID", "PPID", 'S', "TIME", "COMMAND");
    char **names = p.first ? argv + p.first : place_list();
    for (char **n = names; *n; n++)
        ok &= ps_one(*n);
    return ok ? 0 : EXIT_CELLA;
}

/* --- list ---------------------------------------------------------------------------------- */

static void print_enclave(const char *name, const struct wire_in *in)
{
    struct wire_about a;
    char since[32] = "?";
    struct tm tm;
    memcpy(&a, in->data, sizeof a);
    time_t t = (time_t)a.since;
    if (localtime_r(&t, &tm))
        strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", &tm);
    printf("%-16s %7u %-19s ", name, a.pid, since);
    if (in->have > sizeof a)
        print_clean(in->data + sizeof a, in->have - sizeof a);
    else
        printf("-");
    putchar('\n');
}

int verb_list(int argc, char **argv)
{
    static const struct argp argp = {no_options, parse_none, "", list_doc};
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
    printf("%-16s %7s %-19s %s\n", "NAME", "PID", "SINCE", "WHAT");
    for (char **n = place_list(); *n; n++) {
        struct link l;
        if (!link_open(&l, *n))
            continue; /* it has just ended */
        if (link_send(&l, WIRE_ABOUT, NULL, 0) && link_receive(&l, true) == LINK_MESSAGE &&
            l.in.head.kind == WIRE_ABOUT)
            print_enclave(*n, &l.in);
        link_close(&l);
    }
    return 0;
}
