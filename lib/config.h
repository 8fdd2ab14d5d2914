/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the measured configuration (abi/config/config.h): one validator, then accessors that
 * rely on it.  Freestanding, allocates nothing, and only reads the blob.
 *
 * The blob must stay mapped and unchanged for as long as a struct config refers to it.  In the
 * enclave it is measured and read-only; outside it is a private copy or a private mapping.
 */
#ifndef LIB_CONFIG_H
#define LIB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/config/config.h"

/* A checked blob.  Filled by config_check; all pointers are borrowed from the blob. */
struct config {
    const struct config_header *head; /* and all that is measured */
    const char *table;                /* the file table, wherever it lies */
    /* Brings in [off, off + len) of the blob, part of the table, before it is looked at.  NULL: it is there. */
    void (*need)(const struct config *c, uint64_t off, uint64_t len);
    const struct config_str *args;     /* head->args.count of them */
    const struct config_env *env;      /* head->env.count */
    const struct config_str *exec;     /* head->exec.count */
    const struct config_mount *mounts; /* head->mounts.count, at least 1 */
    const struct config_node *nodes; /* head->nodes.count, may be 0; with `need`, by config_node */
    uint64_t budget;                 /* of config_check alone, as is … */
    bool in_table;                   /* … which part of the blob it looks at */
};

/* Returned where no node answers. */
#define CONFIG_NO_NODE UINT32_MAX

/*
 * Checks the whole blob of len bytes and fills *c.  0, or -EINVAL with *why (a constant string, if
 * why is not NULL) naming the first thing that is wrong; *c is then unusable.  blob must be
 * 8-byte aligned.  Linear in len.
 */
int config_check(struct config *c, const void *blob, size_t len, const char **why);

/*
 * The same for the header, entry point, start directory and arguments alone, which is what a host needs to know
 * to build an enclave that checks all of it again.  Nothing else of *c may be looked at.
 */
int config_check_front(struct config *c, const void *blob, size_t len, const char **why);

/*
 * Likewise of the measured part, which is len bytes: for the enclave, to which the file table comes later.  What
 * that holds the signer has checked, who vouches for its root.
 */
int config_check_measured(struct config *c, const void *blob, size_t len, const char **why);
/* … and here the table is. */
void config_set_table(struct config *c, const char *table,
                      void (*need)(const struct config *c, uint64_t off, uint64_t len));

static inline uint64_t config_table_len(const struct config *c)
{
    return c->head->total - c->head->table_off;
}

/* The string's bytes, NUL-terminated; NULL if it is absent.  Not of the file table. */
const char *config_string(const struct config *c, struct config_str s);

static inline bool config_flag(const struct config *c, uint64_t flag)
{
    return (c->head->flags & flag) != 0;
}

/* The signals that the host may inject as often as it likes: bit n-1 is signal n. */
static inline uint64_t config_host_signals(const struct config *c)
{
    return config_flag(c, CONFIG_F_HOST_SIGNALS) ? CONFIG_HOST_SIGNALS : c->head->host_signals;
}

/* May the host start this program (as it is written) beside the first?  And any at all? */
bool config_may_exec(const struct config *c, const char *path);
static inline bool config_may_exec_some(const struct config *c)
{
    return config_flag(c, CONFIG_F_HOST_EXEC) || c->head->exec.count;
}

/* Node `node` of head->nodes.count. */
const struct config_node *config_node(const struct config *c, uint32_t node);

/* The node's own name, "" for node 0. */
const char *config_node_name(const struct config *c, uint32_t node);

/* The child of `node` called name[0 … len), or CONFIG_NO_NODE. */
uint32_t config_node_child(const struct config *c, uint32_t node, const char *name, size_t len);

/*
 * The node at an absolute path.  Purely lexical: empty and "." components are skipped, links and
 * ".." are not followed (".." finds nothing).  CONFIG_NO_NODE if the table has no such path.
 */
uint32_t config_node_find(const struct config *c, const char *path);

/* Target of a NODE_LNK, NUL-terminated, node->size bytes. */
const char *config_node_target(const struct config *c, uint32_t node);

/* Number of leaves, that is of hashes, of a file of `size` bytes. */
static inline uint64_t config_leaf_count(uint64_t size)
{
    return size / CONFIG_LEAF_SIZE + (size % CONFIG_LEAF_SIZE != 0);
}

#endif
