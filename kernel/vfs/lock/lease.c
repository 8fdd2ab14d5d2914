/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: see lease.h.
 *
 *   held --a conflicting open--> breaking: its owner is told --F_SETLEASE, close, or its time is over--> less, or gone
 *
 * Who opens counts himself first and looks for leases then; who wants a lease puts it where it is found
 * first and looks at the counts then.  So one of the two sees the other.
 *
 * Lock: leases_lock (spin), before process_tree_lock, because owners are told under it.
 */
#include "kernel/vfs/lock/lease.h"

#include "kernel/proc/id/cred.h"
#include "kernel/vfs/async.h"
#include "kernel/vfs/vfs_impl.h"

#define SECOND 1000000000L

struct lease {
    struct list link;    /* [l] */
    struct file *file;   /* [I] borrowed: its end is the lease's */
    struct inode *inode; /* [I] the file's */
    int pid;             /* [I] who asked for it */
    int fd;              /* [l] by which it was asked for, for si_fd */
    int type;            /* [l] F_RDLCK, F_WRLCK */
    int target;          /* [l] what it has been asked to become; = type: nothing */
    ktime_t ends;        /* [l] when it becomes that by itself */
};

/* Who waits, until nothing is in the way. */
struct breaker {
    struct list link; /* [l] */
    const struct inode *inode;
    bool write;
    int pid;
};

uint32_t lease_count;
uint64_t lease_break_time = 45;
static struct spinlock leases_lock;
static struct list leases = LIST_INIT(leases);   /* [l] */
static struct list waiting = LIST_INIT(waiting); /* [l] struct breaker, for /proc */
static struct waitq breakers = {.waiters = LIST_INIT(breakers.waiters)};

static struct lease *lease_of(struct list *l)
{
    return list_entry(l, struct lease, link);
}

static bool same_inode(const struct inode *a, const struct inode *b)
{
    return a == b || (a->super == b->super && a->ino == b->ino);
}

static struct lease *find_locked(const struct file *f) REQUIRES(leases_lock)
{
    list_for_each(l, &leases)
        if (lease_of(l)->file == f)
            return lease_of(l);
    return NULL;
}

static void remove_locked(struct lease *l) REQUIRES(leases_lock)
{
    list_del(&l->link);
    __atomic_fetch_sub(&lease_count, 1, __ATOMIC_SEQ_CST);
    kfree(l);
    waitq_wake(&breakers, 0);
}

/* Breaking. */

static bool conflicts(const struct lease *l, const struct inode *i, bool write)
{
    return same_inode(l->inode, i) && (write || l->type == F_WRLCK);
}

static void expire_locked(void) REQUIRES(leases_lock)
{
    ktime_t now = clock_mono();
    list_for_each_safe(it, &leases) {
        struct lease *l = lease_of(it);
        if (l->target == l->type || now < l->ends)
            continue;
        l->type = l->target;
        if (l->type == F_UNLCK)
            remove_locked(l);
    }
}

/* Asks those that stand in the way, once: true, and until when to wait, if there are any. */
static bool ask_locked(const struct inode *i, bool write, ktime_t *until) REQUIRES(leases_lock)
{
    int target = write ? F_UNLCK : F_RDLCK;
    bool any = false;
    *until = KTIME_NEVER;
    list_for_each(it, &leases) {
        struct lease *l = lease_of(it);
        if (!conflicts(l, i, write))
            continue;
        if (l->target != target && l->target != F_UNLCK) {
            l->target = target;
            l->ends = clock_mono() +
                      (ktime_t)__atomic_load_n(&lease_break_time, __ATOMIC_RELAXED) * SECOND;
            async_message(l->file, l->fd);
        }
        *until = MIN(*until, l->ends);
        any = true;
    }
    return any;
}

static bool in_the_way(const struct inode *i, bool write, ktime_t *until)
{
    spin_lock(&leases_lock);
    expire_locked();
    bool any = ask_locked(i, write, until);
    spin_unlock(&leases_lock);
    return any;
}

/* Is on the list while it sleeps. */
static int wait_for_others(struct inode *i, bool write)
{
    struct breaker b = {.inode = i, .write = write, .pid = current_process()->pid};
    struct waiter w;
    ktime_t until;
    int err = 0;
    spin_lock(&leases_lock);
    list_add_tail(&waiting, &b.link);
    spin_unlock(&leases_lock);
    waitq_add(&breakers, &w);
    while (in_the_way(i, write, &until) && err != -ERESTARTSYS)
        err = thread_block(until, true);
    waitq_del(&breakers, &w);
    spin_lock(&leases_lock);
    list_del(&b.link);
    spin_unlock(&leases_lock);
    return err == -ERESTARTSYS ? err : 0;
}

int lease_break_slow(struct inode *i, uint32_t flags)
{
    bool write = (flags & O_ACCMODE) != O_RDONLY;
    ktime_t until;
    if (!in_the_way(i, write, &until))
        return 0;
    return flags & O_NONBLOCK ? -EWOULDBLOCK : wait_for_others(i, write);
}

void lease_release(struct file *f)
{
    spin_lock(&leases_lock);
    struct lease *l = find_locked(f);
    if (l)
        remove_locked(l);
    spin_unlock(&leases_lock);
}

/* Setting. */

/* Is the file open otherwise than by f, in a way that a lease of this type does not go with? */
static bool opened_otherwise(const struct file *f, int type)
{
    uint32_t writers = __atomic_load_n(&f->inode->writers, __ATOMIC_SEQ_CST);
    uint32_t readers = __atomic_load_n(&f->inode->readers, __ATOMIC_SEQ_CST);
    bool writes = FMODE_WRITE(f);
    return type == F_RDLCK ? writes || writers != 0 : writers != writes || readers != !writes;
}

static int others_allow_locked(const struct file *f, int type) REQUIRES(leases_lock)
{
    list_for_each(it, &leases) {
        const struct lease *l = lease_of(it);
        if (l->file != f && same_inode(l->inode, f->inode) &&
            (type == F_WRLCK || l->target == F_UNLCK))
            return -EAGAIN;
    }
    return 0;
}

/* *fresh, a new lease, is used if f has none. */
static int set_locked(struct file *f, int fd, int type, struct lease **fresh) REQUIRES(leases_lock)
{
    struct lease *l = find_locked(f);
    int err = opened_otherwise(f, type) ? -EAGAIN : others_allow_locked(f, type);
    if (err)
        return err;
    if (!l) {
        l = *fresh;
        *fresh = NULL;
        *l = (struct lease){
            .file = f, .inode = f->inode, .pid = current_process()->pid, .type = type};
        list_add_tail(&leases, &l->link);
        __atomic_fetch_add(&lease_count, 1, __ATOMIC_SEQ_CST);
        if (opened_otherwise(f, type)) {
            remove_locked(l);
            return -EAGAIN;
        }
    }
    l->fd = fd;
    l->type = l->target = type;
    waitq_wake(&breakers, 0);
    return 0;
}

static int clear(struct file *f)
{
    spin_lock(&leases_lock);
    struct lease *l = find_locked(f);
    if (l)
        remove_locked(l);
    spin_unlock(&leases_lock);
    return l ? 0 : -EAGAIN;
}

static int check(const struct file *f)
{
    struct statx st;
    if (!f->inode || !f->dentry)
        return reject(-EINVAL, "a lease on what has no name");
    int err = inode_getattr(f->inode, &st);
    if (err)
        return err;
    if (st.stx_uid != current_cred()->fsuid && !capable(CAP_LEASE))
        return reject(-EACCES, "a lease on another's file");
    return S_ISREG(f->inode->mode) ? 0 : (int)reject(-EINVAL, "a lease on no regular file");
}

long lease_set(int fd, struct file *f, unsigned long type)
{
    if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
        return -EINVAL;
    int err = check(f);
    if (err)
        return err;
    if (type == F_UNLCK)
        return clear(f);
    struct lease *fresh = kzalloc(sizeof(*fresh));
    err = fresh ? async_owner_default(f) : -ENOMEM;
    if (!err) {
        spin_lock(&leases_lock);
        expire_locked();
        err = set_locked(f, fd, (int)type, &fresh);
        spin_unlock(&leases_lock);
    }
    kfree(fresh);
    return err;
}

long lease_get(struct file *f)
{
    spin_lock(&leases_lock);
    expire_locked();
    const struct lease *l = find_locked(f);
    int type = l ? l->target : F_UNLCK;
    spin_unlock(&leases_lock);
    return type;
}

/* For /proc. */

static size_t lines_count_locked(void) REQUIRES(leases_lock)
{
    size_t n = 0;
    list_for_each(it, &leases)
        n++;
    list_for_each(it, &waiting)
        n++;
    return n;
}

static size_t waiters_fill_locked(const struct lease *l, struct lease_line *lines)
    REQUIRES(leases_lock)
{
    size_t n = 0;
    list_for_each(it, &waiting) {
        const struct breaker *b = list_entry(it, struct breaker, link);
        const struct lease *first = NULL; /* of those in its way: where it stands */
        list_for_each(lt, &leases)
            if (!first && conflicts(lease_of(lt), b->inode, b->write))
                first = lease_of(lt);
        if (first == l)
            lines[n++] = (struct lease_line){.pid = b->pid, .type = b->write ? F_WRLCK : F_RDLCK};
    }
    return n;
}

static size_t lines_fill_locked(struct lease_line *lines) REQUIRES(leases_lock)
{
    size_t n = 0;
    list_for_each(it, &leases) {
        const struct lease *l = lease_of(it);
        lines[n++] = (struct lease_line){.inode = inode_get(l->inode),
                                         .file = l->file,
                                         .pid = l->pid,
                                         .type = l->target,
                                         .breaking = l->target != l->type};
        n += waiters_fill_locked(l, lines + n);
    }
    return n;
}

struct lease_line *leases_list(size_t *n)
{
    struct lease_line *lines = NULL;
    size_t room = 0;
    *n = 0;
    for (;;) {
        spin_lock(&leases_lock);
        size_t want = lines_count_locked();
        if (want <= room)
            break;
        spin_unlock(&leases_lock);
        room = want;
        kfree(lines);
        lines = kmalloc(room * sizeof(*lines));
        if (!lines)
            return NULL;
    }
    if (lines) /* else there are none */
        *n = lines_fill_locked(lines);
    spin_unlock(&leases_lock);
    return lines;
}
