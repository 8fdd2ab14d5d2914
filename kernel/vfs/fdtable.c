/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor tables: which open file a small number names.
 *
 * A slot holds one reference.  Two bitmaps say which slots are used and which close on exec; `low`
 * is a number below which all slots are used.  The table grows by doubling, up to RLIMIT_NOFILE.
 *
 * A table counts the processes that use it, apart from references, which only keep the memory: whoever
 * looks at another process's descriptors does not hold its files open.
 *
 * Lock: the table's spin lock guards all.  A process with one thread whose table nobody shares
 * reads its slots without lock and uses the file without a reference of its own (fd_get): only this
 * thread could close it, and it is busy.  Whoever adds the second thread or shares the table is
 * this thread too, so the state cannot change in the middle of a call.
 */
#include <linux/close_range.h>
#include <linux/resource.h>

#include "kernel/vfs/vfs_impl.h"
#include "kernel/sys/syscalls.h"

#define FD_MAX (1U << 20) /* no table is larger, whatever the limit says */
#define FD_FIRST 256U     /* slots of a new table */
#define WORD 64U

struct fdtable {
    struct ref ref;
    struct ref users; /* processes; the last one closes all */
    struct spinlock lock;
    unsigned size;       /* [l] slots; a multiple of WORD */
    unsigned low;        /* [l] */
    struct file **files; /* [l] size of them */
    uint64_t *used;      /* [l] size bits, then … */
    uint64_t *cloexec;   /* [l] … size more in the same block */
};

static inline bool bit_get(const uint64_t *map, unsigned i)
{
    return map[i / WORD] >> (i % WORD) & 1;
}

static inline void bit_put(uint64_t *map, unsigned i, bool on)
{
    uint64_t mask = 1UL << (i % WORD);
    map[i / WORD] = on ? map[i / WORD] | mask : map[i / WORD] & ~mask;
}

/* First slot from `from` on whose bit is (not) set; size when there is none. */
static unsigned bit_next(const uint64_t *map, unsigned size, unsigned from, bool set)
{
    for (unsigned i = from; i < size; i = (i / WORD + 1) * WORD) {
        uint64_t word = (set ? map[i / WORD] : ~map[i / WORD]) & (~0UL << (i % WORD));
        if (word)
            return i / WORD * WORD + (unsigned)__builtin_ctzl(word);
    }
    return size;
}

static struct file **slots_new(unsigned size)
{
    return kzalloc(size * sizeof(struct file *) + size / 8 * 2);
}

static void slots_set(struct fdtable *t, struct file **slots, unsigned size)
{
    t->files = slots;
    t->used = (uint64_t *)(slots + size);
    t->cloexec = t->used + size / WORD;
    t->size = size;
}

struct fdtable *fdtable_new(void)
{
    struct fdtable *t = kzalloc(sizeof(*t));
    struct file **slots = slots_new(FD_FIRST);
    if (!t || !slots) {
        kfree(t);
        kfree(slots);
        return NULL;
    }
    ref_init(&t->ref);
    ref_init(&t->users);
    spin_init(&t->lock);
    slots_set(t, slots, FD_FIRST);
    return t;
}

/* Makes slot `need` exist: 0, -ENOMEM, -EMFILE.  The lock is dropped meanwhile. */
static int fdtable_grow(struct fdtable *t, unsigned need) REQUIRES(t->lock) NO_TSA
{
    unsigned size = t->size;
    if (need >= FD_MAX)
        return -EMFILE;
    while (size <= need)
        size *= 2;
    spin_unlock(&t->lock);
    struct file **slots = slots_new(size);
    spin_lock(&t->lock);
    if (!slots)
        return -ENOMEM;
    if (t->size >= size) {
        spin_unlock(&t->lock);
        kfree(slots);
        spin_lock(&t->lock);
        return 0;
    }
    struct fdtable old = *t;
    slots_set(t, slots, size);
    memcpy(t->files, old.files, old.size * sizeof(*old.files));
    memcpy(t->used, old.used, old.size / 8);
    memcpy(t->cloexec, old.cloexec, old.size / 8);
    spin_unlock(&t->lock);
    kfree(old.files);
    spin_lock(&t->lock);
    return 0;
}

struct fdtable *fdtable_clone(struct fdtable *t)
{
    struct fdtable *copy = fdtable_new();
    if (!copy)
        return NULL;
    spin_lock(&t->lock);
    while (copy->size < t->size) {
        unsigned size = t->size;
        spin_unlock(&t->lock);
        struct file **slots = slots_new(size);
        if (!slots) {
            fdtable_leave(copy);
            return NULL;
        }
        kfree(copy->files);
        slots_set(copy, slots, size);
        spin_lock(&t->lock);
    }
    for (unsigned i = 0; (i = bit_next(t->used, t->size, i, true)) < t->size; i++) {
        copy->files[i] = file_get(t->files[i]);
        bit_put(copy->used, i, true);
        bit_put(copy->cloexec, i, bit_get(t->cloexec, i));
    }
    copy->low = t->low;
    spin_unlock(&t->lock);
    return copy;
}

struct fdtable *fdtable_get(struct fdtable *t)
{
    ref_get(&t->ref);
    return t;
}

void fdtable_put(struct fdtable *t)
{
    if (!ref_put(&t->ref))
        return;
    kfree(t->files);
    kfree(t);
}

struct fdtable *fdtable_share(struct fdtable *t)
{
    ref_get(&t->users);
    return fdtable_get(t);
}

bool fdtable_is_shared(const struct fdtable *t)
{
    return __atomic_load_n(&t->users.count, __ATOMIC_RELAXED) != 1;
}

unsigned fdtable_size(struct fdtable *t)
{
    return __atomic_load_n(&t->size, __ATOMIC_RELAXED);
}

/* Empties a slot; returns its file with the slot's reference, or NULL. */
static struct file *slot_take(struct fdtable *t, unsigned fd) REQUIRES(t->lock)
{
    struct file *f = fd < t->size ? t->files[fd] : NULL;
    if (!f)
        return NULL;
    t->files[fd] = NULL;
    bit_put(t->used, fd, false);
    bit_put(t->cloexec, fd, false);
    t->low = MIN(t->low, fd);
    return f;
}

/* Closes all descriptors, or those that exec closes. */
static void fdtable_close(struct fdtable *t, bool on_exec)
{
    unsigned fd = 0;
    spin_lock(&t->lock);
    while ((fd = bit_next(on_exec ? t->cloexec : t->used, t->size, fd, true)) < t->size) {
        struct file *f = slot_take(t, fd++);
        spin_unlock(&t->lock);
        if (f)
            file_close(f, t);
        spin_lock(&t->lock);
    }
    spin_unlock(&t->lock);
}

void fdtable_leave(struct fdtable *t)
{
    if (ref_put(&t->users))
        fdtable_close(t, false);
    fdtable_put(t);
}

static void slot_set(struct fdtable *t, unsigned fd, struct file *f, bool cloexec) REQUIRES(t->lock)
{
    t->files[fd] = f;
    bit_put(t->used, fd, true);
    bit_put(t->cloexec, fd, cloexec);
}

void fdtable_close_on_exec(struct fdtable *t)
{
    fdtable_close(t, true);
}

int fdtable_next(struct fdtable *t, int from)
{
    spin_lock(&t->lock);
    unsigned i = from < 0 ? 0 : (unsigned)from;
    i = i < t->size ? bit_next(t->used, t->size, i, true) : t->size;
    int fd = i < t->size ? (int)i : -1;
    spin_unlock(&t->lock);
    return fd;
}

int fdtable_lookup(struct fdtable *t, int fd, struct file **out)
{
    spin_lock(&t->lock);
    struct file *f = (unsigned)fd < t->size ? t->files[fd] : NULL;
    if (f)
        file_get(f);
    spin_unlock(&t->lock);
    *out = f;
    return f ? 0 : -EBADF;
}

bool fdtable_cloexec(struct fdtable *t, int fd)
{
    spin_lock(&t->lock);
    bool on = (unsigned)fd < t->size && bit_get(t->cloexec, (unsigned)fd);
    spin_unlock(&t->lock);
    return on;
}

static inline bool table_is_private(const struct fdtable *t, const struct process *p)
{
    return p->nthreads == 1 && t->users.count == 1;
}

int fd_get_path(int fd, struct fd_ref *r)
{
    struct process *p = current_process();
    struct fdtable *t = p->fds;
    if (likely(table_is_private(t, p))) {
        r->counted = false;
        r->file = (unsigned)fd < t->size ? t->files[fd] : NULL;
        return likely(r->file != NULL) ? 0 : -EBADF;
    }
    r->counted = true;
    return fdtable_lookup(t, fd, &r->file);
}

int fd_get(int fd, struct fd_ref *r)
{
    int err = fd_get_path(fd, r);
    if (likely(!err) && unlikely(r->file->flags & O_PATH)) {
        fd_put(r);
        err = -EBADF;
    }
    return err;
}

int fd_get_two(int fd_a, struct fd_ref *a, int fd_b, struct fd_ref *b)
{
    int err = fd_get(fd_a, a);
    if (err)
        return err;
    err = fd_get(fd_b, b);
    if (err)
        fd_put(a);
    return err;
}

int fd_lookup(int fd, bool path_ok, struct file **out)
{
    int err = fdtable_lookup(current_process()->fds, fd, out);
    if (!err && !path_ok && ((*out)->flags & O_PATH)) {
        file_put(*out);
        err = -EBADF;
    }
    return err;
}

static unsigned fd_limit(void)
{
    uint64_t limit = current_process()->rlimits[RLIMIT_NOFILE].rlim_cur;
    return (unsigned)MIN(limit, (uint64_t)FD_MAX);
}

int fd_room(void)
{
    struct fdtable *t = current_process()->fds;

    spin_lock(&t->lock);
    unsigned fd = t->low < t->size ? bit_next(t->used, t->size, t->low, false) : t->low;
    spin_unlock(&t->lock);
    return fd < fd_limit() ? 0 : -EMFILE;
}

int fd_install(struct file *f, bool cloexec, int min)
{
    struct fdtable *t = current_process()->fds;
    unsigned limit = fd_limit();
    int err = 0;
    spin_lock(&t->lock);
    for (;;) {
        unsigned fd = MAX((unsigned)min, t->low);
        fd = fd < t->size ? bit_next(t->used, t->size, fd, false) : fd;
        if (fd >= limit)
            err = -EMFILE;
        if (!err && fd < t->size) {
            slot_set(t, fd, f, cloexec);
            if ((unsigned)min <= t->low)
                t->low = fd + 1;
            spin_unlock(&t->lock);
            return (int)fd;
        }
        if (!err)
            err = fdtable_grow(t, fd);
        if (err)
            break;
    }
    spin_unlock(&t->lock);
    file_put(f);
    return err;
}

/* dup2 and dup3 once newfd != oldfd. */
static int fd_replace(int oldfd, int newfd, bool cloexec)
{
    struct fdtable *t = current_process()->fds;
    struct file *f, *old;
    if ((unsigned)newfd >= fd_limit())
        return -EBADF;
    int err = fdtable_lookup(t, oldfd, &f);
    if (err)
        return err;
    spin_lock(&t->lock);
    while (!err && (unsigned)newfd >= t->size)
        err = fdtable_grow(t, (unsigned)newfd);
    if (err) {
        spin_unlock(&t->lock);
        file_put(f);
        return err;
    }
    old = slot_take(t, (unsigned)newfd);
    slot_set(t, (unsigned)newfd, f, cloexec);
    spin_unlock(&t->lock);
    if (old)
        file_close(old, t);
    return newfd;
}

int fd_set_cloexec(int fd, bool on)
{
    struct fdtable *t = current_process()->fds;
    int err = -EBADF;
    spin_lock(&t->lock);
    if ((unsigned)fd < t->size && t->files[fd]) {
        bit_put(t->cloexec, (unsigned)fd, on);
        err = 0;
    }
    spin_unlock(&t->lock);
    return err;
}

int fd_dup(int fd, int min, bool cloexec)
{
    struct file *f;
    int err = fdtable_lookup(current_process()->fds, fd, &f);
    if (err)
        return err;
    if (min < 0 || (unsigned)min >= fd_limit()) {
        file_put(f);
        return -EINVAL;
    }
    return fd_install(f, cloexec, min);
}

int fd_close(int fd)
{
    struct fdtable *t = current_process()->fds;
    spin_lock(&t->lock);
    struct file *f = slot_take(t, (unsigned)fd);
    spin_unlock(&t->lock);
    return f ? file_close(f, t) : -EBADF;
}

long fd_install_pair(struct file *f[2], bool cloexec, uaddr_t fds)
{
    int fd[2];
    fd[0] = fd_install(f[0], cloexec, 0);
    if (fd[0] < 0) {
        file_put(f[1]);
        return fd[0];
    }
    fd[1] = fd_install(f[1], cloexec, 0);
    long err = fd[1];
    if (err >= 0) {
        if (!copy_out(fds, fd, sizeof(fd)))
            return 0;
        err = -EFAULT;
        (void)!fd_close(fd[1]);
    }
    (void)!fd_close(fd[0]);
    return err;
}

long sys_close(int fd)
{
    int err = fd_close(fd);
    /* The descriptor is gone in any case: a restart would close another one's. */
    return err == -ERESTARTSYS || err == -ERESTARTNOINTR ? -EINTR : err;
}

long sys_dup(int fd)
{
    return fd_dup(fd, 0, false);
}

long sys_dup2(int oldfd, int newfd)
{
    if (oldfd != newfd)
        return fd_replace(oldfd, newfd, false);
    struct fd_ref r;
    int err = fd_get_path(oldfd, &r);
    if (err)
        return err;
    fd_put(&r);
    return newfd;
}

long sys_dup3(int oldfd, int newfd, int flags)
{
    if (flags & ~O_CLOEXEC)
        return -EINVAL;
    if (oldfd == newfd)
        return reject(-EINVAL, "both descriptors are the same");
    return fd_replace(oldfd, newfd, flags & O_CLOEXEC);
}

static void close_range_now(struct fdtable *t, unsigned first, unsigned last)
{
    for (unsigned i = first;; i++) {
        spin_lock(&t->lock);
        i = i < t->size ? bit_next(t->used, t->size, i, true) : t->size;
        struct file *f = i < t->size && i <= last ? slot_take(t, i) : NULL;
        spin_unlock(&t->lock);
        if (!f)
            return;
        file_close(f, t);
    }
}

/* CLOSE_RANGE_UNSHARE: from other processes; threads see the same. */
long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    if (flags & ~(unsigned)(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE))
        return -EINVAL;
    if (first > last)
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE && current_process()->nthreads == 1) {
        int err = process_unshare_fds();
        if (err)
            return err;
    }
    struct fdtable *t = current_process()->fds;
    if (!(flags & CLOSE_RANGE_CLOEXEC)) {
        close_range_now(t, first, last);
        return 0;
    }
    spin_lock(&t->lock);
    for (unsigned i = first; i < t->size && i <= last; i++)
        if (t->files[i])
            bit_put(t->cloexec, i, true);
    spin_unlock(&t->lock);
    return 0;
}
