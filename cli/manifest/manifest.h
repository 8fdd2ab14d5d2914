/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: TOML files with Gramine's keys
 * (https://gramine.readthedocs.io/en/stable/manifest-syntax.html).
 *
 * manifest_parse turns the text into settings, signing data and lists of files, and touches no
 * file; files.c then visits the files.  Every key of Gramine is known: what Cella does not have
 * yet is an error only if it is set to something else than its default, and what makes no
 * difference to Cella is accepted.  An unknown key is an error.
 */
#ifndef CLI_MANIFEST_MANIFEST_H
#define CLI_MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/settings.h"
#include "cli/manifest/signdata.h"
#include "cli/manifest/toml.h"

/* One file that the manifest names. */
struct manifest_file {
    char *path;   /* host path without "file:", as written (relative: to the manifest) */
    char *sha256; /* expected digest in hexadecimal, or NULL */
    struct toml_place place;
};

struct manifest_files {
    struct manifest_file *list;
    size_t count;
};

struct manifest {
    const char *name;         /* of the file, for messages; borrowed */
    struct settings settings; /* without files; mount sources as written */
    struct sign_data sign;
    struct manifest_files trusted, allowed;
    struct manifest_file argv_file, env_file; /* path NULL: not given */
    struct toml_place entry_place;
    char *insecure; /* comma-separated names of insecure settings that are on; NULL: none */

    char error[512]; /* FILE:LINE:COL: what; fix */

    /* private to the parser */
    uint32_t root_kind;
    char *root_source;
    bool root_seen;
};

/* False with m->error.  manifest_fini is due in either case. */
bool manifest_parse(struct manifest *m, const char *name, const char *text, size_t len);
void manifest_fini(struct manifest *m);

/* Notes an error at a place; returns false. */
bool manifest_fail(struct manifest *m, struct toml_place place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
