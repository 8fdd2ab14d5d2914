/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration while it is being put together: plain C data that manifest.c, files.c or dev/config.c
 * fill in and settings_write turns into the measured blob (abi/config/config.h).
 *
 * Strings and arrays are owned by the struct and freed by settings_fini; running out of memory
 * while building them ends the process with one line, since these are short-lived tools.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "abi/config/config.h"

struct settings_env {
    char *name;
    char *value; /* NULL: the host may give it */
};

struct settings_mount {
    uint32_t kind; /* enum config_mount_kind */
    char *path;
    char *source; /* NULL unless the kind has a host side */
};

/* A node of the file tree; children are sorted by name (cli/manifest/tree.h makes and changes it). */
struct file_node {
    char *name; /* NULL for the root */
    uint16_t kind;
    uint16_t mode;
    uint64_t size;
    int64_t mtime;
    uint64_t leaves; /* offset in the side data */
    char *target;    /* of a link */
    uint8_t root[CONFIG_HASH_SIZE];
    struct file_node **children;
    size_t child_count;
};

struct settings {
    uint64_t flags;
    uint64_t host_signals; /* bit n-1: signal n */
    uint64_t memory_size, stack_size, brk_max;
    uint32_t vcpu_count, elrange_bits, ssa_frame_pages, fds_limit;
    uint32_t uid, gid, file_policy, log_level;
    char *entrypoint, *start_dir; /* NULL: absent */
    char **args;
    size_t arg_count;
    char **exec; /* paths */
    size_t exec_count;
    struct settings_env *env;
    size_t env_count;
    struct settings_mount *mounts;
    size_t mount_count;
    struct file_node *files; /* root, or NULL */
    uint64_t leaves_len;
};

/* The defaults of a manifest that says nothing. */
void settings_init(struct settings *s);
void settings_fini(struct settings *s);

void settings_add_arg(struct settings *s, const char *arg);
void settings_add_exec(struct settings *s, const char *path);
/* value NULL: passed from the host.  A name that is there already is replaced. */
void settings_add_env(struct settings *s, const char *name, const char *value);
void settings_add_mount(struct settings *s, uint32_t kind, const char *path, const char *source);

void file_node_free(struct file_node *n);

/*
 * The blob, page-aligned and zero-padded to a page (so that the enclave's pages need no copy);
 * free() it.  NULL with *why if the settings do not make a valid configuration.  The file table's leaf
 * hashes, none if there are no files, follow in the side data what the files have put there: free() them too.
 */
struct settings_hashes {
    uint8_t *data;
    size_t len;
};
void *settings_write(const struct settings *s, size_t *len, struct settings_hashes *hashes,
                     const char **why);

#endif
