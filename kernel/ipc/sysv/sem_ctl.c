/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semctl(2), and the list of all sets for /proc.  Nothing is copied from or to the program under the
 * lock, so a set is looked up again when its values come in: it may be gone by then.
 */
#include <linux/errno.h>

#include "kernel/fs/seq.h"
#include "kernel/ipc/limits.h"
#include "kernel/ipc/sysv/sem.h"
#include "kernel/ipc/sysv/sem_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define IO_SMALL 64U /* values of a small set pass through the stack */

static struct sem_set *find_locked(int id) REQUIRES(sem_ids.lock)
{
    return sem_set_of(ipc_find_locked(&sem_ids, id));
}

static int allowed(const struct sem_set *set, uint32_t want)
{
    return ipc_allowed(&set->object, want) ? 0 : reject(-EACCES, "permissions of the set");
}

/* IPC_INFO and SEM_INFO. */
static long info(int cmd, uaddr_t out)
{
    struct seminfo i = {
        .semmap = SEMMAP,
        .semmni = (int)IPC_LIMIT(sem_sets),
        .semmns = (int)IPC_LIMIT(sem_total),
        .semmnu = SEMMNU,
        .semmsl = (int)IPC_LIMIT(sem_per_set),
        .semopm = (int)IPC_LIMIT(sem_ops),
        .semume = SEMUME,
        .semusz = SEMUSZ,
        .semvmx = SEMVMX,
        .semaem = SEMAEM,
    };

    spin_lock(&sem_ids.lock);
    if (cmd == SEM_INFO) {
        i.semusz = (int)sem_ids.count;
        i.semaem = (int)sem_used;
    }
    int last = ipc_last_place_locked(&sem_ids);
    spin_unlock(&sem_ids.lock);
    return copy_out(out, &i, sizeof(i)) ? -EFAULT : last;
}

static long stat_locked(int id, int cmd, struct semid64_ds *ds) REQUIRES(sem_ids.lock)
{
    struct sem_set *set =
        cmd == IPC_STAT ? find_locked(id) : sem_set_of(ipc_at_locked(&sem_ids, id));
    if (!set)
        return reject(-EINVAL, "no such set");
    int err = cmd == SEM_STAT_ANY ? 0 : allowed(set, IPC_READ);
    if (err)
        return err;
    ipc_perm_out(&set->object, &ds->sem_perm);
    ds->sem_otime = set->otime;
    ds->sem_ctime = set->ctime;
    ds->sem_nsems = set->n;
    return cmd == IPC_STAT ? 0 : set->object.id;
}

static long stat(int id, int cmd, uaddr_t out)
{
    struct semid64_ds ds = {0};

    spin_lock(&sem_ids.lock);
    long ret = stat_locked(id, cmd, &ds);
    spin_unlock(&sem_ids.lock);
    return ret >= 0 && copy_out(out, &ds, sizeof(ds)) ? -EFAULT : ret;
}

/* IPC_SET, or IPC_RMID without `in`. */
static long change_locked(int id, const struct ipc64_perm *in) REQUIRES(sem_ids.lock)
{
    struct sem_set *set = find_locked(id);
    if (!set)
        return reject(-EINVAL, "no such set");
    int err = ipc_may_change(&set->object);
    if (err)
        return err;
    if (!in) {
        sem_destroy_locked(set);
        return 0;
    }
    err = ipc_perm_set(&set->object, in);
    if (!err)
        set->ctime = ipc_now();
    return err;
}

static long change(int id, int cmd, uaddr_t arg)
{
    struct semid64_ds ds;

    if (cmd == IPC_SET && copy_in(&ds, arg, sizeof(ds)))
        return -EFAULT;
    spin_lock(&sem_ids.lock);
    long ret = change_locked(id, cmd == IPC_SET ? &ds.sem_perm : NULL);
    spin_unlock(&sem_ids.lock);
    return ret;
}

static void changed_locked(struct sem_set *set) REQUIRES(sem_ids.lock)
{
    set->ctime = ipc_now();
    if (sem_settle_locked(set))
        set->otime = set->ctime;
}

static long set_value_locked(int id, int n, int value) REQUIRES(sem_ids.lock)
{
    struct sem_set *set = find_locked(id);
    if (!set)
        return reject(-EINVAL, "no such set");
    if (n < 0 || (unsigned)n >= set->n)
        return reject(-EINVAL, "no such semaphore");
    int err = allowed(set, IPC_WRITE);
    if (err)
        return err;
    sem_undo_clear_locked(set, n);
    set->sems[n] = (struct sem){.value = value, .pid = current_process()->pid};
    changed_locked(set);
    return 0;
}

static long set_value(int id, int n, int value)
{
    if (value < 0 || value > SEMVMX)
        return reject(-ERANGE, "not a semaphore's value");
    spin_lock(&sem_ids.lock);
    long ret = set_value_locked(id, n, value);
    spin_unlock(&sem_ids.lock);
    return ret;
}

/* How many sleep because semaphore n is not zero, or is too small. */
static long sleepers_locked(const struct sem_set *set, int n, bool zero) REQUIRES(sem_ids.lock)
{
    const struct list *queues[] = {&set->zero, &set->takers};
    long count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(queues); i++)
        list_for_each(l, queues[i]) {
            const struct sembuf *op = list_entry(l, const struct sem_call, s.link)->blocking;
            count += op->sem_num == n && (op->sem_op == 0) == zero;
        }
    return count;
}

static long get_one_locked(int id, int n, int cmd) REQUIRES(sem_ids.lock)
{
    const struct sem_set *set = find_locked(id);
    if (!set)
        return reject(-EINVAL, "no such set");
    int err = allowed(set, IPC_READ);
    if (err)
        return err;
    if (n < 0 || (unsigned)n >= set->n)
        return reject(-EINVAL, "no such semaphore");
    switch (cmd) {
    case GETVAL: return set->sems[n].value;
    case GETPID: return set->sems[n].pid;
    default: return sleepers_locked(set, n, cmd == GETZCNT);
    }
}

static long get_one(int id, int n, int cmd)
{
    spin_lock(&sem_ids.lock);
    long ret = get_one_locked(id, n, cmd);
    spin_unlock(&sem_ids.lock);
    return ret;
}

/* Values of a whole set on their way. */
struct values {
    uint16_t *v;
    unsigned n;
    uint16_t small[IO_SMALL];
};

/* The number of semaphores, and room for so many values. */
static long values_init_locked(struct values *io, int id, uint32_t want) REQUIRES(sem_ids.lock)
{
    const struct sem_set *set = find_locked(id);
    if (!set)
        return reject(-EINVAL, "no such set");
    int err = allowed(set, want);
    if (err)
        return err;
    io->n = set->n;
    io->v = io->n <= IO_SMALL ? io->small : kmalloc(io->n * sizeof(*io->v));
    return io->v ? 0 : -ENOMEM;
}

static void values_fini(struct values *io)
{
    if (io->v != io->small)
        kfree(io->v);
}

static long get_all(int id, uaddr_t out)
{
    struct values io;

    spin_lock(&sem_ids.lock);
    long err = values_init_locked(&io, id, IPC_READ);
    const struct sem_set *set = err ? NULL : find_locked(id);
    for (unsigned i = 0; set && i < io.n; i++)
        io.v[i] = (uint16_t)set->sems[i].value;
    spin_unlock(&sem_ids.lock);
    if (err)
        return err;
    err = copy_out(out, io.v, io.n * sizeof(*io.v));
    values_fini(&io);
    return err;
}

static long put_all_locked(int id, const struct values *io) REQUIRES(sem_ids.lock)
{
    struct sem_set *set = find_locked(id);
    if (!set)
        return reject(-EIDRM, "the set went meanwhile");
    for (unsigned i = 0; i < set->n; i++)
        set->sems[i] = (struct sem){.value = io->v[i], .pid = current_process()->pid};
    sem_undo_clear_locked(set, -1);
    changed_locked(set);
    return 0;
}

static long values_take(struct values *io, uaddr_t in)
{
    if (copy_in(io->v, in, io->n * sizeof(*io->v)))
        return -EFAULT;
    for (unsigned i = 0; i < io->n; i++)
        if (io->v[i] > SEMVMX)
            return reject(-ERANGE, "not a semaphore's value");
    return 0;
}

static long put_all(int id, uaddr_t in)
{
    struct values io;

    spin_lock(&sem_ids.lock);
    long err = values_init_locked(&io, id, IPC_WRITE);
    spin_unlock(&sem_ids.lock);
    if (err)
        return err;
    err = values_take(&io, in);
    if (!err) {
        spin_lock(&sem_ids.lock);
        err = put_all_locked(id, &io);
        spin_unlock(&sem_ids.lock);
    }
    values_fini(&io);
    return err;
}

long sys_semctl(int semid, int semnum, int cmd, unsigned long arg)
{
    if (semid < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SEM_INFO: return info(cmd, arg);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: return stat(semid, cmd, arg);
    case IPC_SET:
    case IPC_RMID: return change(semid, cmd, arg);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT: return get_one(semid, semnum, cmd);
    case GETALL: return get_all(semid, arg);
    case SETALL: return put_all(semid, arg);
    case SETVAL: return set_value(semid, semnum, (int)arg);
    default: return reject(-EINVAL, "unknown command");
    }
}

void sem_list(struct seq *s)
{
    struct ipc_object *o;

    seq_puts(s, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
                "      ctime\n");
    spin_lock(&sem_ids.lock);
    for (unsigned n = 0; (o = ipc_next_locked(&sem_ids, &n)); n++) {
        const struct sem_set *set = sem_set_of(o);
        seq_printf(s, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lu %10lu\n", o->key, o->id, o->mode,
                   set->n, o->uid, o->gid, o->cuid, o->cgid, (uint64_t)set->otime,
                   (uint64_t)set->ctime);
    }
    spin_unlock(&sem_ids.lock);
}
