/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventfd(2): a 64-bit counter.  A write adds, a read takes all (or one, EFD_SEMAPHORE); reads wait
 * for more than 0, writes for room below 2^64 - 1.
 */
#include "kernel/fs/seq.h"
#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define EVENTFD_TOP (UINT64_MAX - 1)
#define EFD_SEMAPHORE 1 /* this kernel's headers have no linux/eventfd.h */

struct eventfd {
    struct file file; /* first */
    struct spinlock lock;
    uint64_t count; /* [l] */
    bool semaphore; /* [I] */
    uint32_t id;    /* [I] for fdinfo */
};

static uint32_t eventfd_ids; /* [a] */

static struct eventfd *eventfd_of(struct file *f)
{
    return container_of(f, struct eventfd, file);
}

static int eventfd_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct eventfd *e = eventfd_of(f);
    (void)pos;
    if (u->left < sizeof(uint64_t))
        return -EINVAL;
    spin_lock(&e->lock);
    uint64_t taken = e->semaphore && e->count ? 1 : e->count;
    e->count -= taken;
    spin_unlock(&e->lock);
    if (!taken)
        return -EAGAIN;
    file_wake(f, EPOLLOUT);
    return uio_put(u, &taken, sizeof(taken));
}

static int eventfd_write(struct file *f, struct uio *u, int64_t *pos)
{
    struct eventfd *e = eventfd_of(f);
    struct uio copy = *u; /* -EAGAIN must leave the caller's as it was */
    uint64_t n;
    (void)pos;
    if (u->left < sizeof(n))
        return u->done ? 0 : -EINVAL;
    int err = uio_get(&copy, &n, sizeof(n));
    if (err)
        return err;
    if (n == UINT64_MAX)
        return -EINVAL;
    spin_lock(&e->lock);
    bool fits = n <= EVENTFD_TOP - e->count;
    if (fits)
        e->count += n;
    spin_unlock(&e->lock);
    if (!fits)
        return -EAGAIN;
    *u = copy;
    u->left = 0; /* a longer buffer's rest is ignored */
    file_wake(f, EPOLLIN);
    return 0;
}

static uint32_t eventfd_poll(struct file *f)
{
    uint64_t n = __atomic_load_n(&eventfd_of(f)->count, __ATOMIC_RELAXED);
    return (n ? EPOLLIN : 0) | (n < EVENTFD_TOP ? EPOLLOUT : 0) | (n == UINT64_MAX ? EPOLLERR : 0);
}

static void eventfd_info(struct file *f, struct seq *s)
{
    struct eventfd *e = eventfd_of(f);
    uint64_t n = __atomic_load_n(&e->count, __ATOMIC_RELAXED);
    seq_printf(s, "eventfd-count: %16lx\neventfd-id: %u\n", n, e->id);
}

static const struct file_ops eventfd_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .info = eventfd_info,
};

bool file_is_eventfd(const struct file *f)
{
    return f->ops == &eventfd_ops;
}

void eventfd_signal(struct file *f, uint64_t n)
{
    struct eventfd *e = eventfd_of(f);
    spin_lock(&e->lock);
    e->count += MIN(n, UINT64_MAX - e->count);
    spin_unlock(&e->lock);
    file_wake(f, EPOLLIN);
}

long sys_eventfd2(unsigned count, int flags)
{
    if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    struct eventfd *e = kzalloc(sizeof(*e));
    if (!e)
        return -ENOMEM;
    file_init(&e->file, &eventfd_ops, O_RDWR | ((uint32_t)flags & O_NONBLOCK));
    e->file.name = "anon_inode:[eventfd]";
    spin_init(&e->lock);
    e->count = count;
    e->semaphore = flags & EFD_SEMAPHORE;
    e->id = __atomic_fetch_add(&eventfd_ids, 1, __ATOMIC_RELAXED);
    return fd_install(&e->file, flags & O_CLOEXEC, 0);
}

long sys_eventfd(unsigned count)
{
    return sys_eventfd2(count, 0);
}
