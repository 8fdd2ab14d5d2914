/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside kernel/proc/exec only: what execve is made of. */
#ifndef KERNEL_PROC_EXEC_EXEC_IMPL_H
#define KERNEL_PROC_EXEC_EXEC_IMPL_H

#include "kernel/types.h"

/* #! scripts (script.c), pure: what the first line of a file asks for. */
struct script {
    char interp[256];
    char arg[256]; /* "" when there is none */
};
/* head: the file's first n bytes.  0, or -ENOEXEC when it is no script or its line is bad. */
MUST_CHECK int script_parse(const char *head, size_t n, struct script *out);
#define SCRIPT_HEAD 256 /* Linux's BINPRM_BUF_SIZE: the line must end within it */
#define SCRIPT_DEPTH 5

/* The initial stack (stack.c).  Counts in bytes unless said otherwise. */
struct stack_info {
    char *const *argv, *const *envp;
    const char *execfn;
    const uint64_t *auxv; /* pairs, without AT_RANDOM, AT_EXECFN, AT_PLATFORM and AT_NULL */
    size_t nauxv;         /* pairs */
    uint8_t random[16];
};
/* Where things ended up. */
struct stack_layout {
    uaddr_t sp;
    uaddr_t arg_start, arg_end, env_start, env_end, auxv; /* arg_end is env_start */
    size_t auxv_len;
};
/* Bytes that stack_build will use at most. */
size_t stack_size_needed(const struct stack_info *info);
/*
 * Builds the image of the stack's top in buf[0, size), which will lie at [top - size, top); top
 * is 16-byte aligned.  -E2BIG when it does not fit.
 */
MUST_CHECK int stack_build(char *buf, size_t size, uaddr_t top, const struct stack_info *info,
                           struct stack_layout *out);

#endif
