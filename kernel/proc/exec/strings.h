/* SPDX-License-Identifier: Apache-2.0 */
/* Argument vectors on their way into a program, and how much they may hold. */
#ifndef KERNEL_PROC_EXEC_STRINGS_H
#define KERNEL_PROC_EXEC_STRINGS_H

#include "kernel/types.h"

#define MAX_ARG_STRLEN (32UL * 4096) /* Linux: one string, with its NUL */
#define MAX_ARG_TOTAL (6UL << 20)    /* Linux: 3/4 of the default stack limit */
#define ARG_MIN (128UL * 1024)       /* Linux: always allowed in total */

/* argv or envp on its way into a program: kernel strings, NULL-terminated, one allocation each. */
struct strings {
    char **v;
    size_t n, cap;
    size_t bytes; /* of all strings with their NULs */
};

void strings_init(struct strings *s);
void strings_free(struct strings *s);
/* Appends a copy: 0, -ENOMEM, -E2BIG (longer than MAX_ARG_STRLEN). */
MUST_CHECK int strings_add(struct strings *s, const char *text, size_t len);
/*
 * From the program's array of pointers (0: empty): 0, -EFAULT, -ENOMEM, -E2BIG beyond `limit`
 * bytes.
 */
MUST_CHECK int strings_copy_in(struct strings *s, uaddr_t array, size_t limit);

#endif
