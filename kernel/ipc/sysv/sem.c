/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V semaphores: semget and semop.
 *
 * A semop is a list of operations that are done all at once or not at all.  One that cannot be done
 * sleeps in its set, in a queue; whoever changes the set tries those that sleep there and does what can
 * be done in their name, in the order in which they came.  So a woken thread only takes its result.
 *
 * Sleepers that wait for zero come first, since they change nothing; as in Linux.
 *
 * One spin lock, that of the table, guards all sets: what is done under it is short.
 */
#include <linux/errno.h>

#include "kernel/ipc/limits.h"
#include "kernel/ipc/sysv/sem_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/time.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define OPS_SMALL 16U /* as many are kept on the stack */

struct ipc_ids sem_ids = IPC_IDS_INIT;
uint64_t sem_used;

/* Operations. */

/* 0, SLEEPER_WAITS, or -ERANGE. */
static int op_try_locked(const struct sem_set *set, const struct sembuf *op,
                         const struct sem_undo *undo) REQUIRES(sem_ids.lock)
{
    int value = set->sems[op->sem_num].value + op->sem_op;

    if (value < 0 || (!op->sem_op && value))
        return SLEEPER_WAITS;
    if (value > SEMVMX)
        return -ERANGE;
    if (op->sem_flg & SEM_UNDO) {
        int adjust = undo->adjust[op->sem_num] - op->sem_op;
        if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
            return -ERANGE;
    }
    return 0;
}

static void op_do_locked(struct sem_set *set, const struct sembuf *op, struct sem_undo *undo,
                         int sign) REQUIRES(sem_ids.lock)
{
    set->sems[op->sem_num].value += sign * op->sem_op;
    if (op->sem_flg & SEM_UNDO)
        undo->adjust[op->sem_num] = (int16_t)(undo->adjust[op->sem_num] - sign * op->sem_op);
}

/* All operations or none: 0, SLEEPER_WAITS, or -errno. Each sees what those before it did. */
static int call_try_locked(struct sem_set *set, struct sem_call *c) REQUIRES(sem_ids.lock)
{
    int result = 0;
    unsigned done;

    for (done = 0; done < c->n; done++) {
        result = op_try_locked(set, &c->ops[done], c->undo);
        if (result)
            break;
        op_do_locked(set, &c->ops[done], c->undo, 1);
    }
    if (!result) {
        for (unsigned i = 0; i < c->n; i++)
            set->sems[c->ops[i].sem_num].pid = c->pid;
        return 0;
    }
    c->blocking = &c->ops[done];
    if (result == SLEEPER_WAITS && c->blocking->sem_flg & IPC_NOWAIT)
        result = -EAGAIN;
    while (done--)
        op_do_locked(set, &c->ops[done], c->undo, -1);
    return result;
}

/* Sleepers. */

static void call_finish_locked(struct sem_set *set, struct sem_call *c, int result)
    REQUIRES(sem_ids.lock)
{
    set->many -= c->changes && c->n > 1;
    sleeper_finish(&c->s, result);
}

static bool settle_zero_locked(struct sem_set *set) REQUIRES(sem_ids.lock)
{
    bool any = false;

    list_for_each_safe(l, &set->zero) {
        struct sem_call *c = list_entry(l, struct sem_call, s.link);
        int result = call_try_locked(set, c);
        if (result == SLEEPER_WAITS)
            continue;
        call_finish_locked(set, c, result);
        any |= !result;
    }
    return any;
}

/*
 * The first sleeper that can go on.  True: it did, and others that were passed over may be able to, which
 * cannot be if it was a single operation and all sleepers are: it took, and none of them gives.
 */
static bool settle_takers_locked(struct sem_set *set, bool *any) REQUIRES(sem_ids.lock)
{
    list_for_each_safe(l, &set->takers) {
        struct sem_call *c = list_entry(l, struct sem_call, s.link);
        bool again = set->many;
        int result = call_try_locked(set, c);
        if (result == SLEEPER_WAITS)
            continue;
        call_finish_locked(set, c, result);
        if (result)
            continue;
        *any = true;
        settle_zero_locked(set);
        if (again)
            return true;
    }
    return false;
}

bool sem_settle_locked(struct sem_set *set)
{
    bool any = settle_zero_locked(set);

    while (settle_takers_locked(set, &any))
        ;
    return any;
}

void sem_destroy_locked(struct sem_set *set)
{
    ipc_remove_locked(&sem_ids, &set->object);
    sem_used -= set->n;
    sem_undo_forget_locked(set);
    list_for_each_safe(l, &set->zero)
        call_finish_locked(set, list_entry(l, struct sem_call, s.link), -EIDRM);
    list_for_each_safe(l, &set->takers)
        call_finish_locked(set, list_entry(l, struct sem_call, s.link), -EIDRM);
    kfree(set);
}

/* semget. */

static unsigned set_limit(void)
{
    return (unsigned)IPC_LIMIT(sem_sets);
}

static int set_make(const void *args, struct ipc_object **out)
{
    unsigned n = *(const unsigned *)args;

    if (!n)
        return reject(-EINVAL, "a set without semaphores");
    struct sem_set *set = kzalloc(sizeof(*set) + n * sizeof(set->sems[0]));
    if (!set)
        return -ENOMEM;
    set->n = n;
    set->ctime = ipc_now();
    list_init(&set->zero);
    list_init(&set->takers);
    list_init(&set->undos);
    spin_lock(&sem_ids.lock);
    bool fits = sem_used + n <= IPC_LIMIT(sem_total);
    if (fits)
        sem_used += n;
    spin_unlock(&sem_ids.lock);
    if (!fits) {
        kfree(set);
        return reject(-ENOSPC, "too many semaphores in all sets");
    }
    *out = &set->object;
    return 0;
}

static void set_drop(struct ipc_object *o)
{
    struct sem_set *set = sem_set_of(o);

    spin_lock(&sem_ids.lock);
    sem_used -= set->n;
    spin_unlock(&sem_ids.lock);
    kfree(set);
}

static int set_check(const struct ipc_object *o, const void *args)
{
    const struct sem_set *set = container_of(o, const struct sem_set, object);

    return *(const unsigned *)args > set->n ? reject(-EINVAL, "the set is smaller") : 0;
}

long sys_semget(int key, int nsems, int semflg)
{
    static const struct ipc_kind kind = {
        .limit = set_limit, .make = set_make, .drop = set_drop, .check = set_check};
    unsigned n = (unsigned)nsems;

    if (nsems < 0 || n > IPC_LIMIT(sem_per_set))
        return reject(-EINVAL, "too many semaphores");
    return ipc_get(&sem_ids, &kind, key, semflg, &n);
}

/* semop. */

static int check_locked(const struct sem_set *set, const struct sem_call *c) REQUIRES(sem_ids.lock)
{
    if (!set)
        return reject(-EINVAL, "no such set");
    for (unsigned i = 0; i < c->n; i++)
        if (c->ops[i].sem_num >= set->n)
            return reject(-EFBIG, "no such semaphore");
    return ipc_allowed(&set->object, c->changes ? IPC_WRITE : IPC_READ)
               ? 0
               : reject(-EACCES, "permissions of the set");
}

static bool wants_undo(const struct sem_call *c)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->ops[i].sem_flg & SEM_UNDO)
            return true;
    return false;
}

/* Until somebody has done it, or a signal or the time ends the wait. */
static int call_sleep_locked(struct sem_set *set, struct sem_call *c, ktime_t deadline)
    REQUIRES(sem_ids.lock)
{
    set->many += c->changes && c->n > 1;
    int err = sleeper_wait(&c->s, c->changes ? &set->takers : &set->zero, &sem_ids.lock, deadline);
    if (err != -ERESTARTSYS && err != -ETIMEDOUT)
        return err;
    set->many -= c->changes && c->n > 1;         /* it is there: its end would have been a result */
    return err == -ETIMEDOUT ? -EAGAIN : -EINTR; /* never restarted */
}

static int call_run_locked(int id, struct sem_call *c, ktime_t deadline) REQUIRES(sem_ids.lock)
{
    struct sem_set *set = sem_set_of(ipc_find_locked(&sem_ids, id));

    int result = check_locked(set, c);
    if (result)
        return result;
    if (wants_undo(c)) {
        c->undo = sem_undo_get_locked(set);
        if (!c->undo)
            return -ENOMEM;
    }
    result = call_try_locked(set, c);
    if (result == SLEEPER_WAITS)
        return call_sleep_locked(set, c, deadline);
    if (result)
        return result;
    if (c->changes)
        sem_settle_locked(set);
    set->otime = ipc_now();
    return 0;
}

static long call_run(int id, const struct sembuf *ops, unsigned n, ktime_t deadline)
{
    struct sem_call c = {.pid = current_process()->pid, .ops = ops, .n = n};

    if (id < 0)
        return -EINVAL;
    for (unsigned i = 0; i < n; i++)
        c.changes |= ops[i].sem_op != 0;
    spin_lock(&sem_ids.lock);
    int result = call_run_locked(id, &c, deadline);
    spin_unlock(&sem_ids.lock);
    return result;
}

static long semop_until(int id, uaddr_t sops, unsigned n, ktime_t deadline)
{
    struct sembuf small[OPS_SMALL];

    struct sembuf *ops = n <= OPS_SMALL ? small : kmalloc(n * sizeof(*ops));
    if (!ops)
        return -ENOMEM;
    long ret = copy_in(ops, sops, n * sizeof(*ops));
    if (!ret)
        ret = call_run(id, ops, n, deadline);
    if (ops != small)
        kfree(ops);
    return ret;
}

long sys_semtimedop(int semid, uaddr_t sops, unsigned nsops, uaddr_t timeout)
{
    ktime_t wait = KTIME_NEVER;

    int err = timeout ? timespec_take(timeout, &wait) : 0;
    if (err == -EFAULT)
        return err;
    if (nsops > IPC_LIMIT(sem_ops))
        return reject(-E2BIG, "too many operations");
    if (!nsops)
        return reject(-EINVAL, "no operation");
    if (err)
        return err;
    return semop_until(semid, sops, nsops, time_add(clock_mono(), wait));
}

long sys_semop(int semid, uaddr_t sops, unsigned nsops)
{
    return sys_semtimedop(semid, sops, nsops, 0);
}
