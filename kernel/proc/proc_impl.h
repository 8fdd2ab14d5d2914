/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside kernel/proc only. */
#ifndef KERNEL_PROC_PROC_IMPL_H
#define KERNEL_PROC_PROC_IMPL_H

#include "kernel/types.h"

struct file;
struct process;

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

/*
 * process_exec, which also says what failed: `blame` (may be NULL) gets the path of the file that
 * the error is about, which may be an interpreter's.  With it, an error after the point of no
 * return is a result too.
 */
struct exec_blame {
    char path[256];
};
MUST_CHECK int exec_program(struct file *file, const char *path, char *const argv[],
                            char *const envp[], struct exec_blame *blame);

/*
 * exec: ends all other threads of the current process.  0, or -EAGAIN: we are being ended
 * ourselves.
 */
MUST_CHECK int process_kill_threads(struct process *p);

#endif
