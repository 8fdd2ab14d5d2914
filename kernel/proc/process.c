/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process objects: made and freed, their threads, and the family that they are.
 *
 * Locks and states: see process.h.
 */
#include "kernel/proc/process.h"

#include <linux/errno.h>
#include <linux/signal.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/exec/program.h"
#include "kernel/proc/family.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/named.h"
#include "kernel/proc/pids.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

struct spinlock process_tree_lock;
struct list process_list = LIST_INIT(process_list);
static unsigned nprocesses, nthreads; /* [t] */
static bool closing;                  /* [t] the enclave ends: no new processes */

/* --- objects ------------------------------------------------------------------------------ */

struct process *process_alloc(void)
{
    struct process *p = kzalloc(sizeof(*p));
    if (!p)
        return NULL;
    spin_init(&p->lock);
    ref_init(&p->ref);
    list_init(&p->number_link);
    list_init(&p->all_link);
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->threads);
    list_init(&p->pidfds);
    waitq_init(&p->child_wait);
    p->start_time = clock_mono();
    p->dumpable = true;
    p->notes = PROCESS_NOTES;
    itimers_init(p);
    ptimers_init(p);
    p->sigqueue = sigqueue_new();
    if (p->sigqueue)
        return p;
    kfree(p);
    return NULL;
}

void process_get(struct process *p)
{
    ref_get(&p->ref);
}

/* All that could sleep was given up when the process ended, or it never was one. */
void process_put(struct process *p)
{
    if (!ref_put(&p->ref))
        return;
    if (p->sighand)
        sighand_put(p->sighand);
    sigqueue_free(p->sigqueue);
    program_put(p->program);
    cred_put(p->cred);
    kfree(p);
}

/* p->fds and p->fs are given up under p->lock, with the reference that was the process's own. */
struct fdtable *process_fds_get(struct process *p)
{
    spin_lock(&p->lock);
    struct fdtable *t = p->fds ? fdtable_get(p->fds) : NULL;
    spin_unlock(&p->lock);
    return t;
}

struct fs_context *process_fs_get(struct process *p)
{
    spin_lock(&p->lock);
    struct fs_context *f = p->fs ? fs_context_get(p->fs) : NULL;
    spin_unlock(&p->lock);
    return f;
}

int process_unshare_fds(void)
{
    struct process *p = current_process();
    struct fdtable *old = p->fds;

    if (!fdtable_is_shared(old))
        return 0;
    struct fdtable *own = fdtable_clone(old);
    if (!own)
        return -ENOMEM;
    spin_lock(&p->lock);
    p->fds = own;
    spin_unlock(&p->lock);
    fdtable_leave(old);
    return 0;
}

int process_unshare_fs(void)
{
    struct process *p = current_process();
    struct fs_context *own = fs_context_clone(p->fs);

    if (!own)
        return -ENOMEM;
    spin_lock(&p->lock);
    struct fs_context *old = p->fs;
    p->fs = own;
    spin_unlock(&p->lock);
    fs_context_put(old);
    return 0;
}

bool process_may_look(struct process *p)
{
    const struct cred *me = current_cred(), *c = process_cred_get(p);
    bool same = me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
                me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid;

    cred_put(c);
    return p == current_process() || capable(CAP_SYS_PTRACE) || (same && p->dumpable);
}

/* --- the family --------------------------------------------------------------------------- */

int process_for_each(int (*fn)(struct process *p, void *arg), void *arg)
{
    int ret = 0;

    spin_lock(&process_tree_lock);
    for (struct list *l = process_list.next; l != &process_list && !ret; l = l->next)
        ret = fn(list_entry(l, struct process, all_link), arg);
    spin_unlock(&process_tree_lock);
    return ret;
}

struct process *process_next(int from)
{
    struct process *best = NULL;

    spin_lock(&process_tree_lock);
    list_for_each(l, &process_list) {
        struct process *p = list_entry(l, struct process, all_link);
        if (p->pid >= from && (!best || p->pid < best->pid))
            best = p;
    }
    if (best)
        process_get(best);
    spin_unlock(&process_tree_lock);
    return best;
}

struct process *process_group_find_locked(int pgid)
{
    list_for_each(l, &process_list) {
        struct process *p = list_entry(l, struct process, all_link);
        if (p->pgid == pgid)
            return p;
    }
    return NULL;
}

struct process *session_find_locked(int sid)
{
    list_for_each(l, &process_list) {
        struct process *p = list_entry(l, struct process, all_link);
        if (p->sid == sid)
            return p;
    }
    return NULL;
}

unsigned processes_count(void)
{
    return __atomic_load_n(&nprocesses, __ATOMIC_RELAXED);
}

unsigned threads_count(void)
{
    return __atomic_load_n(&nthreads, __ATOMIC_RELAXED);
}

int process_init(void)
{
    struct process *p = process_alloc();

    if (!p)
        return -ENOMEM;
    p->cred = cred_first(0, 0);
    if (!p->cred) {
        process_put(p);
        return -ENOMEM;
    }
    spin_lock(&process_tree_lock);
    p->pid = p->pgid = p->sid = number_take_locked(0);
    process_number_locked(p);
    list_add_tail(&process_list, &p->all_link);
    spin_unlock(&process_tree_lock);
    str_copy(p->comm, "init", sizeof(p->comm));
    kernel.init = p;
    return 0;
}

/* --- threads ------------------------------------------------------------------------------ */

static int number_error(const struct thread *t)
{
    return t->tid ? -EEXIST : -EAGAIN;
}

static void thread_add_locked(struct process *p, struct thread *t, int tid)
    REQUIRES(process_tree_lock)
{
    t->tid = tid;
    thread_number_locked(t);
    list_add_tail(&p->threads, &t->process_link);
    p->nthreads++;
    __atomic_store_n(&nthreads, nthreads + 1, __ATOMIC_RELAXED);
}

/*
 * RLIMIT_NPROC counts the threads of a user, who are counted only when there are so many of all.  As in
 * Linux it does not bind root.
 */
static bool too_many_locked(const struct process *p) REQUIRES(process_tree_lock)
{
    uint64_t limit = p->rlimits[RLIMIT_NPROC].rlim_cur, sum = 0;
    uint32_t uid = current_cred()->uid;

    if (nthreads < limit || !uid || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
        return false;
    list_for_each(l, &process_list) {
        struct process *other = list_entry(l, struct process, all_link);
        spin_lock(&other->lock);
        if (other->cred->uid == uid)
            sum += other->nthreads ? other->nthreads : 1;
        spin_unlock(&other->lock);
    }
    return sum >= limit;
}

static int attach_locked(struct process *p, struct thread *t) REQUIRES(process_tree_lock, p->lock)
{
    if (p->exiting || p->exec_thread)
        return -EAGAIN;
    int tid = number_take_locked(t->tid);
    if (!tid)
        return number_error(t);
    thread_add_locked(p, t, tid);
    t->signal_pending = p->stop_signal != 0;
    return 0;
}

int thread_attach(struct thread *t)
{
    struct process *p = t->process;

    cred_inherit(t);
    t->sigqueue = sigqueue_new();
    if (!t->sigqueue)
        return -ENOMEM;
    spin_lock(&process_tree_lock);
    int err = too_many_locked(p) ? -EAGAIN : 0;
    spin_lock(&p->lock);
    if (!err)
        err = attach_locked(p, t);
    spin_unlock(&p->lock);
    spin_unlock(&process_tree_lock);
    return err;
}

static void join_locked(struct process *p, struct process *parent, bool sibling)
    REQUIRES(process_tree_lock)
{
    p->pgid = parent->pgid;
    p->sid = parent->sid;
    p->parent_execs = sibling ? parent->parent_execs : parent->execs;
    if (sibling) {
        p->exit_signal = parent->exit_signal;
        p->parent_tid = parent->parent_tid;
        parent = parent->parent;
    } else if (parent == current->process) {
        p->parent_tid = current->tid;
    }
    p->parent = parent;
    list_add_tail(&parent->children, &p->sibling);
    list_add_tail(&process_list, &p->all_link);
    process_number_locked(p);
    process_get(p); /* the table's */
    __atomic_store_n(&nprocesses, nprocesses + 1, __ATOMIC_RELAXED);
}

static int process_attach_locked(struct thread *t, struct process *parent, bool sibling)
    REQUIRES(process_tree_lock)
{
    struct process *p = t->process;

    if (closing)
        return -ENOMEM;
    if (parent == current->process && too_many_locked(parent))
        return -EAGAIN;
    /* A signal to the process group must find the parent before, or both after. */
    if (parent == current->process && thread_interrupted())
        return -ERESTARTNOINTR;
    p->pid = number_take_locked(t->tid);
    if (!p->pid)
        return number_error(t);
    join_locked(p, parent, sibling);
    spin_lock(&p->lock);
    thread_add_locked(p, t, p->pid);
    spin_unlock(&p->lock);
    return 0;
}

int process_attach(struct thread *t, struct process *parent, bool sibling)
{
    struct process *p = t->process;

    if (!p->cred)
        p->cred = cred_get(current_cred());
    cred_inherit(t);
    t->sigqueue = sigqueue_new();
    if (!t->sigqueue)
        return -ENOMEM;
    spin_lock(&process_tree_lock);
    int err = process_attach_locked(t, parent, sibling);
    spin_unlock(&process_tree_lock);
    return err;
}

void process_forget_locked(struct process *p)
{
    list_del(&p->number_link);
    list_del(&p->all_link);
    list_del(&p->sibling);
    __atomic_store_n(&nprocesses, nprocesses - 1, __ATOMIC_RELAXED);
}

void processes_close(void)
{
    spin_lock(&process_tree_lock);
    closing = true;
    spin_unlock(&process_tree_lock);
}

bool thread_detach_locked(struct thread *t)
{
    struct process *p = t->process;

    if (t->tid == p->pid) {
        memcpy(p->comm, t->comm, sizeof(p->comm));
        p->schedparam = t->schedparam;
    }
    list_del(&t->number_link);
    list_del(&t->process_link);
    __atomic_store_n(&nthreads, nthreads - 1, __ATOMIC_RELAXED);
    return --p->nthreads == 0;
}

void process_did_exec(struct thread *t)
{
    spin_lock(&process_tree_lock);
    struct process *p = t->process;
    if (t->tid != p->pid) {
        family_thread_renamed_locked(p, t->tid);
        list_del(&t->number_link);
        t->tid = p->pid;
        t->start_time = p->start_time;
        thread_number_locked(t);
    }
    p->execs++;
    p->did_exec = true;
    p->exit_signal = SIGCHLD;
    spin_unlock(&process_tree_lock);
}

long sys_set_tid_address(uaddr_t tidptr)
{
    current->clear_child_tid = tidptr;
    return current->tid;
}

long sys_get_robust_list(int pid, uaddr_t head_ptr, uaddr_t len_ptr)
{
    struct named n;
    int err = named_get(pid, &n);
    if (err)
        return err;
    uaddr_t head = n.t ? n.t->robust_list : 0;
    size_t len = 3 * sizeof(uint64_t); /* struct robust_list_head */
    named_put(&n);
    if (copy_out(len_ptr, &len, sizeof(len)) || copy_out(head_ptr, &head, sizeof(head)))
        return -EFAULT;
    return 0;
}
