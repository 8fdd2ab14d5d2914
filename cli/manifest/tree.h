/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of files that a bundle trusts or allows, as seen inside the enclave (struct file_node
 * in settings.h).  Children are always sorted by name, as unsigned bytes.
 */
#ifndef CLI_MANIFEST_TREE_H
#define CLI_MANIFEST_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "cli/settings.h"

struct file_node *tree_new(void);

/* The child called name[0 … len), or NULL. */
struct file_node *tree_child(const struct file_node *n, const char *name, size_t len);

/* A new child; there must be none of that name. */
struct file_node *tree_add(struct file_node *n, const char *name, size_t len, uint16_t kind);

/*
 * The node at a normal absolute path, following links; NULL if there is none.  A HOST node on the way,
 * below which the host decides, is returned itself.
 */
struct file_node *tree_resolve(struct file_node *root, const char *path);

#endif
