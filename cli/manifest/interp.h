/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program needs to start: the dynamic loader that an ELF file names, or the interpreter of
 * a script.
 */
#ifndef CLI_MANIFEST_INTERP_H
#define CLI_MANIFEST_INTERP_H

#include <stddef.h>

/*
 * The interpreter's path in the first `len` bytes of an executable file, NUL-terminated in out
 * (`size` bytes); "" if it names none, or if this cannot be told.
 */
void interp_find(const void *data, size_t len, char *out, size_t size);

#endif
