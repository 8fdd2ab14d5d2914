/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dentry cache: which names are known, in one hash over (parent, name).
 *
 * Cached dentries keep themselves, their inode and (through the parent's reference) the chain
 * up to the root.  Beyond DCACHE_MAX of them, those that nobody else refers to go, oldest first
 * with a second chance.  A dentry's own text and parent change only by rename.
 *
 * Lock: one spin lock for hash, list, names and parents.  References are dropped outside of it,
 * since the end of an inode may call the host.
 */
#include "kernel/vfs/vfs_impl.h"

#define DCACHE_BUCKETS 1024U
#define DCACHE_MAX 4096U

static struct {
    struct spinlock lock;
    struct list *bucket;
    struct list lru; /* [l] oldest at the tail */
    unsigned count;  /* [l] cached */
} dcache;

int dcache_init(void)
{
    spin_init(&dcache.lock);
    list_init(&dcache.lru);
    dcache.bucket = kmalloc(DCACHE_BUCKETS * sizeof(struct list));
    if (!dcache.bucket)
        return -ENOMEM;
    for (unsigned i = 0; i < DCACHE_BUCKETS; i++)
        list_init(&dcache.bucket[i]);
    return 0;
}

static inline __attribute__((always_inline)) uint64_t load_n(const char *p, size_t n)
{
    uint64_t v = 0;
    __builtin_memcpy(&v, p, n);
    return v;
}

/* n < 8 bytes as a number; the two loads overlap. */
static uint64_t load_tail(const char *p, size_t n)
{
    if (n >= 4)
        return load_n(p, 4) << 32 | load_n(p + n - 4, 4);
    if (n >= 2)
        return load_n(p, 2) << 16 | load_n(p + n - 2, 2);
    return n ? (unsigned char)*p : 0;
}

static inline uint64_t hash_step(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15UL;
    return h ^ h >> 32;
}

/* Eight bytes a step: every component of every path comes through here. */
uint32_t dentry_hash(const struct dentry *parent, const char *name, size_t len)
{
    uint64_t h = hash_step((uintptr_t)parent, len);
    for (; len >= 8; len -= 8, name += 8)
        h = hash_step(h, load_n(name, 8));
    return (uint32_t)hash_step(h, load_tail(name, len));
}

static struct list *bucket_of(uint32_t hash)
{
    return &dcache.bucket[hash % DCACHE_BUCKETS];
}

static bool dentry_is(const struct dentry *d, uint32_t hash, const struct dentry *parent,
                      const char *name, size_t len)
{
    return d->hash == hash && d->parent == parent && d->name_len == len &&
           !memcmp(d->name, name, len);
}

/* The cached dentry, borrowed; the lock is held. */
static struct dentry *find(struct dentry *parent, const char *name, size_t len)
{
    uint32_t hash = dentry_hash(parent, name, len);
    list_for_each(it, bucket_of(hash)) {
        struct dentry *d = list_entry(it, struct dentry, hash_link);
        if (d->state == DENTRY_CACHED && dentry_is(d, hash, parent, name, len)) {
            d->used = true;
            return d;
        }
    }
    return NULL;
}

struct dentry *dcache_lookup(struct dentry *parent, const char *name, size_t len)
{
    spin_lock(&dcache.lock);
    struct dentry *d = find(parent, name, len);
    if (d)
        dentry_get(d);
    spin_unlock(&dcache.lock);
    return d;
}

bool dentry_fresh(const struct dentry *d, ktime_t *now)
{
    if (!dentry_volatile(d) || d->mounted || d->made_up)
        return true;
    if (d->inode->ops->valid)
        return d->inode->ops->valid(d->inode);
    if (!*now)
        *now = clock_mono();
    return *now - __atomic_load_n(&d->checked, __ATOMIC_RELAXED) < VOLATILE_TRUST;
}

/* The next component of *p: its length, and where the next begins; 0 for what needs care. */
static size_t component(const char **p, const char **next)
{
    const char *s = *p;
    while (*s == '/')
        s++;
    const char *e = s;
    while (*e && *e != '/')
        e++;
    *p = s;
    *next = e;
    while (**next == '/')
        ++*next;
    bool dots = s[0] == '.' && (e - s == 1 || (s[1] == '.' && e - s == 2));
    return dots || e - s > NAME_MAX ? 0 : (size_t)(e - s);
}

/* The mode's bits need not be looked at: any name may be passed, or the kind checks at the operation. */
static bool may_pass(const struct dentry *d, unsigned pass)
{
    if (pass & DESCEND_OWN)
        return true;
    return pass & DESCEND_VOLATILE && dentry_volatile(d) && !d->inode->ops->permission;
}

/* d is a directory that is believed without asking its kind, for which the lock would have to be given up. */
static bool believed(const struct dentry *d, ktime_t *now)
{
    return S_ISDIR(d->inode->mode) && (!d->inode->ops->valid || d->mounted) && dentry_fresh(d, now);
}

struct dentry *dcache_descend(struct dentry *at, unsigned pass, struct walk *w)
{
    spin_lock(&dcache.lock);
    for (;;) {
        const char *next;
        size_t len = component(&w->rest, &next);
        if (!len || !may_pass(at, pass))
            break;
        struct dentry *d = find(at, w->rest, len);
        if (!*next) {
            w->leaf = d ? dentry_get(d) : NULL;
            w->leaf_known = true;
            break;
        }
        if (!d || !believed(d, &w->now))
            break;
        while (unlikely(d->mounted != NULL))
            d = d->mounted->root;
        at = d;
        w->rest = next;
    }
    dentry_get(at);
    spin_unlock(&dcache.lock);
    return at;
}

/* Takes d out of the hash.  True when the caller must drop the cache's reference. */
static bool unhash(struct dentry *d)
{
    bool cached = d->state == DENTRY_CACHED;
    if (cached) {
        list_del(&d->lru_link);
        dcache.count--;
    }
    if (d->state != DENTRY_OUT)
        list_del(&d->hash_link);
    d->state = DENTRY_OUT;
    return cached;
}

static void rehash(struct dentry *d, uint32_t state)
{
    d->state = state;
    list_add_head(bucket_of(d->hash), &d->hash_link);
    if (state == DENTRY_CACHED) {
        list_add_head(&dcache.lru, &d->lru_link);
        dcache.count++;
    }
}

/* Moves up to n dentries that only the cache refers to onto `out`, through their lru_link. */
static void shrink(unsigned n, struct list *out)
{
    for (unsigned looked = 4 * n; n && looked && !list_empty(&dcache.lru); looked--) {
        struct dentry *d = list_entry(dcache.lru.prev, struct dentry, lru_link);
        list_del(&d->lru_link);
        if (d->used || __atomic_load_n(&d->ref.count, __ATOMIC_ACQUIRE) > 1) {
            d->used = false;
            list_add_head(&dcache.lru, &d->lru_link);
            continue;
        }
        unhash(d);
        list_add_tail(out, &d->lru_link);
        n--;
    }
}

static void put_all(struct list *l)
{
    struct list *it;
    while ((it = list_pop(l)))
        dentry_put(list_entry(it, struct dentry, lru_link));
}

void dcache_drop_unused(void)
{
    struct list dead = LIST_INIT(dead);
    bool some;
    do { /* a name may be the last that uses its directory's */
        spin_lock(&dcache.lock);
        list_for_each(it, &dcache.lru)
            list_entry(it, struct dentry, lru_link)->used = false;
        shrink(dcache.count, &dead);
        spin_unlock(&dcache.lock);
        some = !list_empty(&dead);
        put_all(&dead);
    } while (some);
}

struct dentry *dentry_get(struct dentry *d)
{
    ref_get(&d->ref);
    return d;
}

/* Returns the parent, whose reference goes to the caller. */
static struct dentry *dentry_free(struct dentry *d)
{
    /* A weak one may be found and moved by a rename until it is out of the hash. */
    spin_lock(&dcache.lock);
    unhash(d);
    struct dentry *parent = d->parent;
    spin_unlock(&dcache.lock);
    inode_put(d->inode);
    if (d->name != d->small)
        kfree(d->name);
    kfree(d->target);
    kfree(d);
    return parent;
}

void dentry_put(struct dentry *d)
{
    while (d && ref_put(&d->ref))
        d = dentry_free(d);
}

static bool set_name(struct dentry *d, const char *name, size_t len)
{
    char *text = len < sizeof(d->small) ? d->small : kmalloc(len + 1);
    if (!text)
        return false;
    memcpy(text, name, len);
    text[len] = '\0';
    d->name = text;
    d->name_len = (uint32_t)len;
    return true;
}

int dentry_new(struct dentry *parent, const char *name, size_t len, struct inode *inode,
               uint32_t state, struct dentry **out)
{
    struct list dead = LIST_INIT(dead);
    struct dentry *d = kzalloc(sizeof(*d));
    if (!d || !set_name(d, name, len)) {
        kfree(d);
        inode_put(inode);
        return -ENOMEM;
    }
    ref_init(&d->ref);
    list_init(&d->hash_link);
    list_init(&d->lru_link);
    d->inode = inode;
    if (parent) {
        d->parent = dentry_get(parent);
        d->mount = parent->mount;
        d->hash = dentry_hash(parent, name, len);
    }
    if (state != DENTRY_OUT) {
        if (state == DENTRY_CACHED)
            ref_get(&d->ref);
        spin_lock(&dcache.lock);
        rehash(d, state);
        if (dcache.count > DCACHE_MAX)
            shrink(32, &dead);
        spin_unlock(&dcache.lock);
        put_all(&dead);
    }
    *out = d;
    return 0;
}

void dcache_drop(struct dentry *d)
{
    spin_lock(&dcache.lock);
    bool cached = unhash(d);
    spin_unlock(&dcache.lock);
    if (cached)
        dentry_put(d);
}

/* Collects the dentries of a name, unhashed, on `out`; *cached ones bring the cache's reference
 * along. */
static void collect(struct dentry *parent, const char *name, size_t len, struct list *cached,
                    struct list *weak)
{
    uint32_t hash = dentry_hash(parent, name, len);
    list_for_each_safe(it, bucket_of(hash)) {
        struct dentry *d = list_entry(it, struct dentry, hash_link);
        if (dentry_is(d, hash, parent, name, len))
            list_add_tail(unhash(d) ? cached : weak, &d->hash_link);
    }
}

static void put_collected(struct list *cached)
{
    struct list *it;
    while ((it = list_pop(cached)))
        dentry_put(list_entry(it, struct dentry, hash_link));
}

static void mark_deleted(struct list *l, bool deleted)
{
    list_for_each(it, l)
        list_entry(it, struct dentry, hash_link)->deleted = deleted;
}

static void unlink_all(struct list *l)
{
    while (list_pop(l))
        ;
}

void dcache_forget(struct dentry *parent, const char *name, size_t len, bool deleted)
{
    struct list cached = LIST_INIT(cached), weak = LIST_INIT(weak);
    spin_lock(&dcache.lock);
    collect(parent, name, len, &cached, &weak);
    mark_deleted(&cached, deleted);
    mark_deleted(&weak, deleted);
    unlink_all(&weak);
    spin_unlock(&dcache.lock);
    put_collected(&cached);
}

/*
 * A rename's long names, allocated before the lock is taken, and those that they replace, freed after.
 * A dentry for which there is none left goes out of the cache; only /proc shows its old name.
 */
#define TEXTS 8

struct texts {
    char *fresh[TEXTS], *old[TEXTS];
    unsigned nfresh, nold;
};

static void texts_add(struct texts *t, const char *name, unsigned max)
{
    size_t len = strlen(name);
    while (len >= sizeof(((struct dentry *)0)->small) && t->nfresh < max) {
        t->fresh[t->nfresh] = kmalloc(NAME_MAX + 1);
        if (!t->fresh[t->nfresh])
            return;
        t->nfresh++;
    }
}

static void texts_free(struct texts *t)
{
    while (t->nfresh)
        kfree(t->fresh[--t->nfresh]);
    while (t->nold)
        kfree(t->old[--t->nold]);
}

static bool rename_text(struct dentry *d, const char *name, size_t len, struct texts *t)
{
    bool small = len < sizeof(d->small);
    if ((!small && !t->nfresh) || t->nold == TEXTS)
        return false;
    if (d->name != d->small)
        t->old[t->nold++] = d->name;
    d->name = small ? d->small : t->fresh[--t->nfresh];
    memcpy(d->name, name, len + 1);
    d->name_len = (uint32_t)len;
    return true;
}

/* Gives collected dentries a new place; what cannot have one stays in the list. */
static void replace(struct list *l, uint32_t state, struct dentry *parent, const char *name,
                    struct texts *t)
{
    size_t len = strlen(name);
    list_for_each_safe(it, l) {
        struct dentry *d = list_entry(it, struct dentry, hash_link);
        if (!rename_text(d, name, len, t))
            continue;
        list_del(it);
        if (d->parent != parent) {
            /* Not the last reference: the caller of rename holds one. */
            if (ref_put(&d->parent->ref))
                panic("dentry: the directory of a renamed name had no other reference");
            d->parent = dentry_get(parent);
        }
        d->hash = dentry_hash(parent, d->name, d->name_len);
        d->used = true;
        rehash(d, state);
    }
}

void dcache_move(struct dentry *oldp, const char *oldn, struct dentry *newp, const char *newn)
{
    struct list cached = LIST_INIT(cached), weak = LIST_INIT(weak);
    struct texts t = {.nfresh = 0};
    dcache_forget(newp, newn, strlen(newn), true);
    texts_add(&t, newn, TEXTS);
    spin_lock(&dcache.lock);
    collect(oldp, oldn, strlen(oldn), &cached, &weak);
    replace(&cached, DENTRY_CACHED, newp, newn, &t);
    replace(&weak, DENTRY_WEAK, newp, newn, &t);
    unlink_all(&weak);
    spin_unlock(&dcache.lock);
    put_collected(&cached);
    texts_free(&t);
}

void dcache_exchange(struct dentry *oldp, const char *oldn, struct dentry *newp, const char *newn)
{
    struct list cached[2] = {LIST_INIT(cached[0]), LIST_INIT(cached[1])};
    struct list weak[2] = {LIST_INIT(weak[0]), LIST_INIT(weak[1])};
    struct texts t = {.nfresh = 0};
    texts_add(&t, oldn, TEXTS / 2);
    texts_add(&t, newn, TEXTS);
    spin_lock(&dcache.lock);
    collect(oldp, oldn, strlen(oldn), &cached[0], &weak[0]);
    collect(newp, newn, strlen(newn), &cached[1], &weak[1]);
    for (int i = 0; i < 2; i++) {
        struct dentry *parent = i ? oldp : newp;
        replace(&cached[i], DENTRY_CACHED, parent, i ? oldn : newn, &t);
        replace(&weak[i], DENTRY_WEAK, parent, i ? oldn : newn, &t);
        unlink_all(&weak[i]);
    }
    spin_unlock(&dcache.lock);
    put_collected(&cached[0]);
    put_collected(&cached[1]);
    texts_free(&t);
}

bool dentry_is_ancestor(struct dentry *a, struct dentry *d)
{
    bool yes = false;
    spin_lock(&dcache.lock);
    for (; d && !yes; d = d->parent)
        yes = d == a;
    spin_unlock(&dcache.lock);
    return yes;
}

struct inode *dentry_inode(struct dentry *d)
{
    return d->inode;
}

char *dentry_target(struct dentry *d, size_t *len)
{
    const char *target = __atomic_load_n(&d->target, __ATOMIC_ACQUIRE); /* set once */
    *len = target ? strlen(target) : 0;
    return target ? kstrdup(target) : NULL;
}

void dentry_keep_target(struct dentry *d, const char *target, size_t len)
{
    char *copy = kmalloc(len + 1);
    if (!copy)
        return;
    memcpy(copy, target, len);
    copy[len] = '\0';
    spin_lock(&dcache.lock);
    bool first = !d->target;
    if (first)
        __atomic_store_n(&d->target, copy, __ATOMIC_RELEASE);
    spin_unlock(&dcache.lock);
    if (!first)
        kfree(copy);
}

struct inode *dentry_place(struct dentry *d, char name[NAME_MAX + 1])
{
    struct inode *dir = NULL;
    spin_lock(&dcache.lock);
    if (d->parent) {
        dir = inode_get(d->parent->inode);
        memcpy(name, d->name, d->name_len + 1);
    }
    spin_unlock(&dcache.lock);
    return dir;
}

/* The parent of d (a reference): across mounts; NULL at the top. */
struct dentry *dentry_up(struct dentry *d)
{
    struct dentry *up = NULL;
    spin_lock(&dcache.lock);
    while (!d->parent && d->mount && d->mount->covered)
        d = d->mount->covered;
    if (d->parent)
        up = dentry_get(d->parent);
    spin_unlock(&dcache.lock);
    return up;
}

/* Puts text before *at, which moves down towards start; false when it does not fit. */
static bool prepend(char *start, char **at, const char *text, size_t len)
{
    if ((size_t)(*at - start) < len)
        return false;
    *at -= len;
    memcpy(*at, text, len);
    return true;
}

/* The components from top down to d, at the end of buf: a pointer to them, or NULL. */
static char *path_build(struct dentry *d, struct dentry *top, char *buf, size_t size)
{
    char *at = buf + size;
    bool ok = prepend(buf, &at, "", 1);
    if (ok && d->deleted)
        ok = prepend(buf, &at, " (deleted)", 10);
    char *end = at;
    spin_lock(&dcache.lock);
    while (ok && d != top) {
        if (!d->parent && d->mount && d->mount->covered) {
            d = d->mount->covered;
            continue;
        }
        if (!d->parent)
            break;
        ok = prepend(buf, &at, d->name, d->name_len) && prepend(buf, &at, "/", 1);
        d = d->parent;
    }
    spin_unlock(&dcache.lock);
    if (ok && at == end)
        ok = prepend(buf, &at, "/", 1);
    return ok ? at : NULL;
}

static int64_t path_to(struct dentry *d, struct dentry *top, char *buf, size_t size)
{
    if (d->file && !d->parent) {
        const char *name = d->file->name ? d->file->name : "anon_inode:";
        return str_copy(buf, name, size) < size ? (int64_t)strlen(buf) : -ENAMETOOLONG;
    }
    char *at = size ? path_build(d, top, buf, size) : NULL;
    if (!at)
        return -ENAMETOOLONG;
    size_t len = (size_t)(buf + size - at) - 1;
    memmove(buf, at, len + 1);
    return (int64_t)len;
}

int64_t dentry_path(struct dentry *d, char *buf, size_t size)
{
    struct dentry *root = fs_context_root(current_process()->fs);
    int64_t len = path_to(d, root, buf, size);
    dentry_put(root);
    return len;
}

int64_t dentry_path_global(struct dentry *d, char *buf, size_t size)
{
    return path_to(d, NULL, buf, size);
}
