/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a node to the host's path for it, relative to the mount's source.  These paths only say where
 * bytes are asked for; a host that leads them elsewhere delivers bytes that do not verify.
 */
#include "kernel/fs/trusted/trusted_impl.h"

/* Puts `name` and a slash (if something follows) before what is in buf from *at on. */
static bool prepend(char *buf, size_t *at, size_t end, const char *name, size_t len)
{
    size_t need = len + (*at < end);
    if (need > *at)
        return false;
    if (*at < end)
        buf[--*at] = '/';
    *at -= len;
    memcpy(buf + *at, name, len);
    return true;
}

/* The same with the names from below `top` down to node. */
static bool prepend_nodes(const struct trusted_super *ts, uint32_t node, uint32_t top, char *buf,
                          size_t *at, size_t end)
{
    bool ok = true;
    for (; ok && node != top && node; node = trusted_node(ts, node)->parent)
        ok = prepend(buf, at, end, config_node_name(ts->config, node),
                     trusted_node(ts, node)->name.len);
    return ok;
}

bool trusted_table_path(const struct trusted_super *ts, uint32_t node, char *buf, size_t size)
{
    size_t end = size - 1, at = end;
    buf[end] = '\0';
    bool ok = prepend_nodes(ts, node, 0, buf, &at, end) && prepend(buf, &at, end, "", 0);
    memmove(buf, buf + at, size - at);
    return ok;
}

int trusted_host_path(const struct trusted_super *ts, uint32_t node, const char *name, char *buf,
                      size_t size)
{
    size_t end = size - 1, at = end;
    bool ok = true;
    buf[end] = '\0';
    if (name)
        ok = prepend(buf, &at, end, name, strlen(name));
    ok = ok && prepend_nodes(ts, node, ts->top, buf, &at, end);
    if (ok && ts->top_name)
        ok = prepend(buf, &at, end, ts->top_name, strlen(ts->top_name));
    if (!ok)
        return -ENAMETOOLONG;
    if (at == end)
        buf[--at] = '.';
    memmove(buf, buf + at, size - at);
    return 0;
}

int trusted_host_follow(struct trusted_super *ts, char *path, size_t size)
{
    char *target = kmalloc(PATH_MAX);
    if (!target)
        return -ENOMEM;
    long n = ocall_readlink(host_super_fd(ts->host), path, target, PATH_MAX - 1);
    int err = n < 0 ? (int)n : host_link_check(target, n, PATH_MAX - 1);
    if (!err) {
        char *slash = strrchr(path, '/');
        size_t keep = target[0] == '/' || !slash ? 0 : (size_t)(slash - path) + 1;
        if (keep + (size_t)n + 1 > size) {
            err = -ENAMETOOLONG;
        } else {
            memcpy(path + keep, target, (size_t)n);
            path[keep + (size_t)n] = '\0';
        }
    }
    kfree(target);
    return err;
}
