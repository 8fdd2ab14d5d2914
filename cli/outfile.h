/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that appear whole or not at all.  The contents go to an unnamed file in the target's
 * directory, which outfile_commit gives its name; whatever ends the process before that, a full
 * disk or SIGKILL, leaves nothing behind.
 */
#ifndef CLI_OUTFILE_H
#define CLI_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct outfile {
    char *path;   /* final name */
    char *temp;   /* name until the commit, where the file system has no unnamed files */
    bool special; /* the target is a device or pipe: collected here, copied at the end */
    int fd;
    uint64_t written;
    int error; /* first errno of a write */
};

/* Opens; 0 or -errno. */
int outfile_open(struct outfile *o, const char *path, mode_t mode);

/* Appends; an error is kept and reported by outfile_commit. */
void outfile_write(struct outfile *o, const void *data, size_t len);
/* Appends zeros up to a multiple of `align`. */
void outfile_align(struct outfile *o, size_t align);
/* Overwrites bytes that are there already. */
void outfile_rewrite(struct outfile *o, uint64_t off, const void *data, size_t len);

/*
 * Gives the file its name: 0, or -errno (of this or of an earlier write).  With `replace` an
 * existing file is replaced, else it is -EEXIST.  *o is gone in either case.
 */
int outfile_commit(struct outfile *o, bool replace);
void outfile_abandon(struct outfile *o);

#endif
