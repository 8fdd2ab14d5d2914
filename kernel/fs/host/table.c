/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of host inodes: (super, device, number, type) -> inode.
 *
 * The table holds no references.  An inode leaves it in host_inode_free, after its count has reached
 * zero; until then a lookup may still see it, which is why host_inode_find takes a reference only
 * from a count that is not zero.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/host/host_impl.h"
#include "kernel/fs/host/table.h"

struct host_table host_table;

void host_table_init(void)
{
    mutex_init(&host_table.names);
    spin_init(&host_table.lock);
    list_init(&host_table.lru);
    for (unsigned i = 0; i < HOST_HASH; i++)
        list_init(&host_table.hash[i]);
}

static struct list *bucket(const struct host_id *id)
{
    uint64_t h = (id->ino ^ id->dev << 32) * 0x9e3779b97f4a7c15UL;
    return &host_table.hash[h >> 56 & (HOST_HASH - 1)];
}

static bool ref_get_live(struct ref *r)
{
    uint32_t n = __atomic_load_n(&r->count, __ATOMIC_RELAXED);
    while (n)
        if (__atomic_compare_exchange_n(&r->count, &n, n + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

/* With the table's lock held. A reference, or NULL. */
static struct host_inode *find_locked(struct super *sb, const struct host_id *id)
{
    struct list *head = bucket(id);
    list_for_each(it, head) {
        struct host_inode *hi = list_entry(it, struct host_inode, hash_link);
        if (hi->id.ino == id->ino && hi->id.dev == id->dev && hi->id.type == id->type &&
            hi->inode.super == sb && ref_get_live(&hi->inode.ref))
            return hi;
    }
    return NULL;
}

static struct host_id id_of(const struct statx *st)
{
    return (struct host_id){.dev = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor,
                            .ino = st->stx_ino,
                            .type = st->stx_mode & S_IFMT};
}

/* Host device numbers as the program's mknod and stat know them (Linux's 32-bit encoding). */
static uint64_t rdev_of(const struct statx *st)
{
    uint64_t major = st->stx_rdev_major, minor = st->stx_rdev_minor;
    return (minor & 0xff) | major << 8 | (minor & ~0xffUL) << 12;
}

static int name_set(struct host_inode *hi, const char *name)
{
    size_t len = strlen(name);
    char *copy = hi->small;
    if (len >= sizeof(hi->small)) {
        copy = kmalloc(len + 1);
        if (!copy)
            return -ENOMEM;
    }
    if (hi->name != hi->small)
        kfree(hi->name);
    memcpy(copy, name, len + 1);
    hi->name = copy;
    return 0;
}

/* Takes over the caller's intent that hi is `name` in parent. With names held. */
static int place_locked(struct host_inode *hi, struct host_inode *parent, const char *name)
{
    if (!hi->parent && hi->name)
        return 0; /* a mount's root stays where it is */
    if (hi->parent == parent && hi->name && !strcmp(hi->name, name))
        return 0;
    for (struct host_inode *p = parent; p; p = p->parent)
        if (p == hi)
            return 0; /* the host shows a directory inside itself */
    int err = name_set(hi, name);
    if (err)
        return err;
    struct host_inode *old = hi->parent;
    if (parent)
        inode_get(&parent->inode);
    hi->parent = parent;
    if (old)
        inode_put(&old->inode);
    return 0;
}

static struct host_inode *inode_alloc(struct super *sb, const struct statx *st)
{
    struct host_inode *hi = kzalloc(sizeof(*hi));
    if (!hi)
        return NULL;
    inode_init(&hi->inode, sb, &host_inode_ops, st->stx_mode, st->stx_ino);
    hi->inode.rdev = rdev_of(st);
    hi->inode.dev = FS_RDEV(st->stx_dev_major, st->stx_dev_minor);
    hi->id = id_of(st);
    hi->serial = __atomic_add_fetch(&host_table.serial, 1, __ATOMIC_RELAXED);
    hi->fd = -1;
    list_init(&hi->hash_link);
    list_init(&hi->lru_link);
    list_init(&hi->opens);
    return hi;
}

/* Puts hi in the table unless another got there first, which is then what is returned. */
static struct host_inode *table_add(struct host_inode *hi)
{
    spin_lock(&host_table.lock);
    struct host_inode *other = find_locked(hi->inode.super, &hi->id);
    if (!other)
        list_add_head(bucket(&hi->id), &hi->hash_link);
    spin_unlock(&host_table.lock);
    if (!other)
        return hi;
    inode_put(&hi->inode);
    return other;
}

int host_inode_make(struct super *sb, struct host_inode *parent, const char *name,
                    const struct statx *st, int fd, struct inode **out)
{
    struct host_id id = id_of(st);
    spin_lock(&host_table.lock);
    struct host_inode *hi = find_locked(sb, &id);
    spin_unlock(&host_table.lock);
    if (!hi) {
        hi = inode_alloc(sb, st);
        if (hi)
            hi = table_add(hi);
    }
    int err = hi ? 0 : -ENOMEM;
    if (hi) {
        mutex_lock(&host_table.names);
        err = place_locked(hi, parent, name);
        mutex_unlock(&host_table.names);
        hi->inode.mode = st->stx_mode;
    }
    if (err) {
        if (fd >= 0)
            ocall_close(fd);
        if (hi)
            inode_put(&hi->inode);
        return err;
    }
    if (fd >= 0)
        host_dir_offer(hi, fd);
    *out = &hi->inode;
    return 0;
}

void host_inode_free(struct inode *i)
{
    struct host_inode *hi = host_inode_of(i);
    spin_lock(&host_table.lock);
    list_del(&hi->hash_link);
    list_del(&hi->lru_link);
    if (hi->fd >= 0 && !hi->ours)
        host_table.open--;
    host_table.fifos -= hi->ours;
    spin_unlock(&host_table.lock);
    if (hi->fd >= 0)
        ocall_close(hi->fd);
    struct host_inode *parent = hi->parent;
    if (hi->name != hi->small)
        kfree(hi->name);
    host_shared_free(hi);
    kfree(hi);
    if (parent)
        inode_put(&parent->inode);
}

void host_inode_moved(struct super *sb, struct host_inode *dir, const char *name)
{
    struct statx st;
    int fd;
    if (host_dir_pin(dir, &fd))
        return;
    long ret = ocall_statx(fd, name, AT_SYMLINK_NOFOLLOW, &st);
    host_dir_unpin(dir);
    if (ret < 0 || host_stat_check(&st))
        return;
    struct host_id id = id_of(&st);
    spin_lock(&host_table.lock);
    struct host_inode *hi = find_locked(sb, &id);
    spin_unlock(&host_table.lock);
    if (!hi)
        return;
    mutex_lock(&host_table.names);
    /* Without memory the old name stays: the file is then not found by name any more. */
    if (place_locked(hi, dir, name))
        log_debug("host: no memory to note a rename");
    mutex_unlock(&host_table.names);
    inode_put(&hi->inode);
}

void host_file_attach(struct host_inode *hi, struct host_file *hf)
{
    spin_lock(&host_table.lock);
    list_add_head(&hi->opens, &hf->open_link);
    spin_unlock(&host_table.lock);
}

void host_file_detach(struct host_inode *hi, struct host_file *hf)
{
    (void)hi;
    spin_lock(&host_table.lock);
    list_del(&hf->open_link);
    spin_unlock(&host_table.lock);
}

enum purpose { ANY, READ, WRITE };

static bool file_serves(struct host_file *hf, enum purpose p)
{
    if (p == READ)
        return FMODE_READ(&hf->file);
    return p == ANY || (FMODE_WRITE(&hf->file) && !hf->append_only);
}

static struct host_file *open_file(struct host_inode *hi, enum purpose p)
{
    struct host_file *found = NULL;
    spin_lock(&host_table.lock);
    list_for_each(it, &hi->opens) {
        struct host_file *hf = list_entry(it, struct host_file, open_link);
        if (!file_serves(hf, p) || !ref_get_live(&hf->file.ref))
            continue;
        found = hf;
        break;
    }
    spin_unlock(&host_table.lock);
    return found;
}

struct host_file *host_inode_open_file(struct host_inode *hi)
{
    return open_file(hi, ANY);
}

struct host_file *host_inode_open_for(struct host_inode *hi, bool write)
{
    return open_file(hi, write ? WRITE : READ);
}

bool host_inode_get_live(struct host_inode *hi)
{
    return ref_get_live(&hi->inode.ref);
}
