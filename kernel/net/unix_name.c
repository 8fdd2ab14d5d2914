/* SPDX-License-Identifier: Apache-2.0 */
/* Names of AF_UNIX sockets: see unix_name.h. */
#include "kernel/net/unix_name.h"

#include "kernel/sgx/random.h"
#include "kernel/vfs/vfs_impl.h"
#include "lib/format.h"
#include "lib/hash.h"

#define NAME_BUCKETS 64U
#define PATH_AT 2U /* offsetof(struct addr_un, path) */
#define AUTO_TRIES 100

static struct {
    struct spinlock lock;
    struct list bucket[NAME_BUCKETS]; /* [l] */
} names;

void unix_name_init(struct unix_name *n, struct socket *s)
{
    list_init(&n->link);
    n->sock = s;
    n->addr.family = AF_UNIX;
    n->addr.len = PATH_AT;
}

static uint64_t node_hash(const struct inode *i)
{
    return hash_u64(i->ino);
}

static struct list *bucket(uint64_t hash) REQUIRES(names.lock)
{
    struct list *l = &names.bucket[hash % NAME_BUCKETS];
    if (!l->next)
        list_init(l);
    return l;
}

static bool same_node(const struct unix_name *n, const struct inode *i)
{
    const struct inode *own = n->node ? n->node->inode : NULL;
    return own && own->super == i->super && own->ino == i->ino;
}

static bool same_abstract(const struct unix_name *n, const struct addr *a, int type)
{
    return !n->node && n->sock->type == type && n->addr.len == a->len &&
           !memcmp(n->addr.raw, a->raw, a->len);
}

/* The bound name of a node, or of an abstract address, of which each type has its own. */
static struct unix_name *find_locked(uint64_t hash, const struct inode *i, const struct addr *a,
                                     int type) REQUIRES(names.lock)
{
    list_for_each(it, bucket(hash)) {
        struct unix_name *n = list_entry(it, struct unix_name, link);
        if (i ? same_node(n, i) : same_abstract(n, a, type))
            return n;
    }
    return NULL;
}

static uint64_t abstract_hash(const struct addr *a)
{
    return hash_bytes(a->raw, a->len, 0);
}

static int abstract_bind(struct unix_name *n, const struct addr *a)
{
    int err = 0;
    spin_lock(&names.lock);
    if (find_locked(abstract_hash(a), NULL, a, n->sock->type)) {
        err = -EADDRINUSE;
    } else {
        n->addr = *a;
        list_add_head(bucket(abstract_hash(a)), &n->link);
    }
    spin_unlock(&names.lock);
    return err;
}

static int path_bind(struct unix_name *n, const struct addr *a)
{
    char path[UNIX_PATH_MAX + 1];
    struct dentry *d;
    size_t len = strnlen(a->un.path, a->len - PATH_AT);
    memcpy(path, a->un.path, len);
    path[len] = '\0';
    int err = vfs_make_socket(path, &d);
    if (err)
        return err == -EEXIST ? -EADDRINUSE : err;
    spin_lock(&names.lock);
    n->addr = *a;
    n->addr.len = (uint32_t)(PATH_AT + len + 1);
    n->node = d;
    list_add_head(bucket(node_hash(d->inode)), &n->link);
    spin_unlock(&names.lock);
    return 0;
}

static int address_check(const struct addr *a)
{
    if (a->len <= PATH_AT || a->len > sizeof(a->un) || a->family != AF_UNIX)
        return -EINVAL;
    return 0;
}

int unix_name_auto(struct unix_name *n)
{
    int err = -ENOSPC;
    if (unix_name_bound(n))
        return 0;
    for (int i = 0; i < AUTO_TRIES; i++) {
        struct addr a = {.len = PATH_AT + 6, .family = AF_UNIX};
        snprintf(a.un.path + 1, 6, "%05x", (unsigned)(random_u64() & 0xfffff));
        err = abstract_bind(n, &a);
        if (err != -EADDRINUSE)
            break;
    }
    return err;
}

int unix_name_bind(struct unix_name *n, const struct addr *a)
{
    if (a->len == PATH_AT && a->family == AF_UNIX)
        return unix_name_auto(n);
    int err = address_check(a);
    if (err)
        return err;
    if (unix_name_bound(n))
        return (int)reject(-EINVAL, "bound already");
    return a->un.path[0] ? path_bind(n, a) : abstract_bind(n, a);
}

void unix_name_release(struct unix_name *n)
{
    spin_lock(&names.lock);
    list_del(&n->link);
    spin_unlock(&names.lock);
    if (n->node)
        dentry_put(n->node);
}

static struct socket *lookup(uint64_t hash, const struct inode *i, const struct addr *a, int type)
{
    spin_lock(&names.lock);
    struct unix_name *n = find_locked(hash, i, a, type);
    struct socket *s = n && socket_tryget(n->sock) ? n->sock : NULL;
    spin_unlock(&names.lock);
    return s;
}

static int path_find(const struct addr *a, struct socket **out)
{
    char path[UNIX_PATH_MAX + 1];
    struct dentry *d;
    size_t len = strnlen(a->un.path, a->len - PATH_AT);
    memcpy(path, a->un.path, len);
    path[len] = '\0';
    int err = path_lookup(AT_FDCWD, path, 0, &d);
    if (err)
        return err;
    err = inode_permission(d->inode, MAY_WRITE);
    if (!err) {
        *out = S_ISSOCK(d->inode->mode) ? lookup(node_hash(d->inode), d->inode, NULL, 0) : NULL;
        err = *out ? 0 : -ECONNREFUSED;
    }
    dentry_put(d);
    return err;
}

int unix_name_find(const struct addr *a, int type, struct socket **out)
{
    int err = address_check(a);
    if (err)
        return err;
    if (a->un.path[0]) {
        err = path_find(a, out);
        if (err)
            return err;
    } else {
        *out = lookup(abstract_hash(a), NULL, a, type);
        if (!*out)
            return -ECONNREFUSED;
    }
    if ((*out)->type == type)
        return 0;
    socket_put(*out);
    return -EPROTOTYPE;
}

void unix_name_get(const struct unix_name *n, struct addr *out)
{
    spin_lock(&names.lock);
    *out = n->addr;
    spin_unlock(&names.lock);
}

void unix_name_each(void (*fn)(const struct unix_name *n, void *arg), void *arg)
{
    spin_lock(&names.lock);
    for (unsigned i = 0; i < NAME_BUCKETS; i++) {
        if (!names.bucket[i].next)
            continue;
        list_for_each(it, &names.bucket[i])
            fn(list_entry(it, struct unix_name, link), arg);
    }
    spin_unlock(&names.lock);
}
