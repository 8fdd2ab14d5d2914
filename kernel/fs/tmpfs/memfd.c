/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfd_create(2), and seals: promises about a file that its users can rely on, since nobody can take
 * them back.  Files with a name have the seal that forbids all others.
 *
 * F_SEAL_WRITE needs that nobody has a shared mapping that is or may become writable, and lets none be made
 * (shm.sealed, so that an mmap under way at the same time is refused, too).
 */
#include "kernel/fs/tmpfs/tmpfs_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs.h"

#include <linux/memfd.h>
#include <linux/mman.h>

#include "kernel/sys/syscalls.h"

#define NAME_PREFIX "/memfd:"
#define NAME_SUFFIX " (deleted)"
#define NAME_MAX_LEN (255U - 6U) /* Linux's: of a file name without "memfd:" */
#define WRITE_SEALS (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | WRITE_SEALS)

int tmpfs_sealed_write_locked(const struct tmpfs_inode *ti, int64_t end)
{
    if (likely(!(ti->seals & (WRITE_SEALS | F_SEAL_GROW))))
        return 0;
    if ((ti->seals & WRITE_SEALS) || end > ti->size)
        return (int)reject(-EPERM, "the file is sealed");
    return 0;
}

int tmpfs_sealed_size_locked(const struct tmpfs_inode *ti, int64_t size)
{
    if ((size < ti->size && (ti->seals & F_SEAL_SHRINK)) ||
        (size > ti->size && (ti->seals & F_SEAL_GROW)))
        return (int)reject(-EPERM, "the file is sealed");
    return 0;
}

int tmpfs_sealed_hole_locked(const struct tmpfs_inode *ti)
{
    return ti->seals & WRITE_SEALS ? (int)reject(-EPERM, "the file is sealed") : 0;
}

int tmpfs_mmap(struct file *f, unsigned prot, unsigned flags)
{
    struct tmpfs_inode *ti = tmpfs_inode_of(f->inode);
    int err = fs_mmap_check(f, prot, flags);
    if (err || (flags & MAP_TYPE) == MAP_PRIVATE || !FMODE_WRITE(f))
        return err;
    unsigned seals = __atomic_load_n(&ti->seals, __ATOMIC_RELAXED);
    if ((seals & F_SEAL_WRITE) || ((seals & F_SEAL_FUTURE_WRITE) && (prot & PROT_WRITE)))
        return (int)reject(-EPERM, "the file is sealed");
    return seals & F_SEAL_FUTURE_WRITE ? FILE_MMAP_NO_WRITE : 0;
}

static int seals_add_locked(struct tmpfs_inode *ti, unsigned seals)
{
    if (ti->seals & F_SEAL_SEAL)
        return (int)reject(-EPERM, "no more seals: F_SEAL_SEAL is one");
    if ((seals & F_SEAL_WRITE) && mapcount_may_write(&ti->shm.maps))
        return -EBUSY;
    __atomic_store_n(&ti->seals, ti->seals | seals, __ATOMIC_RELAXED);
    ti->shm.sealed = ti->seals & F_SEAL_WRITE;
    return 0;
}

long tmpfs_add_seals(struct file *f, unsigned seals)
{
    struct tmpfs_inode *ti = tmpfs_inode_of(f->inode);
    if (!FMODE_WRITE(f))
        return reject(-EPERM, "seals are for who can write");
    if (seals & ~(unsigned)ALL_SEALS)
        return reject(-EINVAL, "unknown seal");
    tmpfs_lock_quiet(ti);
    int err = seals_add_locked(ti, seals);
    mutex_unlock(&ti->shm.lock);
    return err;
}

long tmpfs_get_seals(struct file *f)
{
    return __atomic_load_n(&tmpfs_inode_of(f->inode)->seals, __ATOMIC_RELAXED);
}

static long flags_check(unsigned flags)
{
    if (flags & MFD_HUGETLB)
        return reject(-ENOSYS, "no huge pages");
    if (flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
        return reject(-EINVAL, "unknown flag");
    return 0;
}

/* The label of a file with the program's name: -EFAULT, -EINVAL when that is too long, -ENOMEM. */
static long label_make(uaddr_t name, char **out)
{
    const size_t prefix = sizeof(NAME_PREFIX) - 1;
    char *label = kmalloc(prefix + NAME_MAX_LEN + 1 + sizeof(NAME_SUFFIX));
    if (!label)
        return -ENOMEM;
    long n = copy_in_str(label + prefix, name, NAME_MAX_LEN + 1);
    if (n < 0) {
        kfree(label);
        return n == -ENAMETOOLONG ? -EINVAL : n;
    }
    memcpy(label, NAME_PREFIX, prefix);
    memcpy(label + prefix + n, NAME_SUFFIX, sizeof(NAME_SUFFIX));
    *out = label;
    return 0;
}

long sys_memfd_create(uaddr_t name, unsigned flags)
{
    struct file *f;
    char *label;
    long ret = flags_check(flags);
    if (!ret)
        ret = label_make(name, &label);
    if (ret)
        return ret;
    struct tmpfs_inode *ti = tmpfs_nameless(label, 0, 0);
    if (!ti)
        return -ENOMEM;
    ti->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
    ret = tmpfs_open(&ti->inode, O_RDWR | O_LARGEFILE, &f);
    inode_put(&ti->inode);
    return ret ? ret : fd_install(f, flags & MFD_CLOEXEC, 0);
}
