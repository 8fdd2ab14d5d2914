/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a root process begins with: what the measured configuration says, filled up with what it lets the
 * host give, and nothing else.
 */
#ifndef KERNEL_PROC_ROOT_GIVEN_H
#define KERNEL_PROC_ROOT_GIVEN_H

#include "kernel/types.h"

struct strings;

/* The host's words, in trusted memory.  Whether one is used, the configuration decides. */
struct given {
    const char *program;
    const char *cwd;
    char *const *argv, *const *envp; /* NULL-terminated */
    bool first;                      /* for the program of the configuration; else one beside it */
};

/* What is run; NULL: nothing.  For one beside the first a name without a slash is still to be looked for. */
const char *given_program(const struct given *g);
const char *given_cwd(const struct given *g);
/* path: what is run, after all.  0, -ENOMEM, -E2BIG. */
MUST_CHECK int given_argv(const struct given *g, const char *path, struct strings *out);
MUST_CHECK int given_env(const struct given *g, struct strings *out);

#endif
