/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by manifest.c (what the keys mean) and schema.c (checking a table against a list of
 * keys).
 */
#ifndef CLI_MANIFEST_MANIFEST_IMPL_H
#define CLI_MANIFEST_MANIFEST_IMPL_H

#include "cli/manifest/manifest.h"

enum key_kind {
    KEY_IGNORE, /* any value; makes no difference to Cella */
    KEY_BOOL,   /* true sets bits `bits` of the uint64_t at offset; 0 bits: checked, ignored */
    KEY_SIZE,   /* string like "4G" to the uint64_t at offset, rounded up to pages; min … max */
    KEY_U32,    /* integer to the uint32_t at offset; min … max */
    KEY_U16,    /* integer to the uint16_t at offset */
    KEY_STRING, /* to the char * at offset */
    KEY_CALL,   /* `call` */
    KEY_LATER,  /* not supported yet, unless it has its default value (`word`) */
};

/*
 * One key.  Its path has dots between the components; a key that is itself a table (KEY_CALL,
 * KEY_IGNORE, KEY_LATER) gets the whole table.
 */
struct key {
    const char *path;
    enum key_kind kind;
    size_t offset;
    uint64_t bits;        /* KEY_BOOL */
    uint64_t min, max;    /* KEY_SIZE, KEY_U32 */
    const char *word;     /* KEY_LATER: default string; "" for false, 0, [] and {} */
    const char *insecure; /* name for the list of insecure settings, if the value is true */
    bool (*call)(struct manifest *m, void *target, const char *path, const struct toml_value *v);
};

/*
 * Checks `table` against `keys`, storing values at `target` + offset.  `prefix` ("" or "fs.mounts.")
 * stands before the keys' paths in messages.  False after manifest_fail.
 */
bool schema_apply(struct manifest *m, const struct key *keys, size_t count, const char *prefix,
                  void *target, const struct toml_value *table);

/* Type checks with a message; `path` names the key. */
bool schema_is(struct manifest *m, const char *path, const struct toml_value *v,
               enum toml_kind kind);
/* A string without NUL bytes; NULL after manifest_fail. */
const char *schema_text(struct manifest *m, const char *path, const struct toml_value *v);
/* Index of the string v in a NULL-terminated list of words; -1 after manifest_fail. */
int schema_word(struct manifest *m, const char *path, const struct toml_value *v,
                const char *const *words);

/* Keys of the table "cella" (host.c). */
bool manifest_host_signals(struct manifest *m, void *target, const char *path,
                           const struct toml_value *v);
bool manifest_exec(struct manifest *m, void *target, const char *path, const struct toml_value *v);

/* Adds to the list of insecure settings. */
void manifest_insecure(struct manifest *m, const char *name);

#endif
