/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parents and children: who is told when a process stops, goes on or ends, who takes its status, and
 * to whom orphans go.
 *
 * A process that ends gives its children to the nearest ancestor that called itself a subreaper, or
 * to process 1, which takes the status of what ends at once.  A parent that ignores SIGCHLD, or has set
 * SA_NOCLDWAIT, does so too.
 *
 * A process group is orphaned when no member has a parent in another group of the same session: then no
 * shell is there to let stopped members go on, so when a group becomes that, and has stopped
 * members, it gets SIGHUP and SIGCONT.  A root process's parent is outside, and may be a shell.
 *
 * Lock: the tree lock.
 */
#include "kernel/proc/family.h"

#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "kernel/kernel.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/pidfd.h"
#include "kernel/proc/pids.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "lib/string.h"

/* --- process groups that nobody controls -------------------------------------------------- */

static bool controls(const struct process *parent, const struct process *p)
{
    return parent->pgid != p->pgid && parent->sid == p->sid;
}

bool group_is_orphaned_locked(int pgid, const struct process *ignored)
{
    list_for_each(l, &process_list) {
        const struct process *p = list_entry(l, struct process, all_link);
        if (p == ignored || p->pgid != pgid || p->state != PROCESS_LIVE)
            continue;
        if (p->root || (p->parent != kernel.init && controls(p->parent, p)))
            return false;
    }
    return true;
}

bool group_is_orphaned(int pgid)
{
    spin_lock(&process_tree_lock);
    bool orphaned = group_is_orphaned_locked(pgid, NULL);
    spin_unlock(&process_tree_lock);
    return orphaned;
}

static bool group_has_stopped_locked(int pgid) REQUIRES(process_tree_lock)
{
    list_for_each(l, &process_list) {
        const struct process *p = list_entry(l, struct process, all_link);
        if (p->pgid == pgid && p->state == PROCESS_LIVE && p->stop_signal && p->stop_reported)
            return true;
    }
    return false;
}

/* p's group may have lost the one whose parent controlled it, and that was `parent`. */
static void orphan_check_locked(struct process *p, const struct process *parent,
                                const struct process *ignored) REQUIRES(process_tree_lock)
{
    if (!controls(parent, p) || !group_is_orphaned_locked(p->pgid, ignored) ||
        !group_has_stopped_locked(p->pgid))
        return;
    (void)signal_send_group_locked(p->pgid, SIGHUP, NULL);
    (void)signal_send_group_locked(p->pgid, SIGCONT, NULL);
}

/* --- telling the parent ------------------------------------------------------------------- */

static void child_info(siginfo_t *info, struct process *p, int sig, int code, int status)
{
    struct usage u;

    memset(info, 0, sizeof(*info));
    process_usage(p, &u);
    const struct cred *c = process_cred_get(p);
    info->si_signo = sig;
    info->si_code = code;
    info->si_pid = p->pid;
    info->si_uid = c->uid;
    cred_put(c);
    info->si_status = status;
    info->si_utime = (u.cpu - u.sys) / NS_PER_TICK;
    info->si_stime = u.sys / NS_PER_TICK;
}

/* How a wait status shows in a siginfo. */
int wait_status_code(int status, int *value)
{
    if ((status & 0x7f) == 0) {
        *value = status >> 8 & 0xff;
        return CLD_EXITED;
    }
    *value = status & 0x7f;
    return status & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

/* true: nobody will wait for it. */
static bool tell_end_locked(struct process *p) REQUIRES(process_tree_lock)
{
    struct process *parent = p->parent;
    siginfo_t info;
    int value;

    if (parent == kernel.init)
        return true;
    /* A program that was not there when the child was made may not expect its signal. */
    int sig = p->parent_execs != parent->execs ? SIGCHLD : p->exit_signal;
    int code = wait_status_code(p->exit_status, &value);
    child_info(&info, p, sig, code, value);
    return sig && signal_child_ended(parent, sig, &info);
}

static void end_told_locked(struct process *p) REQUIRES(process_tree_lock)
{
    struct process *parent = p->parent;

    if (tell_end_locked(p))
        process_reap_locked(p);
    waitq_wake(&parent->child_wait, 0);
}

void process_reap_locked(struct process *p)
{
    p->state = PROCESS_GONE;
    process_forget_locked(p);
    process_put(p); /* the table's */
}

void family_tell_news(struct process *p)
{
    siginfo_t info;

    spin_lock(&process_tree_lock);
    struct process *parent = p->parent;
    spin_lock(&p->lock);
    int news = p->news, status = p->wait_stop;
    p->news = 0;
    spin_unlock(&p->lock);
    if (news && parent != kernel.init) {
        child_info(&info, p, SIGCHLD, news, news == CLD_STOPPED ? status : SIGCONT);
        signal_child_stopped(parent, &info);
        waitq_wake(&parent->child_wait, 0);
    }
    spin_unlock(&process_tree_lock);
}

/* --- orphans ------------------------------------------------------------------------------ */

static struct process *reaper_locked(const struct process *p) REQUIRES(process_tree_lock)
{
    struct process *a = p->parent;

    while (a != kernel.init && !(a->subreaper && a->nthreads))
        a = a->parent;
    return a;
}

static void parent_died_locked(struct process *child) REQUIRES(process_tree_lock)
{
    if (child->pdeath_signal)
        signal_send_from_self(child, child->pdeath_signal);
}

static void child_give_locked(struct process *child, struct process *reaper)
    REQUIRES(process_tree_lock)
{
    struct process *old = child->parent;

    list_del(&child->sibling);
    list_add_tail(&reaper->children, &child->sibling);
    child->parent = reaper;
    child->parent_tid = reaper->pid;
    parent_died_locked(child);
    child->exit_signal = SIGCHLD;
    orphan_check_locked(child, old, NULL);
    if (child->state == PROCESS_ZOMBIE)
        end_told_locked(child);
}

void family_leave(struct process *p)
{
    spin_lock(&process_tree_lock);
    struct process *reaper = p->parent ? reaper_locked(p) : NULL;
    if (reaper)
        list_for_each_safe(l, &p->children)
            child_give_locked(list_entry(l, struct process, sibling), reaper);
    spin_unlock(&process_tree_lock);
}

void family_end(struct process *p)
{
    spin_lock(&process_tree_lock);
    if (p->parent != kernel.init)
        orphan_check_locked(p, p->parent, p);
    p->state = PROCESS_ZOMBIE;
    pidfds_wake_locked(p);
    end_told_locked(p);
    spin_unlock(&process_tree_lock);
}

void family_thread_gone_locked(struct thread *t)
{
    struct process *p = t->process;

    list_for_each(l, &p->children) {
        struct process *child = list_entry(l, struct process, sibling);
        if (child->parent_tid != t->tid)
            continue;
        child->parent_tid = list_entry(p->threads.next, struct thread, process_link)->tid;
        parent_died_locked(child);
    }
}

void family_thread_renamed_locked(struct process *p, int tid)
{
    list_for_each(l, &p->children) {
        struct process *child = list_entry(l, struct process, sibling);
        if (child->parent_tid == tid)
            child->parent_tid = p->pid;
    }
}
