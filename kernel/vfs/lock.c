/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File locks: fcntl's record locks (of a process, or with F_OFD_* of an open file description) and
 * flock's whole-file locks.  An inode lists its locks; flock and fcntl do not see each other.
 * They order the programs of this enclave only: the host does not hear of them.
 *
 * Lock: one spin lock for all lists; waiters of any lock share one wait queue, since waiting is
 * rare.
 */
#include <linux/fs.h>

#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

enum lock_kind { LOCK_PROCESS, LOCK_FILE, LOCK_FLOCK };

struct file_lock {
    struct list link;
    enum lock_kind kind;
    int type;           /* F_RDLCK, F_WRLCK; F_UNLCK in requests */
    const void *owner;  /* descriptor table, or file */
    int pid;            /* for F_GETLK */
    int64_t start, end; /* both inclusive */
};

static struct spinlock locks_lock;
static struct waitq locks_waitq = {.waiters = LIST_INIT(locks_waitq.waiters)};

static struct file_lock *lock_of(struct list *l)
{
    return list_entry(l, struct file_lock, link);
}

static bool same_owner(const struct file_lock *a, const struct file_lock *b)
{
    return a->kind == b->kind && a->owner == b->owner;
}

static bool conflicts(const struct file_lock *held, const struct file_lock *want)
{
    if ((held->kind == LOCK_FLOCK) != (want->kind == LOCK_FLOCK) || same_owner(held, want))
        return false;
    if (held->type != F_WRLCK && want->type != F_WRLCK)
        return false;
    return held->start <= want->end && want->start <= held->end;
}

/* True when another's lock stands in the way; *held is a copy of it. */
static bool conflict_find(struct inode *i, const struct file_lock *want, struct file_lock *held)
{
    if (want->type == F_UNLCK)
        return false;
    list_for_each(it, &i->locks) {
        if (conflicts(lock_of(it), want)) {
            *held = *lock_of(it);
            return true;
        }
    }
    return false;
}

/*
 * Makes room for `want` among its owner's locks: cuts, splits (with *spare) and swallows them. What
 * is no longer needed goes to `dead`.
 */
static void owner_cut(struct inode *i, struct file_lock *want, struct file_lock **spare,
                      struct list *dead)
{
    list_for_each_safe(it, &i->locks) {
        struct file_lock *l = lock_of(it);
        if (!same_owner(l, want) || l->start > want->end || want->start > l->end)
            continue;
        if (l->type == want->type) {
            want->start = MIN(want->start, l->start);
            want->end = MAX(want->end, l->end);
        } else if (l->start < want->start && l->end > want->end) {
            struct file_lock *right = *spare;
            *spare = NULL;
            *right = *l;
            right->start = want->end + 1;
            l->end = want->start - 1;
            list_add_head(&i->locks, &right->link);
            continue;
        } else if (l->start < want->start) {
            l->end = want->start - 1;
            continue;
        } else if (l->end > want->end) {
            l->start = want->end + 1;
            continue;
        }
        list_del(&l->link);
        list_add_tail(dead, &l->link);
    }
}

static void free_all(struct list *dead)
{
    struct list *it;
    while ((it = list_pop(dead)))
        kfree(lock_of(it));
}

/* Sets or clears: 0, -EAGAIN when another holds it, -ENOMEM. */
static int lock_try(struct inode *i, const struct file_lock *request)
{
    struct list dead = LIST_INIT(dead);
    struct file_lock *want = kmalloc(sizeof(*want));
    struct file_lock *spare = kmalloc(sizeof(*spare));
    struct file_lock held;
    int err = -ENOMEM;
    if (!want || !spare)
        goto out;
    *want = *request;
    spin_lock(&locks_lock);
    err = conflict_find(i, want, &held) ? -EAGAIN : 0;
    if (!err) {
        owner_cut(i, want, &spare, &dead);
        if (want->type != F_UNLCK) {
            list_add_tail(&i->locks, &want->link);
            want = NULL;
        }
    }
    spin_unlock(&locks_lock);
    free_all(&dead);
    if (!err)
        waitq_wake(&locks_waitq, 0);
out:
    kfree(want);
    kfree(spare);
    return err;
}

static int lock_set(struct inode *i, const struct file_lock *request, bool wait)
{
    int err = lock_try(i, request), slept = 0;
    if (err != -EAGAIN || !wait)
        return err;
    struct waiter w;
    waitq_add(&locks_waitq, &w);
    while ((err = lock_try(i, request)) == -EAGAIN && !slept)
        slept = thread_block(KTIME_NEVER, true);
    waitq_del(&locks_waitq, &w);
    return err == -EAGAIN ? slept : err;
}

static void release_matching(struct inode *i, const struct file_lock *like, bool both_kinds)
{
    struct list dead = LIST_INIT(dead);
    spin_lock(&locks_lock);
    list_for_each_safe(it, &i->locks) {
        struct file_lock *l = lock_of(it);
        if (l->owner == like->owner && (both_kinds || l->kind == like->kind)) {
            list_del(&l->link);
            list_add_tail(&dead, &l->link);
        }
    }
    spin_unlock(&locks_lock);
    if (list_empty(&dead))
        return;
    free_all(&dead);
    waitq_wake(&locks_waitq, 0);
}

void locks_release_process(struct file *f)
{
    struct file_lock like = {.kind = LOCK_PROCESS, .owner = current_process()->fds};
    release_matching(f->inode, &like, false);
}

void locks_release_file(struct file *f)
{
    struct file_lock like = {.owner = f};
    release_matching(f->inode, &like, true);
}

/* A struct flock's range, made absolute and inclusive. */
static int range_decode(struct file *f, const struct flock *fl, struct file_lock *out)
{
    struct statx st;
    int64_t base = 0, start, end;
    if (fl->l_whence == SEEK_CUR) {
        base = f->pos;
    } else if (fl->l_whence == SEEK_END) {
        int err = file_stat(f, &st);
        if (err)
            return err;
        base = (int64_t)st.stx_size;
    } else if (fl->l_whence != SEEK_SET) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, fl->l_start, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    end = INT64_MAX;
    if (fl->l_len > 0 && __builtin_add_overflow(start, fl->l_len - 1, &end))
        return -EOVERFLOW;
    if (fl->l_len < 0) {
        end = start - 1;
        start += fl->l_len;
        if (start < 0)
            return -EINVAL;
    }
    out->start = start;
    out->end = end;
    return 0;
}

static int lock_get(struct inode *i, const struct file_lock *want, struct flock *fl)
{
    struct file_lock held;
    spin_lock(&locks_lock);
    bool found = conflict_find(i, want, &held);
    spin_unlock(&locks_lock);
    fl->l_type = F_UNLCK;
    if (found) {
        fl->l_type = (short)held.type;
        fl->l_whence = SEEK_SET;
        fl->l_start = held.start;
        fl->l_len = held.end == INT64_MAX ? 0 : held.end - held.start + 1;
        fl->l_pid = held.kind == LOCK_FILE ? -1 : held.pid;
    }
    return 0;
}

/* What the access mode and the command allow. */
static int request_check(struct file *f, const struct flock *fl, bool ofd, bool get)
{
    if (fl->l_type != F_RDLCK && fl->l_type != F_WRLCK && (fl->l_type != F_UNLCK || (get && !ofd)))
        return -EINVAL;
    if (ofd && fl->l_pid != 0)
        return -EINVAL;
    if (get)
        return 0;
    if ((fl->l_type == F_RDLCK && !FMODE_READ(f)) || (fl->l_type == F_WRLCK && !FMODE_WRITE(f)))
        return -EBADF;
    return 0;
}

long lock_fcntl(struct file *f, unsigned cmd, uaddr_t arg)
{
    bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
    bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
    struct process *p = current_process();
    struct file_lock want;
    struct flock fl;
    if (!f->inode)
        return -EBADF;
    if (copy_in(&fl, arg, sizeof(fl)))
        return -EFAULT;
    int err = request_check(f, &fl, ofd, get);
    if (!err)
        err = range_decode(f, &fl, &want);
    if (err)
        return err;
    want.kind = ofd ? LOCK_FILE : LOCK_PROCESS;
    want.owner = ofd ? (const void *)f : p->fds;
    want.type = fl.l_type;
    want.pid = p->pid;
    if (!get)
        return lock_set(f->inode, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
    err = lock_get(f->inode, &want, &fl);
    return err ? err : copy_out(arg, &fl, sizeof(fl)) ? -EFAULT : 0;
}

static int flock_file(struct file *f, int type, bool wait)
{
    struct file_lock want = {.kind = LOCK_FLOCK, .type = type, .owner = f, .end = INT64_MAX};
    if (!f->inode)
        return 0; /* nobody else can have it open */
    return lock_set(f->inode, &want, wait);
}

long sys_flock(int fd, unsigned cmd)
{
    struct fd_ref r;
    int type;
    switch (cmd & ~(unsigned)LOCK_NB) {
    case LOCK_SH: type = F_RDLCK; break;
    case LOCK_EX: type = F_WRLCK; break;
    case LOCK_UN: type = F_UNLCK; break;
    default: return -EINVAL;
    }
    int err = fd_get(fd, &r);
    if (err)
        return err;
    err = flock_file(r.file, type, !(cmd & LOCK_NB));
    fd_put(&r);
    return err;
}
