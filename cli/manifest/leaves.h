/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashing of trusted files, as abi/config/config.h defines it: the array of leaf hashes grows here
 * and becomes the bundle's side data.
 */
#ifndef CLI_MANIFEST_LEAVES_H
#define CLI_MANIFEST_LEAVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/settings.h"

struct leaves {
    uint8_t *data;
    size_t len, room;
    struct leaf_memo *memo; /* files that have been hashed, by device and inode */
    size_t memo_count, memo_room;
    uint64_t files, bytes; /* hashed so far */
    bool progress;         /* show it on the terminal */
    int64_t mtime_max;     /* later times are cut to this (SOURCE_DATE_EPOCH) */
};

void leaves_init(struct leaves *l);
void leaves_fini(struct leaves *l);

/*
 * Hashes the regular file open at fd into the node: size, mode, mtime, root, leaves.  `whole` (NULL
 * or 32 bytes) gets SHA-256 of the contents.  0 or -errno; -EAGAIN if the file changed meanwhile.
 */
int leaves_hash(struct leaves *l, int fd, struct file_node *n, uint8_t *whole);

/* Ends the line of progress. */
void leaves_done(struct leaves *l);

#endif
