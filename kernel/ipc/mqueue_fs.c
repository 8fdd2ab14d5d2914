/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX message queues as files: a file system of one directory, whose files are queues.  A queue
 * that is read as a file tells its state; it is removed as a file, and made by creat(2) with the default sizes.
 *
 * Lock: the root's inode->lock, for the names.  An entry holds a reference to its queue.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include "kernel/fs/fs.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/ipc/mqueue_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/vfs/vfs_impl.h"
#include "lib/format.h"
#include "lib/string.h"

#define MQUEUE_MAGIC 0x19800202
#define ENTRY_SIZE 20 /* what Linux says that a directory entry and a queue are large */
#define QUEUE_SIZE 80
#define ROOT_INO 1

struct mq_root {
    struct inode inode;          /* first */
    struct tree by_name;         /* [inode.lock] */
    struct list by_age;          /* [inode.lock] oldest first */
    uint64_t made;               /* [inode.lock] */
    uint32_t uid, gid;           /* [a] */
    ktime_t atime, mtime, ctime; /* [a] */
};

struct super *mqueue_super;

static const struct inode_ops queue_ops;

static struct mq_root *root_of(struct inode *i)
{
    return container_of(i, struct mq_root, inode);
}

/* Names. */

static int name_cmp(const struct tree_node *a, const struct tree_node *b)
{
    return strcmp(tree_entry(a, const struct mqueue, by_name)->name,
                  tree_entry(b, const struct mqueue, by_name)->name);
}

static int name_key_cmp(const void *key, const struct tree_node *n)
{
    return strcmp(key, tree_entry(n, const struct mqueue, by_name)->name);
}

static struct mqueue *find_locked(struct mq_root *root, const char *name) REQUIRES(root->inode.lock)
{
    struct tree_node *n = tree_find(&root->by_name, name, name_key_cmp);
    return n ? tree_entry(n, struct mqueue, by_name) : NULL;
}

static int root_lookup(struct inode *dir, const char *name, struct inode **out)
{
    struct mq_root *root = root_of(dir);

    mutex_lock(&root->inode.lock);
    struct mqueue *q = find_locked(root, name);
    if (q)
        *out = inode_get(&q->inode);
    mutex_unlock(&root->inode.lock);
    return q ? 0 : -ENOENT;
}

static struct mqueue *queue_new(const char *name)
{
    const struct cred *c = current_cred();
    struct mqueue *q = kzalloc(sizeof(*q) + strlen(name) + 1);

    if (!q)
        return NULL;
    memcpy(q->name, name, strlen(name) + 1);
    q->uid = c->fsuid;
    q->gid = c->fsgid;
    q->atime = q->mtime = q->ctime = clock_real();
    spin_init(&q->lock);
    tree_init(&q->messages, mqueue_cmp);
    list_init(&q->receivers);
    list_init(&q->senders);
    list_init(&q->files);
    return q;
}

int mqueue_create(struct inode *dir, const char *name, uint32_t mode, const struct mq_attr *attr,
                  struct inode **out)
{
    struct mq_root *root = root_of(dir);
    struct mqueue *q = queue_new(name);

    if (!q)
        return -ENOMEM;
    int err = mqueue_charge(q, attr);
    if (err) {
        kfree(q);
        return err;
    }
    inode_init(&q->inode, mqueue_super, &queue_ops, S_IFREG | (mode & 07777), 0);
    mutex_lock(&root->inode.lock);
    q->number = ++root->made;
    q->inode.ino = ROOT_INO + q->number;
    tree_insert(&root->by_name, &q->by_name);
    list_add_tail(&root->by_age, &q->by_age);
    root->mtime = root->ctime = clock_real();
    mutex_unlock(&root->inode.lock);
    *out = inode_get(&q->inode);
    return 0;
}

static int root_create(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    return mqueue_create(dir, name, mode, NULL, out);
}

static int root_unlink(struct inode *dir, const char *name, struct inode *victim)
{
    struct mq_root *root = root_of(dir);
    struct mqueue *q = mqueue_of(victim);
    (void)name;

    mutex_lock(&root->inode.lock);
    tree_remove(&root->by_name, &q->by_name);
    list_del(&q->by_age);
    root->atime = root->mtime = root->ctime = clock_real();
    mutex_unlock(&root->inode.lock);
    q->ctime = clock_real();
    inode_put(victim); /* the name's */
    return 0;
}

/* Attributes. */

static struct statx_timestamp stamp(ktime_t t)
{
    return (struct statx_timestamp){.tv_sec = t / 1000000000,
                                    .tv_nsec = (uint32_t)(t % 1000000000)};
}

static int root_getattr(struct inode *i, struct statx *st)
{
    struct mq_root *root = root_of(i);

    fs_stat_fill(st, i, 2, (int64_t)root->by_name.count * ENTRY_SIZE);
    st->stx_blocks = 0;
    st->stx_uid = root->uid;
    st->stx_gid = root->gid;
    st->stx_atime = stamp(root->atime);
    st->stx_mtime = stamp(root->mtime);
    st->stx_ctime = stamp(root->ctime);
    return 0;
}

static int queue_getattr(struct inode *i, struct statx *st)
{
    struct mqueue *q = mqueue_of(i);

    fs_stat_fill(st, i, list_empty(&q->by_age) ? 0 : 1, QUEUE_SIZE);
    st->stx_blocks = 0;
    st->stx_uid = q->uid;
    st->stx_gid = q->gid;
    st->stx_atime = stamp(q->atime);
    st->stx_mtime = stamp(q->mtime);
    st->stx_ctime = stamp(q->ctime);
    return 0;
}

static ktime_t time_of(int64_t sec, uint32_t nsec)
{
    return sec > INT64_MAX / 1000000000 - 1 ? INT64_MAX : sec * 1000000000 + nsec;
}

/* What chmod, chown and utimens do; what owner and times are is the caller's. */
static void attr_set(struct inode *i, const struct setattr *a, uint32_t *uid, uint32_t *gid,
                     ktime_t times[2])
{
    if (a->mask & SETATTR_MODE)
        i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
    if (a->mask & SETATTR_UID)
        *uid = a->uid;
    if (a->mask & SETATTR_GID)
        *gid = a->gid;
    if (a->mask & SETATTR_ATIME)
        times[0] = time_of(a->atime.sec, a->atime.nsec);
    if (a->mask & SETATTR_MTIME)
        times[1] = time_of(a->mtime.sec, a->mtime.nsec);
}

static int root_setattr(struct inode *i, const struct setattr *a)
{
    struct mq_root *root = root_of(i);
    ktime_t times[2] = {root->atime, root->mtime};

    attr_set(i, a, &root->uid, &root->gid, times);
    root->atime = times[0];
    root->mtime = times[1];
    root->ctime = clock_real();
    return 0;
}

static int queue_setattr(struct inode *i, const struct setattr *a)
{
    struct mqueue *q = mqueue_of(i);
    ktime_t times[2] = {q->atime, q->mtime};

    attr_set(i, a, &q->uid, &q->gid, times);
    q->atime = times[0];
    q->mtime = times[1];
    q->ctime = clock_real();
    return 0;
}

void mqueue_touch(struct mqueue *q, bool changed)
{
    q->atime = q->ctime = clock_real();
    if (changed)
        q->mtime = q->ctime;
}

/* Open queues. */

static int queue_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct mqueue *q = mqueue_of(f->inode);
    char text[96];

    spin_lock(&q->lock);
    const struct mq_notice *n = &q->notice;
    int len =
        snprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                 q->bytes, n->owner ? n->how : 0, n->owner && n->how == SIGEV_SIGNAL ? n->signo : 0,
                 n->owner ? n->owner->pid : 0);
    spin_unlock(&q->lock);
    if (*pos < 0)
        return -EINVAL;
    if (*pos >= len)
        return 0;
    size_t before = u->done;
    int err = uio_put(u, text + *pos, MIN(u->left, (size_t)(len - *pos)));
    *pos += (int64_t)(u->done - before);
    mqueue_touch(q, false);
    return err;
}

static int64_t queue_lseek(struct file *f, int64_t off, int whence)
{
    return vfs_lseek_default(f, off, whence, QUEUE_SIZE);
}

static uint32_t queue_poll(struct file *f)
{
    struct mqueue *q = mqueue_of(f->inode);

    spin_lock(&q->lock);
    int64_t n = (int64_t)q->messages.count;
    spin_unlock(&q->lock);
    return (n ? EPOLLIN | EPOLLRDNORM : 0U) | (n < q->max ? EPOLLOUT | EPOLLWRNORM : 0U);
}

static int queue_flush(struct file *f)
{
    mq_notice_remove(mqueue_of(f->inode), current_process());
    return 0;
}

static void queue_release(struct file *f)
{
    struct mqueue *q = mqueue_of(f->inode);

    spin_lock(&q->lock);
    list_del(&container_of(f, struct mq_file, file)->link);
    spin_unlock(&q->lock);
}

static const struct file_ops queue_file_ops = {
    .read = queue_read,
    .poll = queue_poll,
    .lseek = queue_lseek,
    .flush = queue_flush,
    .release = queue_release,
};

struct mqueue *mqueue_of_file(struct file *f)
{
    return f->ops == &queue_file_ops ? mqueue_of(f->inode) : NULL;
}

void mqueue_wake_locked(struct mqueue *q, uint32_t events)
{
    list_for_each(l, &q->files)
        file_wake(&list_entry(l, struct mq_file, link)->file, events);
}

static int queue_open(struct inode *i, uint32_t flags, struct file **out)
{
    struct mqueue *q = mqueue_of(i);

    if ((flags & O_ACCMODE) == O_ACCMODE)
        return -EINVAL;
    struct mq_file *mf = kzalloc(sizeof(*mf));
    if (!mf)
        return -ENOMEM;
    file_init(&mf->file, &queue_file_ops, flags);
    mf->file.inode = inode_get(i);
    spin_lock(&q->lock);
    list_add_tail(&q->files, &mf->link);
    spin_unlock(&q->lock);
    *out = &mf->file;
    return 0;
}

static int queue_truncate(struct inode *i, int64_t size)
{
    (void)i;
    (void)size;
    return 0; /* Linux lets it pass, and the queue is what it was */
}

static void queue_free(struct inode *i)
{
    struct mqueue *q = mqueue_of(i);

    mqueue_empty(q);
    mq_notice_drop(&q->notice);
    mqueue_uncharge(q);
    kfree(q);
}

static const struct inode_ops queue_ops = {
    .open = queue_open,
    .getattr = queue_getattr,
    .setattr = queue_setattr,
    .truncate = queue_truncate,
    .free = queue_free,
};

/* The directory. */

static bool emit_dots(struct file *f, struct dir_sink *sink)
{
    for (; f->pos < 2; f->pos++)
        if (!sink->emit(sink, "..", (size_t)f->pos + 1, ROOT_INO, 4, f->pos + 1))
            return false;
    return true;
}

static int root_iterate(struct file *f, struct dir_sink *sink)
{
    struct mq_root *root = root_of(f->inode);

    if (!emit_dots(f, sink))
        return 0;
    mutex_lock(&root->inode.lock);
    list_for_each(l, &root->by_age) {
        const struct mqueue *q = list_entry(l, const struct mqueue, by_age);
        int64_t next = (int64_t)q->number + 2;
        if (next <= f->pos)
            continue;
        if (!sink->emit(sink, q->name, strlen(q->name), q->inode.ino, 8, next))
            break;
        f->pos = next;
    }
    mutex_unlock(&root->inode.lock);
    return 0;
}

static const struct file_ops root_file_ops = {.iterate = root_iterate, .lseek = vfs_lseek_dir};

static int root_open(struct inode *i, uint32_t flags, struct file **out)
{
    (void)i;
    *out = file_new(&root_file_ops, flags, NULL);
    return *out ? 0 : -ENOMEM;
}

static void root_free(struct inode *i)
{
    kfree(root_of(i));
}

static const struct inode_ops root_ops = {
    .lookup = root_lookup,
    .create = root_create,
    .unlink = root_unlink,
    .open = root_open,
    .getattr = root_getattr,
    .setattr = root_setattr,
    .free = root_free,
};

static int mqueue_statfs(struct super *sb, struct statfs_info *out)
{
    (void)sb;
    *out = (struct statfs_info){.type = MQUEUE_MAGIC, .bsize = 4096, .namelen = NAME_MAX};
    return 0;
}

static const struct super_ops mqueue_super_ops = {.statfs = mqueue_statfs};

static int mqueue_mount(const char *source, unsigned flags, struct super **out)
{
    static struct super sb;
    (void)source;
    if (mqueue_super)
        return -EBUSY; /* there is one for all */
    struct mq_root *root = kzalloc(sizeof(*root));
    if (!root)
        return -ENOMEM;
    tree_init(&root->by_name, name_cmp);
    list_init(&root->by_age);
    root->atime = root->mtime = root->ctime = clock_real();
    sb = (struct super){
        .type = "mqueue", .ops = &mqueue_super_ops, .flags = flags, .dev = fs_dev_new()};
    inode_init(&root->inode, &sb, &root_ops, S_IFDIR | S_ISVTX | 0777, ROOT_INO);
    sb.root = &root->inode;
    mqueue_super = *out = &sb;
    return 0;
}

void mqueue_fs_init(void)
{
    static struct fs_type type = {.name = "mqueue", .mount = mqueue_mount};
    fs_type_register(&type);
}
