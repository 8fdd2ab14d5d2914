/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file tree.
 */
#include "cli/manifest/tree.h"

#include <stdlib.h>
#include <string.h>

#include "cli/mem.h"
#include "cli/manifest/path.h"

#define LINKS_MAX 40

struct file_node *tree_new(void)
{
    struct file_node *n = mem_new(sizeof *n);
    n->kind = CONFIG_NODE_DIR;
    n->mode = 0755;
    return n;
}

/* Index where the name is (*found) or belongs. */
static size_t position(const struct file_node *n, const char *name, size_t len, int *found)
{
    size_t low = 0, high = n->child_count;
    *found = 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const char *other = n->children[mid]->name;
        int order = strncmp(name, other, len);
        if (!order)
            order = other[len] ? -1 : 0;
        if (!order) {
            *found = 1;
            return mid;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

struct file_node *tree_child(const struct file_node *n, const char *name, size_t len)
{
    int found;
    size_t i = position(n, name, len, &found);
    return found ? n->children[i] : NULL;
}

struct file_node *tree_add(struct file_node *n, const char *name, size_t len, uint16_t kind)
{
    int found;
    size_t i = position(n, name, len, &found);
    struct file_node *c = tree_new();
    c->name = mem_string_n(name, len);
    c->kind = kind;
    n->children = mem_push(n->children, n->child_count, sizeof(struct file_node *));
    memmove(n->children + i + 1, n->children + i,
            (n->child_count - i) * sizeof(struct file_node *));
    n->children[i] = c;
    n->child_count++;
    return c;
}

struct file_node *tree_resolve(struct file_node *root, const char *path)
{
    char *todo = mem_string(path), *at = mem_string("/");
    struct file_node *n = root;
    int links = 0;
    const char *p = todo;
    while (n && *p) {
        size_t len = strcspn(p, "/");
        if (!len) {
            p++;
            continue;
        }
        n = tree_child(n, p, len);
        if (!n || n->kind == CONFIG_NODE_HOST)
            break;
        char *name = mem_string_n(p, len);
        char *next = n->kind == CONFIG_NODE_LNK ? mem_format("%s%s", n->target, p + len) : NULL;
        char *where = next ? path_normal(at, next) : path_normal(at, name);
        free(name);
        if (next) {
            free(todo);
            free(next);
            todo = where;
            p = todo;
            n = ++links <= LINKS_MAX ? root : NULL;
            where = mem_string("/");
        } else {
            p += len;
        }
        free(at);
        at = where;
    }
    free(todo);
    free(at);
    return n;
}
