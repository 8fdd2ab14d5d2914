/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visits the files that a manifest trusts or allows and makes the file tree of them.
 */
#ifndef CLI_MANIFEST_FILES_H
#define CLI_MANIFEST_FILES_H

#include <stdbool.h>

struct leaves;
struct manifest;

/*
 * Fills m->settings.files and leaves_len, hashing into *l.  `base` is the absolute path of the
 * manifest's directory.  Also takes in loader.argv_src_file and loader.env_src_file, and checks
 * that the entry point can be opened.  False with m->error.
 */
bool files_visit(struct manifest *m, const char *base, struct leaves *l);

#endif
