/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kcmp(2): do two processes share a kernel object?  What is not the same has an order that lasts as long as
 * the enclave, and tells nothing of where the objects are.
 */
#include <linux/errno.h>
#include <linux/kcmp.h>

#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sgx/random.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs.h"

#include "kernel/sys/syscalls.h"

/* 0: the same, 1: a is less, 2: more. */
static long order(const void *a, const void *b)
{
    static uint64_t secret; /* [a] chosen once; odd, so that no two become one */
    uint64_t factor = 0, chosen = random_u64() | 1;

    if (__atomic_compare_exchange_n(&secret, &factor, chosen, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        factor = chosen;
    uint64_t x = (uintptr_t)a * factor, y = (uintptr_t)b * factor;
    return x == y ? 0 : x < y ? 1 : 2;
}

/* A descriptor's file: compared only, so no reference stays. */
static int file_of(struct process *p, unsigned long fd, struct file **out)
{
    struct fdtable *t = process_fds_get(p);
    int err = t && fd <= INT32_MAX ? fdtable_lookup(t, (int)fd, out) : -EBADF;

    if (t)
        fdtable_put(t);
    return err;
}

static long compare_files(struct process *a, struct process *b, unsigned long fd1,
                          unsigned long fd2)
{
    struct file *f, *g;

    int err = file_of(a, fd1, &f);
    if (err)
        return err;
    err = file_of(b, fd2, &g);
    long ret = err ? err : order(f, g);
    if (!err)
        file_put(g);
    file_put(f);
    return ret;
}

/* A's descriptor and the file that B's epoll instance watches as a descriptor. */
static long compare_target(struct process *a, struct process *b, unsigned long fd, uaddr_t slot)
{
    struct kcmp_epoll_slot s;
    struct file *f, *ep;
    const struct file *target;

    if (copy_in(&s, slot, sizeof(s)))
        return -EFAULT;
    int err = file_of(a, fd, &f);
    if (err)
        return err;
    err = file_of(b, s.efd, &ep);
    if (err)
        goto out_file;
    err = epoll_target(ep, s.tfd, s.toff, &target);
    file_put(ep);
out_file:;
    long ret = err ? err : order(f, target);
    file_put(f);
    return ret;
}

/* What a process has is given up under its lock. */
struct parts {
    const void *vm, *files, *fs, *sighand, *undos;
};

static struct parts parts_of(struct thread *t)
{
    struct process *p = t->process;

    spin_lock(&p->lock);
    struct parts s = {p->mm, p->fds, p->fs, p->sighand,
                      __atomic_load_n(&t->sem_undos, __ATOMIC_RELAXED)};
    spin_unlock(&p->lock);
    return s;
}

static long compare(struct thread *t, struct thread *u, int type, unsigned long idx1,
                    unsigned long idx2)
{
    struct parts a = parts_of(t), b = parts_of(u);

    switch (type) {
    case KCMP_FILE: return compare_files(t->process, u->process, idx1, idx2);
    case KCMP_EPOLL_TFD: return compare_target(t->process, u->process, idx1, idx2);
    case KCMP_VM: return order(a.vm, b.vm);
    case KCMP_FILES: return order(a.files, b.files);
    case KCMP_FS: return order(a.fs, b.fs);
    case KCMP_SIGHAND: return order(a.sighand, b.sighand);
    case KCMP_SYSVSEM: return order(a.undos, b.undos);
    case KCMP_IO: return 0; /* nobody has an I/O context */
    default: return reject(-EINVAL, "kcmp of what there is not");
    }
}

long sys_kcmp(int pid1, int pid2, int type, unsigned long idx1, unsigned long idx2)
{
    struct thread *t = thread_lookup(pid1), *u = thread_lookup(pid2);
    long ret = -ESRCH;

    if (t && u && process_may_look(t->process) && process_may_look(u->process))
        ret = compare(t, u, type, idx1, idx2);
    else if (t && u)
        ret = reject(-EPERM, "kcmp of others' processes");
    if (u)
        thread_put(u);
    if (t)
        thread_put(t);
    return ret;
}
