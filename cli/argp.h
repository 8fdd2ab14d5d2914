/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of GNU argp that the commands use, since not every C library has one: `cella` is linked with musl,
 * which starts without asking the CPU a thing (see meson.build).  What is here means what it means there.
 */
#ifndef CLI_ARGP_H
#define CLI_ARGP_H

typedef int error_t;

struct argp_option {
    const char *name; /* NULL ends a list */
    int key;          /* also the short option if it is a letter */
    const char *arg;  /* its argument's name; NULL: takes none */
    int flags;        /* OPTION_ARG_OPTIONAL */
    const char *doc;
    int group; /* not used */
};
#define OPTION_ARG_OPTIONAL 1

struct argp_state {
    int argc;
    char **argv;
    int next; /* the index of what is parsed next; a parser may change it */
    void *input;
    const struct argp *argp;
};

/* Called for each option, and for arguments with ARGP_KEY_ARG; ARGP_ERR_UNKNOWN if it is none of its own. */
typedef error_t (*argp_parser_t)(int key, char *arg, struct argp_state *state);
#define ARGP_KEY_ARG 0
#define ARGP_KEY_NO_ARGS 0x1000002
#define ARGP_ERR_UNKNOWN 7 /* E2BIG */

struct argp {
    const struct argp_option *options;
    argp_parser_t parser;
    const char *args_doc; /* one line a way of calling it */
    const char *doc;      /* before the options and, after a \v, behind them */
};
#define ARGP_IN_ORDER 8

extern int argp_err_exit_status;

/* Parses argv[1 …]; does not return after an error, --help or --usage. */
error_t argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *end,
                   void *input);
/* Says what is wrong and where to find help, and exits. */
void argp_error(const struct argp_state *state, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
