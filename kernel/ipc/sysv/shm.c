/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V shared memory: shmget, shmat, shmdt.
 *
 * A segment is a tmpfs file without a name.  Its shared object (mm/shmem.h) tells when it is mapped into an
 * address space or leaves one: by shmat and shmdt, by fork, exec, exit, munmap.  So what counts as
 * attached is kept in one place.  shmat counts as one itself while it works, so that a segment
 * that is to go with its last detach does not go under its hands.
 *
 * One spin lock, that of the table, guards all segments.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "abi/host/layout.h"
#include "kernel/fs/fs.h"
#include "kernel/ipc/limits.h"
#include "kernel/ipc/sysv/shm_impl.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/shmem.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/format.h"

#include "kernel/sys/syscalls.h"

#define NAME_SIZE sizeof("/SYSV00000000 (deleted)")
#define PLACE_UNIT PAGE_SIZE /* SHMLBA */

struct ipc_ids shm_ids = IPC_IDS_INIT;
uint64_t shm_pages;

static uint64_t pages_of(uint64_t size)
{
    return size / PAGE_SIZE + (size % PAGE_SIZE != 0);
}

uint64_t shm_resident(const struct shm_segment *s)
{
    struct inode *i = s->file->inode;
    struct statx st = {0};

    return i->ops->getattr(i, &st) ? 0 : st.stx_blocks / (PAGE_SIZE / 512);
}

void shm_remove_locked(struct shm_segment *s)
{
    ipc_remove_locked(&shm_ids, &s->object);
    shm_pages -= pages_of(s->size);
}

void shm_free(struct shm_segment *s)
{
    file_put(s->file);
    kfree(s);
}

/* Attached once more, or once less; who is to be freed then, or NULL. */
static struct shm_segment *attached_locked(struct shm_segment *s, int by) REQUIRES(shm_ids.lock)
{
    s->attached += (uint64_t)(int64_t)by;
    if (s->attached || !(s->object.mode & SHM_MODE_DEST))
        return NULL;
    shm_remove_locked(s);
    return s;
}

/* From mm/: the segment has come into an address space, or left one, `by` times. */
static void attached(void *arg, int by)
{
    struct shm_segment *s = arg;

    spin_lock(&shm_ids.lock);
    *(by > 0 ? &s->atime : &s->dtime) = ipc_now();
    s->lpid = current_process()->pid;
    s = attached_locked(s, by);
    spin_unlock(&shm_ids.lock);
    if (s)
        shm_free(s); /* its pages stay until the mapping has let go of them */
}

/* shmget. */

struct shm_args {
    int key;
    uint64_t size;
    int flags;
};

static int file_make(struct shm_segment *s, int key)
{
    char *name = kmalloc(NAME_SIZE);
    struct shmem *shm;

    if (!name)
        return -ENOMEM;
    snprintf(name, NAME_SIZE, "/SYSV%08x (deleted)", (unsigned)key);
    int err = tmpfs_segment_file(name, s->size, &s->file);
    if (err)
        return err;
    err = s->file->ops->share(s->file, &shm);
    if (err) {
        file_put(s->file);
        return err;
    }
    shm->attached = attached;
    shm->attached_arg = s;
    return 0;
}

static int size_check(const struct shm_args *a)
{
    uint64_t pages = pages_of(a->size), total = IPC_LIMIT(shm_total);

    if (a->size < SHMMIN || a->size > IPC_LIMIT(shm_size))
        return reject(-EINVAL, "size of a segment");
    if (a->flags & SHM_HUGETLB)
        return reject(-ENOMEM, "no huge pages");
    if (pages > total || shm_pages > total - pages)
        return reject(-ENOSPC, "pages of all segments");
    return pages > epage_limit() ? reject(-ENOMEM, "larger than the enclave") : 0;
}

static int segment_make(const void *args, struct ipc_object **out)
{
    const struct shm_args *a = args;
    int err = size_check(a);

    if (err)
        return err;
    struct shm_segment *s = kzalloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->size = a->size;
    s->ctime = ipc_now();
    s->cpid = current_process()->pid;
    err = file_make(s, a->key);
    if (err) {
        kfree(s);
        return err;
    }
    spin_lock(&shm_ids.lock);
    shm_pages += pages_of(s->size);
    spin_unlock(&shm_ids.lock);
    *out = &s->object;
    return 0;
}

static void segment_drop(struct ipc_object *o)
{
    struct shm_segment *s = shm_segment_of(o);

    spin_lock(&shm_ids.lock);
    shm_pages -= pages_of(s->size);
    spin_unlock(&shm_ids.lock);
    shm_free(s);
}

static int segment_check(const struct ipc_object *o, const void *args)
{
    const struct shm_segment *s = container_of(o, const struct shm_segment, object);
    const struct shm_args *a = args;

    return s->size < a->size ? (int)reject(-EINVAL, "the segment is smaller") : 0;
}

static unsigned segment_limit(void)
{
    return (unsigned)IPC_LIMIT(shm_segments);
}

long sys_shmget(int key, size_t size, int shmflg)
{
    static const struct ipc_kind kind = {
        .limit = segment_limit, .make = segment_make, .drop = segment_drop, .check = segment_check};
    struct shm_args a = {key, size, shmflg};

    return ipc_get(&shm_ids, &kind, key, shmflg, &a);
}

/* shmat. */

struct attach {
    int id, flags;
    uaddr_t addr;
    struct shm_segment *segment; /* counted as attached */
};

static long place_check(struct attach *a)
{
    if (a->addr % PLACE_UNIT) {
        if (!(a->flags & SHM_RND))
            return reject(-EINVAL, "unaligned");
        a->addr = ALIGN_DOWN(a->addr, PLACE_UNIT);
    }
    if (!a->addr && (a->flags & SHM_REMAP))
        return reject(-EINVAL, "SHM_REMAP of nothing");
    return 0;
}

static long segment_hold(struct attach *a)
{
    uint32_t want = a->flags & SHM_RDONLY ? 0444 : 0666;
    long err = 0;

    if (a->flags & SHM_EXEC)
        want |= 0111;
    spin_lock(&shm_ids.lock);
    struct ipc_object *o = ipc_find_locked(&shm_ids, a->id);
    if (!o)
        err = reject(-EINVAL, "no such segment");
    else if (!ipc_allowed(o, want))
        err = reject(-EACCES, "permissions of the segment");
    else
        a->segment = shm_segment_of(o);
    if (!err)
        a->segment->attached++;
    spin_unlock(&shm_ids.lock);
    return err;
}

static void segment_let_go(struct attach *a)
{
    spin_lock(&shm_ids.lock);
    struct shm_segment *gone = attached_locked(a->segment, -1);
    spin_unlock(&shm_ids.lock);
    if (gone)
        shm_free(gone);
}

/* Each attachment is an open file of its own, with the rights that were asked for. */
static long attach(const struct attach *a)
{
    struct inode *i = a->segment->file->inode;
    unsigned prot = MM_READ, flags = MAP_SHARED;
    struct file *f;

    prot |= a->flags & SHM_RDONLY ? 0 : MM_WRITE;
    prot |= a->flags & SHM_EXEC ? MM_EXEC : 0;
    if (a->addr)
        flags |= a->flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    int err = i->ops->open(i, a->flags & SHM_RDONLY ? O_RDONLY : O_RDWR, &f);
    if (err)
        return err;
    i->ino = (unsigned)a->id; /* as /proc/PID/maps shows it */
    long ret = mm_map(current_process()->mm, a->addr, a->segment->size, prot, flags, f, 0, NULL);
    file_put(f);
    return ret == -EEXIST ? reject(-EINVAL, "something is mapped there") : ret;
}

long sys_shmat(int shmid, uaddr_t addr, int shmflg)
{
    struct attach a = {.id = shmid, .flags = shmflg, .addr = addr};

    if (shmid < 0)
        return -EINVAL;
    long ret = place_check(&a);
    if (!ret)
        ret = segment_hold(&a);
    if (ret)
        return ret;
    ret = attach(&a);
    segment_let_go(&a);
    return ret;
}

long sys_shmdt(uaddr_t addr)
{
    if (addr % PAGE_SIZE)
        return reject(-EINVAL, "unaligned");
    return mm_detach(current_process()->mm, addr, attached);
}
