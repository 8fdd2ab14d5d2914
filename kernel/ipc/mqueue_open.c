/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mq_open, mq_unlink, mq_getsetattr; and what queues cost: the number of all, and for each user the
 * bytes that his may need, which are counted when a queue is made (RLIMIT_MSGQUEUE).
 *
 * Lock: account.lock.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/resource.h>

#include "kernel/ipc/limits.h"
#include "kernel/ipc/mqueue_impl.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/id/user.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs_impl.h"

#include "kernel/sys/syscalls.h"

/* Nobody, not even root, has larger queues. */
#define HARD_COUNT 65536
#define HARD_SIZE (16 << 20)
/* What Linux counts for a message, and for a priority, beside the text. */
#define MESSAGE_COST 48U
#define PRIORITY_COST 48U

static struct {
    struct spinlock lock;
    uint64_t queues; /* [l] */
} account;

/* What sizes are asked for, and may be. */
static int sizes(struct mqueue *q, const struct mq_attr *attr)
{
    bool free_choice = capable(CAP_SYS_RESOURCE);
    uint64_t count = IPC_LIMIT(mq_count), size = IPC_LIMIT(mq_size);

    q->max = attr ? attr->mq_maxmsg : (int64_t)MIN(count, IPC_LIMIT(mq_count_default));
    q->size = attr ? attr->mq_msgsize : (int64_t)MIN(size, IPC_LIMIT(mq_size_default));
    if (q->max <= 0 || q->size <= 0)
        return reject(-EINVAL, "a queue without room");
    if ((uint64_t)q->max > (free_choice ? HARD_COUNT : count) ||
        (uint64_t)q->size > (free_choice ? HARD_SIZE : size))
        return reject(-EINVAL, "too large a queue");
    q->charge = (uint64_t)q->max * (uint64_t)q->size + (uint64_t)q->max * MESSAGE_COST +
                MIN((uint64_t)q->max, MQ_PRIO_MAX) * PRIORITY_COST;
    return 0;
}

static int charge_locked(struct mqueue *q) REQUIRES(account.lock)
{
    uint64_t limit = current_process()->rlimits[RLIMIT_MSGQUEUE].rlim_cur;

    if (account.queues >= IPC_LIMIT(mq_queues) && !capable(CAP_SYS_RESOURCE))
        return reject(-ENOSPC, "too many queues");
    struct user *u = current_cred()->user;
    if (u->mq_bytes + q->charge > limit)
        return reject(-EMFILE, "RLIMIT_MSGQUEUE");
    u->mq_bytes += q->charge;
    q->user = user_get(u);
    account.queues++;
    return 0;
}

int mqueue_charge(struct mqueue *q, const struct mq_attr *attr)
{
    int err = sizes(q, attr);
    if (err)
        return err;
    spin_lock(&account.lock);
    err = charge_locked(q);
    spin_unlock(&account.lock);
    return err;
}

void mqueue_uncharge(struct mqueue *q)
{
    spin_lock(&account.lock);
    q->user->mq_bytes -= q->charge;
    account.queues--;
    spin_unlock(&account.lock);
    user_put(q->user);
}

/* Names have no directories; the C library has taken the first slash away. */
static int check_name(const char *name)
{
    if (!*name)
        return -ENOENT;
    if (!strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/'))
        return reject(-EACCES, "not the name of a queue");
    return 0;
}

struct mq_request {
    uint32_t mode;
    const struct mq_attr *attr; /* or NULL */
};

static int make(struct inode *dir, const char *name, const void *arg, struct inode **out)
{
    const struct mq_request *r = arg;
    return mqueue_create(dir, name, r->mode, r->attr, out);
}

static long open_name(const char *name, int oflag, const struct mq_request *r)
{
    const struct child_maker maker = {.fn = make, .arg = r};
    struct file *f;

    int err = check_name(name);
    if (!err)
        err = fd_room();
    if (!err)
        err = vfs_open_child(mqueue_super->mount->root, name,
                             (uint32_t)oflag & ~(uint32_t)(O_PATH | O_DIRECTORY), &maker, &f);
    return err ? err : fd_install(f, true, 0);
}

long sys_mq_open(uaddr_t name, int oflag, unsigned mode, uaddr_t uattr)
{
    struct mq_attr attr = {0};
    struct mq_request r = {.mode = mode & 07777 & ~fs_context_umask(current_process()->fs),
                           .attr = uattr ? &attr : NULL};
    struct path_arg p;

    if (uattr && copy_in(&attr, uattr, sizeof(attr)))
        return -EFAULT;
    int err = path_in(&p, name);
    if (err)
        return err;
    long ret = open_name(p.s, oflag, &r);
    path_done(&p);
    return ret;
}

long sys_mq_unlink(uaddr_t name)
{
    struct path_arg p;

    int err = path_in(&p, name);
    if (err)
        return err;
    err = check_name(p.s);
    if (!err)
        err = vfs_unlink_child(mqueue_super->mount->root, p.s);
    path_done(&p);
    return err;
}

static void getset(struct file *f, struct mqueue *q, const struct mq_attr *new_attr,
                   struct mq_attr *old)
{
    uint32_t flags = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);

    spin_lock(&q->lock);
    *old = (struct mq_attr){.mq_flags = flags & O_NONBLOCK,
                            .mq_maxmsg = q->max,
                            .mq_msgsize = q->size,
                            .mq_curmsgs = (int64_t)q->messages.count};
    spin_unlock(&q->lock);
    if (!new_attr)
        return;
    if (new_attr->mq_flags & O_NONBLOCK)
        __atomic_fetch_or(&f->flags, O_NONBLOCK, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&f->flags, ~(uint32_t)O_NONBLOCK, __ATOMIC_RELAXED);
    mqueue_touch(q, false);
}

long sys_mq_getsetattr(int mqdes, uaddr_t mqstat, uaddr_t omqstat)
{
    struct mq_attr new_attr, old;
    struct file *f;

    if (mqstat && copy_in(&new_attr, mqstat, sizeof(new_attr)))
        return -EFAULT;
    if (mqstat && new_attr.mq_flags & ~(int64_t)O_NONBLOCK)
        return reject(-EINVAL, "only O_NONBLOCK can be set");
    int err = fd_lookup(mqdes, false, &f);
    if (err)
        return err;
    struct mqueue *q = mqueue_of_file(f);
    if (q)
        getset(f, q, mqstat ? &new_attr : NULL, &old);
    else
        err = (int)reject(-EBADF, "not a message queue");
    file_put(f);
    return !err && omqstat && copy_out(omqstat, &old, sizeof(old)) ? -EFAULT : err;
}
