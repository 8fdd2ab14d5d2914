/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things lie: Cella's own files relative to the running executable (so that a build
 * directory works in place), and the user's per XDG.
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include "host/enclave/image.h"

/* The kernel image, mapped read-only and parsed. */
struct kernel_file {
    char *path;
    void *map;
    size_t len;
    struct image img;
};

/*
 * Opens the kernel image: `path` if not NULL, else the one that belongs to this executable
 * (cella-kernel beside it or in PREFIX/LIBDIR/cella).  False after one line about what is wrong.
 */
bool kernel_file_open(struct kernel_file *k, const char *path);
void kernel_file_close(struct kernel_file *k);

/* Path of cella-sign (beside this executable or in PREFIX/LIBEXECDIR/cella); free it. */
char *paths_signer(void);

/*
 * A file in the user's ~/.config/cella or ~/.cache/cella (or where XDG_CONFIG_HOME or
 * XDG_CACHE_HOME point); free it.  NULL if neither that variable nor HOME is set.
 */
char *paths_config(const char *name);
char *paths_cache(const char *name);

/* Makes the directories above a file, mode 0700; failures show when the file is made. */
void paths_make_parents(const char *file);

#endif
