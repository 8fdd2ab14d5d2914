/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration's validator and accessors on arbitrary bytes.  What the validator accepts the
 * accessors must survive, and the tree must be one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const struct config *c)
{
    static char path[CONFIG_PATH_MAX + 1];
    uint32_t seen = 1;
    for (uint32_t i = 0; i < c->head->args.count; i++)
        (void)strlen(config_string(c, c->args[i]));
    for (uint32_t i = 0; i < c->head->nodes.count; i++) {
        const struct config_node *n = &c->nodes[i];
        const char *name = config_node_name(c, i);
        seen += n->count;
        if (n->kind == CONFIG_NODE_LNK && strlen(config_node_target(c, i)) != n->size)
            abort();
        if (i && config_node_child(c, n->parent, name, strlen(name)) != i)
            abort();
        if (i && n->parent == 0) {
            path[0] = '/';
            strcpy(path + 1, name);
            if (config_node_find(c, path) != i)
                abort();
        }
    }
    if (c->head->nodes.count && seen != c->head->nodes.count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config c;
    uint64_t *copy = malloc(size + 8); /* aligned, and of this size for the sanitizer */
    memcpy(copy, data, size);
    /* The length in the header is right more often than by chance. */
    if (size >= sizeof(struct config_header) && (size & 1))
        ((struct config_header *)copy)->total = size;
    if (!config_check(&c, copy, size, NULL))
        visit(&c);
    free(copy);
    return 0;
}
