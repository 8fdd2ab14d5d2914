/* SPDX-License-Identifier: Apache-2.0 */
/* A new program in the current process. */
#ifndef KERNEL_PROC_EXEC_EXEC_H
#define KERNEL_PROC_EXEC_EXEC_H

#include "kernel/types.h"

struct file;

/*
 * Replaces the current process's image: path's program with argv/envp (kernel strings,
 * NULL-terminated). Takes its own reference on file.  On success the current thread's regs are
 * those of the new program. On failure before the point of no return -errno and nothing changed;
 * after it the process dies.
 */
MUST_CHECK int process_exec(struct file *file, const char *path, char *const argv[],
                            char *const envp[]);
/*
 * The same, which also says what failed: `blame` (may be NULL) gets the path of the file that
 * the error is about, which may be an interpreter's.  With it, an error after the point of no
 * return is a result too.
 */
struct exec_blame {
    char path[256];
};
MUST_CHECK int exec_program(struct file *file, const char *path, char *const argv[],
                            char *const envp[], struct exec_blame *blame);

#endif
