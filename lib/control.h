/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of a request for a program: strings one after the other, each with its NUL: program, working
 * directory, arguments, variables. The host checks what its client sent, the enclave what the host
 * sent, by the same function. Pure.
 */
#ifndef LIB_CONTROL_H
#define LIB_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#define CONTROL_PATH_MAX 4096 /* with the NUL */

/* Borrowed from the data. */
struct control_exec {
    const char *program;
    const char *cwd;  /* absolute, or "" */
    const char *args; /* argc strings */
    const char *envs; /* envc strings */
};

/* 0, or -EINVAL with a constant text in *why. */
int control_exec_check(const char *data, size_t len, uint32_t argc, uint32_t envc,
                       struct control_exec *out, const char **why);
/* The string behind this one. */
const char *control_next_string(const char *s);

#endif
